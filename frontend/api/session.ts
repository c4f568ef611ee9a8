// Who is signed in, by the session cookie. The cookie is HttpOnly: the page neither sees nor keeps a token, it asks.
import { hasCode, type Post, type Result } from "./post";

export type Role = "ADMIN" | "EMPLOYEE" | "OBSERVER";

export interface Viewer {
  name: string;
  role: Role;
}

export type Session =
  | { state: "asking" }
  /** `notice`: what the reader should know about how it came to this. */
  | { state: "signedOut"; notice?: string }
  | { state: "signedIn"; viewer: Viewer }
  /** The server gave no answer; `reason` is a sentence. */
  | { state: "unknown"; reason: string };

/** Asks the server who is signed in. Never throws. */
export async function readSession(post: Post): Promise<Session> {
  try {
    const result = await post({ query: "query Viewer { viewer { name role } }" });
    const viewer = result.data?.["viewer"] as Viewer | undefined;
    if (viewer) return { state: "signedIn", viewer };
    if (hasCode(result, "UNAUTHENTICATED")) return { state: "signedOut" };
    return { state: "unknown", reason: firstMessage(result) };
  } catch (error) {
    return { state: "unknown", reason: (error as Error).message };
  }
}

/**
 * Signs in; the server sets the cookie.
 *
 * @throws Error with a sentence for the reader: wrong password, too many tries, no server.
 */
export async function signIn(post: Post, email: string, password: string): Promise<Session> {
  const result = await post({
    query: "mutation SignIn($input: SignInInput!) { signIn(input: $input) { viewer { name role } } }",
    variables: { input: { email, password } },
  });
  const payload = result.data?.["signIn"] as { viewer: Viewer } | null | undefined;
  if (!payload) throw new Error(firstMessage(result));
  return { state: "signedIn", viewer: payload.viewer };
}

/**
 * Signs out; the server ends the session and removes the cookie. A session that had already ended counts as signed out.
 *
 * @throws Error with a sentence for the reader; the session then still stands.
 */
export async function signOut(post: Post): Promise<Session> {
  const result = await post({ query: "mutation SignOut { signOut { signedOut } }" });
  if (result.errors && !hasCode(result, "UNAUTHENTICATED")) throw new Error(firstMessage(result));
  return { state: "signedOut" };
}

/** The session after an answer said UNAUTHENTICATED to a request that went by the cookie. */
export function expired(session: Session): Session {
  if (session.state !== "signedIn") return session;
  return { state: "signedOut", notice: "Your session has ended. Sign in again." };
}

function firstMessage(result: Result): string {
  return result.errors?.[0]?.message ?? "The server gave an answer that this page does not understand.";
}
