// What can go wrong with a request, in the few kinds that a visitor, or the widget, would act on differently.

export type FaultCode =
  /** No answer came at all. */
  | "OFFLINE"
  /** An answer came from what stands before the server, or from a server that cannot work now. */
  | "UNAVAILABLE"
  // The server's own `extensions.code`:
  | "INTERNAL"
  | "RATE_LIMITED"
  | "UNAUTHENTICATED"
  | "NOT_FOUND"
  | "FORBIDDEN"
  | "BAD_USER_INPUT"
  // The limits that the widget knows by itself, too:
  | "TOO_LONG"
  | "TOO_LARGE"
  /** A reload took the bytes of a file that had not been uploaded. */
  | "FILE_LOST";

const CODES: readonly FaultCode[] = [
  "INTERNAL",
  "RATE_LIMITED",
  "UNAUTHENTICATED",
  "NOT_FOUND",
  "FORBIDDEN",
  "BAD_USER_INPUT",
];

/** One error of a GraphQL answer. */
export interface GraphQLFault {
  message?: string;
  extensions?: { code?: string; field?: string; retryAfter?: number };
}

export class Fault extends Error {
  constructor(
    readonly code: FaultCode,
    message: string = code,
    /** The argument that was refused, with BAD_USER_INPUT. */
    readonly field?: string,
    /** Milliseconds that the server asks to wait. */
    readonly wait = 0,
  ) {
    super(message);
  }

  /** Whether the same request may well succeed later, with nothing changed. */
  get passes(): boolean {
    return PASSING.includes(this.code);
  }

  /** Whether it befalls whatever is sent now, and not just this: all but a limit on files, which texts have no part in. */
  get stopsAll(): boolean {
    return this.passes && this.field !== FILES;
  }
}

/** INTERNAL is what the server says while it cannot reach its database, too. */
const PASSING: readonly FaultCode[] = ["OFFLINE", "UNAVAILABLE", "INTERNAL", "RATE_LIMITED"];

/** The field of a limit on files. */
export const FILES = "files";

/** The first of a GraphQL answer's errors; a code that the widget does not know is the server's fault. */
export function faultOf(errors: readonly GraphQLFault[]): Fault {
  const { message, extensions = {} } = errors[0] ?? {};
  const code = CODES.find((known) => known === extensions.code) ?? "INTERNAL";
  return new Fault(code, message, extensions.field, (extensions.retryAfter ?? 0) * 1000);
}

/**
 * What an HTTP status says where no GraphQL error does, and so not the server but what stands before it. A 401 of that is
 * not about the visitor's token: only the server's own UNAUTHENTICATED costs a visitor the conversation.
 */
export function faultOfStatus(status: number): Fault {
  switch (status) {
    case 401:
      return new Fault("UNAVAILABLE", "HTTP 401");
    case 403:
      return new Fault("FORBIDDEN");
    case 404:
      return new Fault("NOT_FOUND");
    case 413:
      return new Fault("TOO_LARGE");
    case 429:
      return new Fault("RATE_LIMITED");
    default:
      return new Fault(status >= 500 ? "UNAVAILABLE" : "INTERNAL", `HTTP ${status}`);
  }
}
