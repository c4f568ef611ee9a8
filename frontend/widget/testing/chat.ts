// A chat with a server that does what it is asked, for the tests of the conversation.
import { vi } from "vitest";
import { openChat, type Chat } from "../chat";
import type { ChatMessage } from "../documents";
import { Fault, type FaultCode } from "../fault";
import { links, message, server, shelf } from "./fakes";

export const answer = (messages: ChatMessage[] = [], unreadCount = 0, cursor = "c0") => ({
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
export function begin({ messages = [] as ChatMessage[], unread = 0, kept = shelf(new Map([["token", "t0"]])) } = {}) {
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
export const refusing = (code: FaultCode) => () => {
  throw new Fault(code);
};

export const texts = (chat: Chat) => chat.state.log.messages.map(({ text }) => text);
export const pass = (milliseconds: number) => vi.advanceTimersByTimeAsync(milliseconds);
