import { expect, test, vi } from "vitest";
import { openSession } from "./session";
import { shelf } from "./testing/fakes";

function session(kept = shelf()) {
  const changes: (string | null)[] = [];
  let made = 0;
  const start = vi.fn(async () => `mine${++made}`);
  return { kept, start, changes, session: openSession(kept, start, (token) => void changes.push(token)) };
}

test("a token is made once, and kept", async () => {
  const { kept, start, changes, session: mine } = session();
  expect(mine.token).toBeNull();
  expect(await Promise.all([mine.begin(), mine.begin()])).toEqual(["mine1", "mine1"]);
  expect(await mine.begin()).toBe("mine1");
  expect([kept.read("token"), changes, start.mock.calls.length]).toEqual(["mine1", ["mine1"], 1]);
});

test("of two tabs that begin at once, the faster one's token is both's", async () => {
  const { kept, changes, session: mine } = session();
  const begun = mine.begin();
  // Without the event, which may come later.
  kept.write("token", "theirs");
  expect(await begun).toBe("theirs");
  expect([kept.read("token"), changes]).toEqual(["theirs", ["theirs"]]);
});

test("a token of another tab is used before one is made", async () => {
  const { kept, start, session: mine } = session();
  kept.write("token", "theirs");
  expect(await mine.begin()).toBe("theirs");
  expect(start).not.toHaveBeenCalled();
});

test("a refused token is dropped; the one that another tab has put in its place is not", async () => {
  const { kept, changes, session: mine } = session(shelf(new Map([["token", "old"]])));
  kept.write("token", "theirs");
  mine.refuse("old");
  expect([kept.read("token"), mine.token]).toEqual(["theirs", "theirs"]);
  mine.refuse("old");
  mine.refuse("theirs");
  expect([kept.read("token"), mine.token, changes]).toEqual([null, null, ["theirs", null]]);
});

test("a beginning that failed can be tried again", async () => {
  const { start, session: mine } = session();
  start.mockRejectedValueOnce(new Error("away"));
  await expect(mine.begin()).rejects.toThrow("away");
  expect(await mine.begin()).toBe("mine1");
});

test("after new tokens were refused in a row no more are made, until one is taken", async () => {
  const { session: mine } = session();
  for (let turn = 0; turn < 2; turn++) mine.refuse(await mine.begin());
  await expect(mine.begin()).rejects.toMatchObject({ code: "UNAUTHENTICATED" });
  mine.accept();
  expect(await mine.begin()).toBe("mine3");
});
