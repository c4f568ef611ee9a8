import { expect, test } from "vitest";
import { EMPTY, lastOfCompany, logOf, unread, withAddresses, withEarlier, withMessage, withRead, type Log } from "./log";
import { message } from "./testing/fakes";

const page = (nodes: ReturnType<typeof message>[], hasPreviousPage = false) => ({
  nodes,
  hasPreviousPage,
  startCursor: nodes[0] ? `before ${nodes[0].id}` : null,
});
const ids = (log: Log) => log.messages.map(({ id }) => id);

test("a message told twice is there once, as it was told last, in its place", () => {
  const [one, two] = [message(), message()];
  const log = [one, two, { ...one, text: "changed" }, two].reduce(withMessage, EMPTY);
  expect(ids(log)).toEqual([one.id, two.id]);
  expect(log.messages[0]?.text).toBe("changed");
});

test("messages stand in the order in which they are told, whatever their clocks say", () => {
  const [late, early] = [message({ createdAt: "2026-01-02T00:00:01.000Z" }), message({ createdAt: "2026-01-02T00:00:00.000Z" })];
  expect(ids(withMessage(withMessage(EMPTY, late), early))).toEqual([late.id, early.id]);
});

test("a change of a message from before what is loaded does not become the newest", () => {
  const [old, loaded] = [message(), message()];
  const log = logOf(page([loaded], true), 0);
  expect(ids(withMessage(log, { ...old, text: "edited" }))).toEqual([loaded.id]);
});

test("earlier messages come before, once, and say what is before them", () => {
  const [one, two, three] = [message(), message(), message()];
  const log = withEarlier(logOf(page([two, three], true), 3), page([one, two]));
  expect(ids(log)).toEqual([one.id, two.id, three.id]);
  expect([log.hasEarlier, log.start, unread(log)]).toEqual([false, `before ${one.id}`, 3]);
});

test("unread are the company's that are not read, those not loaded among them", () => {
  const nodes = [message({ isOwn: true }), message({ isRead: true }), message(), message({ deletedAt: "2026-01-01T00:00:00.000Z" })];
  const log = logOf(page(nodes, true), 8);
  expect(unread(log)).toBe(8);
  expect(unread(withMessage(log, message()))).toBe(9);
  expect(unread(withRead(log, nodes[3]!.id, false))).toBe(0);
});

test("a read mark is for the one side and up to a message", () => {
  const nodes = [message({ isOwn: true }), message(), message({ isOwn: true }), message({ isOwn: true })];
  const log = withRead(logOf(page(nodes), 1), nodes[2]!.id, true);
  expect(log.messages.map(({ isRead }) => isRead)).toEqual([true, false, true, false]);
  expect(withRead(log, "msg_unknown", true)).toBe(log);
});

test("fresh addresses change nothing else: an update may have told something newer meanwhile", () => {
  const file = { id: "fil_1", name: "a.png", contentType: "image/png", size: 1, url: "u1", previewUrl: "p1", width: 1, height: 1 };
  const shown = message({ files: [file], text: "as edited", isRead: true });
  const log = withMessage(EMPTY, shown);
  const older = { ...shown, text: "as it was", isRead: false, files: [{ ...file, url: "u2", previewUrl: "p2" }] };
  const [now] = withAddresses(log, [older, message()]).messages;
  expect(now).toMatchObject({ text: "as edited", isRead: true, files: [{ url: "u2", previewUrl: "p2" }] });
  expect(withAddresses(log, [older, message()]).messages).toHaveLength(1);
});

test("the company's newest is found among the visitor's", () => {
  const [theirs, own] = [message(), message({ isOwn: true })];
  expect(lastOfCompany(logOf(page([theirs, own]), 0))?.id).toBe(theirs.id);
  expect(lastOfCompany(EMPTY)).toBeUndefined();
});
