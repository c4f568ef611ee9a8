// The conversation, without a page: what is known of it, and what the visitor can do. The view draws `state`.
import type { Api } from "./api";
import { waitBefore } from "./backoff";
import { openClaims } from "./claims";
import * as documents from "./documents";
import type { ChatAnswer, ChatMessage, ChatUpdate, MessagePage } from "./documents";
import { Fault, FILES, type FaultCode } from "./fault";
import { EMPTY, lastOfCompany, logOf, unread, withAddresses, withEarlier, withMessage, withRead, type Log } from "./log";
import { createMarks } from "./marks";
import { openOutbox, withoutId, type Outgoing } from "./outbox";
import { openSession } from "./session";
import type { Shelf } from "./shelf";
import { openLink as openRealLink, type Link } from "./transport";

export interface ChatState {
  /** The channel's; null until the server has told it. */
  readonly name: string | null;
  readonly log: Log;
  readonly outgoing: readonly Outgoing[];
  readonly unread: number;
  /** The employee who is typing. */
  readonly typing: string | null;
  /** The server has not been reached for more than a moment. */
  readonly isOffline: boolean;
  /** Why there is no conversation to show, where waiting would not help. */
  readonly fault: FaultCode | null;
  readonly limits: Limits;
}

export interface Limits {
  /** UTF-16 units. */
  longestText: number;
  /** Bytes; null until the server has told it. */
  largestFile: number | null;
}

export interface Chat {
  readonly state: ChatState;
  /** Sends what the visitor wrote; a text of nothing but spaces is none. */
  send: (text: string, files: readonly File[]) => void;
  retry: (key: string) => void;
  discard: (key: string) => void;
  /** The visitor has typed something. */
  typed: () => void;
  /** Whether the visitor can see the messages. */
  setReading: (isReading: boolean) => void;
  loadEarlier: () => Promise<void>;
  /** Fresh addresses for the files of a message, whose old ones have expired. */
  refresh: (messageId: string) => Promise<void>;
  /** The network is back, or somebody looks at the page. */
  wake: () => void;
  /** The browser puts the page aside. */
  pause: () => void;
}

export interface ChatOptions {
  server: string;
  channel: string;
  api: Api;
  shelf: Shelf;
  onChange: (state: ChatState) => void;
  /** The browser's, where it has them. */
  locks?: LockManager | undefined;
  openLink?: typeof openRealLink;
}

/** What a channel of this kind takes, until the server has said it. */
const LONGEST_TEXT = 10_000;
export const MOST_FILES = 10;
/** The visitor's typing is told at most so often, ms. */
const TYPING_EVERY = 3_000;
/** How long an employee's typing is shown, ms: the server's `until`, within these if the visitor's clock is wrong. */
const TYPING_SHOWN = { least: 2_000, most: 10_000 };
/** So many failures in a row are told to the visitor; the first may be a moment's. */
const OFFLINE_AFTER = 2;

const READ = "read";

export function openChat({ server, channel, api, shelf, onChange, locks, openLink = openRealLink }: ChatOptions): Chat {
  let state: ChatState = {
    name: shelf.read("name"),
    log: EMPTY,
    outgoing: [],
    unread: 0,
    typing: null,
    isOffline: false,
    fault: null,
    limits: { longestText: LONGEST_TEXT, largestFile: null },
  };
  let link: Link | undefined;
  let reload: ReturnType<typeof setTimeout> | undefined;
  let loadAttempt = 0;
  /** How often in a row there was no following what the server had just told. */
  let refusals = 0;
  /** Changes with the token, and with what is loaded anew: an answer to an earlier one is no longer wanted. */
  let era = 0;
  /** The era for which the conversation is being read. */
  let loading: number | undefined;
  let refreshing: Promise<void> | undefined;
  let isReading = false;
  let typedAt = -Infinity;
  let typingEnds: ReturnType<typeof setTimeout> | undefined;

  const session = openSession(shelf, start, onToken);
  const claims = openClaims(shelf, locks);
  const outbox = openOutbox(shelf, send, () => set({ outgoing: outbox.all }), claims);
  const marks = createMarks(async (mark, id) => {
    // A mark that is repeated begins no chat: it was for one that is gone.
    if (session.token === null) return;
    await asVisitor(mark === "read" ? documents.MARK_READ : documents.MARK_DELIVERED, { id });
  });

  function set(change: Partial<ChatState>) {
    state = { ...state, ...change };
    onChange(state);
  }

  function setLog(log: Log) {
    set({ log, unread: unread(log) });
  }

  async function start(): Promise<string> {
    try {
      const answer = await api.run<{ startChat: { token: string } }>(documents.START_CHAT, { channel });
      return answer.startChat.token;
    } catch (error) {
      // Whatever of a channel's id is wrong, to the visitor it is no chat.
      if (error instanceof Fault && error.code === "BAD_USER_INPUT") throw new Fault("NOT_FOUND", error.message);
      throw error;
    }
  }

  /** A request with the visitor's token. A refused one is dropped, and whoever asks again begins a new chat. */
  async function asVisitor<Data>(query: string, variables: Record<string, unknown>): Promise<Data> {
    const token = await session.begin();
    return guarded(token, () => api.run<Data>(query, variables, token));
  }

  async function guarded<Answer>(token: string, request: () => Promise<Answer>): Promise<Answer> {
    try {
      const answer = await request();
      session.accept();
      return answer;
    } catch (error) {
      if (error instanceof Fault && error.code === "UNAUTHENTICATED") session.refuse(token);
      throw error;
    }
  }

  function onToken(token: string | null) {
    stop();
    outbox.forgetUploads();
    set({ log: EMPTY, unread: 0, typing: null, fault: null, isOffline: false });
    if (token !== null) void load();
  }

  function stop() {
    era += 1;
    link?.close();
    link = undefined;
    clearTimeout(reload);
    reload = undefined;
  }

  /** Reads the conversation as it is now, and follows it from there. */
  async function load() {
    stop();
    const mine = era;
    loading = era;
    try {
      const { chat } = await asVisitor<ChatAnswer>(documents.CHAT, {});
      if (mine !== era) return;
      loadAttempt = 0;
      shelf.write("name", chat.name);
      const { name, longestText, largestFile } = chat;
      set({ name, limits: { longestText, largestFile }, fault: null, isOffline: false });
      setLog(logOf(chat.messages, chat.unreadCount));
      for (const { key } of chat.messages.nodes) if (key !== null) outbox.confirm(key);
      follow(chat.cursor);
      mark();
    } catch (error) {
      if (mine !== era) return;
      const fault = error as Fault;
      if (fault.passes) {
        reload = setTimeout(load, Math.max(fault.wait, waitBefore(loadAttempt)));
        loadAttempt += 1;
        set({ isOffline: loadAttempt >= OFFLINE_AFTER });
      } else {
        set({ fault: fault.code });
      }
    } finally {
      if (loading === mine) loading = undefined;
    }
  }

  /** Reads it where nothing follows it: what stood in the way, even for good, may be gone. */
  function ensureFollowed() {
    if (session.token !== null && !link && loading !== era) void load();
  }

  function follow(after: string) {
    const token = session.token;
    if (token === null) return;
    link = openLink({
      server,
      token,
      after,
      onUpdate: apply,
      onState(linkState, attempt) {
        set({ isOffline: linkState === "waiting" && attempt >= OFFLINE_AFTER });
        if (linkState !== "live") return;
        outbox.wake();
        marks.again();
      },
      onRefused() {
        // The token is gone, or the page's origin is no longer the channel's, or the place in the log, after a restored
        // backup: reading it anew tells.
        link = undefined;
        reload = setTimeout(load, refusals === 0 ? 0 : waitBefore(refusals));
        refusals += 1;
      },
    });
  }

  function apply({ message, readUpTo, typing }: ChatUpdate) {
    refusals = 0;
    if (message) {
      setLog(withMessage(state.log, message));
      if (message.key !== null) outbox.confirm(message.key);
      // Who has sent it types no longer, whatever was said of it before.
      if (!message.isOwn) showTyping(null);
      mark();
    }
    if (readUpTo !== null) setLog(withRead(state.log, readUpTo, true));
    if (typing) showTyping(typing);
  }

  function showTyping(typing: { name: string; until: string } | null) {
    clearTimeout(typingEnds);
    if (state.typing !== (typing?.name ?? null)) set({ typing: typing?.name ?? null });
    if (!typing) return;
    const { least, most } = TYPING_SHOWN;
    const left = Date.parse(typing.until) - Date.now();
    typingEnds = setTimeout(() => set({ typing: null }), Math.min(most, Math.max(least, left)));
  }

  function mark() {
    const last = lastOfCompany(state.log);
    if (!last || session.token === null) return;
    if (state.unread === 0 && last.isRead) return;
    marks.mark(last.id, isReading);
    if (!isReading) return;
    setLog(withRead(state.log, last.id, false));
    shelf.write(READ, last.id);
  }

  // Read in another tab is read in this one.
  shelf.onChange(() => {
    const upTo = shelf.read(READ);
    if (upTo !== null) setLog(withRead(state.log, upTo, false));
  });

  /** For the outbox: uploads what is to be uploaded and sends the message; as a new visitor if the token is refused. */
  async function send(outgoing: Outgoing, onUploaded: (at: number, id: string) => void): Promise<ChatMessage> {
    if (!outgoing.text && outgoing.files.length === 0) throw new Fault("FILE_LOST");
    const { longestText, largestFile } = state.limits;
    if (outgoing.text.length > longestText) throw new Fault("TOO_LONG");
    if (outgoing.files.some(({ size }) => largestFile !== null && size > largestFile)) throw new Fault("TOO_LARGE");
    try {
      const fileIds = [];
      for (const [at, { id, blob }] of outgoing.files.entries()) fileIds.push(id ?? (await uploaded(at, blob)));
      const { key, text } = outgoing;
      const answer = await asVisitor<{ sendMessage: { message: ChatMessage } }>(documents.SEND_MESSAGE, {
        key,
        text: text || null,
        fileIds: fileIds.length > 0 ? fileIds : null,
      });
      ensureFollowed();
      return answer.sendMessage.message;
    } catch (error) {
      if (!(error instanceof Fault) || error.code !== "UNAUTHENTICATED") throw error;
      const files = outgoing.files.map(withoutId);
      // `begin` refuses when new tokens are refused, too: this ends.
      await session.begin();
      return send({ ...outgoing, files }, onUploaded);
    }

    async function uploaded(at: number, blob: File | undefined): Promise<string> {
      if (!blob) throw new Fault("FILE_LOST");
      const token = await session.begin();
      const id = await guarded(token, () => api.upload(blob, token)).catch((error: unknown) => {
        if (!(error instanceof Fault) || error.code !== "RATE_LIMITED") throw error;
        throw new Fault(error.code, error.message, FILES, error.wait);
      });
      onUploaded(at, id);
      return id;
    }
  }

  function toldAt(messageId: string): number | undefined {
    return state.log.messages.find(({ id }) => id === messageId)?.toldAt;
  }

  async function readAddresses(messageId: string) {
    const mine = era;
    // There is no asking for one message: its page is looked for from the newest on.
    let before: string | null = null;
    do {
      const answer: { chat: { messages: MessagePage } } = await asVisitor(documents.PAGE, { before });
      if (mine !== era) return;
      const { nodes, hasPreviousPage, startCursor } = answer.chat.messages;
      setLog(withAddresses(state.log, nodes));
      before = hasPreviousPage && !nodes.some(({ id }) => id === messageId) ? startCursor : null;
    } while (before !== null);
  }

  state = { ...state, outgoing: outbox.all };
  if (session.token !== null) void load();

  return {
    get state() {
      return state;
    },
    send(text, files) {
      if (text.trim() || files.length > 0) outbox.add(text.trim(), files);
      // What comes next is typed anew, and told at once.
      typedAt = -Infinity;
    },
    retry: outbox.retry,
    discard: outbox.discard,
    typed() {
      const now = Date.now();
      if (session.token === null || now - typedAt < TYPING_EVERY) return;
      typedAt = now;
      // Nothing is lost if nobody hears of it.
      asVisitor(documents.SET_TYPING, {}).catch(() => {});
    },
    setReading(reads) {
      isReading = reads;
      if (reads) mark();
    },
    async loadEarlier() {
      const mine = era;
      const before = state.log.start;
      const answer = await asVisitor<{ chat: { messages: MessagePage } }>(documents.PAGE, { before });
      if (mine === era && before === state.log.start) setLog(withEarlier(state.log, answer.chat.messages));
    },
    async refresh(messageId) {
      // Pictures fail together: what one has asked for is often what the next one wants.
      const before = toldAt(messageId);
      while (refreshing) await refreshing.catch(() => {});
      if (toldAt(messageId) !== before) return;
      refreshing = readAddresses(messageId).finally(() => (refreshing = undefined));
      await refreshing;
    },
    wake() {
      claims.wake();
      ensureFollowed();
      link?.wake();
      outbox.wake();
    },
    pause() {
      claims.pause();
      link?.pause();
    },
  };
}
