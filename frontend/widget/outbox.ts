// What the visitor has written and the server has not taken yet: one after the other, kept over a reload, sent again
// with the same key so that nothing arrives twice.
import { waitBefore } from "./backoff";
import type { Claims } from "./claims";
import type { ChatMessage } from "./documents";
import { Fault, type FaultCode } from "./fault";
import type { Shelf } from "./shelf";

export interface OutgoingFile {
  name: string;
  /** Bytes. */
  size: number;
  contentType: string;
  /** Once it is uploaded. */
  id?: string;
  /** Its bytes; a reload takes them away. */
  blob?: File;
}

export interface Trouble {
  code: FaultCode;
  message: string;
  /** When the server will take it, ms; where it has said so. */
  until?: number;
}

export interface Outgoing {
  readonly key: string;
  readonly text: string;
  readonly files: readonly OutgoingFile[];
  readonly createdAt: string;
  readonly state: "sending" | "failed" | "sent";
  readonly fault?: Trouble;
  /** Once it is sent: as the server answered. It stays here until it is told in its place among the others. */
  readonly message?: ChatMessage;
}

export interface Outbox {
  readonly all: readonly Outgoing[];
  add: (text: string, files: readonly File[]) => void;
  /** Tries it again, and before it those that it would overtake. */
  retry: (key: string) => void;
  discard: (key: string) => void;
  /** The message with this key is in the log. */
  confirm: (key: string) => void;
  /** Another visitor's uploads are not ours: each file is uploaded again. */
  forgetUploads: () => void;
  /** The network is back: sends what waits for it. */
  wake: () => void;
}

/** What sends one of them; `onUploaded` keeps the id of its file number `at`. */
export type Send = (outgoing: Outgoing, onUploaded: (at: number, id: string) => void) => Promise<ChatMessage>;

/** As it stands on the shelf. */
interface Entry extends Pick<Outgoing, "text" | "createdAt" | "files"> {
  /** In the page that has it; others wait for it no longer. */
  isFailed?: boolean;
}

/** So many tries before the visitor is told; it goes on when the network is back. */
const TRIES = 3;
/** Who has to wait for longer is told so at once, ms. */
const LONGEST_WAIT = 15_000;

const BEGINNING = "out ";

export function openOutbox(shelf: Shelf, send: Send, onChange: () => void, claims: Claims): Outbox {
  let all: readonly Outgoing[] = [];
  /** Failed in passing, or behind such a one: none of them is overtaken, and all go on together. */
  const held = new Set<string>();
  /** Those with files whose bytes this page does not have: another page may, and then they are its to send. */
  const elsewhere = new Set<string>();
  /** The key of the one that is under way. */
  let busy: string | undefined;
  let tries = 0;
  let waiting: ReturnType<typeof setTimeout> | undefined;

  function set(key: string, change: Partial<Outgoing>) {
    all = all.map((outgoing) => (outgoing.key === key ? { ...outgoing, ...change } : outgoing));
    keep(key);
    onChange();
  }

  function keep(key: string) {
    const outgoing = find(key);
    if (!outgoing || outgoing.state === "sent") {
      shelf.write(BEGINNING + key, null);
      claims.release(key);
      return;
    }
    const { text, createdAt, state } = outgoing;
    const files = outgoing.files.map(({ name, size, contentType, id }) => ({ name, size, contentType, id }));
    shelf.write(BEGINNING + key, JSON.stringify({ text, createdAt, files, isFailed: state === "failed" }));
  }

  function find(key: string): Outgoing | undefined {
    return all.find((outgoing) => outgoing.key === key);
  }

  function remove(key: string) {
    if (!find(key)) return;
    all = all.filter((outgoing) => outgoing.key !== key);
    keep(key);
    onChange();
    // Those behind it need not wait for it any more.
    if (held.delete(key)) wake();
  }

  /** Sends the first that waits, and then the next: they arrive in the order in which they were written. */
  async function pump() {
    if (busy !== undefined || waiting !== undefined) return;
    const next = all.find(({ state }) => state === "sending");
    if (!next || isBehindAnother(next)) return;
    const stopped = all.find(isHeld);
    if (stopped && stopped.createdAt < next.createdAt) {
      hold(stopped.fault!);
      return;
    }
    const { key } = next;
    busy = key;
    try {
      const message = await send(next, (at, id) => {
        const files = find(key)?.files.map((file, index) => (index === at ? { ...file, id } : file));
        if (files) set(key, { files });
      });
      tries = 0;
      set(key, { state: "sent", message });
    } catch (error) {
      failed(key, error instanceof Fault ? error : new Fault("INTERNAL", String(error)));
    }
    busy = undefined;
    void pump();
  }

  /** Another page is still uploading what was written before. */
  function isBehindAnother({ createdAt }: Outgoing): boolean {
    return [...elsewhere].some((key) => {
      const entry = entryOf(shelf, key);
      return entry !== undefined && !entry.isFailed && entry.createdAt < createdAt;
    });
  }

  function failed(key: string, fault: Fault) {
    const outgoing = find(key);
    if (!outgoing) return;
    tries += 1;
    if (fault.passes && tries < TRIES && fault.wait <= LONGEST_WAIT) {
      wait(Math.max(fault.wait, waitBefore(tries - 1)));
      return;
    }
    tries = 0;
    const { code, message } = fault;
    const trouble: Trouble = { code, message, ...(fault.wait > 0 ? { until: Date.now() + fault.wait } : {}) };
    if (fault.stopsAll) hold(trouble);
    else if (code === "FILE_LOST") lose(key);
    else {
      // A file that the server does not have any more is uploaded anew.
      const files = fault.field === "fileIds" ? outgoing.files.map(withoutId) : outgoing.files;
      set(key, { state: "failed", files, fault: trouble });
    }
  }

  /** What stops one of them stops those behind it, too: to try them would only turn the order round. */
  function hold(fault: Trouble) {
    for (const { key } of all.filter(({ state }) => state === "sending")) {
      held.add(key);
      set(key, { state: "failed", fault });
    }
    if (fault.until !== undefined) setTimeout(wake, fault.until - Date.now());
  }

  /** Sent again, it goes with what is left of it; until then the shelf has it whole, so that no reload sends it so. */
  function lose(key: string) {
    all = all.map((outgoing) => {
      if (outgoing.key !== key) return outgoing;
      const files = outgoing.files.filter(hasBytes);
      return { ...outgoing, files, state: "failed", fault: { code: "FILE_LOST", message: "" } };
    });
    onChange();
  }

  function wait(milliseconds: number) {
    waiting = setTimeout(() => {
      waiting = undefined;
      void pump();
    }, milliseconds);
  }

  function resume(which: (outgoing: Outgoing) => boolean) {
    clearTimeout(waiting);
    waiting = undefined;
    for (const { key } of all.filter((outgoing) => outgoing.state === "failed" && which(outgoing))) {
      const { fault: _, ...rest } = find(key)!;
      held.delete(key);
      all = all.map((outgoing) => (outgoing.key === key ? { ...rest, state: "sending" } : outgoing));
      keep(key);
    }
    onChange();
    void pump();
  }

  const isHeld = ({ key }: Outgoing) => held.has(key);

  function wake() {
    resume((outgoing) => isHeld(outgoing) && !isLimited(outgoing));
  }

  function insert(outgoing: Outgoing) {
    all = [...all, outgoing].sort((one, other) => one.createdAt.localeCompare(other.createdAt));
  }

  /** Takes what another page left; where files are not uploaded, once it is sure that no page has them. */
  function take(key: string) {
    const entry = entryOf(shelf, key);
    if (!entry) return;
    if (entry.files.every(hasBytes)) insert(outgoingOf(key, entry));
    else leave(key);
  }

  function leave(key: string) {
    elsewhere.add(key);
    claims.whenFree(key, () => {
      if (!elsewhere.delete(key)) return;
      const entry = entryOf(shelf, key);
      if (entry) insert(outgoingOf(key, entry));
      if (entry && !entry.files.every(hasBytes)) lose(key);
      onChange();
      void pump();
    });
  }

  // Another tab has sent one of ours, or its visitor has deleted it; or one that was waited for.
  shelf.onChange(() => {
    const isGone = (key: string) => shelf.read(BEGINNING + key) === null;
    for (const key of elsewhere) if (isGone(key)) elsewhere.delete(key);
    for (const { key, state } of all) if (state !== "sent" && isGone(key)) remove(key);
    void pump();
  });

  for (const name of shelf.names(BEGINNING)) take(name.slice(BEGINNING.length));
  // Not at once: whoever opens the outbox does not have it yet.
  queueMicrotask(() => void pump());

  return {
    get all() {
      return all;
    },
    add(text, files) {
      const key = newKey();
      const outgoing: Outgoing = {
        key,
        text,
        files: files.map((blob) => ({ name: blob.name, size: blob.size, contentType: blob.type, blob })),
        createdAt: writtenAt(shelf),
        state: "sending",
      };
      const first = all.find(isHeld);
      all = [...all, outgoing];
      if (files.length > 0) claims.hold(key);
      keep(key);
      onChange();
      // Who writes on tries again, unless the server has said that it is too early.
      if (!first || isLimited(first)) void pump();
      else wake();
    },
    retry: (key) => resume((outgoing) => outgoing.key === key || isHeld(outgoing)),
    discard: remove,
    confirm: remove,
    forgetUploads() {
      const before = all;
      all = all.map((outgoing) => ({ ...outgoing, files: outgoing.files.map(withoutId) }));
      for (const { key } of all) keep(key);
      // Of what an earlier page uploaded, only another one can have the bytes.
      const isOurs = ({ state, files }: Outgoing) => state === "sent" || files.every(hasBytes);
      all = all.filter(isOurs);
      for (const { key } of before) {
        if (find(key)) continue;
        held.delete(key);
        leave(key);
      }
    },
    wake,
  };
}

function hasBytes({ id, blob }: OutgoingFile): boolean {
  return id !== undefined || blob !== undefined;
}

function isLimited({ fault }: Outgoing): boolean {
  return (fault?.until ?? 0) > Date.now();
}

/** Now, and after all that is unsent in whatever page: two of one millisecond have an order, too. */
function writtenAt(shelf: Shelf): string {
  const times = shelf.names(BEGINNING).map((name) => Date.parse(entryOf(shelf, name.slice(BEGINNING.length))?.createdAt ?? ""));
  return new Date(Math.max(Date.now(), ...times.filter(Number.isFinite).map((time) => time + 1))).toISOString();
}

function outgoingOf(key: string, { text, createdAt, files }: Entry): Outgoing {
  return { key, text, createdAt, files, state: "sending" };
}

/** What the shelf has of it; what cannot be read is taken away. */
function entryOf(shelf: Shelf, key: string): Entry | undefined {
  const text = shelf.read(BEGINNING + key);
  try {
    const entry = text === null ? undefined : (JSON.parse(text) as Entry);
    entry?.files.every(hasBytes);
    return entry;
  } catch {
    shelf.write(BEGINNING + key, null);
    return undefined;
  }
}

/** As it was before it was uploaded. */
export function withoutId({ id: _, ...file }: OutgoingFile): OutgoingFile {
  return file;
}

/** `crypto.randomUUID`, which a browser has on secure pages only, or as many random bits. */
export function newKey(): string {
  if (typeof crypto.randomUUID === "function") return crypto.randomUUID();
  return Array.from(crypto.getRandomValues(new Uint8Array(16)), (byte) => byte.toString(16).padStart(2, "0")).join("");
}
