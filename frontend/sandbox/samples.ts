// For the tests: what the sandbox tells, with only what matters spelled out.
import type { Bot, Message, MessageFile, Phone } from "./protocol";

export const messageOf = (message: Partial<Message>): Message => ({
  id: "m1",
  from: "CLIENT",
  text: "Hi",
  at: "2026-11-22T10:00:00Z",
  editedAt: null,
  isDeleted: false,
  replyToId: null,
  files: [],
  location: null,
  contact: null,
  mark: null,
  update: null,
  ...message,
});

export const fileOf = (file: Partial<MessageFile>): MessageFile => ({
  name: "cat.png",
  contentType: "image/png",
  size: 123,
  url: "/api/files/1",
  kind: "IMAGE",
  ...file,
});

export const botOf = (bot: Partial<Bot>): Bot => ({
  id: "telegram:7000000001",
  kind: "TELEGRAM",
  name: "Pretend shop",
  handle: "@pretend_shop",
  credentials: { botToken: "7000000001:sandbox" },
  reached: { how: "NOBODY" },
  faults: { slowSeconds: 0, fail: "NONE" },
  ...bot,
});

export const phoneOf = (phone: Partial<Phone>): Phone => ({
  id: "p1",
  botId: "telegram:7000000001",
  person: { id: "5000000101", name: "Anna", username: "anna" },
  isBlocked: false,
  companyTypingUntil: null,
  messages: [],
  ...phone,
});
