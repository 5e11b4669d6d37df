/** What the event stream of a job tells of (GET /jobs/{id}/events). */
const KINDS = ["accepted", "changed", "status", "phase", "progress", "warning", "failed", "end"];
const TOGETHER = 200;

/**
 * <ccp-follow data-events="address of an event stream">: a `news` event for what the stream
 * tells, several at once as one. htmx loads the page's part again for it.
 */
class Follow extends HTMLElement {
  private source?: EventSource;
  private timer = 0;

  connectedCallback(): void {
    const address = this.dataset["events"];
    if (!address) return;
    this.source = new EventSource(address);
    for (const kind of KINDS) this.source.addEventListener(kind, () => this.tell());
    this.source.addEventListener("end", () => this.source?.close());
  }

  disconnectedCallback(): void {
    this.source?.close();
    clearTimeout(this.timer);
  }

  private tell(): void {
    clearTimeout(this.timer);
    this.timer = window.setTimeout(() => this.dispatchEvent(new CustomEvent("news")), TOGETHER);
  }
}

customElements.define("ccp-follow", Follow);
