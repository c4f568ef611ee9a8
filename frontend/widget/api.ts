// Requests to the server's visitor API: one GraphQL operation, or one file.
import { Fault, faultOf, faultOfStatus, type GraphQLFault } from "./fault";

export interface Api {
  /**
   * Runs one query or mutation.
   *
   * @throws Fault
   */
  run: <Data>(query: string, variables: Record<string, unknown>, token?: string) => Promise<Data>;
  /**
   * Uploads one file, and answers its id.
   *
   * @throws Fault
   */
  upload: (file: File, token: string) => Promise<string>;
}

/** A request that a laptop's sleep or a dead proxy swallowed must not hold up what waits behind it. */
const PATIENCE = 30_000;
/** Bytes a millisecond, of the slowest connection that an upload is waited for. */
const SLOWEST = 8;

export function openApi(server: string): Api {
  /** Cookies stay at home: the token alone says who asks. */
  async function post(path: string, body: BodyInit, headers: Record<string, string>, patience: number): Promise<unknown> {
    const abort = new AbortController();
    const timer = setTimeout(() => abort.abort(), patience);
    try {
      const response = await fetch(server + path, {
        method: "POST",
        headers,
        body,
        credentials: "omit",
        signal: abort.signal,
      });
      const answer = (await response.json().catch((error: unknown) => {
        // A body cut off in the middle is a lost connection; one that is no JSON came from something else.
        if (!(error instanceof SyntaxError)) throw error;
      })) as { errors?: GraphQLFault[] } | undefined;
      if (answer?.errors?.length) throw faultOf(answer.errors);
      if (!response.ok || typeof answer !== "object" || answer === null) throw faultOfStatus(response.status);
      return answer;
    } catch (error) {
      throw error instanceof Fault ? error : new Fault("OFFLINE", String(error));
    } finally {
      clearTimeout(timer);
    }
  }

  return {
    async run<Data>(query: string, variables: Record<string, unknown>, token?: string) {
      const headers = { "Content-Type": "application/json", Accept: "application/json", ...authorization(token) };
      const answer = await post("/chat", JSON.stringify({ query, variables }), headers, PATIENCE);
      const data = (answer as { data?: Data | null }).data;
      if (!data) throw new Fault("INTERNAL", "no data");
      return data;
    },
    async upload(file, token) {
      const form = new FormData();
      form.append("file", file, file.name);
      const answer = await post("/chat/files", form, authorization(token), PATIENCE + file.size / SLOWEST);
      const id = (answer as { id?: unknown }).id;
      if (typeof id !== "string") throw new Fault("INTERNAL", "no id");
      return id;
    },
  };
}

function authorization(token?: string): Record<string, string> {
  return token === undefined ? {} : { Authorization: `Bearer ${token}` };
}
