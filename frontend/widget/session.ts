// The visitor's token: made when they first write, kept by the browser, the same in all tabs.
import { Fault } from "./fault";
import type { Shelf } from "./shelf";

const NAME = "token";

export interface Session {
  readonly token: string | null;
  /**
   * The token, made first if there is none.
   *
   * @throws Fault
   */
  begin: () => Promise<string>;
  /** The server takes this token no more. Another tab may already have begun anew: then theirs is ours. */
  refuse: (token: string) => void;
  /** The token was taken: what is refused from now on is a new matter. */
  accept: () => void;
}

/** So many new tokens, refused one after the other, are no matter of age: something is wrong, and asking on would not end. */
const MOST_REFUSED = 2;

/** `start` asks the server for a token; `onChange` is told of every one, and of null. */
export function openSession(shelf: Shelf, start: () => Promise<string>, onChange: (token: string | null) => void): Session {
  let token = shelf.read(NAME);
  let starting: Promise<string> | undefined;
  let refused = 0;

  function become(next: string | null) {
    if (next === token) return;
    token = next;
    onChange(token);
  }

  shelf.onChange(() => become(shelf.read(NAME)));

  return {
    get token() {
      return token;
    },
    begin() {
      if (token !== null) return Promise.resolve(token);
      if (refused >= MOST_REFUSED) return Promise.reject(new Fault("UNAUTHENTICATED"));
      // Another tab's new token, of which the event is still on its way.
      const theirs = shelf.read(NAME);
      if (theirs !== null) {
        become(theirs);
        return Promise.resolve(theirs);
      }
      starting ??= start()
        .then((made) => {
          // A tab that was faster has made the visitor; a second one would be a second conversation.
          const first = shelf.read(NAME) ?? made;
          shelf.write(NAME, first);
          become(first);
          return first;
        })
        .finally(() => (starting = undefined));
      return starting;
    },
    refuse(old) {
      if (old !== token) return;
      refused += 1;
      if (shelf.read(NAME) === old) shelf.write(NAME, null);
      become(shelf.read(NAME));
    },
    accept() {
      refused = 0;
    },
  };
}
