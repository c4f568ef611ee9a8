import { expect, test, vi } from "vitest";
import { dayOf, pieces, safeAddress, sizeOf, until } from "./text";
import { wordsIn } from "./words";

const links = (text: string) => pieces(text).flatMap(({ text: piece, href }) => (href === undefined ? [] : [piece]));

test.each([
  ["see https://shop.example/a?b=1&c=2#d.", ["https://shop.example/a?b=1&c=2#d"]],
  ["(https://shop.example/x)", ["https://shop.example/x"]],
  ["https://ru.example/wiki/Кит_(животное), да", ["https://ru.example/wiki/Кит_(животное)"]],
  ["«https://one.example» и http://two.example!", ["https://one.example", "http://two.example"]],
  ["<https://one.example>", ["https://one.example"]],
  ["HTTPS://ONE.EXAMPLE", ["HTTPS://ONE.EXAMPLE"]],
  ["javascript:alert(1) data:text/html,x ftp://a.example file:///etc", []],
  ["javascript://https://a.example", ["https://a.example"]],
  ["https:// http://) xhttps://a.example", []],
])("the links of %j", (text, expected) => {
  expect(links(text)).toEqual(expected);
  expect(pieces(text).map((piece) => piece.text).join("")).toBe(text);
});

test("an address of the server's that is no http is not followed", () => {
  expect(safeAddress("https://inbox.example/files/1")).toBe("https://inbox.example/files/1");
  expect(safeAddress("javascript:alert(1)")).toBeUndefined();
  expect(safeAddress("/files/1")).toBeUndefined();
  expect(safeAddress(null)).toBeUndefined();
});

test("sizes are said as the language does", () => {
  expect([0, 1023, 1536, 10_240, 5_452_595].map((size) => sizeOf(size, "en", wordsIn("en")))).toEqual([
    "0\u00a0B",
    "1,023\u00a0B",
    "1.5\u00a0KB",
    "10\u00a0KB",
    "5.2\u00a0MB",
  ]);
  expect(sizeOf(1536, "ru", wordsIn("ru"))).toBe("1,5\u00a0КБ");
});

test("days are today, yesterday, or a date, with the year if it is another", () => {
  const now = new Date(2026, 0, 1, 12);
  const day = (date: Date, language: "en" | "ru") => dayOf(date, now, language, wordsIn(language));
  expect(day(new Date(2026, 0, 1, 0, 1), "en")).toBe("Today");
  expect(day(new Date(2025, 11, 31, 23, 59), "ru")).toBe("Вчера");
  expect(day(new Date(2026, 5, 3), "ru")).toBe("3 июня");
  expect(day(new Date(2025, 5, 3), "en")).toContain("2025");
});

test("how long there is to wait is said as the language does, and not too short", () => {
  vi.useFakeTimers({ now: 0 });
  const said = (seconds: number) => ["en", "ru"].map((language) => until(seconds * 1_000, language));
  expect(said(20)).toEqual(["in 20 seconds", "через 20 секунд"]);
  expect(said(61)).toEqual(["in 2 minutes", "через 2 минуты"]);
  expect(said(1_200)).toEqual(["in 20 minutes", "через 20 минут"]);
  expect(said(86_400)).toEqual(["in 24 hours", "через 24 часа"]);
  vi.useRealTimers();
});
