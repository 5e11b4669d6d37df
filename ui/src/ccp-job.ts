import { CcpElement, Refused, element, text, type Json } from "./ccp-element";

const FINAL = ["successful", "failed", "dismissed"];
const [SOONEST, LATEST] = [500, 10_000];

/** <ccp-job job="...">: how a job is, until it has ended; then `ccp-job-ended` is told. */
export class CcpJob extends CcpElement {
  protected async show(signal: AbortSignal): Promise<void> {
    const id = this.getAttribute("job");
    if (!id) return;
    const path = `/jobs/${encodeURIComponent(id)}`;
    const line = element("p", "state");
    const bar = element("progress", "progress");
    bar.max = 100;
    bar.setAttribute("aria-label", id);
    line.setAttribute("role", "status");
    let job = await this.ask(path, signal);
    this.root.replaceChildren(
      element("div", "card", line, bar, element("p", "links", this.link(path, this.say("Open the job")))),
    );
    for (let pause = SOONEST; ; pause = Math.min(pause * 1.5, LATEST)) {
      this.tell(job, line, bar);
      if (FINAL.includes(text(job, "status"))) break;
      await later(pause, signal);
      job = await this.ask(path, signal).catch((error: unknown) => stay(job, error, signal));
    }
    const detail = { job: id, status: text(job, "status") };
    this.dispatchEvent(new CustomEvent("ccp-job-ended", { bubbles: true, composed: true, detail }));
  }

  private tell(job: Json, line: HTMLElement, bar: HTMLProgressElement): void {
    const status = text(job, "status");
    const words = [this.say(status), text(job, "message")].filter(Boolean).join(": ");
    if (line.textContent !== words) line.textContent = words;
    bar.hidden = FINAL.includes(status);
    if (typeof job["progress"] === "number") bar.value = job["progress"];
  }
}

/** A line that is cut, or a platform that has much to do, says nothing of the job. */
function stay(job: Json, error: unknown, signal: AbortSignal): Json {
  const passing = !(error instanceof Refused) || error.status === 429 || error.status >= 500;
  if (signal.aborted || !passing) throw error;
  return job;
}

function later(milliseconds: number, signal: AbortSignal): Promise<void> {
  return new Promise((go, stop) => {
    const timer = setTimeout(go, milliseconds);
    signal.addEventListener("abort", () => { clearTimeout(timer); stop(signal.reason as Error); }, { once: true });
  });
}
