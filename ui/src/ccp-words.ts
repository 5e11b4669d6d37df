const ITALIAN: Record<string, string> = {
  "Sign in": "Accedi",
  "Sign in to use this.": "Accedi per usarlo.",
  "The platform cannot be reached.": "La piattaforma non è raggiungibile.",
  "version": "versione",
  "Run": "Esegui",
  "Run on the platform": "Esegui sulla piattaforma",
  "More about it": "Altre informazioni",
  "Open the job": "Apri l'esecuzione",
  "Search": "Cerca",
  "Nothing fits.": "Nessun risultato.",
  "accepted": "accettato",
  "running": "in corso",
  "successful": "riuscito",
  "failed": "fallito",
  "dismissed": "annullato",
};

/** Words in the language of the page around an element: English, or Italian. */
export function says(words: string, place: HTMLElement): string {
  const host = place.closest("[lang]") ?? document.documentElement;
  return (host.getAttribute("lang")?.startsWith("it") && ITALIAN[words]) || words;
}
