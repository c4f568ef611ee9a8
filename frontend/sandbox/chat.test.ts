import { expect, test } from "vitest";
import { inShort, isPicture, isTypingDue, lastEditable, sizeInWords, typingFor, unread, verdict } from "./chat";
import { MESSENGERS } from "./messengers";
import { fileOf, messageOf } from "./samples";

test("unread are the company's messages that reached the phone and were not read, where the messenger tells", () => {
  const messages = [
    messageOf({ id: "1", from: "COMPANY", mark: "READ" }),
    messageOf({ id: "2", from: "COMPANY", mark: "DELIVERED" }),
    messageOf({ id: "3", from: "COMPANY", mark: "SENT" }),
    messageOf({ id: "4", from: "COMPANY", mark: "SENT", isDeleted: true }),
    messageOf({ id: "5", from: "CLIENT" }),
  ];
  expect(unread({ messages }, MESSENGERS.VIBER).map(({ id }) => id)).toEqual(["2", "3"]);
  expect(unread({ messages }, MESSENGERS.TELEGRAM)).toEqual([]);
});

test("only the client's last message can be edited, and only its text", () => {
  const first = messageOf({ id: "1", text: "Helo" });
  const answer = messageOf({ id: "2", from: "COMPANY", text: "Yes?" });
  const deleted = messageOf({ id: "3", isDeleted: true, text: "" });
  const sticker = messageOf({ id: "4", text: "", files: [fileOf({ kind: "STICKER" })] });
  expect(lastEditable([])).toBeUndefined();
  expect(lastEditable([first, answer, deleted])).toBe(first);
  expect(lastEditable([first, answer, sticker])).toBeUndefined();
});

test("a message in one line is its text, or else what came with it", () => {
  expect(inShort(messageOf({ text: "Hi", files: [fileOf({ name: "cat.png" })] }))).toBe("Hi");
  expect(inShort(messageOf({ text: "", files: [fileOf({ name: "a.pdf" }), fileOf({ name: "b.pdf" })] }))).toBe("a.pdf, b.pdf");
  expect(inShort(messageOf({ text: "", files: [fileOf({ name: "7.webp", kind: "STICKER" })] }))).toBe("Sticker");
  expect(inShort(messageOf({ text: "", location: { latitude: 1, longitude: 2, title: null } }))).toBe("Location");
  expect(inShort(messageOf({ text: "", contact: { name: "Anna", phone: "+100" } }))).toBe("Contact: Anna");
  expect(inShort(messageOf({ text: "secret", isDeleted: true }))).toBe("Deleted message");
  expect(inShort(undefined)).toBe("Deleted message");
});

test.each([
  [{ state: "WAITING", status: null, tries: 0 }, "waiting for colloquy"],
  [{ state: "WAITING", status: 503, tries: 2 }, "colloquy answered 503 · 2 tries, more to come"],
  [{ state: "WAITING", status: null, tries: 1 }, "no answer · 1 try, more to come"],
  [{ state: "TAKEN", status: 200, tries: 1 }, "colloquy took it: 200 · 1 try"],
  [{ state: "TAKEN", status: null, tries: 1 }, "colloquy fetched it · 1 try"],
  [{ state: "REFUSED", status: 401, tries: 5 }, "colloquy refused it: 401 · 5 tries, given up"],
] as const)("what became of an update is told with its status and tries: %o", (update, words) => {
  expect(verdict(update)).toBe(words);
});

test("the company types until then, and no longer", () => {
  const now = Date.parse("2026-11-22T10:00:00Z");
  expect(typingFor(null, now)).toBe(0);
  expect(typingFor("2026-11-22T10:00:04Z", now)).toBe(4000);
  expect(typingFor("2026-11-22T09:59:59Z", now)).toBe(0);
  expect(typingFor("soon", now)).toBe(0);
});

test("typing is told every five seconds", () => {
  expect(isTypingDue(0, 1_000_000)).toBe(true);
  expect(isTypingDue(1_000_000, 1_004_999)).toBe(false);
  expect(isTypingDue(1_000_000, 1_005_000)).toBe(true);
});

test("pictures are images and still stickers; an image sent as a document is a link", () => {
  expect(isPicture(fileOf({ kind: "IMAGE", contentType: "image/jpeg" }))).toBe(true);
  expect(isPicture(fileOf({ kind: "STICKER", contentType: "image/webp" }))).toBe(true);
  expect(isPicture(fileOf({ kind: "STICKER", contentType: "application/x-tgsticker" }))).toBe(false);
  expect(isPicture(fileOf({ kind: "DOCUMENT", contentType: "image/png" }))).toBe(false);
});

test.each([
  [0, "0 B"],
  [999, "999 B"],
  [1000, "1.0 kB"],
  [9_949, "9.9 kB"],
  [123_456, "123 kB"],
  [999_499, "999 kB"],
  [999_500, "1.0 MB"],
  [20_971_520, "21 MB"],
])("%i bytes are %s", (bytes, words) => expect(sizeInWords(bytes)).toBe(words));
