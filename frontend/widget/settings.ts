// What the script tag says: where the server is, which channel this is, and how the chat looks.
import { isLanguage, type Language } from "./words";

export interface Settings {
  /** The address before `/widget.js`, without a slash at the end: the server may live below a path. */
  server: string;
  channel: string;
  language: Language;
  /** `#rrggbb` */
  color: string;
  side: "left" | "right";
}

/** Blue that white text can be read on; what a tag without `data-color` gets, and one whose colour is none. */
const COLOR = "#1f5fd0";

/** What is read of a script element. */
type Tag = Pick<HTMLScriptElement, "src"> & { dataset: Partial<Record<string, string>> };

/**
 * Reads the tag. `languages` are guesses in case the tag names none, best first: the page's, then the browser's.
 *
 * @throws Error with a sentence for the site's maker when there is no server or channel to talk to.
 */
export function readSettings({ src, dataset }: Tag, languages: readonly string[]): Settings {
  const server = /^(https?:\/\/[^?#]*)\/widget\.js(?:[?#].*)?$/.exec(src)?.[1];
  if (server === undefined) throw new Error(`the script's address does not end in /widget.js: ${src}`);
  const channel = dataset["channel"]?.trim();
  if (!channel) throw new Error("the script tag has no data-channel");
  return {
    server,
    channel,
    language: languageOf([dataset["language"] ?? "", ...languages]),
    color: colorOf(dataset["color"]),
    side: dataset["side"] === "left" ? "left" : "right",
  };
}

function languageOf(guesses: readonly string[]): Language {
  for (const guess of guesses) {
    const language = guess.trim().toLowerCase().split("-")[0] ?? "";
    if (isLanguage(language)) return language;
  }
  return "en";
}

function colorOf(value = ""): string {
  const hex = /^#?([0-9a-f]{3}|[0-9a-f]{6})$/i.exec(value.trim())?.[1];
  if (hex === undefined) return COLOR;
  return `#${hex.length === 3 ? [...hex].map((digit) => digit + digit).join("") : hex}`.toLowerCase();
}

/** Black or white, whichever is easier to read on a colour; one of them always has a contrast over 4.5 : 1. */
export function inkOn(color: string): "#000" | "#fff" {
  const [red = 0, green = 0, blue = 0] = [1, 3, 5].map((at) => {
    const part = parseInt(color.slice(at, at + 2), 16) / 255;
    return part <= 0.04045 ? part / 12.92 : ((part + 0.055) / 1.055) ** 2.4;
  });
  // Where both contrasts are equal: (L + 0.05)² = 0.05 · 1.05.
  return 0.2126 * red + 0.7152 * green + 0.0722 * blue > 0.179 ? "#000" : "#fff";
}
