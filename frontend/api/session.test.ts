import { expect, test } from "vitest";
import type { Operation, Result } from "./post";
import { expired, readSession, signIn, signOut, type Session } from "./session";

const anna = { name: "Anna", role: "ADMIN" } as const;
const signedIn: Session = { state: "signedIn", viewer: anna };
const refusal = (code: string, message: string): Result => ({ errors: [{ message, extensions: { code } }] });

/** A server that gives one answer, and keeps what it was asked. */
function answering(answer: Result | Error) {
  const asked: Operation[] = [];
  const post = async (operation: Operation) => {
    asked.push(operation);
    if (answer instanceof Error) throw answer;
    return answer;
  };
  return { post, asked };
}

test("a session is what the server says of it", async () => {
  expect(await readSession(answering({ data: { viewer: anna } }).post)).toEqual(signedIn);
  expect(await readSession(answering(refusal("UNAUTHENTICATED", "Sign in first.")).post)).toEqual({ state: "signedOut" });
  expect(await readSession(answering(refusal("INTERNAL", "Something broke.")).post)).toEqual({
    state: "unknown",
    reason: "Something broke.",
  });
  expect(await readSession(answering(new Error("No server.")).post)).toEqual({ state: "unknown", reason: "No server." });
});

test("signing in sends the e-mail and the password as variables, and tells who it is", async () => {
  const server = answering({ data: { signIn: { viewer: anna } } });
  expect(await signIn(server.post, "anna@shop.example", 'se"cret')).toEqual(signedIn);
  expect(server.asked[0]?.variables).toEqual({ input: { email: "anna@shop.example", password: 'se"cret' } });
});

test("a refused sign-in fails with the server's words", async () => {
  const server = answering({ data: { signIn: null }, ...refusal("RATE_LIMITED", "Too many tries. Wait a minute.") });
  await expect(signIn(server.post, "anna@shop.example", "x")).rejects.toThrow("Too many tries. Wait a minute.");
});

test("signing out of a session that has already ended is signed out; any other fault leaves it", async () => {
  expect(await signOut(answering({ data: { signOut: { signedOut: true } } }).post)).toEqual({ state: "signedOut" });
  expect(await signOut(answering(refusal("UNAUTHENTICATED", "Sign in first.")).post)).toEqual({ state: "signedOut" });
  await expect(signOut(answering(refusal("INTERNAL", "Something broke.")).post)).rejects.toThrow("Something broke.");
});

test("only a session that was there can expire", () => {
  expect(expired(signedIn)).toMatchObject({ state: "signedOut", notice: expect.stringContaining("ended") });
  expect(expired({ state: "asking" })).toEqual({ state: "asking" });
  expect(expired({ state: "signedOut" })).toEqual({ state: "signedOut" });
});
