// Which page has the bytes of an unsent message's files. While it is open, no other page of the site calls them lost or
// sends the message without them.
import type { Shelf } from "./shelf";

export interface Claims {
  /** This page has them. */
  hold: (key: string) => void;
  release: (key: string) => void;
  /** Calls back, later, once no page has them: soon, or when the one that does is gone. */
  whenFree: (key: string, then: () => void) => void;
  /** The browser puts the page aside, and may never bring it back. */
  pause: () => void;
  wake: () => void;
}

/** Locks, which a page loses with its end, or where the browser has none (old ones, pages without HTTPS) a sign of life. */
export function openClaims(shelf: Shelf, locks: LockManager | undefined): Claims {
  return locks ? claimsByLocks(locks) : claimsByBeats(shelf);
}

function claimsByLocks(locks: LockManager): Claims {
  const held = new Map<string, () => void>();
  const name = (key: string) => `colloquy ${key}`;
  return {
    hold(key) {
      if (held.has(key)) return;
      const released = new Promise<void>((resolve) => void held.set(key, resolve));
      // Where locks are forbidden nothing is kept, either: no other page knows of the message.
      locks.request(name(key), () => released).catch(() => {});
    },
    release(key) {
      held.get(key)?.();
      held.delete(key);
    },
    whenFree(key, then) {
      // Not in the lock: whoever waits for it, too, need not wait for what is done now.
      locks.request(name(key), () => {}).then(then, then);
    },
    // A browser that puts a page aside with its locks says so to nobody: it does not, or takes them away.
    pause() {},
    wake() {},
  };
}

const BEGINNING = "held ";
/** How often a page shows that it is there, ms. */
const BEAT = 5_000;
/** A page that is silent for so long is gone, ms: browsers let the timers of hidden pages run once a minute. */
const GONE = 90_000;

function claimsByBeats(shelf: Shelf): Claims {
  const held = new Set<string>();
  let beating: ReturnType<typeof setInterval> | undefined;

  function beat() {
    for (const key of held) shelf.write(BEGINNING + key, `${Date.now()}`);
  }

  function wake() {
    beat();
    if (held.size > 0) beating ??= setInterval(beat, BEAT);
  }

  function rest() {
    clearInterval(beating);
    beating = undefined;
  }

  function isHeld(key: string): boolean {
    const at = Number(shelf.read(BEGINNING + key) ?? -Infinity);
    // A clock that was put back has not seen the beat yet.
    return Math.abs(Date.now() - at) < GONE;
  }

  return {
    hold(key) {
      held.add(key);
      wake();
    },
    release(key) {
      if (!held.delete(key)) return;
      shelf.write(BEGINNING + key, null);
      if (held.size === 0) rest();
    },
    whenFree(key, then) {
      function look() {
        if (isHeld(key)) {
          setTimeout(look, BEAT);
          return;
        }
        shelf.write(BEGINNING + key, null);
        then();
      }
      queueMicrotask(look);
    },
    pause() {
      rest();
      for (const key of held) shelf.write(BEGINNING + key, null);
    },
    wake,
  };
}

/** The browser's; pages without HTTPS have none. */
export function browserLocks(): LockManager | undefined {
  return navigator.locks as LockManager | undefined;
}
