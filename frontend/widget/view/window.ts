// The chat on the page: the button that opens it, and the window, in a shadow root that the page's styles do not reach.
import type { Chat, ChatState } from "../chat";
import type { Settings } from "../settings";
import { applyStyle } from "../style";
import { wordsIn } from "../words";
import { createComposer } from "./composer";
import { element, icon, iconButton, setText } from "./dom";
import { itemsOf } from "./items";
import { createList } from "./list";
import { faultWords } from "./message";

export interface ChatWindow {
  /** The element to put into the page. */
  readonly host: HTMLElement;
  readonly isOpen: boolean;
  open: () => void;
  close: () => void;
  /** Draws the conversation as it is now. */
  update: (state: ChatState) => void;
}

interface Options {
  settings: Settings;
  /** Whether it is open has changed. */
  onToggle: (isOpen: boolean) => void;
  chat: Pick<Chat, "send" | "typed" | "retry" | "discard" | "loadEarlier" | "refresh">;
}

const BUBBLE = "M4 5h16v11H10l-5 4v-4H4z";
const CROSS = "M6 6l12 12M18 6L6 18";
/** As in the style sheet: the window covers the page. */
const NARROW = "(max-width: 480px)";

export function createWindow({ settings, chat, onToggle }: Options): ChatWindow {
  const { language } = settings;
  const words = wordsIn(language);
  const title = element("h2", { part: "title", id: "title" }, words.chat);
  const closeButton = iconButton("close", words.close, CROSS);
  const list = createList({
    words,
    language,
    onRetry: chat.retry,
    onDiscard: chat.discard,
    refresh: chat.refresh,
    loadEarlier: chat.loadEarlier,
  });
  const composer = createComposer({ words, language, onSend: chat.send, onTyped: chat.typed });
  const typing = element("p", { part: "typing" });
  const notice = element("p", { part: "notice", role: "status" });
  const drop = element("div", { part: "drop", hidden: true }, words.drop);
  const panel = element(
    "div",
    { part: "panel", id: "panel", role: "dialog", "aria-labelledby": "title", hidden: true },
    element("div", { part: "header" }, title, closeButton),
    list.node,
    typing,
    notice,
    composer.node,
    drop,
  );
  const badge = element("span", { part: "badge", hidden: true, "aria-hidden": "true" });
  const launcher = element(
    "button",
    { part: "launcher", type: "button", "aria-haspopup": "dialog", "aria-controls": "panel", "aria-expanded": "false" },
    icon(BUBBLE),
    badge,
  );
  const news = element("p", { part: "news", role: "status" });
  const root = element("div", { part: "root", role: "region", lang: language, "data-side": settings.side }, panel, launcher, news);
  const host = document.createElement("colloquy-chat");
  const shadow = host.attachShadow({ mode: "open" });
  applyStyle(shadow, settings.color);
  shadow.append(root);
  // The page's own rules for elements would come before those of `:host`; only inline ones come before both.
  host.style.setProperty("all", "initial", "important");
  host.style.setProperty("display", "contents", "important");

  const narrow = matchMedia(NARROW);
  let isOpen = false;
  let before: HTMLElement | null = null;
  let lastUnread = 0;

  function open() {
    if (isOpen) return;
    isOpen = true;
    before = (shadow.activeElement ?? document.activeElement) as HTMLElement | null;
    panel.hidden = false;
    setText(news, "");
    fit();
    list.scrollToEnd();
    composer.focus();
    toggled();
  }

  function close() {
    if (!isOpen) return;
    isOpen = false;
    const hadFocus = panel.contains(shadow.activeElement);
    panel.hidden = true;
    toggled();
    // Whoever has gone back to the page already is not called away from it.
    if (hadFocus) (before?.isConnected && before !== document.body ? before : launcher).focus();
  }

  function toggled() {
    launcher.setAttribute("aria-expanded", `${isOpen}`);
    root.toggleAttribute("data-open", isOpen);
    onToggle(isOpen);
  }

  /** Where the window covers the page, the page is out of reach of the Tab key, too. */
  function fit() {
    panel.setAttribute("aria-modal", `${narrow.matches}`);
    const { visualViewport: seen } = window;
    // A phone's keyboard covers what is below; the window is as high as what is left.
    root.style.setProperty("--height", seen ? `${seen.height}px` : "100%");
    root.style.setProperty("--top", `${seen?.offsetTop ?? 0}px`);
  }

  function keepFocus(event: KeyboardEvent) {
    const stops = [...panel.querySelectorAll<HTMLElement>("a[href], button, textarea, [tabindex='0']")].filter(
      (stop) => stop.getClientRects().length > 0,
    );
    const [from, to] = event.shiftKey ? [stops[0], stops.at(-1)] : [stops.at(-1), stops[0]];
    if (shadow.activeElement !== from) return;
    event.preventDefault();
    to?.focus();
  }

  launcher.addEventListener("click", () => (isOpen ? close() : open()));
  closeButton.addEventListener("click", close);
  narrow.addEventListener("change", fit);
  window.visualViewport?.addEventListener("resize", fit);
  window.visualViewport?.addEventListener("scroll", fit);
  panel.addEventListener("keydown", (event) => {
    if (event.key === "Escape" && !event.isComposing) close();
    else if (event.key === "Tab" && narrow.matches) keepFocus(event);
  });
  // The page sees keys come from an element that is no field, and might take them for its shortcuts.
  for (const kind of ["keydown", "keypress", "keyup"]) root.addEventListener(kind, (event) => event.stopPropagation());

  for (const kind of ["dragenter", "dragover"] as const) {
    panel.addEventListener(kind, (event) => {
      if (!event.dataTransfer?.types.includes("Files")) return;
      event.preventDefault();
      drop.hidden = false;
    });
  }
  panel.addEventListener("dragleave", ({ relatedTarget }) => {
    if (!(relatedTarget instanceof Node && panel.contains(relatedTarget))) drop.hidden = true;
  });
  panel.addEventListener("drop", (event) => {
    drop.hidden = true;
    if (!event.dataTransfer?.files.length) return;
    event.preventDefault();
    composer.attach(event.dataTransfer.files);
  });

  function announce({ unread, log }: ChatState) {
    const count = unread === 0 ? "" : words.unread(unread);
    const name = isOpen ? words.close : words.open;
    launcher.setAttribute("aria-label", count ? `${name}, ${count}` : name);
    badge.hidden = unread === 0;
    setText(badge, unread > 99 ? "99+" : `${unread}`);
    // Whoever reads the window hears it there.
    if (!isOpen && unread > lastUnread) {
      const last = log.messages.findLast(({ isOwn }) => !isOwn);
      setText(news, words.arrived(`${last?.author ?? words.company}, ${count}`));
    }
    lastUnread = unread;
  }

  return {
    host,
    open,
    close,
    get isOpen() {
      return isOpen;
    },
    update(state) {
      const focused = shadow.activeElement;
      const name = state.name ?? words.chat;
      setText(title, name);
      root.setAttribute("aria-label", name);
      composer.update(state.limits);
      list.update(itemsOf(state.log.messages, state.outgoing), state.log.hasEarlier);
      setText(typing, state.typing === null ? "" : words.typing(state.typing));
      const { fault, isOffline } = state;
      setText(notice, fault ? faultWords({ code: fault, message: fault }, { words, language }) : isOffline ? words.offline : "");
      announce(state);
      // The button that the visitor pressed may be gone by what it did.
      if (focused && !focused.isConnected) composer.focus();
    },
  };
}
