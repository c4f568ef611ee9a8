// What a chat's state means on a screen.
import type { Messenger } from "./messengers";
import type { Mark, Message, MessageFile, Phone, Update } from "./protocol";

/** The company's messages that this client has yet to read, as far as the messenger tells of it. */
export function unread({ messages }: Pick<Phone, "messages">, { tellsReading }: Pick<Messenger, "tellsReading">): Message[] {
  if (!tellsReading) return [];
  return messages.filter(({ from, mark, isDeleted }) => from === "COMPANY" && mark !== null && mark !== "READ" && !isDeleted);
}

/** The client's last message, if it has a text that can be edited. */
export function lastEditable(messages: readonly Message[]): Message | undefined {
  const last = messages.findLast(({ from, isDeleted }) => from === "CLIENT" && !isDeleted);
  return last && last.text !== "" && !last.location && !last.contact ? last : undefined;
}

/** A message in one line. */
export function inShort(message: Message | undefined): string {
  if (!message || message.isDeleted) return "Deleted message";
  const { text, files, location, contact } = message;
  if (text !== "") return text;
  if (files[0]) return files.map((file) => (file.kind === "STICKER" ? "Sticker" : file.name)).join(", ");
  if (location) return location.title ?? "Location";
  return contact ? `Contact: ${contact.name}` : "Empty message";
}

/** What colloquy made of the client's message, in small print. */
export function verdict({ state, status, tries }: Update): string {
  const count = tries === 1 ? "1 try" : `${tries} tries`;
  switch (state) {
    case "WAITING":
      if (tries === 0) return "waiting for colloquy";
      return `${status === null ? "no answer" : `colloquy answered ${status}`} · ${count}, more to come`;
    case "TAKEN":
      return `${status === null ? "colloquy fetched it" : `colloquy took it: ${status}`} · ${count}`;
    case "REFUSED":
      return `${status === null ? "no answer" : `colloquy refused it: ${status}`} · ${count}, given up`;
  }
}

export const MARKS: Record<Mark, string> = { SENT: "sent", DELIVERED: "delivered", READ: "read" };

/** For how many milliseconds from `now` the company is still typing. */
export function typingFor(until: string | null, now: number): number {
  const left = until === null ? 0 : Date.parse(until) - now;
  return Number.isFinite(left) ? Math.max(0, left) : 0;
}

/** Messengers tell typing again every few seconds, not at every key. */
export function isTypingDue(toldAt: number, now: number): boolean {
  return now - toldAt >= 5000;
}

/** Whether a browser shows the file in place. Everything else is a link: the page's policy has no `media-src`. */
export function isPicture({ kind, contentType }: MessageFile): boolean {
  return (kind === "IMAGE" || kind === "STICKER") && contentType.startsWith("image/");
}

export function sizeInWords(bytes: number): string {
  if (bytes < 1000) return `${bytes} B`;
  const [amount, unit] = bytes < 999_500 ? [bytes / 1000, "kB"] : [bytes / 1_000_000, "MB"];
  return `${amount.toFixed(amount < 9.95 ? 1 : 0)} ${unit}`;
}
