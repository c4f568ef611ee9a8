// A value to be pasted elsewhere, with a button that copies it.
import { useId, useRef, useState } from "react";

export function Copyable({ label, value }: { label: string; value: string }) {
  const [word, setWord] = useState("");
  const field = useRef<HTMLInputElement>(null);
  const id = useId();

  const copy = async () => {
    try {
      // Absent where the page came over http: from another machine.
      await navigator.clipboard.writeText(value);
      setWord("Copied");
    } catch {
      field.current?.select();
      setWord("Selected: press Ctrl-C");
    }
  };

  return (
    <div className="copyable">
      <label htmlFor={id}>{label}</label>
      <input ref={field} id={id} readOnly value={value.replace(/\s+/g, " ").trim()} onFocus={(event) => event.target.select()} />
      <button type="button" onClick={() => void copy()} onBlur={() => setWord("")} aria-label={`Copy ${label}`}>
        Copy
      </button>
      <span role="status">{word}</span>
    </div>
  );
}
