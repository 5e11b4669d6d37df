import { CcpElement, element, text, type Json } from "./ccp-element";
import { field, type Field } from "./ccp-fields";

/** <ccp-method process="...">: what a method does, and a form that runs it where that is simple. */
export class CcpMethod extends CcpElement {
  protected async show(signal: AbortSignal): Promise<void> {
    const id = this.getAttribute("process");
    if (!id) return;
    const path = `/processes/${encodeURIComponent(id)}`;
    const method = await this.ask(path, signal);
    const links = element("p", "links", this.link(path, this.say("More about it")));
    const fields = fieldsOf(method);
    this.root.replaceChildren(
      element("article", "card",
        element("h2", "title", text(method, "title") || id),
        element("p", "version", `${this.say("version")} ${text(method, "version")}`),
        element("p", "description", text(method, "description")),
        fields
          ? this.form(id, fields, signal)
          : element("p", "links", this.link(`${path}/form`, this.say("Run on the platform"))),
        links));
  }

  private form(id: string, fields: Field[], signal: AbortSignal): HTMLElement {
    const run = element("button", "button", this.say("Run"));
    const told = element("div", "told");
    const form = element("form", "form", ...fields.map((one) => one.row), run, told);
    let [sent, key] = ["", ""];
    form.addEventListener("submit", (event) => {
      event.preventDefault();
      if (run.disabled) return;
      const body = JSON.stringify({ inputs: Object.fromEntries(fields.flatMap((one) => one.read())) });
      // The same again after a line that was cut is the same job.
      if (body !== sent) [sent, key] = [body, random()];
      run.disabled = true;
      this.start(id, body, key, signal)
        .then((job) => { told.replaceChildren(job); sent = ""; })
        .catch((error: unknown) => { if (!signal.aborted) told.replaceChildren(this.trouble(error)); })
        .finally(() => { run.disabled = false; });
    });
    return form;
  }

  private async start(id: string, body: string, key: string, signal: AbortSignal): Promise<HTMLElement> {
    const job = await this.ask(`/processes/${encodeURIComponent(id)}/execution`, signal, {
      method: "POST",
      body,
      headers: { "Content-Type": "application/json", Prefer: "respond-async", "Idempotency-Key": key },
    });
    const shown = document.createElement("ccp-job") as CcpElement;
    shown.setAttribute("job", text(job, "jobID") || text(job, "id"));
    shown.setAttribute("platform", this.platform);
    shown.setAttribute("part", "job");
    shown.token = this.token;
    return shown;
  }
}

/** The fields of all inputs that may be given; null where one that has to be given has no field here. */
function fieldsOf(method: Json): Field[] | null {
  const made: Field[] = [];
  for (const [id, input] of Object.entries((method["inputs"] ?? {}) as Record<string, Json>)) {
    const one = field(id, input);
    if (one) made.push(one);
    else if (input["minOccurs"] !== 0) return null;
  }
  return made;
}

function random(): string {
  return Array.from(crypto.getRandomValues(new Uint8Array(16)), (one) => one.toString(16).padStart(2, "0")).join("");
}
