import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { openChat, type Chat } from "./chat";
import type { ChatMessage } from "./documents";
import { Fault, type FaultCode } from "./fault";
import { links, message, server, settle, shelf, update, type SharedShelf } from "./testing/fakes";

beforeEach(() => void vi.useFakeTimers({ now: Date.UTC(2026, 5, 1) }));
afterEach(() => void vi.useRealTimers());

const answer = (messages: ChatMessage[] = [], unreadCount = 0, cursor = "c0") => ({
  chat: {
    name: "Shop",
    cursor,
    unreadCount,
    largestFile: 1000,
    longestText: 50,
    messages: { nodes: messages, hasPreviousPage: false, startCursor: null },
  },
});

/** A chat with a server that does what is asked; `kept` has a token unless the test brings its own. */
function begin({ messages = [] as ChatMessage[], unread = 0, kept = shelf(new Map([["token", "t0"]])) } = {}) {
  let tokens = 0;
  const back = server({
    StartChat: () => ({ startChat: { token: `t${++tokens}` } }),
    Chat: () => answer(messages, unread),
    SendMessage: ({ variables }) => ({
      sendMessage: { message: message({ isOwn: true, key: variables["key"] as string, text: variables["text"] as string }) },
    }),
    SetTyping: () => ({ setTyping: true }),
    MarkDelivered: () => ({ markDelivered: true }),
    MarkRead: () => ({ markRead: true }),
    upload: ({ variables }) => `fil_${variables["name"]}`,
  });
  const wires = links();
  const chat = openChat({
    server: "https://inbox.example",
    channel: "chn_1",
    api: back.api,
    shelf: kept,
    onChange: () => {},
    openLink: wires.openLink,
  });
  return { chat, kept, ...back, links: wires.opened };
}

/** A handler that refuses all. */
const refusing = (code: FaultCode) => () => {
  throw new Fault(code);
};

const texts = (chat: Chat) => chat.state.log.messages.map(({ text }) => text);
const pass = (milliseconds: number) => vi.advanceTimersByTimeAsync(milliseconds);

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

test("a refused cursor reads the conversation anew and goes on from there, without asking in circles", async () => {
  const { chat, links, handlers, of } = begin({ messages: [message({ text: "old" })] });
  await settle();
  handlers["Chat"] = () => answer([message({ text: "restored" })], 0, "c9");
  links[0]!.onRefused();
  await pass(1);
  expect(texts(chat)).toEqual(["restored"]);
  expect(links[1]).toMatchObject({ after: "c9" });
  links[1]!.onRefused();
  await pass(500);
  expect(of("Chat")).toHaveLength(2);
  await pass(2_000);
  expect(of("Chat")).toHaveLength(3);
});

test("a refused token is dropped; what was written goes out in a new chat, with its files uploaded anew", async () => {
  const { chat, kept, handlers, of } = begin();
  await settle();
  const refuse = ({ token }: { token: string | undefined }) => {
    if (token === "t0") throw new Fault("UNAUTHENTICATED");
  };
  const { SendMessage } = handlers;
  handlers["SendMessage"] = (request) => (refuse(request), SendMessage!(request));
  chat.send("keep me", [new File(["x"], "a.png")]);
  await settle();
  expect(of("upload").map(({ token }) => token)).toEqual(["t0", "t1"]);
  expect(of("SendMessage").map(({ token, variables }) => [token, variables["text"], variables["fileIds"]])).toEqual([
    ["t0", "keep me", ["fil_a.png"]],
    ["t1", "keep me", ["fil_a.png"]],
  ]);
  const [first, second] = of("SendMessage").map(({ variables }) => variables["key"]);
  expect(first).toBe(second);
  expect(kept.read("token")).toBe("t1");
});

test("what was uploaded for a token that is gone is uploaded again", async () => {
  const { chat, kept, handlers, of } = begin();
  await settle();
  const { SendMessage } = handlers;
  handlers["SendMessage"] = refusing("BAD_USER_INPUT");
  chat.send("look", [new File(["x"], "a.png")]);
  await settle();
  kept.otherTab("token", null);
  handlers["SendMessage"] = SendMessage!;
  chat.retry(chat.state.outgoing[0]!.key);
  await settle();
  expect(of("upload").map(({ token }) => token)).toEqual(["t0", "t1"]);
  expect(chat.state.outgoing[0]?.state).toBe("sent");
});

test("an answer for a token that is gone meanwhile shows nothing and follows nothing", async () => {
  const { chat, kept, links, handlers } = begin({ messages: [message({ text: "theirs" })] });
  const late = handlers["Chat"]!;
  handlers["Chat"] = (request) => {
    if (request.token === "t0") kept.otherTab("token", null);
    return late(request);
  };
  await settle();
  expect([texts(chat), links, chat.state.name]).toEqual([[], [], null]);
});

test("where a connection is not let in (4403), the token is dropped if the server refuses it in words", async () => {
  const { chat, kept, links, handlers, of } = begin({ messages: [message()] });
  await settle();
  const { Chat } = handlers;
  handlers["Chat"] = refusing("UNAUTHENTICATED");
  links[0]!.onRefused();
  await pass(1);
  handlers["Chat"] = Chat!;
  // Nothing begins until the visitor writes.
  expect([kept.read("token"), texts(chat), of("StartChat")]).toEqual([null, [], []]);
  chat.send("again", []);
  await settle();
  expect(kept.read("token")).toBe("t1");
  expect(links.at(-1)?.token).toBe("t1");
});

test.each(["FORBIDDEN", "NOT_FOUND", "UNAVAILABLE", "OFFLINE"] as const)(
  "where a connection is not let in and the server says %s, the visitor stays who they are",
  async (code) => {
    const { chat, kept, links, handlers } = begin({ messages: [message({ text: "hi" })] });
    await settle();
    const { Chat } = handlers;
    handlers["Chat"] = refusing(code);
    links[0]!.onRefused();
    await pass(1);
    expect([kept.read("token"), texts(chat)]).toEqual(["t0", ["hi"]]);
    handlers["Chat"] = Chat!;
    chat.wake();
    await settle();
    expect(links.at(-1)).toMatchObject({ token: "t0" });
    expect([links.length, chat.state.fault]).toEqual([2, null]);
  },
);

test("a connection that is refused again and again, though the token is good, is not asked for in circles", async () => {
  const { links, of } = begin();
  await settle();
  for (let turn = 0; turn < 3; turn++) {
    links.at(-1)!.onRefused();
    await pass(turn === 0 ? 1 : 0);
  }
  expect(of("Chat").length).toBe(2);
});

test("a fault for good is over once its cause is gone and somebody looks", async () => {
  const { chat, links, handlers, of } = begin();
  const { Chat } = handlers;
  handlers["Chat"] = refusing("FORBIDDEN");
  await settle();
  expect([chat.state.fault, links.length]).toEqual(["FORBIDDEN", 0]);
  handlers["Chat"] = Chat!;
  chat.wake();
  chat.wake();
  await settle();
  expect([chat.state.fault, links.length, of("Chat").length]).toEqual([null, 1, 2]);
});

test("a message that is sent shows that the cause is gone: the conversation is followed again", async () => {
  const { chat, links, handlers, of } = begin();
  const { Chat } = handlers;
  handlers["Chat"] = refusing("NOT_FOUND");
  await settle();
  handlers["Chat"] = Chat!;
  chat.send("hello?", []);
  await settle();
  expect([chat.state.fault, links.length, of("Chat").length]).toEqual([null, 1, 2]);
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

test("a server that refuses every token is not asked for ever", async () => {
  const { chat, handlers, of } = begin({ kept: shelf() });
  for (const name of ["Chat", "SendMessage"]) {
    handlers[name] = () => {
      throw new Fault("UNAUTHENTICATED");
    };
  }
  chat.send("hello", []);
  await pass(600_000);
  expect(of("StartChat").length).toBeLessThanOrEqual(3);
  expect(chat.state.outgoing).toMatchObject([{ text: "hello", state: "failed", fault: { code: "UNAUTHENTICATED" } }]);
});

test("a token made, changed or dropped in another tab is this tab's, too", async () => {
  const { chat, kept, links } = begin({ kept: shelf() });
  kept.otherTab("token", "theirs");
  await settle();
  expect(links.at(-1)).toMatchObject({ token: "theirs" });
  kept.otherTab("token", null);
  expect([links.at(-1)?.isClosed, chat.state.name]).toEqual([true, "Shop"]);
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

test("a server that is away is asked again, the visitor told, and the network's return waited for no longer", async () => {
  const { chat, links, handlers, of } = begin();
  handlers["Chat"] = () => {
    throw new Fault("OFFLINE");
  };
  await pass(500);
  expect(chat.state.isOffline).toBe(false);
  await pass(5_000);
  expect(chat.state.isOffline).toBe(true);
  handlers["Chat"] = () => answer();
  const count = of("Chat").length;
  chat.wake();
  await settle();
  expect(of("Chat")).toHaveLength(count + 1);
  expect([chat.state.isOffline, links.length]).toEqual([false, 1]);
  links[0]!.onState("waiting", 1);
  expect(chat.state.isOffline).toBe(false);
  links[0]!.onState("waiting", 2);
  expect(chat.state.isOffline).toBe(true);
  links[0]!.onState("live", 2);
  expect(chat.state.isOffline).toBe(false);
});

test("a channel that is no more is told, and not asked again", async () => {
  const { chat, handlers, of } = begin({ kept: shelf() });
  handlers["StartChat"] = () => {
    throw new Fault("BAD_USER_INPUT", "not an id", "channelId");
  };
  chat.send("hello", []);
  await pass(60_000);
  expect(of("StartChat")).toHaveLength(1);
  expect(chat.state.outgoing[0]?.fault?.code).toBe("NOT_FOUND");
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
