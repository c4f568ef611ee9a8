// Where GraphiQL keeps tabs and history: in the browser's tab, until it is closed, and never the headers.

/** The keys of its history, whose entries carry the headers that a query was sent with; a token may stand there. */
const HISTORY = ["graphiql:queries", "graphiql:favorites"];

/** What GraphiQL needs of a `Storage`. */
type Memory = Pick<Storage, "length" | "getItem" | "setItem" | "removeItem" | "clear">;

/** GraphiQL's `storage`: as `inner`, but that no header is ever written to it. */
export function withoutHeaders(inner: Memory): Memory {
  return {
    get length() {
      return inner.length;
    },
    getItem: (key) => inner.getItem(key),
    removeItem: (key) => inner.removeItem(key),
    clear: () => inner.clear(),
    setItem(key, value) {
      inner.setItem(key, HISTORY.includes(key) ? strip(value) : value);
    },
  };
}

function strip(history: string): string {
  return JSON.stringify(JSON.parse(history, (name, value) => (name === "headers" ? undefined : value)));
}
