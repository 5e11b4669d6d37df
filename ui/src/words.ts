/** The texts that the page gives one of its elements, in the reader's language. */
export function words(element: HTMLElement): (name: string) => string {
  const given = JSON.parse(element.dataset["words"] ?? "{}") as Record<string, string>;
  return (name) => given[name] ?? name;
}

/** A button that sends nothing by itself. */
export function button(text: string, press: () => void): HTMLButtonElement {
  const made = document.createElement("button");
  made.type = "button";
  made.textContent = text;
  made.addEventListener("click", press);
  return made;
}

/** What the page calls a field, without the remarks beside it. */
export function title(field: HTMLElement): string {
  const label = document.querySelector(`label[for="${CSS.escape(field.id)}"]`);
  return (label?.querySelector("bdi") ?? label)?.textContent?.trim() ?? "";
}
