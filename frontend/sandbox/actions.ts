// What the person at the page does, told to the sandbox. What comes of it comes with the next state.
import type { Extra, Faults, Kind } from "./protocol";

export interface NewMessage {
  text?: string;
  replyToId?: string | null;
  files?: readonly File[];
  kind?: Extra;
}

export const addBot = (kind: Kind, name: string) => call("POST", "/api/bots", { kind, name });
export const changeBot = (id: string, faults: Partial<Faults>) => call("PATCH", `/api/bots/${encodeURIComponent(id)}`, faults);
export const addPhone = (botId: string) => call("POST", "/api/phones", { botId });
export const changePhone = (id: string, change: { name?: string; isBlocked?: boolean }) => call("PATCH", phone(id), change);
export const removePhone = (id: string) => call("DELETE", phone(id));
export const editMessage = (id: string, messageId: string, text: string) =>
  call("PUT", `${phone(id)}/messages/${encodeURIComponent(messageId)}`, { text });
export const read = (id: string) => call("POST", `${phone(id)}/read`, {});
export const type = (id: string) => call("POST", `${phone(id)}/typing`, {});

/** Where an action fails that nobody asked for: a page whose sandbox is away says so already. */
export const unasked = () => {};

export function sendMessage(id: string, { text, replyToId, files = [], kind }: NewMessage): Promise<void> {
  const form = new FormData();
  if (kind) form.set("kind", kind);
  if (text) form.set("text", text);
  if (replyToId) form.set("replyToId", replyToId);
  for (const file of files) form.append("file", file);
  return call("POST", `${phone(id)}/messages`, form);
}

const phone = (id: string) => `/api/phones/${encodeURIComponent(id)}`;

/** @throws Error with a sentence for the reader. */
async function call(method: string, path: string, body?: FormData | object): Promise<void> {
  const init: RequestInit = { method };
  if (body instanceof FormData) {
    init.body = body;
  } else if (body) {
    init.headers = { "Content-Type": "application/json" };
    init.body = JSON.stringify(body);
  }
  let response: Response;
  try {
    response = await fetch(path, init);
  } catch {
    throw new Error("The sandbox cannot be reached. Is it running?");
  }
  if (response.ok) return;
  const answer: unknown = await response.json().catch(() => undefined);
  throw new Error(reasonIn(answer) ?? `The sandbox answered ${response.status} ${response.statusText}`.trimEnd() + ".");
}

function reasonIn(answer: unknown): string | undefined {
  if (typeof answer !== "object" || answer === null || !("error" in answer)) return undefined;
  return typeof answer.error === "string" && answer.error !== "" ? answer.error : undefined;
}
