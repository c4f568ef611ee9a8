import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import { openClaims } from "./claims";
import type { ChatMessage } from "./documents";
import { Fault } from "./fault";
import { newKey, openOutbox, type Outgoing, type Send } from "./outbox";
import { lockSite, message, settle, shelf, type SharedShelf } from "./testing/fakes";

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

/** A page's outbox. */
function open(kept: SharedShelf, send: Send, locks?: LockManager) {
  return openOutbox(kept, send, () => {}, openClaims(kept, locks));
}

const states = (all: readonly Outgoing[]) => all.map(({ text, state }) => [text, state]);

test("messages leave one after the other, and stay until they are told in their place", async () => {
  const answers: ((message: ChatMessage) => void)[] = [];
  const kept = shelf();
  const outbox = open(kept, () => new Promise((resolve) => void answers.push(resolve)));
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
  const first = open(kept, before.send);
  first.add("hello", []);
  await settle();
  const after = sender();
  const second = open(shelf(new Map(kept.kept)), after.send);
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
  open(shelf(kept), send);
  await settle();
  expect(texts()).toEqual(["first", "second"]);
  expect(kept.size).toBe(0);
});

test.each(["OFFLINE", "UNAVAILABLE", "INTERNAL"] as const)(
  "%s is tried three times before the visitor is told; those behind it wait, and arrive in the order of writing",
  async (code) => {
    const fault = new Fault(code);
    const { send, texts } = sender([fault, fault, fault]);
    const outbox = open(shelf(), send);
    outbox.add("one", []);
    outbox.add("two", []);
    await settle();
    expect(texts()).toEqual(["one"]);
    await vi.advanceTimersByTimeAsync(1_000);
    expect(texts()).toEqual(["one", "one"]);
    await vi.advanceTimersByTimeAsync(60_000);
    // The server would take "two" by now: it is not asked.
    expect(texts()).toEqual(["one", "one", "one"]);
    expect(states(outbox.all)).toEqual([["one", "failed"], ["two", "failed"]]);
    expect(outbox.all.map(({ fault }) => fault?.code)).toEqual([code, code]);
    outbox.wake();
    await settle();
    expect(texts().slice(3)).toEqual(["one", "two"]);
  },
);

test.each(["one", "two"])("with two that wait, to try %j again sends both, in their order", async (chosen) => {
  const offline = new Fault("OFFLINE");
  const { send, texts } = sender([offline, offline, offline]);
  const outbox = open(shelf(), send);
  outbox.add("one", []);
  outbox.add("two", []);
  await vi.advanceTimersByTimeAsync(10_000);
  outbox.retry(outbox.all.find(({ text }) => text === chosen)!.key);
  await settle();
  expect(texts().slice(3)).toEqual(["one", "two"]);
});

test("who writes on tries again what waits, first; deleting what is in the way lets the rest go", async () => {
  const offline = new Fault("OFFLINE");
  const { send, texts } = sender([offline, offline, offline, offline, offline, offline]);
  const outbox = open(shelf(), send);
  outbox.add("one", []);
  await vi.advanceTimersByTimeAsync(10_000);
  outbox.add("two", []);
  await vi.advanceTimersByTimeAsync(10_000);
  expect(texts()).toEqual(Array<string>(6).fill("one"));
  outbox.discard(outbox.all[0]!.key);
  await settle();
  expect(texts().slice(6)).toEqual(["two"]);
});

test("what was refused and is tried again does not overtake those that wait", async () => {
  const offline = new Fault("OFFLINE");
  const { send, texts } = sender([undefined, new Fault("BAD_USER_INPUT"), offline, offline, offline]);
  const outbox = open(shelf(), send);
  for (const text of ["sent", "refused", "waiting"]) outbox.add(text, []);
  await vi.advanceTimersByTimeAsync(10_000);
  outbox.add("last", []);
  await settle();
  expect(texts().slice(5)).toEqual(["waiting", "last"]);
});

test("the network's return sends what waited for it, and nothing that was refused", async () => {
  const { send, texts } = sender([new Fault("BAD_USER_INPUT", "no"), new Fault("OFFLINE")]);
  const outbox = open(shelf(), send);
  outbox.add("refused", []);
  outbox.add("waiting", []);
  await settle();
  expect(texts()).toEqual(["refused", "waiting"]);
  outbox.wake();
  await settle();
  expect(texts()).toEqual(["refused", "waiting", "waiting"]);
  expect(states(outbox.all)).toEqual([["refused", "failed"], ["waiting", "sent"]]);
});

const limited = (wait: number, field?: string) => new Fault("RATE_LIMITED", "wait", field, wait);

test("the server's own wait is kept", async () => {
  const { send, tried } = sender([limited(14_000)]);
  const outbox = open(shelf(), send);
  outbox.add("one", []);
  await vi.advanceTimersByTimeAsync(13_000);
  expect([tried.length, outbox.all[0]?.state]).toEqual([1, "sending"]);
  await vi.advanceTimersByTimeAsync(1_500);
  expect(tried).toHaveLength(2);
});

test("a long wait is told at once, to those behind it too, and ends by itself", async () => {
  const { send, texts } = sender([limited(1_200_000)]);
  const outbox = open(shelf(), send);
  outbox.add("one", []);
  outbox.add("two", []);
  await settle();
  const until = Date.now() + 1_200_000;
  outbox.add("three", []);
  // Somebody who only looks at the page does not spend the server's patience.
  outbox.wake();
  await settle();
  expect(texts()).toEqual(["one"]);
  expect(outbox.all.map(({ text, state, fault }) => [text, state, fault?.code, fault?.until])).toEqual(
    ["one", "two", "three"].map((text) => [text, "failed", "RATE_LIMITED", until]),
  );
  await vi.advanceTimersByTimeAsync(1_201_000);
  expect(texts().slice(1)).toEqual(["one", "two", "three"]);
});

test("a long wait need not be waited for: to try again asks the server", async () => {
  const { send, texts } = sender([limited(1_200_000)]);
  const outbox = open(shelf(), send);
  outbox.add("one", []);
  outbox.add("two", []);
  await settle();
  outbox.retry(outbox.all[1]!.key);
  await settle();
  expect(texts().slice(1)).toEqual(["one", "two"]);
});

test("a limit on files holds up no text", async () => {
  const { send, texts } = sender([limited(86_400_000, "files")]);
  const outbox = open(shelf(), send);
  outbox.add("look", [new File(["x"], "a.png")]);
  outbox.add("there?", []);
  await settle();
  expect(texts()).toEqual(["look", "there?"]);
  expect(outbox.all[0]).toMatchObject({ state: "failed", fault: { code: "RATE_LIMITED", until: Date.now() + 86_400_000 } });
  outbox.retry(outbox.all[0]!.key);
  await settle();
  expect(states(outbox.all)[0]).toEqual(["look", "sent"]);
});

test("try again sends the same message with the same key; deleting forgets it", async () => {
  const kept = shelf();
  const { send, tried } = sender([new Fault("BAD_USER_INPUT"), new Fault("BAD_USER_INPUT")]);
  const outbox = open(kept, send);
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
  const outbox = open(shelf(), send);
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
  open(kept, send).add("look", [new File(["x"], "a.png", { type: "image/png" })]);
  await settle();
  const after = sender();
  open(shelf(new Map(kept.kept)), after.send);
  await settle();
  expect(after.tried[0]?.files).toEqual([{ name: "a.png", size: 1, contentType: "image/png", id: "fil_a.png" }]);
});

test("a file that was not uploaded is gone with its page: the visitor is told, and may send the rest", async () => {
  const kept = shelf();
  open(kept, () => new Promise(() => {})).add("look", [new File(["x"], "a.png")]);
  const { send, tried } = sender();
  const outbox = open(shelf(new Map(kept.kept)), send, lockSite()().locks);
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

describe.each(["locks", "signs of life"])("two pages, which know of each other by %s", (how) => {
  const inLocks = how === "locks";

  /** A page that is uploading: what it has sent is answered by `answer`, and `end` closes the page. */
  async function uploading() {
    const kept = shelf();
    const page = lockSite();
    const first = page();
    const claims = openClaims(kept, inLocks ? first.locks : undefined);
    let answer = (_: Fault | undefined) => {};
    const send: Send = (outgoing, onUploaded) =>
      new Promise((resolve, fail) => {
        answer = (fault) => {
          if (fault) fail(fault);
          else resolve((onUploaded(0, "fil_a"), message({ isOwn: true, key: outgoing.key })));
        };
      });
    const outbox = openOutbox(kept, send, () => {}, claims);
    outbox.add("look", [new File(["x"], "a.png")]);
    await settle();
    /** Another page of the site sees what is on the shelf now, and is told of what happens there. */
    const other = (sending: Send) => open(kept, sending, inLocks ? page().locks : undefined);
    const end = () => (inLocks ? first.end() : claims.pause());
    return { kept, outbox, other, end, answer: (fault?: Fault) => answer(fault) };
  }

  test("no file is lost while the other uploads it, and what is written meanwhile comes after it", async () => {
    const { kept, outbox, other, answer } = await uploading();
    const { send, texts } = sender();
    const second = other(send);
    second.add("after", []);
    await vi.advanceTimersByTimeAsync(200_000);
    expect([states(second.all), texts()]).toEqual([[["after", "sending"]], []]);
    answer();
    await settle();
    expect(outbox.all[0]?.state).toBe("sent");
    kept.otherTab("out gone", null);
    await vi.advanceTimersByTimeAsync(10_000);
    expect([states(second.all), texts()]).toEqual([[["after", "sent"]], ["after"]]);
  });

  test("what the other could not send holds this one up no longer, and is still the other's", async () => {
    const { kept, other, answer } = await uploading();
    const { send, texts } = sender();
    const second = other(send);
    second.add("after", []);
    answer(new Fault("BAD_USER_INPUT"));
    await settle();
    kept.otherTab("out gone", null);
    await vi.advanceTimersByTimeAsync(200_000);
    expect([states(second.all), texts()]).toEqual([[["after", "sent"]], ["after"]]);
  });

  test("when the other is closed before it is uploaded, the file is lost", async () => {
    const { other, end } = await uploading();
    const { send, texts } = sender();
    const [second, third] = [other(send), other(send)];
    second.add("after", []);
    end();
    await vi.advanceTimersByTimeAsync(10_000);
    for (const { all } of [second, third]) {
      expect(all[0]).toMatchObject({ text: "look", state: "failed", fault: { code: "FILE_LOST" }, files: [] });
    }
    expect(texts()).toEqual(["after"]);
  });
});

test("a page that was torn away without a word is gone once it has been silent for long", async () => {
  const kept = shelf(new Map([
    ["out a", JSON.stringify({ createdAt: "2026-01-01T00:00:01.000Z", text: "look", files: [{ name: "a", size: 1 }] })],
    ["held a", `${Date.now()}`],
  ]));
  const outbox = open(kept, sender().send);
  await vi.advanceTimersByTimeAsync(60_000);
  expect(outbox.all).toEqual([]);
  await vi.advanceTimersByTimeAsync(40_000);
  expect(outbox.all[0]?.fault?.code).toBe("FILE_LOST");
  expect(kept.read("held a")).toBeNull();
});

test("a lost file is still lost after a reload: nothing is sent without it unless the visitor says so", async () => {
  const kept = shelf();
  open(kept, () => new Promise(() => {}), lockSite()().locks).add("look", [new File(["x"], "a.png")]);
  for (let reload = 0; reload < 3; reload++) {
    const { send, tried } = sender();
    const outbox = open(shelf(new Map(kept.kept)), send, lockSite()().locks);
    await settle();
    expect([outbox.all[0]?.fault?.code, tried]).toEqual(["FILE_LOST", []]);
  }
});

test("a file that the server does not have any more is uploaded anew", async () => {
  const { send } = sender([new Fault("BAD_USER_INPUT", "no such file", "fileIds")]);
  const outbox = open(shelf(), send);
  outbox.add("", [new File(["x"], "a.png")]);
  await settle();
  expect(outbox.all[0]?.state).toBe("failed");
  expect(outbox.all[0]?.files[0]?.id).toBeUndefined();
});

test("another tab's sending or deleting takes it away here", async () => {
  const kept = shelf();
  const outbox = open(kept, () => new Promise(() => {}));
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
