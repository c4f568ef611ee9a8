// One message: who wrote it, what, when, and how far it has come.
import type { Trouble } from "../outbox";
import { pieces, timeOf, until } from "../text";
import type { Words } from "../words";
import { arrange, element, setText } from "./dom";
import { createFile, type FileView } from "./file";
import type { Item } from "./items";

export interface MessageView {
  readonly node: HTMLLIElement;
  update: (item: Item) => void;
}

export interface MessageOptions {
  words: Words;
  language: string;
  onRetry: (key: string) => void;
  onDiscard: (key: string) => void;
  /** Asks for fresh addresses of a message's files. */
  refresh: (id: string) => Promise<void>;
}

export function createMessage(options: MessageOptions): MessageView {
  const { words, language } = options;
  const author = element("span", { part: "author" });
  const text = element("div", { part: "text", dir: "auto" });
  const files = element("div", { part: "files" });
  const bubble = element("div", { part: "bubble" }, text, files);
  const time = element("time");
  const state = element("span", { part: "state" });
  const meta = element("div", { part: "meta" }, time, " ", state);
  const node = element("li", { part: "message" }, author, bubble, meta);
  const views = new Map<string, FileView>();
  let item: Item;
  let written: string | undefined;
  let trouble: HTMLElement | undefined;
  const reason = element("span");

  function writeText(value: string) {
    if (value === written) return;
    written = value;
    text.hidden = value === "";
    text.replaceChildren(
      ...pieces(value).map(({ text: piece, href }) =>
        href === undefined ? piece : element("a", { href, target: "_blank", rel: "noopener noreferrer nofollow" }, piece),
      ),
    );
  }

  function showFiles({ files: wanted, toldAt }: Item) {
    files.hidden = wanted.length === 0;
    const nodes = wanted.map((file, at) => {
      const key = "url" in file ? file.id : `${at}`;
      let view = views.get(key);
      if (!view) {
        view = createFile({ words, language, refresh: () => (item.id === null ? Promise.resolve() : options.refresh(item.id)) });
        views.set(key, view);
      }
      view.update(file, toldAt);
      return view.node;
    });
    arrange(files, nodes);
  }

  function showTrouble({ key, fault, text: left, files: leftFiles }: Item) {
    trouble?.remove();
    trouble = undefined;
    if (!fault) return;
    const again = element("button", { part: "again", type: "button" }, words.again);
    const discard = element("button", { part: "discard", type: "button" }, words.discard);
    again.addEventListener("click", () => options.onRetry(key));
    discard.addEventListener("click", () => options.onDiscard(key));
    const isLeft = left !== "" || leftFiles.length > 0;
    trouble = element("div", { part: "fault" }, reason, " ", ...(isLeft ? [again, " "] : []), discard);
    node.append(trouble);
  }

  return {
    node,
    update(next) {
      const faultBefore = item?.fault;
      item = next;
      node.setAttribute("part", `message ${item.isOwn ? "own" : "theirs"}`);
      if (item.id !== null) node.dataset["id"] = item.id;
      if (item.state !== null) node.dataset["state"] = item.state;
      node.toggleAttribute("data-deleted", item.isDeleted);
      setText(author, item.isOwn ? words.you : (item.author ?? words.company));
      writeText(item.isDeleted ? words.deleted : item.text);
      showFiles(item.isDeleted ? { ...item, files: [] } : item);
      bubble.hidden = text.hidden && files.hidden;
      time.dateTime = item.createdAt.toISOString();
      setText(time, timeOf(item.createdAt, language));
      const marks = [item.isEdited && !item.isDeleted ? words.edited : "", item.state === null ? "" : words[item.state]];
      setText(state, marks.filter(Boolean).map((mark) => `· ${mark}`).join(" "));
      if (item.fault !== (faultBefore ?? null) || (item.fault && !trouble)) showTrouble(item);
      // Each time: how long there is to wait changes.
      if (item.fault) setText(reason, faultWords(item.fault, options));
    },
  };
}

/** In English the server says best what it refuses; in other languages the kind of it must do. */
export function faultWords({ code, message, until: end = 0 }: Trouble, { words, language }: { words: Words; language: string }): string {
  if (code === "RATE_LIMITED" && end > Date.now()) return words.limited(until(end, language));
  return code === "BAD_USER_INPUT" && language === "en" && message !== code ? message : words.faults[code];
}
