interface Written {
  stream: "stdout" | "stderr";
  replica: number;
  text: string;
}

const LONGEST = 400_000;
const ANSI = /\x1b\[[0-9;?]*[ -/]*[@-~]/g;

/**
 * <ccp-log data-log="address of a log">: what a job writes, as it writes it, or the end of what
 * it wrote. Only texts are put into the page. The oldest part gives way to what is new.
 */
class Log extends HTMLElement {
  private source?: EventSource;
  private length = 0;

  connectedCallback(): void {
    const address = this.dataset["log"];
    if (!address) return;
    this.source = new EventSource(address);
    this.source.addEventListener("log", (event) => this.add(JSON.parse(event.data) as Written));
    this.source.addEventListener("end", () => this.source?.close());
  }

  disconnectedCallback(): void {
    this.source?.close();
  }

  private add(written: Written): void {
    const shown = this.querySelector("pre");
    if (!shown) return;
    const atEnd = shown.scrollTop + shown.clientHeight >= shown.scrollHeight - 4;
    const part = document.createElement("span");
    part.className = written.stream;
    part.textContent = written.text.replace(ANSI, "");
    shown.append(part);
    this.length += part.textContent.length;
    while (this.length > LONGEST && shown.firstChild && shown.firstChild !== part) {
      this.length -= shown.firstChild.textContent?.length ?? 0;
      shown.firstChild.remove();
    }
    if (atEnd) shown.scrollTop = shown.scrollHeight;
  }
}

customElements.define("ccp-log", Log);
