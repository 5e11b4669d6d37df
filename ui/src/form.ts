/**
 * The form of a process: what is wrong is said at its field as soon as that is left, in the words
 * of the server, which is asked; and what was typed is there again after the page is loaded anew.
 */
const QUIET = 300;
const SKIPPED = /^(secret:|kept:|upload:|parameters$|key$|as$|do$|rest$)/;

function start(form: HTMLFormElement): void {
  const draft = `ccp-draft:${location.pathname}${location.search}`;
  if (!document.querySelector(".trouble")) restore(form, draft);
  const touched = new Set<string>();
  let timer = 0;
  form.addEventListener("change", (event) => {
    const name = (event.target as HTMLInputElement).name ?? "";
    touched.add(name.slice(name.indexOf(":") + 1));
    keep(form, draft);
    clearTimeout(timer);
    timer = window.setTimeout(() => void check(form, touched), QUIET);
  });
  form.addEventListener("input", () => keep(form, draft));
  // From then on the server's page has what was typed.
  form.addEventListener("submit", () => sessionStorage.removeItem(draft));
}

function keep(form: HTMLFormElement, draft: string): void {
  // A text of a request that takes secrets may have them in it.
  const secret = form.querySelector('[name^="secret:"]') !== null;
  const pairs = [...new FormData(form)].filter(
    ([name, one]) => typeof one === "string" && !SKIPPED.test(name) && !(secret && name === "text"),
  );
  sessionStorage.setItem(draft, JSON.stringify(pairs));
}

function restore(form: HTMLFormElement, draft: string): void {
  const kept = sessionStorage.getItem(draft);
  if (!kept) return;
  const pairs = JSON.parse(kept) as [string, string][];
  for (const field of form.querySelectorAll<HTMLInputElement>("input[name], select[name], textarea[name]")) {
    if (SKIPPED.test(field.name) || field.type === "hidden") continue;
    const values = pairs.filter(([name]) => name === field.name).map(([, value]) => value);
    if (field.type === "checkbox") field.checked = values.includes(field.value);
    else if (values[0] !== undefined) field.value = values[0];
  }
}

interface Problem {
  errors?: { pointer: string; detail: string }[];
}

async function check(form: HTMLFormElement, touched: Set<string>): Promise<void> {
  const body = new FormData(form);
  for (const [name, one] of [...body]) if (typeof one !== "string") body.delete(name);
  body.set("do", "check");
  const headers = { Accept: "application/json" };
  const answer = await fetch(form.action, { method: "POST", body, headers });
  if (answer.status !== 204 && answer.status !== 400) return;
  const problem = answer.status === 400 ? ((await answer.json()) as Problem) : {};
  const wrong = new Map<string, string>();
  for (const { pointer, detail } of problem.errors ?? []) {
    const [, part, name] = pointer.split("/");
    if (part === "inputs" && name && !wrong.has(name)) wrong.set(name, detail);
  }
  for (const name of touched) say(name, wrong.get(name));
}

/** What is wrong with a field, or that nothing is; a chosen file is not looked at before it is sent. */
function say(name: string, detail: string | undefined): void {
  const row = document.getElementById(`field-${name}`);
  const field = document.getElementById(`f-${name}`);
  if (!row || !field || (row.querySelector('input[type="file"]') as HTMLInputElement | null)?.value) return;
  const id = `w-${name}`;
  row.querySelector(".fault")?.remove();
  row.classList.toggle("wrong", detail !== undefined);
  const about = (field.getAttribute("aria-describedby") ?? "").split(" ").filter((one) => one && one !== id);
  if (detail === undefined) field.removeAttribute("aria-invalid");
  else {
    const told = document.createElement("p");
    told.className = "fault";
    told.id = id;
    told.textContent = detail;
    row.append(told);
    field.setAttribute("aria-invalid", "true");
    about.push(id);
  }
  if (about.length) field.setAttribute("aria-describedby", about.join(" "));
  else field.removeAttribute("aria-describedby");
}

const form = document.querySelector<HTMLFormElement>("form[data-process]");
if (form) start(form);
