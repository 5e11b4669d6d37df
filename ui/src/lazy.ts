/** Elements whose script is large: it is loaded when the first of them is on a page. */
class Lazy extends HTMLElement {
  private begun = false;

  connectedCallback(): void {
    const script = this.dataset["script"];
    if (!script || this.begun) return;
    this.begun = true;
    void import(script).then((module: { start(element: HTMLElement): void }) => module.start(this));
  }
}

customElements.define("ccp-code", class extends Lazy {});
customElements.define("ccp-map", class extends Lazy {});
