// One pretend bot: who it is, whether colloquy reads it, what is wrong with it, and what connects it.
import { memo } from "react";
import { addPhone } from "./actions";
import { connectOperation } from "./connect";
import { Copyable } from "./copyable";
import { FaultControls } from "./faults";
import { MESSENGERS } from "./messengers";
import type { Attempt } from "./page";
import type { Bot } from "./protocol";

interface Props {
  bot: Bot;
  attempt: Attempt;
}

export const BotCard = memo(function BotCard({ bot, attempt }: Props) {
  const { id, kind, name, handle, credentials, reached } = bot;
  return (
    <article className={`bot ${kind}`} aria-labelledby={`bot-${id}`}>
      <h2 id={`bot-${id}`}>
        <span className="kind">{MESSENGERS[kind].label}</span> {name} {handle && <small>{handle}</small>}
      </h2>
      <p className={`reached ${reached.how}`}>{describe(reached)}</p>
      <FaultControls bot={bot} attempt={attempt} />
      {/* Open while it is needed; React sets it again only when it changes. */}
      <details open={reached.how === "NOBODY"}>
        <summary>Connect it to colloquy</summary>
        <p>Paste into GraphiQL, signed in as an administrator, or give these to connectChannel:</p>
        <Copyable label="Operation" value={connectOperation(bot)} />
        {Object.entries(credentials).map(([field, value]) => (
          <Copyable key={field} label={field} value={value} />
        ))}
      </details>
      <button type="button" className="primary" onClick={() => void attempt(() => addPhone(id))}>
        Add a phone <span className="unseen">for {name}</span>
      </button>
    </article>
  );
});

function describe(reached: Bot["reached"]): string {
  switch (reached.how) {
    case "WEBHOOK":
      return `Connected: webhook ${reached.url}`;
    case "POLLING":
      return "Connected: colloquy polls";
    case "NOBODY":
      return "Nobody is connected yet";
  }
}
