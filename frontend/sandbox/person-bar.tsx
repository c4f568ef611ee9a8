// Whose phone it is, and how this person behaves.
import { useRef, useState, type KeyboardEvent } from "react";
import { changePhone, removePhone } from "./actions";
import type { Messenger } from "./messengers";
import type { Attempt } from "./page";
import type { Phone } from "./protocol";

interface Props {
  phone: Phone;
  messenger: Messenger;
  reads: boolean;
  onReads: (reads: boolean) => void;
  attempt: Attempt;
}

export function PersonBar({ phone, messenger, reads, onReads, attempt }: Props) {
  const remove = () => {
    if (phone.messages.length > 0 && !confirm(`Remove ${phone.person.name}’s phone and its chat?`)) return;
    void attempt(() => removePhone(phone.id));
  };

  return (
    <div className="person">
      <NameField name={phone.person.name} onRename={(name) => attempt(() => changePhone(phone.id, { name }))} />
      {phone.person.username && <small>@{phone.person.username}</small>}
      <button type="button" className="remove" onClick={remove} aria-label={`Remove ${phone.person.name}’s phone`}>
        ×
      </button>
      <div className="behaviour">
        {messenger.tellsReading ? (
          <label>
            <input type="checkbox" checked={reads} onChange={({ target }) => onReads(target.checked)} /> Reads messages
          </label>
        ) : (
          <span>{messenger.label} has no read marks</span>
        )}
        <label>
          <input
            type="checkbox"
            checked={phone.isBlocked}
            onChange={({ target }) => void attempt(() => changePhone(phone.id, { isBlocked: target.checked }))}
          />{" "}
          Block the bot
        </label>
      </div>
    </div>
  );
}

/** Told when it is left or Enter is pressed; Escape takes it back. */
function NameField({ name, onRename }: { name: string; onRename: (name: string) => Promise<boolean> }) {
  const [written, setWritten] = useState<string>();
  const isCancelled = useRef(false);

  const commit = async () => {
    const next = written?.trim();
    if (next && next !== name && !isCancelled.current) await onRename(next);
    isCancelled.current = false;
    setWritten(undefined);
  };

  const press = (event: KeyboardEvent<HTMLInputElement>) => {
    if (event.key !== "Enter" && event.key !== "Escape") return;
    isCancelled.current = event.key === "Escape";
    event.currentTarget.blur();
  };

  return (
    <input
      className="name"
      aria-label="Client’s name"
      maxLength={60}
      autoComplete="off"
      value={written ?? name}
      onChange={({ target }) => setWritten(target.value)}
      onBlur={() => void commit()}
      onKeyDown={press}
    />
  );
}
