// Stands in for the browser and the server in the widget's tests.
import type { Api } from "../api";
import type { ChatMessage, ChatUpdate } from "../documents";
import type { Shelf } from "../shelf";
import type { LinkOptions } from "../transport";

/** Lets promises that are already settled run, however many wait for one another. */
export async function settle(): Promise<void> {
  for (let turn = 0; turn < 30; turn++) await Promise.resolve();
}

export interface SharedShelf extends Shelf {
  readonly kept: Map<string, string>;
  /** What another tab does. */
  otherTab: (name: string, value: string | null) => void;
}

export function shelf(kept = new Map<string, string>()): SharedShelf {
  const listeners: (() => void)[] = [];
  const write = (name: string, value: string | null) => void (value === null ? kept.delete(name) : kept.set(name, value));
  return {
    kept,
    write,
    read: (name) => kept.get(name) ?? null,
    names: (beginning) => [...kept.keys()].filter((name) => name.startsWith(beginning)),
    onChange: (listener) => void listeners.push(listener),
    otherTab(name, value) {
      write(name, value);
      for (const listener of listeners) listener();
    },
  };
}

/** The locks of a site, of which each call makes one more page; `end` closes it, and what it held is free. */
export function lockSite() {
  const turns = new Map<string, Promise<unknown>>();
  return () => {
    let end = () => {};
    const ended = new Promise<void>((resolve) => (end = resolve));
    function request(name: string, callback: () => unknown) {
      const turn = (turns.get(name) ?? Promise.resolve()).then(callback);
      turns.set(name, Promise.race([turn, ended]));
      return turn;
    }
    return { locks: { request } as unknown as LockManager, end };
  };
}

let made = 0;

export function message(change: Partial<ChatMessage> = {}): ChatMessage {
  made += 1;
  return {
    id: `msg_${made}`,
    isOwn: false,
    author: "Anna",
    text: `text ${made}`,
    files: [],
    createdAt: new Date(Date.UTC(2026, 0, 1) + made * 60_000).toISOString(),
    editedAt: null,
    deletedAt: null,
    key: null,
    isRead: false,
    ...change,
  };
}

export function update(change: Partial<ChatUpdate>): ChatUpdate {
  return { cursor: null, message: null, readUpTo: null, typing: null, ...change };
}

interface Request {
  operation: string;
  variables: Record<string, unknown>;
  token: string | undefined;
}

/** A server's answers by the operation's name; `upload` among them. A handler that throws refuses. */
export function server(handlers: Record<string, (request: Request) => unknown>) {
  const asked: Request[] = [];
  async function answer(request: Request): Promise<unknown> {
    asked.push(request);
    await Promise.resolve();
    const handler = handlers[request.operation];
    if (!handler) throw new Error(`nobody expected ${request.operation}`);
    return handler(request);
  }
  const api: Api = {
    run: <Data>(query: string, variables: Record<string, unknown>, token?: string) =>
      answer({ operation: /^\w+ (\w+)/.exec(query)?.[1] ?? query, variables, token }) as Promise<Data>,
    upload: (file, token) => answer({ operation: "upload", variables: { name: file.name }, token }) as Promise<string>,
  };
  return { api, asked, handlers, of: (operation: string) => asked.filter((request) => request.operation === operation) };
}

export interface FakeLink extends LinkOptions {
  woken: number;
  isClosed: boolean;
}

/** Links that are opened, last one last. */
export function links() {
  const opened: FakeLink[] = [];
  return {
    opened,
    openLink(options: LinkOptions) {
      const link: FakeLink = { ...options, woken: 0, isClosed: false };
      opened.push(link);
      return {
        wake: () => void link.woken++,
        pause: () => {},
        close: () => void (link.isClosed = true),
      };
    },
  };
}

/** What the browser's WebSocket is to the transport. */
export class FakeSocket {
  static all: FakeSocket[] = [];

  static get last(): FakeSocket {
    return FakeSocket.all.at(-1)!;
  }

  onopen: (() => void) | null = null;
  onmessage: ((event: { data: string }) => void) | null = null;
  onclose: ((event: { code: number }) => void) | null = null;
  isClosed = false;
  readonly sent: { type: string; id?: string; payload?: unknown }[] = [];

  constructor(
    readonly url: string,
    readonly protocol: string,
  ) {
    FakeSocket.all.push(this);
  }

  send(data: string) {
    this.sent.push(JSON.parse(data));
  }

  close() {
    this.isClosed = true;
  }

  /** The server says this. */
  say(frame: unknown) {
    this.onmessage?.({ data: typeof frame === "string" ? frame : JSON.stringify(frame) });
  }

  /** The connection ends. */
  end(code: number) {
    this.onclose?.({ code });
  }

  /** Opens, and is acknowledged. */
  accept() {
    this.onopen?.();
    this.say({ type: "connection_ack" });
  }

  next(update: unknown) {
    this.say({ id: "1", type: "next", payload: { data: { updates: update } } });
  }

  get types() {
    return this.sent.map(({ type }) => type);
  }
}
