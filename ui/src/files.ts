import { upload } from "./upload";
import { button, words } from "./words";

interface Entry {
  path: string;
  href: string;
  size: number;
}

/**
 * <ccp-file>: sends a chosen file at once, and puts its address into the form. Without it the
 * file comes with the form. Files of earlier jobs are chosen from a list.
 */
class FileField extends HTMLElement {
  private sending?: AbortController;
  private readonly state = document.createElement("p");
  private readonly bar = document.createElement("progress");

  connectedCallback(): void {
    const chosen = this.querySelector<HTMLInputElement>('input[type="file"]');
    const address = this.querySelector<HTMLInputElement>('input[name^="href:"]');
    if (!chosen || !address || this.contains(this.state)) return;
    this.state.className = "help";
    this.state.setAttribute("role", "status");
    this.bar.hidden = true;
    this.bar.setAttribute("aria-label", words(this)("sending"));
    chosen.after(this.bar, this.state);
    // Several files have no address together: they come with the form.
    if (!chosen.multiple) chosen.addEventListener("change", () => void this.send(chosen, address));
    this.append(button(words(this)("pick"), () => void this.pick(address)));
  }

  disconnectedCallback(): void {
    this.sending?.abort();
  }

  private async send(chosen: HTMLInputElement, address: HTMLInputElement): Promise<void> {
    this.sending?.abort();
    const file = chosen.files?.[0];
    const say = words(this);
    address.value = "";
    if (!file) return;
    if (file.size > Number(this.dataset["largest"])) {
      this.state.textContent = say("large");
      chosen.value = "";
      return;
    }
    const own = (this.sending = new AbortController());
    this.bar.hidden = false;
    this.bar.max = Math.max(1, file.size);
    this.bar.value = 0;
    this.state.textContent = `${say("sending")}: ${file.name}`;
    const watch = {
      progress: (sent: number) => ((this.bar.value = sent), (this.state.textContent = `${say("sending")}: ${file.name}`)),
      cut: () => (this.state.textContent = say("again")),
    };
    try {
      address.value = await upload(this.dataset["uploads"] ?? "", file, watch, own.signal);
      chosen.value = "";
      chosen.required = false;
      this.state.textContent = `${say("sent")}: ${file.name}`;
      address.dispatchEvent(new Event("change", { bubbles: true }));
    } catch (error) {
      if (!own.signal.aborted) this.state.textContent = `${say("failed")}: ${(error as Error).message}`;
    } finally {
      if (this.sending === own) this.bar.hidden = true;
    }
  }

  /** A list of the files that the last jobs left, in a dialog. */
  private async pick(address: HTMLInputElement): Promise<void> {
    const say = words(this);
    const dialog = document.createElement("dialog");
    dialog.setAttribute("aria-label", say("pick"));
    dialog.append(button(say("close"), () => dialog.close()));
    dialog.addEventListener("close", () => dialog.remove());
    this.append(dialog);
    dialog.showModal();
    const list = document.createElement("ul");
    for (const job of await this.jobs()) {
      for (const file of job.files) {
        const row = document.createElement("li");
        const take = () => {
          address.value = new URL(file.href).pathname;
          address.dispatchEvent(new Event("change", { bubbles: true }));
          dialog.close();
        };
        row.append(button(`${file.path} (${file.size})`, take), ` ${job.name}`);
        list.append(row);
      }
    }
    dialog.append(list.childElementCount ? list : say("none"));
  }

  private async jobs(): Promise<{ name: string; files: Entry[] }[]> {
    const found = (await json(`${this.dataset["jobs"]}?limit=20&status=successful`)) as { jobs: { jobID: string; processID: string; created: string }[] };
    const records = found.jobs.map(async (job) => {
      const record = (await json(`${this.dataset["executions"]}/${job.jobID}`)) as { files?: Entry[] };
      return { name: `${job.processID} ${job.created.slice(0, 16).replace("T", " ")}`, files: record.files ?? [] };
    });
    return Promise.all(records);
  }
}

async function json(address: string): Promise<unknown> {
  return (await fetch(address, { headers: { Accept: "application/json" } })).json();
}

customElements.define("ccp-file", FileField);
