// One subscription over graphql-transport-ws that outlives its connections: after a lost one, a server's restart or a
// laptop's sleep it connects anew and goes on behind the last update.
import { waitBefore } from "./backoff";
import { UPDATES, type ChatUpdate } from "./documents";
import type { GraphQLFault } from "./fault";

export interface Link {
  /** The network is back, or somebody looks at the page: connects at once, or makes sure that the connection lives. */
  wake: () => void;
  /** Gives the connection up until `wake`: for a page that the browser puts aside. */
  pause: () => void;
  /** Ends it for good. */
  close: () => void;
}

export interface LinkOptions {
  /** The server's address, `https:` or `http:`. */
  server: string;
  token: string;
  /** The cursor after which to follow. */
  after: string;
  onUpdate: (update: ChatUpdate) => void;
  /** `attempt`: how many connections have failed since the last one that worked. */
  onState: (state: "live" | "waiting", attempt: number) => void;
  /**
   * The server lets nobody follow with this token from this page (4403), or not from this cursor; the link is closed.
   * Why, and whether the token is still good, is for whoever asks anew.
   */
  onRefused: () => void;
}

interface Frame {
  type?: string;
  id?: string;
  payload?: unknown;
}

/** How long an acknowledgement or a pong may take, ms. */
const PATIENCE = 10_000;
/** After so much silence a connection is asked whether it lives, ms. */
const SILENCE = 25_000;
const TICK = 5_000;
/**
 * A tick so late has slept: no connection is expected to have lived through it. A browser lets the timers of hidden
 * pages run once a minute, so a minute means nothing.
 */
const ASLEEP = 90_000;
/** A connection that ended sooner did not work, even if it was acknowledged. */
const WORKED = 5_000;

const ID = "1";

export function openLink({ server, token, after, onUpdate, onState, onRefused }: LinkOptions): Link {
  const url = `${server.replace(/^http/, "ws")}/chat`;
  let socket: WebSocket | undefined;
  let acknowledgedAt: number | undefined;
  let attempt = 0;
  let heardAt = 0;
  let tickedAt = Date.now();
  /** The page is put aside, or the link has ended. */
  let paused = false;
  let ended = false;
  let retry: ReturnType<typeof setTimeout> | undefined;
  let deadline: ReturnType<typeof setTimeout> | undefined;
  const ticking = setInterval(tick, TICK);

  function connect() {
    drop();
    paused = false;
    expect();
    let mine: WebSocket;
    try {
      mine = new WebSocket(url, "graphql-transport-ws");
    } catch {
      // The site's Content-Security-Policy forbids it: some browsers throw, others close.
      again();
      return;
    }
    socket = mine;
    mine.onopen = () => send({ type: "connection_init", payload: { authorization: `Bearer ${token}` } });
    mine.onmessage = ({ data }) => hear(data);
    mine.onclose = ({ code }) => (code === 4403 ? refuse() : again());
  }

  /** Lets the connection go without waiting for its end, which a dead one would only tell minutes later. */
  function drop() {
    clearTimeout(retry);
    clearTimeout(deadline);
    deadline = undefined;
    if (socket) {
      socket.onopen = socket.onmessage = socket.onclose = null;
      socket.close();
    }
    socket = undefined;
    if (acknowledgedAt !== undefined && Date.now() - acknowledgedAt >= WORKED) attempt = 0;
    acknowledgedAt = undefined;
  }

  function again() {
    drop();
    retry = setTimeout(connect, waitBefore(attempt));
    attempt += 1;
    onState("waiting", attempt);
  }

  /** Starts the deadline for an answer, if none runs. */
  function expect() {
    deadline ??= setTimeout(again, PATIENCE);
  }

  function met() {
    clearTimeout(deadline);
    deadline = undefined;
  }

  function send(frame: Frame) {
    socket?.send(JSON.stringify(frame));
  }

  function hear(data: unknown) {
    heardAt = Date.now();
    const { type, payload } = frameOf(data);
    switch (type) {
      case "connection_ack":
        met();
        acknowledgedAt = heardAt;
        send({ id: ID, type: "subscribe", payload: { query: UPDATES, variables: { after } } });
        onState("live", attempt);
        break;
      case "ping":
        send(payload === undefined ? { type: "pong" } : { type: "pong", payload });
        break;
      case "pong":
        met();
        break;
      case "next":
        next(payload as { data?: { updates?: ChatUpdate } | null; errors?: GraphQLFault[] });
        break;
      case "error":
        fail(payload as GraphQLFault[]);
        break;
      default:
        // `complete`: the server ends what should never end. Anything else is no graphql-transport-ws.
        again();
    }
  }

  function next({ data, errors }: { data?: { updates?: ChatUpdate } | null; errors?: GraphQLFault[] }) {
    const update = data?.updates;
    if (!update || errors?.length) {
      fail(errors ?? []);
      return;
    }
    // First what it says and then that it was heard: a fault in between repeats it, and does not lose it.
    onUpdate(update);
    after = update.cursor ?? after;
  }

  function fail(errors: readonly GraphQLFault[]) {
    const { code, field } = errors[0]?.extensions ?? {};
    if (code === "UNAUTHENTICATED" || (code === "BAD_USER_INPUT" && field === "after")) refuse();
    else again();
  }

  function refuse() {
    close();
    onRefused();
  }

  function probe() {
    if (deadline !== undefined) return;
    send({ type: "ping" });
    expect();
  }

  function tick() {
    const now = Date.now();
    const late = now - tickedAt - TICK;
    tickedAt = now;
    if (paused) return;
    if (late > ASLEEP) {
      attempt = 0;
      connect();
    } else if (acknowledgedAt !== undefined && (late > TICK || now - heardAt >= SILENCE)) {
      probe();
    }
  }

  function wake() {
    if (ended) return;
    if (acknowledgedAt !== undefined) {
      probe();
    } else if (!socket) {
      attempt = 0;
      connect();
    }
  }

  function pause() {
    drop();
    paused = true;
  }

  function close() {
    clearInterval(ticking);
    pause();
    ended = true;
  }

  connect();
  return { wake, pause, close };
}

function frameOf(data: unknown): Frame {
  try {
    const frame: unknown = JSON.parse(String(data));
    return typeof frame === "object" && frame !== null ? frame : {};
  } catch {
    return {};
  }
}
