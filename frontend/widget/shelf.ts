// What the widget keeps in the visitor's browser, shared by all tabs of the site.

export interface Shelf {
  read: (name: string) => string | null;
  /** null takes it away. */
  write: (name: string, value: string | null) => void;
  /** The names that begin so. */
  names: (beginning: string) => string[];
  /** Calls back when another tab has changed anything on the shelf. */
  onChange: (listener: () => void) => void;
}

/**
 * A shelf of `storage` under a prefix that no other server or channel has. Where the browser lets nothing be kept
 * (its settings, a sandboxed frame, a full disk), the chat works for as long as the page is open.
 */
export function openShelf(server: string, channel: string, storage: Storage | undefined): Shelf {
  const prefix = `colloquy ${server} ${channel} `;
  /** What could not be stored. */
  const memory = new Map<string, string>();
  return {
    read(name) {
      const kept = memory.get(name);
      if (kept !== undefined) return kept;
      try {
        return storage?.getItem(prefix + name) ?? null;
      } catch {
        return null;
      }
    },
    write(name, value) {
      memory.delete(name);
      try {
        if (value === null) storage?.removeItem(prefix + name);
        else if (storage) storage.setItem(prefix + name, value);
        else memory.set(name, value);
      } catch {
        if (value !== null) memory.set(name, value);
      }
    },
    names(beginning) {
      const names = new Set(memory.keys());
      try {
        for (let index = 0; index < (storage?.length ?? 0); index++) {
          const key = storage?.key(index);
          if (key?.startsWith(prefix)) names.add(key.slice(prefix.length));
        }
      } catch {
        // Nothing is readable, so nothing is there.
      }
      return [...names].filter((name) => name.startsWith(beginning));
    },
    onChange(listener) {
      // A key of null is the site's own localStorage.clear().
      addEventListener("storage", ({ key }) => {
        if (key === null || key.startsWith(prefix)) listener();
      });
    },
  };
}

/** The browser's storage; reading the very property throws where it is forbidden. */
export function browserStorage(): Storage | undefined {
  try {
    return localStorage;
  } catch {
    return undefined;
  }
}
