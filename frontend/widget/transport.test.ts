import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { FakeSocket, message, update } from "./testing/fakes";
import { UPDATES, type ChatUpdate } from "./documents";
import { openLink, type Link } from "./transport";

let link: Link;
let updates: ChatUpdate[];
let states: [string, number][];
let refused: number;

beforeEach(() => {
  vi.useFakeTimers();
  vi.stubGlobal("WebSocket", FakeSocket);
  vi.spyOn(Math, "random").mockReturnValue(1);
  FakeSocket.all = [];
  [updates, states, refused] = [[], [], 0];
  link = openLink({
    server: "https://inbox.example/base",
    token: "vis_x",
    after: "c0",
    onUpdate: (told) => void updates.push(told),
    onState: (state, attempt) => void states.push([state, attempt]),
    onRefused: () => void refused++,
  });
});

afterEach(() => {
  link.close();
  vi.useRealTimers();
  vi.unstubAllGlobals();
  vi.restoreAllMocks();
});

/** The cursor that a connection resumes after. */
const after = (socket: FakeSocket) =>
  (socket.sent.find(({ type }) => type === "subscribe")?.payload as { variables: { after: string } } | undefined)?.variables.after;

test("it says who it is, waits to be let in, and follows after the cursor", () => {
  const socket = FakeSocket.last;
  expect([socket.url, socket.protocol]).toEqual(["wss://inbox.example/base/chat", "graphql-transport-ws"]);
  socket.onopen?.();
  expect(socket.sent).toEqual([{ type: "connection_init", payload: { authorization: "Bearer vis_x" } }]);
  socket.say({ type: "connection_ack" });
  expect(socket.sent[1]).toEqual({ id: "1", type: "subscribe", payload: { query: UPDATES, variables: { after: "c0" } } });
  expect(states).toEqual([["live", 0]]);
});

test("after a lost connection it goes on behind the last update that has a cursor", () => {
  const first = FakeSocket.last;
  first.accept();
  first.next(update({ cursor: "c1", message: message() }));
  first.next(update({ cursor: null, typing: { name: "Anna", until: "2026-01-01T00:00:00.000Z" } }));
  first.end(1006);
  expect(states.at(-1)).toEqual(["waiting", 1]);
  vi.advanceTimersByTime(1_000);
  expect(FakeSocket.all).toHaveLength(2);
  FakeSocket.last.accept();
  expect(after(FakeSocket.last)).toBe("c1");
  expect(updates).toHaveLength(2);
});

test("what a connection says after it was given up is not heard", () => {
  const first = FakeSocket.last;
  first.accept();
  const { onmessage } = first;
  first.end(1006);
  first.say({ id: "1", type: "next", payload: { data: { updates: update({ cursor: "late" }) } } });
  expect(onmessage).not.toBeNull();
  expect(first.isClosed).toBe(true);
  expect(updates).toEqual([]);
});

test("waits grow, up to a minute, and are different for everybody", () => {
  const waits: number[] = [];
  for (let attempt = 0; attempt < 8; attempt++) {
    const before = Date.now();
    const count = FakeSocket.all.length;
    FakeSocket.last.end(1006);
    while (FakeSocket.all.length === count) vi.advanceTimersByTime(100);
    waits.push((Date.now() - before) / 1000);
  }
  expect(waits).toEqual([1, 2, 4, 8, 16, 32, 60, 60]);
  vi.mocked(Math.random).mockReturnValue(0);
  const count = FakeSocket.all.length;
  FakeSocket.last.end(1006);
  vi.advanceTimersByTime(30_000);
  expect(FakeSocket.all).toHaveLength(count + 1);
});

test("a connection that worked makes the next wait short again; one that is let in and thrown out does not", () => {
  FakeSocket.last.end(1006);
  vi.advanceTimersByTime(1_000);
  FakeSocket.last.accept();
  FakeSocket.last.end(1011);
  expect(states.at(-1)).toEqual(["waiting", 2]);
  vi.advanceTimersByTime(2_000);
  FakeSocket.last.accept();
  vi.advanceTimersByTime(5_000);
  FakeSocket.last.end(1001);
  expect(states.at(-1)).toEqual(["waiting", 1]);
});

test("pings are answered with what they carry", () => {
  FakeSocket.last.accept();
  FakeSocket.last.say({ type: "ping" });
  FakeSocket.last.say({ type: "ping", payload: { at: 5 } });
  expect(FakeSocket.last.sent.slice(2)).toEqual([{ type: "pong" }, { type: "pong", payload: { at: 5 } }]);
});

test("a silent connection is asked whether it lives, and given up after ten seconds without an answer", () => {
  FakeSocket.last.accept();
  vi.advanceTimersByTime(25_000);
  expect(FakeSocket.last.types.at(-1)).toBe("ping");
  FakeSocket.last.say({ type: "pong" });
  vi.advanceTimersByTime(20_000);
  expect(FakeSocket.all).toHaveLength(1);
  vi.advanceTimersByTime(5_000);
  const dead = FakeSocket.last;
  expect(dead.types.filter((type) => type === "ping")).toHaveLength(2);
  vi.advanceTimersByTime(11_000);
  expect(dead.isClosed).toBe(true);
  expect(FakeSocket.all).toHaveLength(2);
});

test("a server that does not let it in within ten seconds is asked again", () => {
  FakeSocket.last.onopen?.();
  vi.advanceTimersByTime(11_000);
  expect(FakeSocket.all).toHaveLength(2);
});

test("after a sleep it connects at once, and after the last update", () => {
  FakeSocket.last.accept();
  FakeSocket.last.next(update({ cursor: "c7", message: message() }));
  const slept = FakeSocket.last;
  vi.setSystemTime(Date.now() + 3_600_000);
  vi.advanceTimersByTime(5_000);
  expect(slept.isClosed).toBe(true);
  expect(FakeSocket.all).toHaveLength(2);
  FakeSocket.last.accept();
  expect(after(FakeSocket.last)).toBe("c7");
});

test("timers that a hidden page gets once a minute are no sleep: the connection is asked", () => {
  FakeSocket.last.accept();
  vi.setSystemTime(Date.now() + 60_000);
  vi.advanceTimersByTime(5_000);
  expect(FakeSocket.all).toHaveLength(1);
  expect(FakeSocket.last.types.at(-1)).toBe("ping");
});

test("waking ends a wait at once, and asks a connection that seems to live", () => {
  FakeSocket.last.end(1006);
  link.wake();
  expect(FakeSocket.all).toHaveLength(2);
  link.wake();
  expect(FakeSocket.all).toHaveLength(2);
  FakeSocket.last.accept();
  link.wake();
  link.wake();
  expect(FakeSocket.last.types).toEqual(["connection_init", "subscribe", "ping"]);
  vi.advanceTimersByTime(60_000);
  expect(FakeSocket.all.length).toBeGreaterThan(2);
});

test("a page put aside holds no connection, and gets one when it is back", () => {
  FakeSocket.last.accept();
  link.pause();
  expect(FakeSocket.last.isClosed).toBe(true);
  vi.setSystemTime(Date.now() + 3_600_000);
  vi.advanceTimersByTime(100_000);
  expect(FakeSocket.all).toHaveLength(1);
  link.wake();
  expect(FakeSocket.all).toHaveLength(2);
});

test("who is not let in is told so, and it ends", () => {
  FakeSocket.last.onopen?.();
  FakeSocket.last.end(4403);
  expect(refused).toBe(1);
  vi.advanceTimersByTime(120_000);
  link.wake();
  expect(FakeSocket.all).toHaveLength(1);
});

test("a refused cursor ends it; other refusals are tried again", () => {
  FakeSocket.last.accept();
  FakeSocket.last.say({ id: "1", type: "error", payload: [{ message: "busy", extensions: { code: "INTERNAL" } }] });
  expect(refused).toBe(0);
  vi.advanceTimersByTime(1_000);
  FakeSocket.last.accept();
  const payload = [{ message: "no such place", extensions: { code: "BAD_USER_INPUT", field: "after" } }];
  FakeSocket.last.say({ id: "1", type: "error", payload });
  expect(refused).toBe(1);
  expect(FakeSocket.last.isClosed).toBe(true);
});

test.each([
  ["ends the subscription", { id: "1", type: "complete" }],
  ["answers with an error", { id: "1", type: "next", payload: { data: null, errors: [{ message: "broke" }] } }],
  ["speaks another protocol", "hello"],
  ["says null", null],
])("a server that %s is connected to anew", (_, frame) => {
  FakeSocket.last.accept();
  FakeSocket.last.say(frame);
  expect(states.at(-1)?.[0]).toBe("waiting");
  vi.advanceTimersByTime(1_000);
  expect(FakeSocket.all).toHaveLength(2);
  expect(updates).toEqual([]);
});

test("a browser that throws instead of connecting is asked again later", () => {
  FakeSocket.last.end(1006);
  vi.stubGlobal("WebSocket", function () {
    throw new DOMException("refused by the policy", "SecurityError");
  });
  vi.advanceTimersByTime(1_000);
  expect(states.at(-1)).toEqual(["waiting", 2]);
});
