/** The editor of methods: what is wrong is said at its field while one types, in the server's words. */
const PAUSE = 700;

interface Verdict {
  faults: Record<string, string[]>;
  warnings: Record<string, string[]>;
}

function start(form: HTMLFormElement): void {
  let timer = 0;
  let asked = 0;
  form.addEventListener("input", () => {
    clearTimeout(timer);
    timer = window.setTimeout(async () => {
      const number = ++asked;
      const verdict = await check(form);
      if (verdict && number === asked) tell(form, verdict);
    }, PAUSE);
  });
}

async function check(form: HTMLFormElement): Promise<Verdict | undefined> {
  const body = new FormData(form);
  body.delete("file");
  body.set("do", "check");
  const answer = await fetch(form.action, { method: "POST", body, headers: { Accept: "application/json" } });
  return answer.status === 200 ? ((await answer.json()) as Verdict) : undefined;
}

function tell(form: HTMLFormElement, { faults, warnings }: Verdict): void {
  for (const place of form.querySelectorAll<HTMLElement>("[data-place]")) {
    const key = place.dataset["place"] ?? "";
    const wrong = faults[key] ?? [];
    place.replaceChildren(...wrong.map(line("fault")), ...(warnings[key] ?? []).map(line("help")));
    place.parentElement?.classList.toggle("wrong", wrong.length > 0);
    const field = document.getElementById(`e-${key}`);
    if (wrong.length) field?.setAttribute("aria-invalid", "true");
    else field?.removeAttribute("aria-invalid");
  }
}

function line(kind: string): (text: string) => HTMLElement {
  return (text) => {
    const told = document.createElement("p");
    told.className = kind;
    told.textContent = text;
    return told;
  };
}

const form = document.querySelector<HTMLFormElement>("#editor");
if (form) start(form);

export {};
