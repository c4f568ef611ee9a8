// Says who is signed in, and signs in and out.
import { useEffect, useRef, useState, type FormEvent } from "react";
import type { Role, Session } from "../api/session";

interface Props {
  session: Session;
  onAsk: () => void;
  /** Rejects with a sentence for the reader. */
  onSignIn: (email: string, password: string) => Promise<void>;
  onSignOut: () => Promise<void>;
}

const ROLES: Record<Role, string> = { ADMIN: "administrator", EMPLOYEE: "employee", OBSERVER: "observer" };

export function SessionBar({ session, onAsk, onSignIn, onSignOut }: Props) {
  const [busy, setBusy] = useState(false);
  const [problem, setProblem] = useState<string>();
  const focus = useFocusAfter(session.state);

  const attempt = async (changing: () => Promise<void>) => {
    setBusy(true);
    setProblem(undefined);
    try {
      await changing();
    } catch (error) {
      setProblem((error as Error).message);
    } finally {
      setBusy(false);
    }
  };

  const submit = (event: FormEvent<HTMLFormElement>) => {
    event.preventDefault();
    if (busy) return;
    const form = new FormData(event.currentTarget);
    focus.expect();
    void attempt(() => onSignIn(String(form.get("email")), String(form.get("password"))));
  };

  const leave = () => {
    if (busy) return;
    focus.expect();
    void attempt(onSignOut);
  };

  return (
    <header>
      <h1>colloquy API</h1>
      {session.state === "signedOut" && (
        <form onSubmit={submit} aria-label="Sign in">
          <label>
            E-mail <input ref={focus.onEmail} name="email" type="email" autoComplete="username" required />
          </label>
          <label>
            Password <input name="password" type="password" autoComplete="current-password" required />
          </label>
          <button type="submit" aria-disabled={busy}>
            {busy ? "Signing in…" : "Sign in"}
          </button>
        </form>
      )}
      <p role="status">{status(session)}</p>
      {session.state === "signedIn" && (
        <button ref={focus.onSignOut} type="button" onClick={leave} aria-disabled={busy}>
          {busy ? "Signing out…" : "Sign out"}
        </button>
      )}
      {session.state === "unknown" && (
        <button type="button" onClick={onAsk}>
          Try again
        </button>
      )}
      <p role="alert">{problem ?? (session.state === "unknown" ? session.reason : "")}</p>
    </header>
  );
}

function status(session: Session): string {
  switch (session.state) {
    case "asking":
      return "Asking who is signed in…";
    case "signedOut":
      return session.notice ?? "Not signed in.";
    case "signedIn":
      return `Signed in: ${session.viewer.name}, ${ROLES[session.viewer.role]}.`;
    case "unknown":
      return "";
  }
}

/**
 * Signing in or out takes away the control that had the focus; the one that comes in its place gets it, so that a
 * reader by keyboard or by ear stays where they are. Only then: a page that loads leaves the focus alone.
 */
function useFocusAfter(state: Session["state"]) {
  const expected = useRef(false);
  const onEmail = useRef<HTMLInputElement>(null);
  const onSignOut = useRef<HTMLButtonElement>(null);
  useEffect(() => {
    if (!expected.current) return;
    expected.current = false;
    (onEmail.current ?? onSignOut.current)?.focus();
  }, [state]);
  return { onEmail, onSignOut, expect: () => void (expected.current = true) };
}
