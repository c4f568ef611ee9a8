// Tells the server what of the company's has arrived and what the visitor has seen, each once.
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

  function say(mark: Mark, id: string) {
    const said = { mark, id, isHeard: true };
    last = said;
    tell(mark, id).catch((error: unknown) => {
      // What is refused for good is not said again.
      said.isHeard = !(error instanceof Fault && error.passes);
    });
  }

  return {
    mark(id, isSeen) {
      // What is read has arrived: one request says both.
      if (last?.id === id && (last.mark === "read" || !isSeen)) return;
      say(isSeen ? "read" : "delivered", id);
    },
    again() {
      if (last && !last.isHeard) say(last.mark, last.id);
    },
  };
}
