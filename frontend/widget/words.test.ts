import { expect, test } from "vitest";
import { wordsIn } from "./words";

/** Every word by its path, functions called with something. */
function flat(value: unknown, path = ""): [string, string][] {
  if (typeof value === "string") return [[path, value]];
  if (typeof value === "function") return [[path, (value as (...values: unknown[]) => string)("5", "7")]];
  return Object.entries(value as object).flatMap(([name, inner]) => flat(inner, `${path}.${name}`));
}

const [en, ru] = [flat(wordsIn("en")), flat(wordsIn("ru"))];

test("both languages say the same things, and leave none out", () => {
  expect(ru.map(([path]) => path)).toEqual(en.map(([path]) => path));
  for (const [path, words] of [...en, ...ru]) expect(words, path).not.toBe("");
});

test("nothing was left untranslated", () => {
  for (const [path, words] of ru) expect(words, path).toMatch(/[а-яё]/i);
  for (const [path, words] of en) expect(words, path).not.toMatch(/[а-яё]/i);
});

test("numbers have their forms", () => {
  const { unread } = wordsIn("ru");
  expect([1, 2, 5, 11, 12, 21, 22, 111].map(unread)).toEqual([
    "1 непрочитанное сообщение",
    "2 непрочитанных сообщения",
    "5 непрочитанных сообщений",
    "11 непрочитанных сообщений",
    "12 непрочитанных сообщений",
    "21 непрочитанное сообщение",
    "22 непрочитанных сообщения",
    "111 непрочитанных сообщений",
  ]);
  expect([1, 2].map(wordsIn("en").unread)).toEqual(["1 unread message", "2 unread messages"]);
});
