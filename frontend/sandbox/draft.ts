// What stands in a phone's composer, and what becomes of it.
import type { Message } from "./protocol";

export interface Draft {
  text: string;
  files: readonly File[];
  replyToId: string | null;
  /** The message that the text is to replace. */
  editingId: string | null;
}

export type DraftChange =
  | { type: "WRITTEN"; text: string }
  | { type: "ATTACHED"; files: readonly File[] }
  | { type: "DETACHED"; file: File }
  | { type: "REPLYING"; messageId: string }
  | { type: "EDITING"; message: Pick<Message, "id" | "text"> }
  /** The reply or the edit is called off. */
  | { type: "CANCELLED" }
  | { type: "TAKEN" }
  /** It could not be sent. What was written in the meantime comes after it. */
  | { type: "RETURNED"; draft: Draft };

export const EMPTY: Draft = { text: "", files: [], replyToId: null, editingId: null };

export function changeDraft(draft: Draft, change: DraftChange): Draft {
  switch (change.type) {
    case "WRITTEN":
      return { ...draft, text: change.text };
    case "ATTACHED":
      // An edit is of the text alone.
      return draft.editingId ? draft : { ...draft, files: [...draft.files, ...change.files] };
    case "DETACHED":
      return { ...draft, files: draft.files.filter((file) => file !== change.file) };
    case "REPLYING":
      return draft.editingId ? { ...EMPTY, replyToId: change.messageId } : { ...draft, replyToId: change.messageId };
    case "EDITING":
      return { ...EMPTY, text: change.message.text, editingId: change.message.id };
    case "CANCELLED":
      return draft.editingId ? EMPTY : { ...draft, replyToId: null };
    case "TAKEN":
      return EMPTY;
    case "RETURNED":
      return isEmpty(draft) ? change.draft : merge(change.draft, draft);
  }
}

/** Whether there is nothing to send. */
export function isEmpty(draft: Draft): boolean {
  return draft.text.trim() === "" && draft.files.length === 0;
}

function merge(first: Draft, then: Draft): Draft {
  return {
    text: [first.text, then.text].filter((text) => text.trim() !== "").join("\n"),
    files: [...first.files, ...then.files],
    replyToId: then.replyToId ?? first.replyToId,
    // A failed edit beside a new message becomes part of it: to edit with the text of both would be wrong.
    editingId: then.editingId,
  };
}
