import { afterEach, expect, test, vi } from "vitest";
import { addPhone, changeBot, editMessage, read, removePhone, sendMessage } from "./actions";

afterEach(() => vi.unstubAllGlobals());

function serve(response = () => new Response(null, { status: 204 })) {
  const fetch = vi.fn<(path: string, init: RequestInit) => Promise<Response>>(async () => response());
  vi.stubGlobal("fetch", fetch);
  return fetch;
}

test("an action is JSON to the path of what it is about", async () => {
  const fetch = serve();
  await addPhone("telegram:7000000001");
  await changeBot("telegram:7000000001", { fail: "TOO_MANY" });
  await editMessage("p/1", "m 2", "Better");
  await read("p1");
  const calls = fetch.mock.calls.map(([path, init]) => [init.method, path, JSON.parse(init.body as string)]);
  expect(calls).toEqual([
    ["POST", "/api/phones", { botId: "telegram:7000000001" }],
    ["PATCH", "/api/bots/telegram%3A7000000001", { fail: "TOO_MANY" }],
    ["PUT", "/api/phones/p%2F1/messages/m%202", { text: "Better" }],
    ["POST", "/api/phones/p1/read", {}],
  ]);
  expect(new Headers(fetch.mock.lastCall![1].headers).get("Content-Type")).toBe("application/json");
});

test("a message goes as a form, with only the fields that it has", async () => {
  const fetch = serve();
  const photo = new File(["…"], "cat.png", { type: "image/png" });
  await sendMessage("p1", { text: "Look", replyToId: "m1", files: [photo, photo] });
  const form = fetch.mock.lastCall![1].body as FormData;
  expect([...form.keys()]).toEqual(["text", "replyToId", "file", "file"]);
  expect((form.get("file") as File).name).toBe("cat.png");
  // The browser sets it, with the boundary.
  expect(fetch.mock.lastCall![1].headers).toBeUndefined();

  await sendMessage("p1", { kind: "LOCATION" });
  expect([...(fetch.mock.lastCall![1].body as FormData).entries()]).toEqual([["kind", "LOCATION"]]);
});

test("a refusal is told in the sandbox's words, or in ours where it has none", async () => {
  serve(() => Response.json({ error: "There is no such phone." }, { status: 404 }));
  await expect(removePhone("p1")).rejects.toThrow("There is no such phone.");
  serve(() => new Response("<html>", { status: 502, statusText: "Bad Gateway" }));
  await expect(removePhone("p1")).rejects.toThrow("502 Bad Gateway");
  vi.stubGlobal("fetch", () => Promise.reject(new TypeError("Failed to fetch")));
  await expect(removePhone("p1")).rejects.toThrow("cannot be reached");
});
