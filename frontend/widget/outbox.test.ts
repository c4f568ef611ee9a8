import { afterEach, beforeEach, expect, test, vi } from "vitest";
import type { ChatMessage } from "./documents";
import { Fault } from "./fault";
import { newKey, openOutbox, type Outgoing, type Send } from "./outbox";
import { message, settle, shelf } from "./testing/fakes";

beforeEach(() => void vi.useFakeTimers());
afterEach(() => void vi.useRealTimers());

/** A server that takes everything, but for the faults that stand in `faults`, first for the first try. */
function sender(faults: (Fault | undefined)[] = []) {
  const tried: Outgoing[] = [];
  const send: Send = async (outgoing, onUploaded) => {
    tried.push(outgoing);
    for (const [at, { id, blob }] of outgoing.files.entries()) if (id === undefined && blob) onUploaded(at, `fil_${blob.name}`);
    const fault = faults.shift();
    if (fault) throw fault;
    return message({ isOwn: true, key: outgoing.key, text: outgoing.text });
  };
  return { tried, send, texts: () => tried.map(({ text }) => text) };
}

const states = (all: readonly Outgoing[]) => all.map(({ text, state }) => [text, state]);

test("messages leave one after the other, and stay until they are told in their place", async () => {
  const answers: ((message: ChatMessage) => void)[] = [];
  const kept = shelf();
  const outbox = openOutbox(kept, () => new Promise((resolve) => void answers.push(resolve)), () => {});
  outbox.add("one", []);
  outbox.add("two", []);
  await settle();
  expect(answers).toHaveLength(1);
  answers[0]!(message());
  await settle();
  expect(answers).toHaveLength(2);
  expect(states(outbox.all)).toEqual([["one", "sent"], ["two", "sending"]]);
  // Sent means that the server has it: a reload need not send it again.
  expect(kept.kept.size).toBe(1);
  outbox.confirm(outbox.all[0]!.key);
  expect(states(outbox.all)).toEqual([["two", "sending"]]);
});

test("an unsent message outlives the page, and is sent again with the same key", async () => {
  const kept = shelf();
  const before = sender([new Fault("OFFLINE")]);
  const first = openOutbox(kept, before.send, () => {});
  first.add("hello", []);
  await settle();
  const after = sender();
  const second = openOutbox(shelf(new Map(kept.kept)), after.send, () => {});
  await settle();
  expect(after.tried[0]).toMatchObject({ key: before.tried[0]!.key, text: "hello" });
  expect(second.all[0]?.state).toBe("sent");
});

test("what a reload finds is sent in the order in which it was written", async () => {
  const entry = (createdAt: string, text: string) => JSON.stringify({ createdAt, text, files: [] });
  const kept = new Map([
    ["out b", entry("2026-01-01T00:00:02.000Z", "second")],
    ["out a", entry("2026-01-01T00:00:01.000Z", "first")],
    ["out c", "{broken"],
  ]);
  const { send, texts } = sender();
  openOutbox(shelf(kept), send, () => {});
  await settle();
  expect(texts()).toEqual(["first", "second"]);
  expect(kept.size).toBe(0);
});

test("a passing fault is tried three times before the visitor is told; later messages wait", async () => {
  const offline = new Fault("OFFLINE");
  const { send, texts } = sender([offline, offline, offline]);
  const outbox = openOutbox(shelf(), send, () => {});
  outbox.add("one", []);
  outbox.add("two", []);
  await settle();
  expect(texts()).toEqual(["one"]);
  await vi.advanceTimersByTimeAsync(1_000);
  expect(texts()).toEqual(["one", "one"]);
  await vi.advanceTimersByTimeAsync(2_000);
  expect(texts()).toEqual(["one", "one", "one", "two"]);
  expect(states(outbox.all)).toEqual([["one", "failed"], ["two", "sent"]]);
  expect(outbox.all[0]?.fault?.code).toBe("OFFLINE");
});

test("the network's return sends what waited for it, and nothing that was refused", async () => {
  const { send, texts } = sender([new Fault("BAD_USER_INPUT", "no"), new Fault("OFFLINE")]);
  const outbox = openOutbox(shelf(), send, () => {});
  outbox.add("refused", []);
  outbox.add("waiting", []);
  await settle();
  expect(texts()).toEqual(["refused", "waiting"]);
  outbox.wake();
  await settle();
  expect(texts()).toEqual(["refused", "waiting", "waiting"]);
  expect(states(outbox.all)).toEqual([["refused", "failed"], ["waiting", "sent"]]);
});

test("the server's own wait is kept", async () => {
  const { send, tried } = sender([new Fault("RATE_LIMITED", "wait", undefined, 20_000)]);
  openOutbox(shelf(), send, () => {}).add("one", []);
  await vi.advanceTimersByTimeAsync(19_000);
  expect(tried).toHaveLength(1);
  await vi.advanceTimersByTimeAsync(1_500);
  expect(tried).toHaveLength(2);
});

test("try again sends the same message with the same key; deleting forgets it", async () => {
  const kept = shelf();
  const { send, tried } = sender([new Fault("BAD_USER_INPUT"), new Fault("BAD_USER_INPUT")]);
  const outbox = openOutbox(kept, send, () => {});
  outbox.add("one", []);
  await settle();
  outbox.retry(outbox.all[0]!.key);
  expect(outbox.all[0]).toMatchObject({ state: "sending" });
  expect(outbox.all[0]?.fault).toBeUndefined();
  await settle();
  expect(tried[1]?.key).toBe(tried[0]?.key);
  outbox.discard(tried[0]!.key);
  expect([outbox.all, kept.kept.size]).toEqual([[], 0]);
});

test("a message told by the server before its own answer is not shown twice, even if the answer is lost", async () => {
  const tried: { text: string; fail: (fault: Fault) => void }[] = [];
  const send: Send = ({ text }) => new Promise((_, fail) => void tried.push({ text, fail }));
  const outbox = openOutbox(shelf(), send, () => {});
  outbox.add("one", []);
  outbox.add("two", []);
  await settle();
  outbox.confirm(outbox.all[0]!.key);
  tried[0]!.fail(new Fault("OFFLINE"));
  await settle();
  expect(states(outbox.all)).toEqual([["two", "sending"]]);
  // Nothing failed, so the next does not wait.
  expect(tried.map(({ text }) => text)).toEqual(["one", "two"]);
});

test("an uploaded file is not uploaded again, even after a reload", async () => {
  const kept = shelf();
  const { send } = sender([new Fault("OFFLINE")]);
  openOutbox(kept, send, () => {}).add("look", [new File(["x"], "a.png", { type: "image/png" })]);
  await settle();
  const after = sender();
  openOutbox(shelf(new Map(kept.kept)), after.send, () => {});
  await settle();
  expect(after.tried[0]?.files).toEqual([{ name: "a.png", size: 1, contentType: "image/png", id: "fil_a.png" }]);
});

test("a file that was not uploaded is gone with its page: the visitor is told, and may send the rest", async () => {
  const kept = shelf();
  openOutbox(kept, () => new Promise(() => {}), () => {}).add("look", [new File(["x"], "a.png")]);
  const { send, tried } = sender();
  const outbox = openOutbox(shelf(new Map(kept.kept)), send, () => {});
  await settle();
  expect(outbox.all[0]).toMatchObject({ state: "failed", fault: { code: "FILE_LOST" }, text: "look", files: [] });
  // The network has nothing to do with it.
  outbox.wake();
  await settle();
  expect(tried).toEqual([]);
  outbox.retry(outbox.all[0]!.key);
  await settle();
  expect(outbox.all[0]?.state).toBe("sent");
});

test("a file that the server does not have any more is uploaded anew", async () => {
  const { send } = sender([new Fault("BAD_USER_INPUT", "no such file", "fileIds")]);
  const outbox = openOutbox(shelf(), send, () => {});
  outbox.add("", [new File(["x"], "a.png")]);
  await settle();
  expect(outbox.all[0]?.state).toBe("failed");
  expect(outbox.all[0]?.files[0]?.id).toBeUndefined();
});

test("another tab's sending or deleting takes it away here", async () => {
  const kept = shelf();
  const outbox = openOutbox(kept, () => new Promise(() => {}), () => {});
  outbox.add("one", []);
  kept.otherTab(`out ${outbox.all[0]!.key}`, null);
  expect(outbox.all).toEqual([]);
});

test("keys are never the same, with or without a secure page", () => {
  expect(newKey()).not.toBe(newKey());
  vi.stubGlobal("crypto", { getRandomValues: crypto.getRandomValues.bind(crypto) });
  expect(newKey()).toMatch(/^[0-9a-f]{32}$/);
  expect(newKey()).not.toBe(newKey());
  vi.unstubAllGlobals();
});
