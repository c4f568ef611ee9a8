import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { Fault } from "./fault";
import { begin, pass, refusing, texts } from "./testing/chat";
import { message, settle, shelf, update, type SharedShelf } from "./testing/fakes";

beforeEach(() => void vi.useFakeTimers({ now: Date.UTC(2026, 5, 1) }));
afterEach(() => void vi.useRealTimers());

test("a mere look at the page asks nothing of the server", async () => {
  const { chat, asked, links } = begin({ kept: shelf() });
  chat.setReading(true);
  chat.typed();
  chat.wake();
  await pass(60_000);
  expect([asked, links]).toEqual([[], []]);
});

test("the first message begins the chat: a token, kept for all tabs, then the message; and it is followed", async () => {
  const { chat, kept, asked, links } = begin({ kept: shelf() });
  chat.send("  hello ", []);
  expect(chat.state.outgoing).toMatchObject([{ text: "hello", state: "sending" }]);
  await settle();
  expect(asked[0]).toEqual({ operation: "StartChat", variables: { channel: "chn_1" }, token: undefined });
  const sent = asked.find(({ operation }) => operation === "SendMessage");
  expect(sent).toMatchObject({ token: "t1", variables: { text: "hello", fileIds: null } });
  expect(kept.read("token")).toBe("t1");
  expect(links[0]).toMatchObject({ token: "t1", after: "c0", server: "https://inbox.example" });
  expect(chat.state.name).toBe("Shop");
  // Told by the subscription, it stands among the others and no longer apart.
  links[0]!.onUpdate(update({ cursor: "c1", message: chat.state.outgoing[0]!.message! }));
  expect([texts(chat), chat.state.outgoing]).toEqual([["hello"], []]);
});

test("two messages at once begin one chat", async () => {
  const { chat, of } = begin({ kept: shelf() });
  chat.send("one", []);
  chat.send("two", []);
  chat.typed();
  await settle();
  expect(of("StartChat")).toHaveLength(1);
  expect(of("SendMessage").map(({ variables }) => variables["text"])).toEqual(["one", "two"]);
});

test("a visitor who was here before finds the conversation, and follows it from there", async () => {
  const { chat, links, of } = begin({ messages: [message({ text: "hi" })], unread: 1 });
  await settle();
  expect([texts(chat), chat.state.unread, chat.state.limits.largestFile]).toEqual([["hi"], 1, 1000]);
  expect(of("Chat")[0]?.token).toBe("t0");
  expect(links).toMatchObject([{ after: "c0", token: "t0" }]);
});

test("a message told in the answer and again by the subscription is shown once", async () => {
  const hi = message({ text: "hi" });
  const { chat, links } = begin({ messages: [hi] });
  await settle();
  links[0]!.onUpdate(update({ cursor: "c1", message: hi }));
  links[0]!.onUpdate(update({ cursor: "c2", message: { ...hi, text: "hi!" } }));
  expect(texts(chat)).toEqual(["hi!"]);
});

test("a limit on files is told at once and holds up no text", async () => {
  const { chat, handlers, of } = begin();
  await settle();
  handlers["upload"] = () => {
    throw new Fault("RATE_LIMITED", "too many", undefined, 3_600_000);
  };
  chat.send("", [new File(["x"], "a.png")]);
  chat.send("hello?", []);
  await settle();
  expect(chat.state.outgoing.map(({ state, fault }) => [state, fault?.code])).toEqual([["failed", "RATE_LIMITED"], ["sent", undefined]]);
  expect(of("upload")).toHaveLength(1);
});

test("the company's messages are marked delivered, and read once they are looked at, each once", async () => {
  const first = message();
  const { chat, links, asked } = begin({ messages: [first], unread: 1 });
  const marks = () => asked.filter(({ operation }) => operation.startsWith("Mark")).map((mark) => [mark.operation, mark.variables["id"]]);
  await settle();
  chat.wake();
  links[0]!.onState("live", 0);
  expect(marks()).toEqual([["MarkDelivered", first.id]]);
  chat.setReading(true);
  await settle();
  expect(marks()).toEqual([["MarkDelivered", first.id], ["MarkRead", first.id]]);
  expect(chat.state.unread).toBe(0);
  const second = message();
  links[0]!.onUpdate(update({ cursor: "c1", message: second }));
  await settle();
  expect(marks().slice(2)).toEqual([["MarkRead", second.id]]);
  chat.setReading(false);
  links[0]!.onUpdate(update({ cursor: "c2", message: message() }));
  expect(chat.state.unread).toBe(1);
  await settle();
  expect(marks().at(-1)?.[0]).toBe("MarkDelivered");
});

test("a mark that the server did not hear is made again when the connection is back", async () => {
  const { chat, links, handlers, of } = begin({ messages: [message()], unread: 1 });
  await settle();
  handlers["MarkRead"] = () => {
    throw new Fault("OFFLINE");
  };
  chat.setReading(true);
  await settle();
  handlers["MarkRead"] = () => ({ markRead: true });
  links[0]!.onState("live", 0);
  links[0]!.onState("live", 0);
  await settle();
  expect(of("MarkRead")).toHaveLength(2);
});

test("a mark that the server did not hear is made again while the connection lives, with growing waits", async () => {
  const { chat, handlers, of } = begin({ messages: [message()], unread: 1 });
  await settle();
  handlers["MarkRead"] = refusing("INTERNAL");
  chat.setReading(true);
  await pass(1_000);
  expect(of("MarkRead")).toHaveLength(2);
  await pass(2_000);
  expect(of("MarkRead")).toHaveLength(3);
  handlers["MarkRead"] = () => ({ markRead: true });
  await pass(4_000);
  expect(of("MarkRead")).toHaveLength(4);
  await pass(600_000);
  expect(of("MarkRead")).toHaveLength(4);
});

test("a mark that is still to be repeated begins no chat when the token is gone", async () => {
  const { chat, kept, handlers, of } = begin({ messages: [message()], unread: 1 });
  await settle();
  handlers["MarkRead"] = refusing("OFFLINE");
  chat.setReading(true);
  await settle();
  kept.otherTab("token", null);
  await pass(60_000);
  expect([of("StartChat"), kept.read("token")]).toEqual([[], null]);
});

test("read in another tab is read here", async () => {
  const hi = message();
  const { chat, kept } = begin({ messages: [hi], unread: 1 });
  await settle();
  kept.otherTab("read", hi.id);
  expect(chat.state.unread).toBe(0);
});

test("the company's reading shows on the visitor's messages", async () => {
  const own = [message({ isOwn: true }), message({ isOwn: true })];
  const { chat, links } = begin({ messages: own });
  await settle();
  links[0]!.onUpdate(update({ cursor: "c1", readUpTo: own[0]!.id }));
  expect(chat.state.log.messages.map(({ isRead }) => isRead)).toEqual([true, false]);
});

test("typing is told at most every three seconds, and at once for the next message", async () => {
  const { chat, of } = begin();
  await settle();
  for (let key = 0; key < 10; key++) {
    chat.typed();
    await pass(500);
  }
  expect(of("SetTyping")).toHaveLength(2);
  chat.send("done", []);
  chat.typed();
  await settle();
  expect(of("SetTyping")).toHaveLength(3);
});

test("an employee's typing is shown until then, until their message, and for a while if the clocks disagree", async () => {
  const { chat, links } = begin();
  await settle();
  const type = (until: number) =>
    links[0]!.onUpdate(update({ typing: { name: "Anna", until: new Date(Date.now() + until).toISOString() } }));
  type(6_000);
  expect(chat.state.typing).toBe("Anna");
  await pass(5_900);
  expect(chat.state.typing).toBe("Anna");
  await pass(200);
  expect(chat.state.typing).toBeNull();
  type(-3_600_000);
  expect(chat.state.typing).toBe("Anna");
  type(3_600_000);
  await pass(10_000);
  expect(chat.state.typing).toBeNull();
  type(6_000);
  links[0]!.onUpdate(update({ cursor: "c1", message: message() }));
  expect(chat.state.typing).toBeNull();
});

test("what is over a limit is refused before anything is uploaded", async () => {
  const { chat, of } = begin();
  await settle();
  chat.send("🙂".repeat(26), []);
  chat.send("", [new File(["x".repeat(1001)], "big.bin")]);
  chat.send("🙂".repeat(25), []);
  chat.send("   ", []);
  await settle();
  expect(chat.state.outgoing.map(({ state, fault }) => [state, fault?.code])).toEqual([
    ["failed", "TOO_LONG"],
    ["failed", "TOO_LARGE"],
    ["sent", undefined],
  ]);
  expect(of("upload")).toEqual([]);
});

test("fresh addresses are looked for page by page, until the message is found", async () => {
  const file = { id: "fil_1", name: "a", contentType: "image/png", size: 1, url: "old", previewUrl: null, width: null, height: null };
  const [old, recent] = [message({ files: [file] }), message()];
  const { chat, handlers, of } = begin({ messages: [old, recent] });
  await settle();
  const fresh = { ...old, files: [{ ...file, url: "new" }] };
  handlers["Page"] = ({ variables }) => ({
    chat: {
      messages:
        variables["before"] === null
          ? { nodes: [recent], hasPreviousPage: true, startCursor: "p1" }
          : { nodes: [fresh], hasPreviousPage: true, startCursor: "p2" },
    },
  });
  await pass(60_000);
  await Promise.all([chat.refresh(old.id), chat.refresh(recent.id)]);
  expect(of("Page").map(({ variables }) => variables["before"])).toEqual([null, "p1"]);
  expect(chat.state.log.messages[0]?.files[0]?.url).toBe("new");
});

test("an unsent message of an earlier page goes out, even if its token went away since", async () => {
  const kept: SharedShelf = shelf(
    new Map([["out k1", JSON.stringify({ text: "late", createdAt: "2026-01-01T00:00:00.000Z", files: [] })]]),
  );
  const { chat, of } = begin({ kept });
  expect(chat.state.outgoing).toMatchObject([{ text: "late" }]);
  await settle();
  expect(of("SendMessage")).toMatchObject([{ token: "t1", variables: { key: "k1", text: "late" } }]);
});
