// What the visitor has written and the server has not taken yet: one after the other, kept over a reload, sent again
// with the same key so that nothing arrives twice.
import { waitBefore } from "./backoff";
import type { ChatMessage } from "./documents";
import { Fault, passes, type FaultCode } from "./fault";
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

export interface Outgoing {
  readonly key: string;
  readonly text: string;
  readonly files: readonly OutgoingFile[];
  readonly createdAt: string;
  readonly state: "sending" | "failed" | "sent";
  readonly fault?: { code: FaultCode; message: string };
  /** Once it is sent: as the server answered. It stays here until it is told in its place among the others. */
  readonly message?: ChatMessage;
}

export interface Outbox {
  readonly all: readonly Outgoing[];
  add: (text: string, files: readonly File[]) => void;
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

/** So many tries before the visitor is told; it goes on when the network is back. */
const TRIES = 3;

const BEGINNING = "out ";

export function openOutbox(shelf: Shelf, send: Send, onChange: () => void): Outbox {
  let all: readonly Outgoing[] = kept(shelf);
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
      return;
    }
    const { text, createdAt } = outgoing;
    const files = outgoing.files.map(({ name, size, contentType, id }) => ({ name, size, contentType, id }));
    shelf.write(BEGINNING + key, JSON.stringify({ text, createdAt, files }));
  }

  function find(key: string): Outgoing | undefined {
    return all.find((outgoing) => outgoing.key === key);
  }

  function remove(key: string) {
    if (!find(key)) return;
    all = all.filter((outgoing) => outgoing.key !== key);
    keep(key);
    onChange();
  }

  /** Sends the first that waits, and then the next: they arrive in the order in which they were written. */
  async function pump() {
    if (busy !== undefined || waiting !== undefined) return;
    const next = all.find(({ state }) => state === "sending");
    if (!next) return;
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

  function failed(key: string, fault: Fault) {
    const outgoing = find(key);
    if (!outgoing) return;
    tries += 1;
    if (fault.passes && tries < TRIES) {
      wait(Math.max(fault.wait, waitBefore(tries - 1)));
      return;
    }
    tries = 0;
    // Sent again, it goes with what is left of it; a file that the server does not have any more is uploaded anew.
    const files = outgoing.files
      .filter(({ id, blob }) => fault.code !== "FILE_LOST" || id !== undefined || blob !== undefined)
      .map((file) => (fault.field === "fileIds" ? withoutId(file) : file));
    set(key, { state: "failed", files, fault: { code: fault.code, message: fault.message } });
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
      all = all.map((outgoing) => (outgoing.key === key ? { ...rest, state: "sending" } : outgoing));
    }
    onChange();
    void pump();
  }

  // Another tab has sent one of ours, or its visitor has deleted it.
  shelf.onChange(() => {
    const left = all.filter(({ key, state }) => state === "sent" || shelf.read(BEGINNING + key) !== null);
    if (left.length === all.length) return;
    all = left;
    onChange();
  });

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
        createdAt: new Date().toISOString(),
        state: "sending",
      };
      all = [...all, outgoing];
      keep(key);
      onChange();
      void pump();
    },
    retry: (key) => resume((outgoing) => outgoing.key === key),
    discard: remove,
    confirm: remove,
    forgetUploads() {
      all = all.map((outgoing) => ({ ...outgoing, files: outgoing.files.map(withoutId) }));
      for (const { key } of all) keep(key);
    },
    wake: () => resume(({ fault }) => fault !== undefined && passes(fault.code)),
  };
}

/**
 * What an earlier page left. A file whose bytes went with that page has to be attached again: its message waits for
 * the visitor to send what is left of it, or to delete it.
 */
function kept(shelf: Shelf): Outgoing[] {
  const all: Outgoing[] = [];
  for (const name of shelf.names(BEGINNING)) {
    try {
      const { text, createdAt, files } = JSON.parse(shelf.read(name) ?? "") as Pick<Outgoing, "text" | "createdAt" | "files">;
      const there = files.filter(({ id }) => id !== undefined);
      const lost = there.length < files.length;
      all.push({
        key: name.slice(BEGINNING.length),
        text,
        createdAt,
        files: there,
        state: lost ? "failed" : "sending",
        ...(lost ? { fault: { code: "FILE_LOST", message: files.find(({ id }) => id === undefined)?.name ?? "" } } : {}),
      });
    } catch {
      shelf.write(name, null);
    }
  }
  return all.sort((one, other) => one.createdAt.localeCompare(other.createdAt));
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
