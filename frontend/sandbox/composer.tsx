// Where a client writes.
import { useEffect, useRef, type ClipboardEvent, type Dispatch, type KeyboardEvent } from "react";
import { changePhone, editMessage, sendMessage, type as tellTyping, unasked } from "./actions";
import { inShort, isTypingDue, lastEditable } from "./chat";
import { isEmpty, type Draft, type DraftChange } from "./draft";
import type { Messenger } from "./messengers";
import type { Attempt } from "./page";
import type { Extra, Phone } from "./protocol";

const EXTRAS: Record<Extra, string> = { STICKER: "Sticker", LOCATION: "Share location", CONTACT: "Share contact" };

interface Props {
  phone: Phone;
  messenger: Messenger;
  draft: Draft;
  dispatch: Dispatch<DraftChange>;
  attempt: Attempt;
}

export function Composer({ phone, messenger, draft, dispatch, attempt }: Props) {
  const picker = useRef<HTMLInputElement>(null);
  const field = useRef<HTMLTextAreaElement>(null);
  const inOrder = useOrder();
  const toldTypingAt = useRef(0);
  useEffect(() => {
    if (draft.replyToId) field.current?.focus();
  }, [draft.replyToId]);
  const editable = messenger.canEdit ? lastEditable(phone.messages) : undefined;

  if (phone.isBlocked && !messenger.canWriteBlocked) {
    return (
      <div className="composer blocked">
        <button type="button" onClick={() => void attempt(() => changePhone(phone.id, { isBlocked: false }))}>
          Unblock the bot to write
        </button>
      </div>
    );
  }

  const send = () => {
    if (isEmpty(draft)) return;
    toldTypingAt.current = 0;
    dispatch({ type: "TAKEN" });
    const { editingId } = draft;
    void inOrder(async () => {
      const isSent = await attempt(() =>
        editingId ? editMessage(phone.id, editingId, draft.text) : sendMessage(phone.id, draft),
      );
      if (!isSent) dispatch({ type: "RETURNED", draft });
    });
  };

  const write = (text: string) => {
    dispatch({ type: "WRITTEN", text });
    if (!messenger.tellsTyping || text === "" || !isTypingDue(toldTypingAt.current, Date.now())) return;
    toldTypingAt.current = Date.now();
    void tellTyping(phone.id).catch(unasked);
  };

  const edit = () => {
    if (!editable) return;
    dispatch({ type: "EDITING", message: editable });
    field.current?.focus();
  };

  const press = (event: KeyboardEvent) => {
    // Of an input method, whose Enter ends a word.
    if (event.nativeEvent.isComposing) return;
    if (event.key === "Enter" && !event.shiftKey) {
      event.preventDefault();
      send();
    } else if (event.key === "ArrowUp" && isEmpty(draft) && editable) {
      event.preventDefault();
      edit();
    } else if (event.key === "Escape") {
      dispatch({ type: "CANCELLED" });
    }
  };

  const paste = (event: ClipboardEvent) => {
    const files = [...event.clipboardData.files];
    if (files.length === 0) return;
    event.preventDefault();
    dispatch({ type: "ATTACHED", files });
  };

  const context = contextOf(draft, phone);
  return (
    <div className="composer">
      {context !== undefined && (
        <p className="context">
          <span>{context}</span>
          <button type="button" onClick={() => dispatch({ type: "CANCELLED" })} aria-label={draft.editingId ? "Cancel the edit" : "Cancel the reply"}>
            ×
          </button>
        </p>
      )}
      {draft.files.length > 0 && (
        <ul className="attached" aria-label="Attached">
          {draft.files.map((file, index) => (
            <li key={index}>
              {file.name}
              <button type="button" onClick={() => dispatch({ type: "DETACHED", file })} aria-label={`Remove ${file.name}`}>
                ×
              </button>
            </li>
          ))}
        </ul>
      )}
      <div className="line">
        <button
          type="button"
          className="attach"
          aria-label="Attach photos or files"
          disabled={draft.editingId !== null}
          onClick={() => picker.current?.click()}
        >
          <svg viewBox="0 0 20 20" width="20" height="20" aria-hidden="true">
            <path d="m16.5 9.5-6.6 6.6a4 4 0 0 1-5.7-5.7l7-7a2.7 2.7 0 0 1 3.8 3.8l-6.8 6.8a1.3 1.3 0 0 1-1.9-1.9l6.2-6.2" />
          </svg>
        </button>
        <input
          ref={picker}
          type="file"
          multiple
          hidden
          onChange={({ target }) => {
            dispatch({ type: "ATTACHED", files: [...(target.files ?? [])] });
            // The same file can be picked again.
            target.value = "";
          }}
        />
        <textarea
          ref={field}
          rows={1}
          aria-label={`Message of ${phone.person.name}`}
          placeholder="Message"
          value={draft.text}
          onChange={({ target }) => write(target.value)}
          onKeyDown={press}
          onPaste={paste}
        />
        <button type="button" className="send" onClick={send} aria-disabled={isEmpty(draft)}>
          {draft.editingId ? "Save" : "Send"}
        </button>
      </div>
      <div className="extras">
        {messenger.extras.map((extra) => (
          <button key={extra} type="button" onClick={() => void inOrder(() => attempt(() => sendMessage(phone.id, { kind: extra })))}>
            {EXTRAS[extra]}
          </button>
        ))}
        {editable && !draft.editingId && (
          <button type="button" onClick={edit}>
            Edit last
          </button>
        )}
        {phone.isBlocked && <span>The bot is blocked.</span>}
      </div>
    </div>
  );
}

function contextOf({ editingId, replyToId }: Draft, { messages }: Phone): string | undefined {
  if (editingId) return "Editing your last message";
  return replyToId ? `Reply to: ${inShort(messages.find(({ id }) => id === replyToId))}` : undefined;
}

/** Runs one thing after the other, so that messages arrive as they were sent. */
function useOrder(): (doing: () => Promise<unknown>) => Promise<unknown> {
  const last = useRef<Promise<unknown>>(Promise.resolve());
  return (doing) => (last.current = last.current.then(doing));
}
