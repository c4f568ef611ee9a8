// The list of messages by day: read out as they arrive, and scrolled along while its end is in sight.
import { dayOf } from "../text";
import { arrange, element } from "./dom";
import type { Item } from "./items";
import { createMessage, type MessageOptions, type MessageView } from "./message";

export interface List {
  readonly node: HTMLElement;
  update: (items: readonly Item[], hasEarlier: boolean) => void;
  /** Goes to the newest message. */
  scrollToEnd: () => void;
}

interface Options extends MessageOptions {
  loadEarlier: () => Promise<void>;
}

/** More than so many messages at once are history, not news: they are not read out. */
const NEWS = 5;
/** So far from the end is still at the end, px. */
const NEAR = 60;

export function createList(options: Options): List {
  const { words, language } = options;
  const greeting = element("p", { part: "greeting" }, words.greeting);
  const earlier = element("button", { part: "earlier", type: "button", hidden: true }, words.earlier);
  const list = element("ol", { part: "messages" });
  const node = element(
    "div",
    { part: "log", role: "log", "aria-live": "polite", "aria-relevant": "additions", "aria-label": words.messages, tabindex: 0 },
    greeting,
    earlier,
    list,
  );
  const messages = new Map<string, MessageView>();
  const days = new Map<string, HTMLLIElement>();
  let isAtEnd = true;
  let speaking: ReturnType<typeof setTimeout> | undefined;

  earlier.addEventListener("click", () => {
    earlier.setAttribute("aria-disabled", "true");
    // The reader stays at the message that was the first.
    const fromEnd = node.scrollHeight - node.scrollTop;
    void options
      .loadEarlier()
      .catch(() => {})
      .finally(() => {
        earlier.removeAttribute("aria-disabled");
        node.scrollTop = node.scrollHeight - fromEnd;
        if (earlier.hidden) node.focus();
      });
  });

  function hush() {
    node.setAttribute("aria-live", "off");
    clearTimeout(speaking);
    speaking = setTimeout(() => node.setAttribute("aria-live", "polite"), 1_000);
  }

  function scrollToEnd() {
    node.scrollTop = node.scrollHeight;
  }

  node.addEventListener("scroll", () => {
    isAtEnd = node.scrollHeight - node.scrollTop - node.clientHeight < NEAR;
  });
  // A picture that comes, or a field that grows, does not hide what the reader was at.
  const resized = new ResizeObserver(() => isAtEnd && scrollToEnd());
  resized.observe(node);
  resized.observe(list);

  return {
    node,
    scrollToEnd,
    update(items, hasEarlier) {
      const added = items.filter(({ key }) => !messages.has(key));
      if (added.length > NEWS) hush();
      const now = new Date();
      const wanted: HTMLLIElement[] = [];
      const keys = new Set<string>();
      const shownDays = new Set<string>();
      for (const item of items) {
        const day = item.createdAt.toDateString();
        if (!shownDays.has(day)) {
          shownDays.add(day);
          const heading = days.get(day) ?? element("li", { part: "day" });
          days.set(day, heading);
          const name = dayOf(item.createdAt, now, language, words);
          if (heading.textContent !== name) heading.textContent = name;
          wanted.push(heading);
        }
        const view = messages.get(item.key) ?? createMessage(options);
        messages.set(item.key, view);
        keys.add(item.key);
        view.update(item);
        wanted.push(view.node);
      }
      for (const key of messages.keys()) if (!keys.has(key)) messages.delete(key);
      arrange(list, wanted);
      greeting.hidden = items.length > 0;
      earlier.hidden = !hasEarlier;
      const last = items.at(-1);
      if (isAtEnd || (last?.isOwn && added.includes(last))) scrollToEnd();
    },
  };
}
