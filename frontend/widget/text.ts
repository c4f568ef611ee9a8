// Finds the addresses in a text, and says a size and a time in the visitor's language.
import type { Words } from "./words";

export interface Piece {
  text: string;
  /** An `http:` or `https:` address; undefined for plain text. */
  href?: string;
}

/** The text in pieces that together are the text again. Only http and https become links: nothing that could run. */
export function pieces(text: string): Piece[] {
  const found: Piece[] = [];
  let end = 0;
  for (const match of text.matchAll(/\bhttps?:\/\/[^\s<>"«»“”]+/gi)) {
    const address = withoutPunctuation(match[0]);
    const href = httpAddress(address);
    if (href === undefined) continue;
    if (match.index > end) found.push({ text: text.slice(end, match.index) });
    found.push({ text: address, href });
    end = match.index + address.length;
  }
  if (end < text.length) found.push({ text: text.slice(end) });
  return found;
}

/** What ends the sentence is not the address's; a bracket is, if it was opened within. */
function withoutPunctuation(address: string): string {
  for (;;) {
    const last = address.at(-1) ?? "";
    const opening = { ")": "(", "]": "[", "}": "{" }[last];
    const isOpened = opening !== undefined && address.split(opening).length >= address.split(last).length;
    if (isOpened || !/[.,;:!?'’…)\]}*_]/.test(last)) return address;
    address = address.slice(0, -1);
  }
}

function httpAddress(address: string): string | undefined {
  try {
    const { protocol, host, href } = new URL(address);
    return /^https?:$/.test(protocol) && host ? href : undefined;
  } catch {
    return undefined;
  }
}

/** An address that the server gave, if it is one to follow. */
export function safeAddress(address: string | null): string | undefined {
  return address === null ? undefined : httpAddress(address);
}

export function sizeOf(bytes: number, language: string, { units }: Words): string {
  const power = bytes < 1024 ? 0 : bytes < 1024 ** 2 ? 1 : 2;
  const number = bytes / 1024 ** power;
  const digits = { maximumFractionDigits: power > 0 && number < 10 ? 1 : 0 };
  return `${new Intl.NumberFormat(language, digits).format(number)}\u00a0${units[power]}`;
}

export function timeOf(date: Date, language: string): string {
  return new Intl.DateTimeFormat(language, { hour: "2-digit", minute: "2-digit" }).format(date);
}

/** Today, yesterday, or the date; with the year only if it is another one. */
export function dayOf(date: Date, now: Date, language: string, words: Words): string {
  const yesterday = new Date(now);
  yesterday.setDate(now.getDate() - 1);
  if (date.toDateString() === now.toDateString()) return words.today;
  if (date.toDateString() === yesterday.toDateString()) return words.yesterday;
  const year = date.getFullYear() === now.getFullYear() ? {} : { year: "numeric" as const };
  return new Intl.DateTimeFormat(language, { day: "numeric", month: "long", ...year }).format(date);
}

const SECOND = 1_000;
const MINUTE = 60 * SECOND;
const HOUR = 60 * MINUTE;

/** How long it is until then, as “in 20 minutes”; never said too short. */
export function until(end: number, language: string): string {
  const left = Math.max(SECOND, end - Date.now());
  const [length, unit] = left > 2 * HOUR ? [HOUR, "hour" as const] : left > MINUTE ? [MINUTE, "minute" as const] : [SECOND, "second" as const];
  return new Intl.RelativeTimeFormat(language).format(Math.ceil(left / length), unit);
}
