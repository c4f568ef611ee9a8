import { afterEach, expect, test, vi } from "vitest";
import { openShelf } from "./shelf";

function storage(): Storage {
  const kept = new Map<string, string>();
  return {
    get length() {
      return kept.size;
    },
    key: (index) => [...kept.keys()][index] ?? null,
    getItem: (key) => kept.get(key) ?? null,
    setItem: (key, value) => void kept.set(key, value),
    removeItem: (key) => void kept.delete(key),
    clear: () => kept.clear(),
  };
}

afterEach(() => vi.unstubAllGlobals());

test("each server and channel has a shelf of its own, the same for all pages of the site", () => {
  const site = storage();
  site.setItem("token", "the site's own");
  const shelf = openShelf("https://a.example", "chn_1", site);
  shelf.write("token", "t");
  shelf.write("out 1", "x");
  expect(openShelf("https://a.example", "chn_1", site).read("token")).toBe("t");
  expect(openShelf("https://a.example", "chn_2", site).read("token")).toBeNull();
  expect(openShelf("https://b.example", "chn_1", site).read("token")).toBeNull();
  expect(shelf.names("out ")).toEqual(["out 1"]);
  shelf.write("token", null);
  expect(shelf.read("token")).toBeNull();
  expect(site.getItem("token")).toBe("the site's own");
});

test.each([
  ["forbids it", undefined],
  [
    "has no room",
    {
      ...storage(),
      setItem() {
        throw new DOMException("full", "QuotaExceededError");
      },
    },
  ],
])("a browser that %s keeps it for as long as the page is open", (_, site) => {
  const shelf = openShelf("https://a.example", "chn_1", site);
  shelf.write("token", "t");
  expect([shelf.read("token"), shelf.names("")]).toEqual(["t", ["token"]]);
  shelf.write("token", null);
  expect(shelf.read("token")).toBeNull();
});

test("only changes of this shelf by other tabs are told, and the site's clearing of everything", () => {
  let tell = (_: { key: string | null }) => {};
  vi.stubGlobal("addEventListener", (_: string, listener: typeof tell) => void (tell = listener));
  const changed = vi.fn();
  openShelf("https://a.example", "chn_1", storage()).onChange(changed);
  tell({ key: "basket" });
  expect(changed).not.toHaveBeenCalled();
  tell({ key: "colloquy https://a.example chn_1 token" });
  tell({ key: null });
  expect(changed).toHaveBeenCalledTimes(2);
});
