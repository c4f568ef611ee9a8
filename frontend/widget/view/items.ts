// The messages as the window lists them: those that the server has told, and after them those on their way.
import type { ChatFile, ChatMessage } from "../documents";
import type { Outgoing, OutgoingFile, Trouble } from "../outbox";

export interface Item {
  /** The same while a message goes from being written to being told by the server. */
  key: string;
  /** The server's id; null while it is on its way. */
  id: string | null;
  isOwn: boolean;
  author: string | null;
  text: string;
  files: readonly (ChatFile | OutgoingFile)[];
  createdAt: Date;
  isEdited: boolean;
  isDeleted: boolean;
  /** null for the company's. */
  state: "sending" | "sent" | "read" | "failed" | null;
  fault: Trouble | null;
  /** When the server told its files' addresses, ms. */
  toldAt: number;
}

export function itemsOf(messages: readonly (ChatMessage & { toldAt: number })[], outgoing: readonly Outgoing[]): Item[] {
  return [...messages.map((message) => itemOf(message, message.toldAt)), ...outgoing.map(outgoingItem)];
}

function itemOf(message: ChatMessage, toldAt: number): Item {
  const { id, isOwn, author, text, files, key } = message;
  return {
    key: key ?? id,
    id,
    isOwn,
    author,
    text,
    files,
    createdAt: new Date(message.createdAt),
    isEdited: message.editedAt !== null,
    isDeleted: message.deletedAt !== null,
    state: !isOwn ? null : message.isRead ? "read" : "sent",
    fault: null,
    toldAt,
  };
}

function outgoingItem({ key, text, files, createdAt, state, fault, message }: Outgoing): Item {
  if (message) return itemOf({ ...message, key }, Date.now());
  return {
    key,
    id: null,
    isOwn: true,
    author: null,
    text,
    files,
    createdAt: new Date(createdAt),
    isEdited: false,
    isDeleted: false,
    state,
    fault: fault ?? null,
    toldAt: 0,
  };
}
