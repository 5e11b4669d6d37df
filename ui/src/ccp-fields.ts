import { element, text, type Json } from "./ccp-element";

/** One input of a form: what is shown, and what is sent of it (nothing, or its name and value). */
export interface Field {
  row: HTMLElement;
  read: () => [string, unknown][];
}

/** A field for an input of one plain value; null for every other, and for what is locked. */
export function field(id: string, input: Json): Field | null {
  const schema = (input["schema"] ?? {}) as Json;
  const control = input["maxOccurs"] === 1 || input["maxOccurs"] === undefined ? controlOf(schema) : null;
  if (!control || schema["readOnly"] === true) return null;
  control.id = `input-${id}`;
  control.setAttribute("part", "field");
  const needed = input["minOccurs"] !== 0;
  if (control.type !== "checkbox") control.required = needed;
  const label = element("label", "label", text(input, "title") || id);
  label.htmlFor = control.id;
  const row = element("div", "row", label, control);
  if (text(input, "description")) {
    const help = element("p", "help", text(input, "description"));
    help.id = `help-${id}`;
    control.setAttribute("aria-describedby", help.id);
    row.append(help);
  }
  return { row, read: () => (control.type !== "checkbox" && control.value === "" ? [] : [[id, valueOf(control, schema)]]) };
}

type Control = HTMLInputElement | HTMLSelectElement;

function controlOf(schema: Json): Control | null {
  const choices = schema["enum"];
  if (Array.isArray(choices)) return choice(choices, schema["default"]);
  const control = document.createElement("input");
  const given = schema["default"];
  switch (schema["type"]) {
    case "boolean":
      control.type = "checkbox";
      control.checked = given === true;
      return control;
    case "integer":
    case "number":
      control.type = "number";
      control.step = schema["type"] === "integer" ? "1" : "any";
      if (typeof schema["minimum"] === "number") control.min = String(schema["minimum"]);
      if (typeof schema["maximum"] === "number") control.max = String(schema["maximum"]);
      break;
    case "string":
      if (schema["contentMediaType"] || schema["contentEncoding"]) return null;
      control.type = ["password", "secret"].includes(text(schema, "format")) ? "password" : "text";
      if (control.type === "password") control.autocomplete = "off";
      break;
    default:
      return null;
  }
  if (given !== undefined && control.type !== "password") control.value = String(given);
  return control;
}

/** Choices are told by their place: 1 and "1" are two. */
function choice(choices: unknown[], given: unknown): HTMLSelectElement {
  const control = document.createElement("select");
  control.add(new Option("", ""));
  choices.forEach((one, place) => control.add(new Option(String(one), String(place), false, one === given)));
  return control;
}

function valueOf(control: Control, schema: Json): unknown {
  if (control instanceof HTMLSelectElement) return (schema["enum"] as unknown[])[Number(control.value)];
  if (control.type === "checkbox") return control.checked;
  return control.type === "number" ? Number(control.value) : control.value;
}
