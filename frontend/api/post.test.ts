import { afterEach, expect, test, vi } from "vitest";
import { post } from "./post";

afterEach(() => vi.unstubAllGlobals());

function serve(response: () => Response) {
  const fetch = vi.fn<(path: string, init: RequestInit) => Promise<Response>>(async () => response());
  vi.stubGlobal("fetch", fetch);
  return fetch;
}

test("an operation goes as JSON to our own origin, with the cookie", async () => {
  const fetch = serve(() => Response.json({ data: { viewer: null } }));
  expect(await post({ query: "{ viewer { name } }" })).toEqual({ data: { viewer: null } });
  const [path, init] = fetch.mock.lastCall!;
  expect(path).toBe("/graphql");
  expect(init.credentials).toBe("same-origin");
  expect(new Headers(init.headers).get("Content-Type")).toBe("application/json");
  expect(JSON.parse(init.body as string)).toEqual({ query: "{ viewer { name } }" });
});

test("with a token the cookie stays at home, and nobody can make the body another type", async () => {
  const fetch = serve(() => Response.json({ data: {} }));
  await post({ query: "{ viewer { name } }" }, { authorization: "Bearer clq_x", "content-type": "text/plain" });
  const init = fetch.mock.lastCall![1];
  expect(init.credentials).toBe("omit");
  expect(new Headers(init.headers).get("Authorization")).toBe("Bearer clq_x");
  expect(new Headers(init.headers).get("Content-Type")).toBe("application/json");
});

test("errors that the server tells are an answer, whatever the HTTP status", async () => {
  serve(() => Response.json({ errors: [{ message: "no" }] }, { status: 400 }));
  expect(await post({ query: "{" })).toEqual({ errors: [{ message: "no" }] });
});

test("what is no GraphQL response is told in words", async () => {
  serve(() => new Response("<html>", { status: 502, statusText: "Bad Gateway" }));
  await expect(post({ query: "{ a }" })).rejects.toThrow("502 Bad Gateway");
  serve(() => Response.error());
  await expect(post({ query: "{ a }" })).rejects.toThrow("without a GraphQL response");
  vi.stubGlobal("fetch", () => Promise.reject(new TypeError("Failed to fetch")));
  await expect(post({ query: "{ a }" })).rejects.toThrow("cannot be reached");
});
