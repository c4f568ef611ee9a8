import { expect, test } from "vitest";
import { keep } from "./keep";

const state = () => ({ colloquy: null, phones: [{ id: "a", messages: [{ id: "1", text: "Hi" }] }, { id: "b", messages: [] }] });

test("the same state told again is the one that we had", () => {
  const previous = state();
  expect(keep(previous, state())).toBe(previous);
});

test("what changed is new, all the way up; what did not is as it was", () => {
  const previous = state();
  const told = state();
  told.phones[0]!.messages.push({ id: "2", text: "Anybody there?" });
  const next = keep(previous, told);
  expect(next).toEqual(told);
  expect(next.phones[0]).not.toBe(previous.phones[0]);
  expect(next.phones[0]!.messages[0]).toBe(previous.phones[0]!.messages[0]);
  expect(next.phones[1]).toBe(previous.phones[1]);
});

test("a list that lost its first item keeps the others", () => {
  const previous = state();
  const next = keep(previous, { ...state(), phones: state().phones.slice(1) });
  expect(next.phones).toHaveLength(1);
  expect(next.phones[0]).toBe(previous.phones[1]);
});

test("a field that went, or became null or a list, is not kept", () => {
  expect(keep({ a: 1, b: 2 }, { a: 1 })).toEqual({ a: 1 });
  expect(keep({ a: { b: 1 } }, { a: null })).toEqual({ a: null });
  expect(keep({ a: {} }, { a: [] })).toEqual({ a: [] });
});
