// Follows the state: asked for at each connection, and told after each change.
import type { State } from "./protocol";

export type Connection = "CONNECTING" | "LIVE" | "LOST";

interface Listener {
  onState: (state: State) => void;
  onConnection: (connection: Connection) => void;
}

const AGAIN_MS = 2000;

/** Follows until the returned function is called. A lost connection is made again, however long that takes. */
export function follow({ onState, onConnection }: Listener): () => void {
  let source: EventSource;
  let timer: ReturnType<typeof setTimeout> | undefined;
  let isOver = false;
  // What was asked for is left aside when something newer has come, or was asked for later.
  let latest = 0;

  const ask = async () => {
    const mine = ++latest;
    try {
      const response = await fetch("/api/state");
      if (!response.ok) throw new Error(`${response.status}`);
      const state = (await response.json()) as State;
      if (!isOver && mine === latest) onState(state);
    } catch {
      if (!isOver && mine === latest) again();
    }
  };

  const again = () => {
    onConnection("LOST");
    source.close();
    clearTimeout(timer);
    timer = setTimeout(open, AGAIN_MS);
  };

  const open = () => {
    source = new EventSource("/api/events");
    source.onopen = () => {
      onConnection("LIVE");
      // Again: what changed before the connection stood was told to nobody.
      void ask();
    };
    source.onmessage = ({ data }: MessageEvent<string>) => {
      latest += 1;
      onState(JSON.parse(data) as State);
    };
    // The browser tries by itself only after some of the faults.
    source.onerror = again;
    // Some proxies keep even the opening back until there is an event.
    void ask();
  };

  onConnection("CONNECTING");
  open();
  return () => {
    isOver = true;
    clearTimeout(timer);
    source.close();
  };
}
