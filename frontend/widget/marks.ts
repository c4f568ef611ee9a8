// Tells the server what of the company's has arrived and what the visitor has seen, each once.
import { waitBefore } from "./backoff";
import { Fault } from "./fault";

export type Mark = "delivered" | "read";

export interface Marks {
  /** The company's newest message is `id`, seen or not. */
  mark: (id: string, isSeen: boolean) => void;
  /** The server can be reached again: tells it what it did not hear. */
  again: () => void;
}

export function createMarks(tell: (mark: Mark, id: string) => Promise<unknown>): Marks {
  let last: { mark: Mark; id: string; isHeard: boolean } | undefined;
  let attempt = 0;
  let repeating: ReturnType<typeof setTimeout> | undefined;

  function say(mark: Mark, id: string) {
    clearTimeout(repeating);
    const said = { mark, id, isHeard: true };
    last = said;
    tell(mark, id).then(
      () => {
        if (last === said) attempt = 0;
      },
      (error: unknown) => {
        // What is refused for good is not said again, and neither is what a later one says, too.
        if (last !== said || !(error instanceof Fault && error.passes)) return;
        said.isHeard = false;
        repeating = setTimeout(again, Math.max(error.wait, waitBefore(attempt)));
        attempt += 1;
      },
    );
  }

  function again() {
    if (last && !last.isHeard) say(last.mark, last.id);
  }

  return {
    mark(id, isSeen) {
      // What is read has arrived: one request says both.
      if (last?.id === id && (last.mark === "read" || !isSeen)) return;
      say(isSeen ? "read" : "delivered", id);
    },
    again,
  };
}
