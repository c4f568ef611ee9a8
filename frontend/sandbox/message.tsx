// One message, as this phone shows it.
import { memo, type Dispatch } from "react";
import { MARKS, verdict } from "./chat";
import type { DraftChange } from "./draft";
import { Files } from "./files";
import type { Mark, Message } from "./protocol";

interface Props {
  message: Message;
  author: string;
  /** Of the message that this one replies to. */
  quote: string | null;
  canReply: boolean;
  dispatch: Dispatch<DraftChange>;
}

export const MessageView = memo(function MessageView({ message, author, quote, canReply, dispatch }: Props) {
  const { id, from, text, at, editedAt, isDeleted, files, location, contact, mark, update } = message;
  const isSticker = !isDeleted && text === "" && files.length > 0 && files.every(({ kind }) => kind === "STICKER");
  return (
    <li className={`message ${from}${isSticker ? " sticker" : ""}`}>
      <div className="bubble">
        <span className="unseen">{author}: </span>
        {isDeleted ? (
          <p className="deleted">This message was deleted</p>
        ) : (
          <>
            {quote !== null && <blockquote>{quote}</blockquote>}
            <Files files={files} />
            {location && (
              <p>
                Location: {location.title && `${location.title}, `}
                {location.latitude}, {location.longitude}
              </p>
            )}
            {contact && (
              <p>
                Contact: {contact.name}, {contact.phone}
              </p>
            )}
            {text !== "" && <p className="text">{text}</p>}
          </>
        )}
        <p className="meta">
          {editedAt && !isDeleted && "edited "}
          <time dateTime={at} title={new Date(at).toLocaleString()}>
            {new Date(at).toLocaleTimeString([], { hour: "2-digit", minute: "2-digit" })}
          </time>
          {mark && <Ticks mark={mark} />}
        </p>
      </div>
      {canReply && !isDeleted && (
        <button type="button" className="reply" onClick={() => dispatch({ type: "REPLYING", messageId: id })}>
          Reply <span className="unseen">to {author}</span>
        </button>
      )}
      {update && <p className={`update ${update.state}`}>{verdict(update)}</p>}
    </li>
  );
});

function Ticks({ mark }: { mark: Mark }) {
  return (
    <span className={`ticks ${mark}`}>
      <svg viewBox="0 0 18 12" width="18" height="12" aria-hidden="true">
        <path d="M1 6.5 4.5 10 11 2" />
        {mark !== "SENT" && <path d="M8.5 9 9.5 10 16 2" />}
      </svg>
      {MARKS[mark]}
    </span>
  );
}
