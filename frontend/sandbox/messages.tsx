// The messages of a chat, the newest in sight.
import { useEffect, useRef, type Dispatch } from "react";
import { inShort } from "./chat";
import type { DraftChange } from "./draft";
import { MessageView } from "./message";
import type { Messenger } from "./messengers";
import type { Message, Phone } from "./protocol";

interface Props {
  phone: Phone;
  company: string;
  messenger: Messenger;
  dispatch: Dispatch<DraftChange>;
}

export function Messages({ phone: { person, messages }, company, messenger, dispatch }: Props) {
  const box = useStickyEnd(messages);
  return (
    <div ref={box} className="messages" role="log" tabIndex={0} aria-label={`Messages of ${person.name} and ${company}`}>
      {messages.length === 0 && <p className="nothing">Nothing here yet. Write something.</p>}
      <ol>
        {messages.map((message) => (
          <MessageView
            key={message.id}
            message={message}
            author={message.from === "CLIENT" ? person.name : company}
            quote={quoteOf(message, messages)}
            canReply={messenger.canReply}
            dispatch={dispatch}
          />
        ))}
      </ol>
    </div>
  );
}

function quoteOf({ replyToId }: Message, messages: readonly Message[]): string | null {
  return replyToId === null ? null : inShort(messages.find(({ id }) => id === replyToId));
}

/** Keeps the end in sight, unless the reader has gone back to what was before. */
function useStickyEnd(messages: readonly Message[]) {
  const box = useRef<HTMLDivElement>(null);
  const isAtEnd = useRef(true);
  useEffect(() => {
    const element = box.current;
    if (!element) return;
    const look = () => (isAtEnd.current = element.scrollHeight - element.scrollTop - element.clientHeight < 40);
    const follow = () => {
      if (isAtEnd.current) element.scrollTop = element.scrollHeight;
    };
    element.addEventListener("scroll", look, { passive: true });
    // A picture makes the list longer when it has come.
    element.addEventListener("load", follow, true);
    return () => {
      element.removeEventListener("scroll", look);
      element.removeEventListener("load", follow, true);
    };
  }, []);
  const last = messages.at(-1);
  useEffect(() => {
    const element = box.current;
    if (element && (isAtEnd.current || last?.from === "CLIENT")) element.scrollTop = element.scrollHeight;
    // Also when the last one's small print comes.
  }, [last]);
  return box;
}
