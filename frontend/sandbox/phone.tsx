// One phone: whose it is, and the chat on its screen.
import { memo, useEffect, useReducer, useRef, useState, type DragEvent } from "react";
import { read, unasked } from "./actions";
import { typingFor, unread } from "./chat";
import { Composer } from "./composer";
import { changeDraft, EMPTY } from "./draft";
import { MESSENGERS } from "./messengers";
import { Messages } from "./messages";
import type { Attempt } from "./page";
import { PersonBar } from "./person-bar";
import "./phone.css";
import type { Bot, Phone } from "./protocol";

interface Props {
  phone: Phone;
  bot: Bot;
  /** Whether its person looks at it. */
  isHeld: boolean;
  /** Whether it was added while the page was open. */
  isNew: boolean;
  onHold: (id: string) => void;
  attempt: Attempt;
}

export const PhoneView = memo(function PhoneView({ phone, bot, isHeld, isNew, onHold, attempt }: Props) {
  const messenger = MESSENGERS[bot.kind];
  const [reads, setReads] = useState(true);
  const [draft, dispatch] = useReducer(changeDraft, EMPTY);
  const [isOver, setOver] = useState(false);
  const typing = useTyping(phone.companyTypingUntil);

  const unseen = unread(phone, messenger);
  const lastUnseen = unseen.at(-1)?.id;
  useEffect(() => {
    if (isHeld && reads && lastUnseen !== undefined) void read(phone.id).catch(unasked);
  }, [isHeld, reads, lastUnseen, phone.id]);

  const article = useRef<HTMLElement>(null);
  // One that was added is brought into sight; of those that came with the page, the first stays.
  useEffect(() => {
    if (isNew) article.current?.scrollIntoView({ block: "nearest", inline: "end" });
  }, []);

  const drop = (event: DragEvent) => {
    event.preventDefault();
    setOver(false);
    dispatch({ type: "ATTACHED", files: [...event.dataTransfer.files] });
  };

  return (
    <article
      ref={article}
      className={`phone ${bot.kind}${isHeld ? " held" : ""}`}
      aria-label={`${phone.person.name}’s ${messenger.label}`}
      onPointerDown={() => onHold(phone.id)}
      onFocus={() => onHold(phone.id)}
    >
      <PersonBar phone={phone} messenger={messenger} reads={reads} onReads={setReads} attempt={attempt} />
      <div
        className={`screen${isOver ? " over" : ""}`}
        onDragOver={(event) => {
          event.preventDefault();
          setOver(true);
        }}
        onDragLeave={() => setOver(false)}
        onDrop={drop}
      >
        <div className="chat-head">
          <span className="avatar" aria-hidden="true">
            {[...bot.name][0]}
          </span>
          <h2>{bot.name}</h2>
          <p role="status">{typing ? "typing…" : ""}</p>
          {!typing && <p className="handle">{bot.handle ?? messenger.label}</p>}
          {unseen.length > 0 && <span className="unread">{unseen.length} unread</span>}
        </div>
        <Messages phone={phone} company={bot.name} messenger={messenger} dispatch={dispatch} />
        <Composer phone={phone} messenger={messenger} draft={draft} dispatch={dispatch} attempt={attempt} />
      </div>
    </article>
  );
});

/** Whether the company is typing, until the time that the messenger said. */
function useTyping(until: string | null): boolean {
  const [over, setOver] = useState<string | null>(null);
  const left = typingFor(until, Date.now());
  useEffect(() => {
    if (left === 0) return;
    const timer = setTimeout(() => setOver(until), left);
    return () => clearTimeout(timer);
    // `left` is another at each rendering; the end is the same.
  }, [until]);
  return left > 0 && over !== until;
}
