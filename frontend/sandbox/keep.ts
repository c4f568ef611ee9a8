// The whole state comes up to ten times a second; what did not change keeps its identity, so that React passes it over.

/** `next`, with each part that equals the same part of `previous` replaced by it. Items of a list are matched by `id`. */
export function keep<T>(previous: unknown, next: T): T {
  if (Object.is(previous, next)) return next;
  if (typeof next !== "object" || next === null || typeof previous !== "object" || previous === null) return next;
  if (Array.isArray(next) !== Array.isArray(previous)) return next;
  const kept = Array.isArray(next) ? keepItems(previous as unknown[], next) : keepFields(previous as Fields, next as Fields);
  return (isSame(previous as Fields, kept as Fields) ? previous : kept) as T;
}

type Fields = Record<string, unknown>;

function keepFields(previous: Fields, next: Fields): Fields {
  return Object.fromEntries(Object.entries(next).map(([name, value]) => [name, keep(previous[name], value)]));
}

function keepItems(previous: unknown[], next: unknown[]): unknown[] {
  const known = new Map(previous.map((item, index) => [keyOf(item, index), item]));
  return next.map((item, index) => keep(known.get(keyOf(item, index)), item));
}

function keyOf(item: unknown, index: number): unknown {
  return typeof item === "object" && item !== null && "id" in item ? item.id : index;
}

function isSame(previous: Fields, next: Fields): boolean {
  const names = Object.keys(next);
  return names.length === Object.keys(previous).length && names.every((name) => Object.is(previous[name], next[name]));
}
