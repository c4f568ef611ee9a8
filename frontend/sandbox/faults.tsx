// What goes wrong with a pretend bot's messenger, as colloquy sees it.
import { changeBot } from "./actions";
import type { Attempt } from "./page";
import type { Bot, Fail } from "./protocol";

const FAILS: Record<Fail, string> = {
  NONE: "nothing",
  TOO_MANY: "too many requests (429)",
  SERVER_ERROR: "server error (5xx)",
  HTML: "an HTML page instead of JSON",
  TIMEOUT: "no answer at all",
  TOKEN_REVOKED: "the token was revoked",
};

const SECONDS = [0, 1, 2, 5, 10, 30, 60];

export function FaultControls({ bot: { id, faults }, attempt }: { bot: Bot; attempt: Attempt }) {
  const choices = SECONDS.includes(faults.slowSeconds) ? SECONDS : [...SECONDS, faults.slowSeconds];
  return (
    <div className="faults">
      <label>
        Answers{" "}
        <select
          value={faults.slowSeconds}
          onChange={({ target }) => void attempt(() => changeBot(id, { slowSeconds: Number(target.value) }))}
        >
          {choices.map((seconds) => (
            <option key={seconds} value={seconds}>
              {seconds === 0 ? "at once" : `after ${seconds} s`}
            </option>
          ))}
        </select>
      </label>
      <label>
        Fails with{" "}
        <select value={faults.fail} onChange={({ target }) => void attempt(() => changeBot(id, { fail: target.value as Fail }))}>
          {Object.entries(FAILS).map(([fail, words]) => (
            <option key={fail} value={fail}>
              {words}
            </option>
          ))}
        </select>
      </label>
    </div>
  );
}
