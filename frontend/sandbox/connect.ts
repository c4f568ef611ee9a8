// The operation that connects colloquy to a pretend bot, to be pasted into GraphiQL.
import type { Bot } from "./protocol";

export function connectOperation({ kind, name, credentials }: Pick<Bot, "kind" | "name" | "credentials">): string {
  const fields = Object.entries(credentials).map(([field, value]) => `${field}: ${JSON.stringify(value)}`);
  return `mutation {
  connectChannel(input: { name: ${JSON.stringify(name)}, credentials: { ${kind.toLowerCase()}: { ${fields.join(", ")} } } }) {
    channel { id handle state }
  }
}
`;
}
