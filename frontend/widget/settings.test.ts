import { expect, test } from "vitest";
import { inkOn, readSettings } from "./settings";

const src = "https://inbox.example/widget.js";
const channel = "chn_1";

test("the server is where the script comes from, below a path, too", () => {
  const server = (address: string) => readSettings({ src: address, dataset: { channel } }, []).server;
  expect(server(src)).toBe("https://inbox.example");
  expect(server("http://127.0.0.1:8080/a/b/widget.js?v=2#x")).toBe("http://127.0.0.1:8080/a/b");
  expect(() => server("https://inbox.example/other.js")).toThrow("/widget.js");
  expect(() => server("https://evil.example/?/widget.js")).toThrow("/widget.js");
});

test("without a channel there is nobody to write to", () => {
  expect(() => readSettings({ src, dataset: {} }, [])).toThrow("data-channel");
  expect(() => readSettings({ src, dataset: { channel: " " } }, [])).toThrow("data-channel");
});

test("the language is the tag's, then the page's, then the browser's, then English", () => {
  const language = (wanted: string | undefined, guesses: string[]) =>
    readSettings({ src, dataset: { channel, ...(wanted === undefined ? {} : { language: wanted }) } }, guesses).language;
  expect(language("ru", ["en"])).toBe("ru");
  expect(language("xx", ["", "ru-RU", "en"])).toBe("ru");
  expect(language(undefined, ["de", "EN-us", "ru"])).toBe("en");
  expect(language(undefined, ["constructor", "de"])).toBe("en");
});

test("a colour is hexadecimal, or the usual one", () => {
  const color = (value?: string) => readSettings({ src, dataset: { channel, ...(value === undefined ? {} : { color: value }) } }, []).color;
  expect(color("#A0F")).toBe("#aa00ff");
  expect(color("00ff7f")).toBe("#00ff7f");
  for (const bad of [undefined, "", "red", "#12", "#1f5fd0;} * { display: none", "url(x)"]) expect(color(bad)).toBe("#1f5fd0");
});

test("what is written on any colour has a contrast of 4.5 : 1 at least", () => {
  const luminance = (color: string) => {
    const [red = 0, green = 0, blue = 0] = [1, 3, 5].map((at) => {
      const part = parseInt(color.slice(at, at + 2), 16) / 255;
      return part <= 0.04045 ? part / 12.92 : ((part + 0.055) / 1.055) ** 2.4;
    });
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue;
  };
  for (let value = 0; value < 0x1000000; value += 0x10307) {
    const color = `#${value.toString(16).padStart(6, "0")}`;
    const [one, other] = [luminance(color), inkOn(color) === "#000" ? 0 : 1].sort((a, b) => b - a) as [number, number];
    expect((one + 0.05) / (other + 0.05), color).toBeGreaterThanOrEqual(4.5);
  }
});

test("the side is right, unless it is left", () => {
  expect(readSettings({ src, dataset: { channel, side: "left" } }, []).side).toBe("left");
  expect(readSettings({ src, dataset: { channel, side: "top" } }, []).side).toBe("right");
});
