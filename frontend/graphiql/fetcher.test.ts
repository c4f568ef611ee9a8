import { parse } from "graphql";
import { afterEach, beforeEach, expect, test, vi } from "vitest";
import type { Result } from "../api/post";
import { openLink, type Link, type Stream } from "./fetcher";

/** A browser's WebSocket whose server is the test. */
class Socket {
  static opened: Socket[] = [];
  static readonly CONNECTING = 0;
  static readonly OPEN = 1;
  static readonly CLOSING = 2;
  static readonly CLOSED = 3;
  readyState = Socket.CONNECTING;
  onopen?: () => void;
  onmessage?: (event: { data: string }) => void;
  onclose?: (event: { code: number; reason: string }) => void;
  onerror?: () => void;
  sent: Record<string, unknown>[] = [];

  constructor(
    readonly url: string,
    readonly protocol: string,
  ) {
    Socket.opened.push(this);
  }

  send(data: string) {
    this.sent.push(JSON.parse(data));
  }

  /** By the page, as by the server: what matters is who hears of it. */
  close(code: number, reason: string) {
    this.readyState = Socket.CLOSED;
    this.onclose?.({ code, reason });
  }

  open() {
    this.readyState = Socket.OPEN;
    this.onopen?.();
  }

  receive(message: Record<string, unknown>) {
    this.onmessage?.({ data: JSON.stringify(message) });
  }
}

const query = "subscription Events { events { cursor } }";
const documentAST = parse(query);
const first = { data: { events: { cursor: "c1" } } };
let unauthenticated: ReturnType<typeof vi.fn<() => void>>;
let link: Link;

beforeEach(() => {
  Socket.opened = [];
  vi.stubGlobal("WebSocket", Socket);
  vi.stubGlobal("location", { protocol: "https:", host: "inbox.example" });
  unauthenticated = vi.fn();
  link = openLink(unauthenticated);
});
afterEach(() => vi.unstubAllGlobals());

/** Starts the subscription, up to its `subscribe` message. */
async function follow(headers: Record<string, unknown> = {}) {
  const seen: Result[] = [];
  let completed = false;
  const stream = link.fetcher({ query }, { headers, documentAST }) as Stream;
  const subscription = stream.subscribe({
    next: (result) => seen.push(result),
    error: (error) => expect.fail(`told as an error instead of a result: ${error}`),
    complete: () => (completed = true),
  });
  const socket = await vi.waitUntil(() => Socket.opened.at(-1));
  socket.open();
  await vi.waitUntil(() => socket.sent.length === 1);
  socket.receive({ type: "connection_ack" });
  const id = await vi.waitUntil(() => socket.sent[1]?.["id"]);
  return { socket, id, seen, subscription, completed: () => completed };
}

test("a subscription opens a graphql-transport-ws connection to the page's own host", async () => {
  const { socket, id, seen, completed } = await follow();
  expect([socket.url, socket.protocol]).toEqual(["wss://inbox.example/graphql", "graphql-transport-ws"]);
  expect(socket.sent[0]).toEqual({ type: "connection_init" });
  expect(socket.sent[1]).toMatchObject({ type: "subscribe", payload: { query } });
  socket.receive({ type: "next", id, payload: first });
  socket.receive({ type: "complete", id });
  await vi.waitUntil(completed);
  expect(seen).toEqual([first]);
});

test("a token in Headers goes into connection_init", async () => {
  const { socket } = await follow({ AUTHORIZATION: "Bearer clq_x" });
  expect(socket.sent[0]).toEqual({ type: "connection_init", payload: { authorization: "Bearer clq_x" } });
});

test("a connection that the server closes is told in words, with the last event still in sight", async () => {
  const { socket, id, seen, completed } = await follow();
  socket.receive({ type: "next", id, payload: first });
  socket.close(4403, "Forbidden");
  await vi.waitUntil(completed);
  expect(seen).toEqual([first, { ...first, errors: [{ message: expect.stringContaining("4403 Forbidden") }] }]);
  expect(Socket.opened).toHaveLength(1);
});

test("errors of the operation are shown as the server sent them", async () => {
  const { socket, id, seen, completed } = await follow();
  const errors = [{ message: "No such dialogue.", extensions: { code: "NOT_FOUND" } }];
  socket.receive({ type: "error", id, payload: errors });
  await vi.waitUntil(completed);
  expect(seen).toEqual([{ errors }]);
});

test("when the session changes, what runs is ended and its connection closed", async () => {
  const { socket, completed } = await follow();
  link.close();
  await vi.waitUntil(completed);
  expect(socket.readyState).toBe(Socket.CLOSED);
});

test("a query goes by HTTP, and its failure is an answer, too", async () => {
  vi.stubGlobal("fetch", () => Promise.reject(new TypeError("Failed to fetch")));
  const result = await (link.fetcher({ query: "{ viewer { name } }" }) as Promise<Result>);
  expect(result.errors?.[0]?.message).toContain("cannot be reached");
  expect(Socket.opened).toEqual([]);
});

test("UNAUTHENTICATED is told of the cookie's session, not of a token", async () => {
  vi.stubGlobal("fetch", async () =>
    Response.json({ errors: [{ message: "Sign in first.", extensions: { code: "UNAUTHENTICATED" } }] }),
  );
  await link.fetcher({ query: "{ viewer { name } }" }, { headers: { Authorization: "Bearer clq_x" } });
  expect(unauthenticated).not.toHaveBeenCalled();
  await link.fetcher({ query: "{ viewer { name } }" });
  expect(unauthenticated).toHaveBeenCalledOnce();
});
