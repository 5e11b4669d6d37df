import { CcpElement, element, text, type Json } from "./ccp-element";

const MOST = 20;

/** <ccp-catalogue q="...">: methods that fit, each of which opens in its place. */
export class CcpCatalogue extends CcpElement {
  protected async show(signal: AbortSignal): Promise<void> {
    const asked = this.getAttribute("q") ?? "";
    const wanted = new URLSearchParams({ limit: String(MOST), ...(asked && { q: asked }) });
    const found = (await this.ask(`/processes?${wanted}`, signal))["processes"] as Json[];
    const list = element("ul", "list", ...found.map((one) => this.row(one)));
    const none = element("p", "none", this.say("Nothing fits."));
    const typing = this.root.activeElement?.id === "search";
    const search = this.search(asked);
    this.root.replaceChildren(search, found.length ? list : none);
    if (typing) search.querySelector("input")?.focus();
  }

  private search(asked: string): HTMLFormElement {
    const words = element("input", "field");
    words.type = "search";
    words.id = "search";
    words.value = asked;
    const label = element("label", "label", this.say("Search"));
    label.htmlFor = words.id;
    const form = element("form", "search", label, words, element("button", "button", this.say("Search")));
    form.setAttribute("role", "search");
    form.addEventListener("submit", (event) => {
      event.preventDefault();
      this.setAttribute("q", words.value);
    });
    return form;
  }

  private row(method: Json): HTMLElement {
    const id = text(method, "id");
    const summary = element("summary", "title", text(method, "title") || id);
    const opened = element("details", "method", summary, element("p", "description", text(method, "description")));
    opened.addEventListener("toggle", () => {
      if (!opened.open || opened.querySelector("ccp-method")) return;
      const shown = document.createElement("ccp-method") as CcpElement;
      shown.setAttribute("process", id);
      shown.setAttribute("platform", this.platform);
      shown.token = this.token;
      opened.replaceChildren(summary, shown);
    });
    return element("li", "row", opened);
  }
}
