import { button, title, words } from "./words";

/**
 * <ccp-rows>: the values of a list, a field each, to be added and removed. What stands in its
 * textarea, one value a line, is what is sent. A column pasted from a table becomes a row each.
 */
class Rows extends HTMLElement {
  private readonly list = document.createElement("ol");

  connectedCallback(): void {
    const area = this.querySelector("textarea");
    if (!area || this.contains(this.list)) return;
    this.list.className = "rows";
    area.hidden = true;
    for (const line of area.value.split("\n").filter(Boolean)) this.add(line, area);
    if (!this.list.childElementCount) this.add("", area);
    const label = document.querySelector(`label[for="${CSS.escape(area.id)}"]`);
    label?.addEventListener("click", () => this.list.querySelector("input")?.focus());
    const more = button(words(this)("add"), () => this.add("", area).focus());
    this.append(this.list, more);
  }

  private add(text: string, area: HTMLTextAreaElement): HTMLInputElement {
    const row = document.createElement("li");
    const field = document.createElement("input");
    field.type = "text";
    field.inputMode = this.dataset["type"] === "number" ? "decimal" : "text";
    field.value = text;
    field.setAttribute("aria-label", `${title(area)} ${this.list.childElementCount + 1}`);
    field.addEventListener("input", () => this.write(area));
    field.addEventListener("paste", (event) => {
      const lines = pasted(event);
      if (lines.length < 2) return;
      event.preventDefault();
      field.value = lines[0] ?? "";
      for (const line of lines.slice(1)) this.add(line, area);
      this.write(area);
    });
    const remove = button("\u00d7", () => {
      row.remove();
      this.write(area);
      this.querySelector<HTMLElement>("li:last-child input, :scope > button")?.focus();
    });
    remove.setAttribute("aria-label", words(this)("remove"));
    row.append(field, remove);
    this.list.append(row);
    return field;
  }

  private write(area: HTMLTextAreaElement): void {
    const fields = [...this.list.querySelectorAll("input")];
    area.value = fields.map((field) => field.value).filter((text) => text.trim()).join("\n");
    area.dispatchEvent(new Event("change", { bubbles: true }));
  }
}

/** The first column of what is pasted. */
function pasted(event: ClipboardEvent): string[] {
  const text = event.clipboardData?.getData("text/plain") ?? "";
  const lines = text.replace(/\r/g, "").split("\n").map((line) => line.split("\t")[0]?.trim() ?? "");
  return lines.filter(Boolean);
}

customElements.define("ccp-rows", Rows);
