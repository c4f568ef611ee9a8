// The operations that the widget sends, and what they answer; chat.graphql at the root is the schema they are written for.

const MESSAGE = `fragment Message on ChatMessage {
  id isOwn author text createdAt editedAt deletedAt key isRead
  files { id name contentType size url previewUrl width height }
}`;

export const CHAT = `query Chat {
  chat {
    name cursor unreadCount largestFile longestText
    messages(last: 50) { nodes { ...Message } hasPreviousPage startCursor }
  }
}
${MESSAGE}`;

export const PAGE = `query Page($before: String) {
  chat { messages(last: 50, before: $before) { nodes { ...Message } hasPreviousPage startCursor } }
}
${MESSAGE}`;

export const UPDATES = `subscription Updates($after: String) {
  updates(after: $after) { cursor message { ...Message } readUpTo typing { name until } }
}
${MESSAGE}`;

export const START_CHAT = "mutation StartChat($channel: ID!) { startChat(channelId: $channel) { token } }";

export const SEND_MESSAGE = `mutation SendMessage($text: String, $fileIds: [ID!], $key: String!) {
  sendMessage(text: $text, fileIds: $fileIds, key: $key) { message { ...Message } }
}
${MESSAGE}`;

export const SET_TYPING = "mutation SetTyping { setTyping }";

export const MARK_DELIVERED = "mutation MarkDelivered($id: ID!) { markDelivered(upToMessageId: $id) }";

export const MARK_READ = "mutation MarkRead($id: ID!) { markRead(upToMessageId: $id) }";

export interface ChatFile {
  id: string;
  name: string;
  contentType: string;
  /** Bytes. */
  size: number;
  url: string | null;
  previewUrl: string | null;
  width: number | null;
  height: number | null;
}

export interface ChatMessage {
  id: string;
  isOwn: boolean;
  author: string | null;
  text: string;
  files: ChatFile[];
  createdAt: string;
  editedAt: string | null;
  deletedAt: string | null;
  key: string | null;
  isRead: boolean;
}

export interface MessagePage {
  nodes: ChatMessage[];
  hasPreviousPage: boolean;
  startCursor: string | null;
}

export interface ChatAnswer {
  chat: {
    name: string;
    cursor: string;
    unreadCount: number;
    largestFile: number;
    longestText: number;
    messages: MessagePage;
  };
}

export interface ChatUpdate {
  cursor: string | null;
  message: ChatMessage | null;
  readUpTo: string | null;
  typing: { name: string; until: string } | null;
}
