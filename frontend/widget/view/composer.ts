// Where the visitor writes: text, files by button, paste and drop, and what is wrong with them.
import { MOST_FILES, type Limits } from "../chat";
import { sizeOf } from "../text";
import type { Words } from "../words";
import { element, iconButton, setText } from "./dom";

export interface Composer {
  readonly node: HTMLElement;
  focus: () => void;
  update: (limits: Limits) => void;
  attach: (files: Iterable<File>) => void;
}

interface Options {
  words: Words;
  language: string;
  onSend: (text: string, files: readonly File[]) => void;
  onTyped: () => void;
}

const CLIP = "M8 12.5l6.2-6.2a3 3 0 0 1 4.3 4.3l-8 8a5 5 0 0 1-7.1-7.1L11 4";
const PLANE = "M4 4l17 8-17 8 3-8zM7 12h8";
const CROSS = "M6 6l12 12M18 6L6 18";

export function createComposer({ words, language, onSend, onTyped }: Options): Composer {
  const problem = element("p", { part: "problem", id: "problem", role: "alert" });
  const attachments = element("ul", { part: "attachments", "aria-label": words.attached, hidden: true });
  const text = element("textarea", {
    part: "input",
    rows: 1,
    "aria-label": words.message,
    "aria-describedby": "problem",
    placeholder: words.placeholder,
    autocomplete: "off",
    enterkeyhint: "send",
  });
  const chooser = element("input", { type: "file", multiple: true, hidden: true, tabindex: -1, "aria-label": words.attach });
  const attachButton = iconButton("attach", words.attach, CLIP);
  const sendButton = iconButton("send", words.send, PLANE);
  sendButton.type = "submit";
  const row = element("div", { part: "row" }, attachButton, chooser, text, sendButton);
  const node = element("form", { part: "composer", novalidate: true }, problem, attachments, row);
  let files: readonly File[] = [];
  let limits: Limits = { longestText: Infinity, largestFile: null };

  /** As high as its text, up to what the style sheet allows. */
  function grow() {
    text.style.height = "auto";
    text.style.height = `${text.scrollHeight + text.offsetHeight - text.clientHeight}px`;
  }

  function complain(problems: string) {
    setText(problem, problems);
    text.setAttribute("aria-invalid", `${problems !== ""}`);
  }

  function checkText(): boolean {
    const { length } = text.value.trim();
    const fits = length <= limits.longestText;
    complain(fits ? "" : words.tooLong(length, limits.longestText));
    return fits;
  }

  function setFiles(next: readonly File[]) {
    files = next;
    attachments.hidden = files.length === 0;
    attachments.replaceChildren(
      ...files.map((file) => {
        const remove = iconButton("detach", words.detach(file.name), CROSS);
        remove.addEventListener("click", () => {
          setFiles(files.filter((other) => other !== file));
          complain("");
          text.focus();
        });
        const name = element("span", { part: "file-name" }, `${file.name} (${sizeOf(file.size, language, words)})`);
        return element("li", { part: "attachment" }, name, remove);
      }),
    );
  }

  function attach(added: Iterable<File>) {
    complain("");
    const next = [...files];
    for (const file of added) {
      const { largestFile } = limits;
      if (next.length >= MOST_FILES) complain(words.tooMany(MOST_FILES));
      else if (largestFile !== null && file.size > largestFile) {
        complain(words.tooLarge(file.name, sizeOf(largestFile, language, words)));
      } else next.push(file);
    }
    setFiles(next);
    text.focus();
  }

  function submit() {
    if (!checkText()) return;
    if (text.value.trim() || files.length > 0) {
      onSend(text.value, files);
      text.value = "";
      setFiles([]);
      grow();
    }
    text.focus();
  }

  text.addEventListener("input", () => {
    grow();
    checkText();
    if (text.value.trim()) onTyped();
  });
  text.addEventListener("keydown", (event) => {
    // Enter that ends a word in an input method is not for us.
    if (event.key !== "Enter" || event.shiftKey || event.isComposing) return;
    event.preventDefault();
    submit();
  });
  text.addEventListener("paste", (event) => {
    const { clipboardData } = event;
    // Office programs put a picture of the text beside the text.
    if (!clipboardData?.files.length || clipboardData.types.includes("text/plain")) return;
    event.preventDefault();
    attach(clipboardData.files);
  });
  node.addEventListener("submit", (event) => {
    event.preventDefault();
    submit();
  });
  attachButton.addEventListener("click", () => chooser.click());
  chooser.addEventListener("change", () => {
    attach(chooser.files ?? []);
    // The same file may be chosen again.
    chooser.value = "";
  });

  return {
    node,
    attach,
    focus: () => text.focus(),
    update(next) {
      limits = next;
    },
  };
}
