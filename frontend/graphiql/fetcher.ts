// Carries what GraphiQL runs to the server: queries and mutations by HTTP, subscriptions by graphql-transport-ws.
import { getOperationAST, type DocumentNode, type GraphQLFormattedError } from "graphql";
import { createClient, type Client } from "graphql-ws";
import { authorizationIn, hasCode, post, type Operation, type Result } from "../api/post";

/** GraphiQL's `fetcher` with its connections. */
export interface Link {
  fetcher: (operation: Operation, options?: Options) => Promise<Result> | Stream;
  /** Ends every running subscription, so that none goes on with the rights of a session that is over. */
  close: () => void;
}

export interface Stream {
  subscribe: (observer: Observer) => { unsubscribe: () => void };
}

interface Observer {
  next: (result: Result) => void;
  error: (error: unknown) => void;
  complete: () => void;
}

interface Options {
  /** What stands in GraphiQL's Headers: JSON of the reader's, so of any kind. */
  headers?: Record<string, unknown>;
  documentAST?: DocumentNode;
}

/** Answers to the cookie's requests that say UNAUTHENTICATED are told to `onUnauthenticated`, too. */
export function openLink(onUnauthenticated: () => void): Link {
  const clients = new Set<Client>();

  function stream(operation: Operation, authorization: string | undefined): Stream {
    return {
      subscribe(observer) {
        // A client a subscription: its connection says who asks, and closes with it. Not connecting anew by itself is
        // deliberate: only the reader can tell from which cursor to go on.
        const client = createClient({
          url: socketUrl(),
          retryAttempts: 0,
          ...(authorization === undefined ? {} : { connectionParams: { authorization } }),
        });
        clients.add(client);
        let last: Result | undefined;
        const end = () => {
          clients.delete(client);
          observer.complete();
        };
        const unsubscribe = client.subscribe(
          operation,
          {
            next(result) {
              last = result as Result;
              observer.next(last);
            },
            error(fault) {
              // With the last event kept in sight: its cursor is where to resume.
              observer.next({ ...last, errors: errorsOf(fault) });
              end();
            },
            complete: end,
          },
        );
        return {
          unsubscribe() {
            clients.delete(client);
            unsubscribe();
          },
        };
      },
    };
  }

  async function request(operation: Operation, headers: Record<string, unknown>): Promise<Result> {
    try {
      const result = await post(operation, asStrings(headers));
      if (authorizationIn(headers) === undefined && hasCode(result, "UNAUTHENTICATED")) onUnauthenticated();
      return result;
    } catch (error) {
      return { errors: [{ message: (error as Error).message }] };
    }
  }

  return {
    fetcher(operation, { headers = {}, documentAST } = {}) {
      const kind = documentAST && getOperationAST(documentAST, operation.operationName)?.operation;
      return kind === "subscription" ? stream(operation, authorizationIn(headers)) : request(operation, headers);
    },
    close() {
      for (const client of clients) void client.dispose();
      clients.clear();
    },
  };
}

/** The page's own host, over `wss:` where the page came over `https:`. */
function socketUrl(): string {
  return `${location.protocol === "https:" ? "wss:" : "ws:"}//${location.host}/graphql`;
}

/** A subscription's fault as GraphQL errors: those that the server sent, or a sentence on why the connection ended. */
function errorsOf(fault: unknown): readonly GraphQLFormattedError[] {
  if (Array.isArray(fault)) return fault as GraphQLFormattedError[];
  if (typeof fault === "object" && fault !== null && "code" in fault && "reason" in fault) {
    return [{ message: closed(Number(fault.code), String(fault.reason)) }];
  }
  return [{ message: fault instanceof Error ? fault.message : "The connection failed." }];
}

function closed(code: number, reason: string): string {
  const words = reason === "" ? `${code}` : `${code} ${reason}`;
  switch (code) {
    case 1001:
      return `The server is stopping (${words}). Run it again, with the last cursor as \`after\`, to go on where it ended.`;
    case 1005:
    case 1006:
      return `The connection could not be made, or was lost (${words}). Run it again, with the last cursor as \`after\`, to go on where it ended.`;
    case 4401:
    case 4403:
      return `The server does not let this connection in (${words}). Sign in again, or check the token in Headers.`;
    default:
      return `The server closed the connection (${words}).`;
  }
}

function asStrings(headers: Record<string, unknown>): Record<string, string> {
  return Object.fromEntries(Object.entries(headers).map(([name, value]) => [name, String(value)]));
}
