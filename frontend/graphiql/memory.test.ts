import { beforeEach, expect, test } from "vitest";
import { withoutHeaders } from "./memory";

let kept: Map<string, string>;
let memory: ReturnType<typeof withoutHeaders>;

beforeEach(() => {
  kept = new Map();
  memory = withoutHeaders({
    get length() {
      return kept.size;
    },
    getItem: (key) => kept.get(key) ?? null,
    setItem: (key, value) => void kept.set(key, value),
    removeItem: (key) => void kept.delete(key),
    clear: () => kept.clear(),
  });
});

test("a token in Headers is not kept with the history of queries", () => {
  const entry = { query: "{ viewer { name } }", variables: '{"first":1}', headers: '{"Authorization":"Bearer clq_x"}' };
  for (const key of ["graphiql:queries", "graphiql:favorites"]) {
    memory.setItem(key, JSON.stringify({ queries: [entry] }));
    expect(JSON.parse(memory.getItem(key) ?? "")).toEqual({
      queries: [{ query: entry.query, variables: entry.variables }],
    });
  }
});

test("everything else is kept as it is", () => {
  memory.setItem("graphiql:query", "{ headers }");
  expect(memory.getItem("graphiql:query")).toBe("{ headers }");
  memory.removeItem("graphiql:query");
  expect(memory.getItem("graphiql:query")).toBeNull();
});
