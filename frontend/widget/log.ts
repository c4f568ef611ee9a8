// The messages that the server has told, in its order, each once.
import type { ChatMessage, MessagePage } from "./documents";

/** A message and when it was told: the addresses of its files are good for five minutes from then. */
export interface Told extends ChatMessage {
  /** Milliseconds of the visitor's clock. */
  toldAt: number;
}

export interface Log {
  /** From old to new. */
  readonly messages: readonly Told[];
  readonly hasEarlier: boolean;
  /** Before which the earlier ones are. */
  readonly start: string | null;
  /** Messages of the company that are unread and not among `messages`. */
  readonly unreadBefore: number;
}

export const EMPTY: Log = { messages: [], hasEarlier: false, start: null, unreadBefore: 0 };

export function logOf(page: MessagePage, unreadCount: number): Log {
  const log = { ...EMPTY, messages: told(page.nodes), hasEarlier: page.hasPreviousPage, start: page.startCursor };
  return { ...log, unreadBefore: Math.max(0, unreadCount - unread(log)) };
}

/** How many messages of the company the visitor has not read. */
export function unread(log: Log): number {
  return log.messages.reduce((count, message) => count + (isUnread(message) ? 1 : 0), log.unreadBefore);
}

/** A message that is new, or as it is now. */
export function withMessage(log: Log, message: ChatMessage): Log {
  const now = { ...message, toldAt: Date.now() };
  const at = indexOf(log, message.id);
  if (at >= 0) return { ...log, messages: log.messages.map((old, index) => (index === at ? now : old)) };
  // A change of a message from before what is loaded: it will be seen as it is when it is loaded.
  const first = log.messages[0];
  if (log.hasEarlier && first && Date.parse(message.createdAt) < Date.parse(first.createdAt)) return log;
  return { ...log, messages: [...log.messages, now] };
}

/** With fresh addresses for files. Nothing else is taken: an update may have told something newer meanwhile. */
export function withAddresses(log: Log, nodes: readonly ChatMessage[]): Log {
  const fresh = new Map(nodes.flatMap(({ files }) => files.map((file) => [file.id, file] as const)));
  const read = new Set(nodes.map(({ id }) => id));
  return {
    ...log,
    messages: log.messages.map((message) =>
      read.has(message.id)
        ? { ...message, toldAt: Date.now(), files: message.files.map((file) => fresh.get(file.id) ?? file) }
        : message,
    ),
  };
}

/** With the page before it. */
export function withEarlier(log: Log, page: MessagePage): Log {
  const earlier = told(page.nodes).filter(({ id }) => indexOf(log, id) < 0);
  return {
    messages: [...earlier, ...log.messages],
    hasEarlier: page.hasPreviousPage,
    start: page.startCursor ?? log.start,
    unreadBefore: Math.max(0, log.unreadBefore - earlier.filter(isUnread).length),
  };
}

/** The visitor's messages (`isOwn`) or the company's up to this one are read by the other side. */
export function withRead(log: Log, upTo: string, isOwn: boolean): Log {
  const last = indexOf(log, upTo);
  if (last < 0) return log;
  return {
    ...log,
    messages: log.messages.map((message, at) =>
      at <= last && message.isOwn === isOwn && !message.isRead ? { ...message, isRead: true } : message,
    ),
    unreadBefore: isOwn ? log.unreadBefore : 0,
  };
}

/** The company's newest message. */
export function lastOfCompany(log: Log): Told | undefined {
  return log.messages.findLast(({ isOwn }) => !isOwn);
}

function isUnread({ isOwn, isRead, deletedAt }: ChatMessage): boolean {
  return !isOwn && !isRead && deletedAt === null;
}

function indexOf(log: Log, id: string): number {
  return log.messages.findLastIndex((message) => message.id === id);
}

function told(nodes: readonly ChatMessage[]): Told[] {
  const toldAt = Date.now();
  return nodes.map((message) => ({ ...message, toldAt }));
}
