import { expect, test } from "vitest";
import { changeDraft, EMPTY, isEmpty, type Draft, type DraftChange } from "./draft";

const after = (...changes: DraftChange[]): Draft => changes.reduce(changeDraft, EMPTY);
const cat = new File(["…"], "cat.png");
const bill = new File(["…"], "bill.pdf");

test("text and files are a message; blanks are none", () => {
  expect(isEmpty(EMPTY)).toBe(true);
  expect(isEmpty(after({ type: "WRITTEN", text: " \n" }))).toBe(true);
  expect(isEmpty(after({ type: "WRITTEN", text: "Hi" }))).toBe(false);
  expect(isEmpty(after({ type: "ATTACHED", files: [cat] }))).toBe(false);
});

test("files are added to those that are there, and taken off one by one", () => {
  const both = after({ type: "ATTACHED", files: [cat] }, { type: "ATTACHED", files: [bill] });
  expect(both.files).toEqual([cat, bill]);
  expect(changeDraft(both, { type: "DETACHED", file: cat }).files).toEqual([bill]);
});

test("an edit begins with the message's text, and leaves nothing behind when it is called off", () => {
  const editing = after({ type: "ATTACHED", files: [cat] }, { type: "EDITING", message: { id: "m1", text: "Helo" } });
  expect(editing).toEqual({ ...EMPTY, text: "Helo", editingId: "m1" });
  expect(changeDraft(editing, { type: "ATTACHED", files: [cat] })).toBe(editing);
  expect(changeDraft(editing, { type: "CANCELLED" })).toEqual(EMPTY);
  expect(changeDraft(editing, { type: "REPLYING", messageId: "m2" })).toEqual({ ...EMPTY, replyToId: "m2" });
});

test("a reply that is called off keeps what was written", () => {
  const replying = after({ type: "WRITTEN", text: "Yes" }, { type: "REPLYING", messageId: "m1" });
  expect(replying).toMatchObject({ text: "Yes", replyToId: "m1" });
  expect(changeDraft(replying, { type: "CANCELLED" })).toEqual({ ...EMPTY, text: "Yes" });
});

test("what could not be sent comes back, before what was written since", () => {
  const failed = after({ type: "WRITTEN", text: "First" }, { type: "ATTACHED", files: [cat] }, { type: "REPLYING", messageId: "m1" });
  expect(changeDraft(changeDraft(failed, { type: "TAKEN" }), { type: "RETURNED", draft: failed })).toEqual(failed);
  const since = after({ type: "WRITTEN", text: "Second" }, { type: "ATTACHED", files: [bill] });
  expect(changeDraft(since, { type: "RETURNED", draft: failed })).toEqual({
    text: "First\nSecond",
    files: [cat, bill],
    replyToId: "m1",
    editingId: null,
  });
});
