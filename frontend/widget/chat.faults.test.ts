import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { Fault } from "./fault";
import { answer, begin, pass, refusing, texts } from "./testing/chat";
import { message, settle, shelf } from "./testing/fakes";

beforeEach(() => void vi.useFakeTimers({ now: Date.UTC(2026, 5, 1) }));
afterEach(() => void vi.useRealTimers());

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
