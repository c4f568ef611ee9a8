// The page of `colloquy sandbox`: the pretend bots above, and the phones of people who write to them.
import { useCallback, useEffect, useRef, useState } from "react";
import { AddBot } from "./add-bot";
import { Bar } from "./bar";
import { BotCard } from "./bot-card";
import { keep } from "./keep";
import { follow, type Connection } from "./live";
import "./page.css";
import { PhoneView } from "./phone";
import type { State } from "./protocol";

/** Does what a person asked for. False, and a sentence on the page until it is dismissed, when it could not be done. */
export type Attempt = (doing: () => Promise<void>) => Promise<boolean>;

export function Page() {
  const [state, setState] = useState<State>();
  const [connection, setConnection] = useState<Connection>("CONNECTING");
  const [problem, setProblem] = useState<string>();
  // The phone in the hand: the one that was last clicked or typed on. Its person sees what comes.
  const [held, setHeld] = useState<string>();

  const isShown = useRef(false);
  useEffect(() => {
    if (state) isShown.current = true;
  }, [state]);

  // Removing a phone takes away the button that had the focus.
  const phones = useRef<HTMLElement>(null);
  const count = state?.phones.length;
  useEffect(() => {
    if (isShown.current && document.activeElement === document.body) phones.current?.focus({ preventScroll: true });
  }, [count]);

  useEffect(() => follow({ onState: (next) => setState((previous) => keep(previous, next)), onConnection: setConnection }), []);

  const attempt = useCallback<Attempt>(async (doing) => {
    try {
      await doing();
      return true;
    } catch (error) {
      setProblem((error as Error).message);
      return false;
    }
  }, []);

  return (
    <>
      <Bar colloquy={state?.colloquy} connection={connection} />
      <div className="problem" role="alert">
        {problem && (
          <>
            <p>{problem}</p>
            <button type="button" onClick={() => setProblem(undefined)}>
              Dismiss
            </button>
          </>
        )}
      </div>
      <main>
        {state && (
          <>
            <section className="bots" aria-label="Pretend bots">
              {state.bots.map((bot) => (
                <BotCard key={bot.id} bot={bot} attempt={attempt} />
              ))}
              <AddBot attempt={attempt} />
            </section>
            <section ref={phones} className="phones" tabIndex={-1} aria-label="Phones">
              {state.phones.map((phone) => {
                const bot = state.bots.find(({ id }) => id === phone.botId);
                return (
                  bot && (
                    <PhoneView
                      key={phone.id}
                      phone={phone}
                      bot={bot}
                      isHeld={held === phone.id}
                      isNew={isShown.current}
                      onHold={setHeld}
                      attempt={attempt}
                    />
                  )
                );
              })}
              {state.phones.length === 0 && <p>No phones yet. Add one at a bot above.</p>}
            </section>
          </>
        )}
      </main>
    </>
  );
}
