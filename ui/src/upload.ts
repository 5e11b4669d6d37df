/** Sending a file to /uploads in pieces (tus 1.0), going on after every cut. */
const PIECE = 4 << 20;
const TUS = { "Tus-Resumable": "1.0.0" };
const SLOWEST = 30_000;

export interface Watch {
  progress(sent: number): void;
  cut(): void;
}

/** What a file is known by after the page was loaded again. */
function fingerprint(file: File): string {
  return `ccp-upload:${file.name}:${file.size}:${file.lastModified}`;
}

/** The address of the whole upload, when all of it is there and is what it was here. */
export async function upload(place: string, file: File, watch: Watch, ended: AbortSignal): Promise<string> {
  const known = localStorage.getItem(fingerprint(file));
  let address = known && (await offset(known, ended)) !== null ? known : await begin(place, file, ended);
  localStorage.setItem(fingerprint(file), address);
  for (let failures = 0; ; ) {
    try {
      const at = await offset(address, ended);
      if (at === null) address = await begin(place, file, ended);
      else if (at >= file.size) return address;
      else await piece(address, file, at, ended);
      failures = 0;
      watch.progress(Math.min(file.size, (at ?? 0) + PIECE));
    } catch (error) {
      if (ended.aborted || !(error instanceof TypeError)) throw error;
      watch.cut();
      await again(Math.min(SLOWEST, 500 * 2 ** failures++), ended);
    }
  }
}

async function begin(place: string, file: File, signal: AbortSignal): Promise<string> {
  const name = btoa(String.fromCharCode(...new TextEncoder().encode(file.name)));
  const headers = { ...TUS, "Upload-Length": String(file.size), "Upload-Metadata": `filename ${name}` };
  const answer = await fetch(place, { method: "POST", headers: { ...headers, Accept: "application/json" }, signal });
  if (!answer.ok) throw new Error(((await answer.json()) as { detail?: string }).detail ?? answer.statusText);
  return new URL(answer.headers.get("Location") ?? "").pathname;
}

/** How far it is; null where there is no such upload any more. */
async function offset(address: string, signal: AbortSignal): Promise<number | null> {
  const answer = await fetch(address, { method: "HEAD", headers: TUS, signal });
  if (answer.status === 404) return null;
  if (!answer.ok) throw new Error(answer.statusText);
  return Number(answer.headers.get("Upload-Offset"));
}

async function piece(address: string, file: File, at: number, signal: AbortSignal): Promise<void> {
  const body = await file.slice(at, at + PIECE).arrayBuffer();
  const headers: Record<string, string> = { ...TUS, "Upload-Offset": String(at), "Content-Type": "application/offset+octet-stream" };
  if (globalThis.crypto?.subtle) {
    const digest = new Uint8Array(await crypto.subtle.digest("SHA-256", body));
    headers["Upload-Checksum"] = `sha256 ${btoa(String.fromCharCode(...digest))}`;
  }
  const answer = await fetch(address, { method: "PATCH", headers, body, signal });
  // Somebody else went on meanwhile, or it came wrong: look how far it is, and go on.
  if (!answer.ok && answer.status !== 409 && answer.status !== 460) throw new Error(answer.statusText);
}

/** After a while, or as soon as there is a network again. */
function again(after: number, signal: AbortSignal): Promise<void> {
  return new Promise((resolve, reject) => {
    const timer = setTimeout(resolve, after);
    addEventListener("online", () => (clearTimeout(timer), resolve()), { once: true });
    signal.addEventListener("abort", () => reject(signal.reason), { once: true });
  });
}
