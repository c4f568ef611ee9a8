// What the sandbox tells the page: the whole state, on asking and after each change.

export type Kind = "TELEGRAM" | "VK" | "VIBER";

export interface State {
  /** Null: the sandbox was not told where colloquy is. */
  colloquy: { url: string } | null;
  bots: Bot[];
  phones: Phone[];
}

/** What colloquy takes for a messenger's bot, VK's community included. */
export interface Bot {
  id: string;
  kind: Kind;
  name: string;
  handle: string | null;
  /** As `connectChannel` names them: botToken; groupId and accessToken; authToken. */
  credentials: Record<string, string>;
  reached: { how: "WEBHOOK"; url: string } | { how: "POLLING" } | { how: "NOBODY" };
  faults: Faults;
}

export type Fail = "NONE" | "TOO_MANY" | "SERVER_ERROR" | "HTML" | "TIMEOUT" | "TOKEN_REVOKED";

export interface Faults {
  slowSeconds: number;
  fail: Fail;
}

/** One client's chat with one bot. */
export interface Phone {
  id: string;
  botId: string;
  person: { id: string; name: string; username: string | null };
  isBlocked: boolean;
  companyTypingUntil: string | null;
  messages: Message[];
}

export type Mark = "SENT" | "DELIVERED" | "READ";

export interface Message {
  id: string;
  from: "CLIENT" | "COMPANY";
  text: string;
  at: string;
  editedAt: string | null;
  isDeleted: boolean;
  replyToId: string | null;
  files: MessageFile[];
  location: { latitude: number; longitude: number; title: string | null } | null;
  contact: { name: string; phone: string } | null;
  /** Of the company's messages: what this client's messenger told of it. */
  mark: Mark | null;
  /** Of the client's messages: what became of the update that told colloquy. */
  update: Update | null;
}

export interface MessageFile {
  name: string;
  contentType: string;
  size: number;
  url: string;
  kind: "IMAGE" | "VIDEO" | "AUDIO" | "VOICE" | "STICKER" | "DOCUMENT";
}

export interface Update {
  state: "WAITING" | "TAKEN" | "REFUSED";
  /** Null: no answer, or fetched by polling. */
  status: number | null;
  tries: number;
}

/** What a client sends beside text and files; the sandbox makes up what stands in it. */
export type Extra = "LOCATION" | "CONTACT" | "STICKER";
