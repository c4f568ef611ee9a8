// Says what this page is, where colloquy is, and whether what stands here is current.
import type { Connection } from "./live";
import type { State } from "./protocol";

const CONNECTIONS: Record<Connection, string> = {
  CONNECTING: "Connecting…",
  LIVE: "Live",
  LOST: "The sandbox does not answer; trying again…",
};

interface Props {
  /** Undefined until the sandbox has told. */
  colloquy: State["colloquy"] | undefined;
  connection: Connection;
}

export function Bar({ colloquy, connection }: Props) {
  return (
    <header>
      <h1>colloquy sandbox</h1>
      <p className="about">
        Pretended Telegram, VK and Viber: no accounts, and nothing goes to the real ones. Connect a bot to colloquy, then be
        its client on a phone below.
      </p>
      {colloquy && (
        <a href={`${colloquy.url.replace(/\/+$/, "")}/graphql`} target="_blank" rel="noreferrer">
          Open colloquy’s GraphiQL
        </a>
      )}
      {colloquy === null && <p>Where colloquy is was not told.</p>}
      <p role="status" className={connection}>
        {CONNECTIONS[connection]}
      </p>
    </header>
  );
}
