import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { follow, type Connection } from "./live";
import type { State } from "./protocol";

/** A browser's EventSource whose server is the test. */
class Source {
  static opened: Source[] = [];
  onopen?: () => void;
  onmessage?: (event: { data: string }) => void;
  onerror?: () => void;
  isClosed = false;

  constructor(readonly url: string) {
    Source.opened.push(this);
  }

  close() {
    this.isClosed = true;
  }

  tell(state: State) {
    this.onmessage?.({ data: JSON.stringify(state) });
  }
}

const state = (url: string): State => ({ colloquy: { url }, bots: [], phones: [] });
const old = state("http://old.example");
const fresh = state("http://fresh.example");
let answers: ((response: Response) => void)[];
let seen: State[];
let connections: Connection[];
let stop: () => void;

beforeEach(() => {
  vi.useFakeTimers();
  Source.opened = [];
  answers = [];
  seen = [];
  connections = [];
  vi.stubGlobal("EventSource", Source);
  vi.stubGlobal("fetch", () => new Promise((resolve) => answers.push(resolve)));
  stop = follow({ onState: (state) => seen.push(state), onConnection: (connection) => connections.push(connection) });
});
afterEach(() => {
  stop();
  vi.unstubAllGlobals();
  vi.useRealTimers();
});

const settle = () => vi.advanceTimersByTimeAsync(0);

test("the state is asked for at once and when the connection stands, and told from then on", async () => {
  const [source] = Source.opened;
  expect(source!.url).toBe("/api/events");
  answers[0]!(Response.json(old));
  await settle();
  expect(seen).toEqual([old]);
  source!.onopen?.();
  answers[1]!(Response.json(old));
  await settle();
  source!.tell(fresh);
  expect(seen).toEqual([old, old, fresh]);
  expect(connections).toEqual(["CONNECTING", "LIVE"]);
});

test("of two answers under way, the one asked for first does not come after the other", async () => {
  Source.opened[0]!.onopen?.();
  answers[1]!(Response.json(fresh));
  await settle();
  answers[0]!(Response.json(old));
  await settle();
  expect(seen).toEqual([fresh]);
});

test("an answer that was overtaken by an event is left aside", async () => {
  const [source] = Source.opened;
  source!.onopen?.();
  source!.tell(fresh);
  answers[0]!(Response.json(old));
  await settle();
  expect(seen).toEqual([fresh]);
});

test("a lost connection is made again, and the state asked for again", async () => {
  Source.opened[0]!.onopen?.();
  Source.opened[0]!.onerror?.();
  expect(connections.at(-1)).toBe("LOST");
  expect(Source.opened[0]!.isClosed).toBe(true);
  await vi.advanceTimersByTimeAsync(2000);
  Source.opened[1]!.onopen?.();
  answers.at(-1)!(Response.json(fresh));
  await settle();
  expect(seen).toEqual([fresh]);
  expect(connections.at(-1)).toBe("LIVE");
});

test("a state that cannot be had counts as a lost connection", async () => {
  Source.opened[0]!.onopen?.();
  answers[1]!(new Response("", { status: 503 }));
  await settle();
  expect(connections.at(-1)).toBe("LOST");
  await vi.advanceTimersByTimeAsync(2000);
  expect(Source.opened).toHaveLength(2);
});

test("who stopped following hears nothing more", async () => {
  Source.opened[0]!.onopen?.();
  stop();
  answers[0]!(Response.json(old));
  await vi.advanceTimersByTimeAsync(5000);
  expect(seen).toEqual([]);
  expect(Source.opened).toHaveLength(1);
});
