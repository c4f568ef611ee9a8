// One GraphQL operation over HTTP to the server that the page came from.
import type { ExecutionResult, GraphQLFormattedError } from "graphql";

export interface Operation {
  query: string;
  operationName?: string | null;
  variables?: Record<string, unknown> | null;
}

/** What the server answers: `errors[].extensions.code` is one of the codes that the schema lists. */
export type Result<Data = Record<string, unknown>> = Omit<ExecutionResult<Data>, "errors"> & {
  errors?: readonly GraphQLFormattedError[];
};

/** `post`, or what stands in for it in a test. */
export type Post = (operation: Operation) => Promise<Result>;

/**
 * Sends one operation. With an `Authorization` among the headers the session cookie stays at home: of two
 * identities in one request, nobody could say which one answered.
 *
 * @throws Error with a sentence for the reader when no GraphQL response came back.
 */
export async function post(operation: Operation, headers: Record<string, string> = {}): Promise<Result> {
  const sent = new Headers(headers);
  sent.set("Content-Type", "application/json");
  sent.set("Accept", "application/graphql-response+json, application/json");
  let response: Response;
  try {
    response = await fetch("/graphql", {
      method: "POST",
      headers: sent,
      credentials: authorizationIn(headers) === undefined ? "same-origin" : "omit",
      body: JSON.stringify(operation),
    });
  } catch {
    throw new Error("The server cannot be reached. Is it running, and are you online?");
  }
  const answer: unknown = await response.json().catch(() => undefined);
  if (!isResult(answer)) {
    throw new Error(`The server answered ${response.status} ${response.statusText}`.trimEnd() + " without a GraphQL response.");
  }
  return answer;
}

/** The value of the `Authorization` header, whatever the case of its name; undefined where it is absent or empty. */
export function authorizationIn(headers: Record<string, unknown>): string | undefined {
  for (const [name, value] of Object.entries(headers)) {
    if (name.toLowerCase() === "authorization" && typeof value === "string" && value.trim() !== "") return value;
  }
  return undefined;
}

/** Whether an error of the result has this `extensions.code`. */
export function hasCode(result: Pick<Result, "errors">, code: string): boolean {
  return result.errors?.some((error) => error.extensions?.["code"] === code) ?? false;
}

function isResult(answer: unknown): answer is Result {
  return typeof answer === "object" && answer !== null && ("data" in answer || "errors" in answer);
}
