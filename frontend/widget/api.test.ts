import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { openApi } from "./api";

const api = openApi("https://inbox.example/base");

beforeEach(() => void vi.useFakeTimers());
afterEach(() => {
  vi.unstubAllGlobals();
  vi.useRealTimers();
});

function serve(response: () => Response | Promise<Response>) {
  const fetch = vi.fn<(address: string, init: RequestInit) => Promise<Response>>(async () => response());
  vi.stubGlobal("fetch", fetch);
  return fetch;
}

const refusal = (extensions: object, status = 200) => Response.json({ errors: [{ message: "no", extensions }] }, { status });

test("an operation goes as JSON, with the token and without cookies", async () => {
  const fetch = serve(() => Response.json({ data: { setTyping: true } }));
  expect(await api.run("mutation { setTyping }", { a: 1 }, "t0")).toEqual({ setTyping: true });
  const [address, init] = fetch.mock.lastCall!;
  expect(address).toBe("https://inbox.example/base/chat");
  expect(init).toMatchObject({ method: "POST", credentials: "omit" });
  const headers = new Headers(init.headers);
  expect([headers.get("Authorization"), headers.get("Content-Type")]).toEqual(["Bearer t0", "application/json"]);
  expect(JSON.parse(init.body as string)).toEqual({ query: "mutation { setTyping }", variables: { a: 1 } });
});

test("a file goes as the one part of a form, and its id comes back", async () => {
  const fetch = serve(() => Response.json({ id: "fil_1" }, { status: 201 }));
  expect(await api.upload(new File(["abc"], "а.txt"), "t0")).toBe("fil_1");
  const [address, init] = fetch.mock.lastCall!;
  expect(address).toBe("https://inbox.example/base/chat/files");
  const parts = [...(init.body as FormData).values()] as File[];
  expect(parts.map(({ name, size }) => [name, size])).toEqual([["а.txt", 3]]);
  // The browser writes the boundary.
  expect(new Headers(init.headers).has("Content-Type")).toBe(false);
});

test.each([
  ["the server's code", () => refusal({ code: "BAD_USER_INPUT", field: "text" }), { code: "BAD_USER_INPUT", field: "text" }],
  ["a wait", () => refusal({ code: "RATE_LIMITED", retryAfter: 7 }, 429), { code: "RATE_LIMITED", wait: 7_000 }],
  ["a code that is new", () => refusal({ code: "QUERY_TOO_COMPLEX" }), { code: "INTERNAL", message: "no" }],
  ["a foreign origin", () => new Response("no", { status: 403 }), { code: "FORBIDDEN" }],
  ["a refused token", () => refusal({ code: "UNAUTHENTICATED" }, 401), { code: "UNAUTHENTICATED" }],
  ["a proxy's own sign-in, which says nothing of the token", () => new Response("<html>", { status: 401 }), { code: "UNAVAILABLE" }],
  ["a file too large for a proxy", () => new Response("<html>", { status: 413 }), { code: "TOO_LARGE" }],
  ["a server behind a proxy that is away", () => new Response("<html>", { status: 502 }), { code: "UNAVAILABLE" }],
  ["no server", () => Promise.reject(new TypeError("Failed to fetch")), { code: "OFFLINE" }],
  ["no data", () => Response.json({ data: null }), { code: "INTERNAL" }],
])("%s is told apart", async (_, response, fault) => {
  serve(response);
  await expect(api.run("{ chat { name } }", {})).rejects.toMatchObject(fault);
});

test("an answer that never comes is not waited for", async () => {
  vi.stubGlobal(
    "fetch",
    (_: string, { signal }: RequestInit) =>
      new Promise((_, reject) => signal?.addEventListener("abort", () => reject(signal.reason as Error))),
  );
  const answer = expect(api.run("{ chat { name } }", {})).rejects.toMatchObject({ code: "OFFLINE" });
  await vi.advanceTimersByTimeAsync(30_000);
  await answer;
});
