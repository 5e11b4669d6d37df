import { javascript } from "@codemirror/lang-javascript";
import { json } from "@codemirror/lang-json";
import { python } from "@codemirror/lang-python";
import { HighlightStyle, StreamLanguage, syntaxHighlighting } from "@codemirror/language";
import { julia } from "@codemirror/legacy-modes/mode/julia";
import { r } from "@codemirror/legacy-modes/mode/r";
import { shell } from "@codemirror/legacy-modes/mode/shell";
import type { Extension } from "@codemirror/state";
import { EditorView, lineNumbers } from "@codemirror/view";
import { tags } from "@lezer/highlight";
import { minimalSetup } from "codemirror";
import { title } from "./words";

const LANGUAGES: Record<string, () => Extension> = {
  python,
  json,
  javascript,
  r: () => StreamLanguage.define(r),
  sh: () => StreamLanguage.define(shell),
  shellscript: () => StreamLanguage.define(shell),
  julia: () => StreamLanguage.define(julia),
};

/** The page's own colours, so that it is readable on light and dark ground. */
const LOOK = EditorView.theme({
  "&": { minHeight: "8rem", color: "var(--ink)", backgroundColor: "var(--ground)" },
  ".cm-gutters": { color: "var(--quiet)", backgroundColor: "var(--raised)", borderRight: "1px solid var(--line)" },
  ".cm-content, .cm-gutter": { minHeight: "8rem", caretColor: "var(--ink)" },
  ".cm-cursor": { borderLeftColor: "var(--ink)" },
});
const COLOURS = HighlightStyle.define([
  { tag: [tags.keyword, tags.operatorKeyword, tags.bool, tags.null], color: "var(--busy)", fontWeight: "600" },
  { tag: [tags.string, tags.regexp], color: "var(--good)" },
  { tag: [tags.number, tags.atom], color: "var(--bad)" },
  { tag: tags.comment, color: "var(--quiet)", fontStyle: "italic" },
]);

/**
 * An editor over the textarea of an element. It lies in a shadow tree: there its styles need no
 * style elements, which the page's policy refuses. Escape, then Tab leaves it by keyboard.
 */
export function start(element: HTMLElement): void {
  const area = element.querySelector("textarea");
  if (!area) return;
  const place = document.createElement("div");
  place.className = "editor";
  const root = place.attachShadow({ mode: "open" });
  const label = document.querySelector(`label[for="${CSS.escape(area.id)}"]`);
  const language = LANGUAGES[element.dataset["language"] ?? ""];
  const view = new EditorView({
    doc: area.value,
    parent: root,
    root,
    extensions: [
      minimalSetup,
      lineNumbers(),
      LOOK,
      syntaxHighlighting(COLOURS),
      language ? language() : [],
      EditorView.contentAttributes.of({ "aria-label": title(area) }),
      EditorView.updateListener.of((update) => {
        if (!update.docChanged) return;
        area.value = update.state.doc.toString();
        area.dispatchEvent(new Event("input", { bubbles: true }));
      }),
      EditorView.domEventHandlers({ blur: () => void area.dispatchEvent(new Event("change", { bubbles: true })) }),
    ],
  });
  label?.addEventListener("click", () => view.focus());
  area.hidden = true;
  area.after(place);
}
