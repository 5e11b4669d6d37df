import { says } from "./ccp-words";

/** A token, or what gives one whenever it is needed: a portal's own session ends sooner. */
export type Token = string | null | (() => string | null | Promise<string | null>);
export type Json = Record<string, unknown>;

/** What the platform refuses, in its own words. */
export class Refused extends Error {
  constructor(readonly status: number, words: string) {
    super(words);
  }
}

const SHEET = new CSSStyleSheet();
SHEET.replaceSync(`
:host { display: block; font: inherit; color: var(--ccp-ink, light-dark(#1b2529, #e4ebee)); }
:host([hidden]) { display: none; }
[part~="card"] { border: 1px solid var(--ccp-line, light-dark(#d5dce0, #36434a)); border-radius: 8px;
  padding: 1rem 1.25rem; background: var(--ccp-ground, light-dark(#fff, #12181b)); overflow-wrap: anywhere; }
[part~="title"] { font-size: 1.1em; font-weight: 650; margin: 0 0 .25rem; }
p { margin: .35rem 0; } label { display: block; margin: .6rem 0 .2rem; }
a { color: var(--ccp-link, light-dark(#08587a, #7cc6e8)); }
input, select { font: inherit; max-width: 100%; box-sizing: border-box; min-height: 1.5rem; }
button { font: inherit; margin-top: .75rem; padding: .4rem 1rem; cursor: pointer; }
[part~="fault"] { color: var(--ccp-fault, light-dark(#98200f, #ffb0a3)); font-weight: 600; }
:focus-visible { outline: 3px solid var(--ccp-focus, light-dark(#b3460b, #ffb073)); outline-offset: 2px; }
ul { list-style: none; margin: .5rem 0; padding: 0; } summary { cursor: pointer; padding: .3rem 0; }
`);

/** What the elements share: where the platform is, the portal's token, and how trouble is shown. */
export abstract class CcpElement extends HTMLElement {
  static observedAttributes = ["token", "platform", "process", "job", "q"];
  protected readonly root = this.attachShadow({ mode: "open" });
  private given: Token = null;
  private stop = new AbortController();
  private planned = false;

  constructor() {
    super();
    this.root.adoptedStyleSheets = [SHEET];
  }

  connectedCallback(): void {
    // Set before this script came: it hides the property of the class until it is taken away.
    if (Object.hasOwn(this, "token")) {
      const early = this.token;
      delete (this as { token?: Token }).token;
      this.given = early;
    }
    this.again();
  }

  disconnectedCallback(): void {
    this.stop.abort();
  }

  attributeChangedCallback(): void {
    this.again();
  }

  /** Kept by this element alone, and sent to the platform in a header, never in an address. */
  get token(): Token {
    return this.given ?? this.getAttribute("token");
  }

  set token(token: Token) {
    this.given = token;
    this.again();
  }

  /** The platform's address: that of this script, unless the page names another. */
  get platform(): string {
    const own = new URL("..", import.meta.url).href;
    return (this.getAttribute("platform") ?? own).replace(/\/+$/, "");
  }

  protected abstract show(signal: AbortSignal): Promise<void>;

  /** Show it anew, once, however much changes at a time. */
  private again(): void {
    if (this.planned) return;
    this.planned = true;
    queueMicrotask(() => {
      this.planned = false;
      this.stop.abort();
      this.stop = new AbortController();
      const { signal } = this.stop;
      if (this.isConnected)
        this.show(signal).catch((error: unknown) => {
          if (!signal.aborted) this.root.replaceChildren(this.trouble(error));
        });
    });
  }

  /** The JSON at a path of the platform; Refused with its words otherwise. */
  protected async ask(path: string, signal: AbortSignal, more: RequestInit = {}): Promise<Json> {
    const token = typeof this.token === "function" ? await this.token() : this.token;
    if (!token) throw new Refused(401, this.say("Sign in to use this."));
    const headers = new Headers(more.headers);
    headers.set("Accept", "application/json");
    headers.set("Authorization", `Bearer ${token}`);
    const answer = await fetch(this.platform + path, { ...more, headers, signal, credentials: "omit" });
    const document = (await answer.json().catch(() => ({}))) as Json;
    if (!answer.ok) throw new Refused(answer.status, reasons(document) || answer.statusText);
    return document;
  }

  protected trouble(error: unknown): HTMLElement {
    const refused = error instanceof Refused;
    const words = refused ? error.message : this.say("The platform cannot be reached.");
    const place = element("div", "card", element("p", "fault", words));
    place.setAttribute("role", "alert");
    if (refused && error.status === 401) place.append(this.link("/sign-in", this.say("Sign in")));
    return place;
  }

  protected link(path: string, words: string): HTMLAnchorElement {
    const link = element("a", "link", words);
    link.href = this.platform + path;
    link.target = "_blank";
    link.rel = "noopener";
    return link;
  }

  protected say(words: string): string {
    return says(words, this);
  }
}

/** An element with texts and others in it: nothing that came from the platform is read as HTML. */
export function element<Name extends keyof HTMLElementTagNameMap>(
  name: Name, part: string, ...content: (string | Node)[]
): HTMLElementTagNameMap[Name] {
  const made = document.createElement(name);
  made.setAttribute("part", part);
  made.append(...content);
  return made;
}

/** A member that is a text. */
export function text(of: Json, name: string): string {
  const found = of[name];
  return typeof found === "string" ? found : "";
}

function reasons(problem: Json): string {
  const errors = Array.isArray(problem["errors"]) ? (problem["errors"] as Json[]) : [];
  return [text(problem, "detail"), ...errors.map((one) => text(one, "detail"))].filter(Boolean).join(" ");
}
