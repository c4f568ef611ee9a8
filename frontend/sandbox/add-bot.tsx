// Makes another pretend bot.
import type { FormEvent } from "react";
import { addBot } from "./actions";
import { MESSENGERS } from "./messengers";
import type { Attempt } from "./page";
import type { Kind } from "./protocol";

export function AddBot({ attempt }: { attempt: Attempt }) {
  const submit = async (event: FormEvent<HTMLFormElement>) => {
    event.preventDefault();
    const element = event.currentTarget;
    const form = new FormData(element);
    const name = String(form.get("name")).trim();
    if (await attempt(() => addBot(form.get("kind") as Kind, name))) element.reset();
  };

  return (
    <details className="add-bot">
      <summary>Add a bot</summary>
      <form onSubmit={(event) => void submit(event)} aria-label="Add a bot">
        <label>
          Messenger{" "}
          <select name="kind">
            {Object.entries(MESSENGERS).map(([kind, { label }]) => (
              <option key={kind} value={kind}>
                {label}
              </option>
            ))}
          </select>
        </label>
        <label>
          Name <input name="name" defaultValue="" required maxLength={60} autoComplete="off" />
        </label>
        <button type="submit">Add</button>
      </form>
    </details>
  );
}
