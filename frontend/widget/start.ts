// Puts the chat on the page and tells it what happens to the page.
import { openApi } from "./api";
import { openChat } from "./chat";
import { browserLocks } from "./claims";
import type { Settings } from "./settings";
import { browserStorage, openShelf } from "./shelf";
import { createWindow } from "./view/window";

/** `window.colloquy`: for a site's own button. */
export interface PageApi {
  open: () => void;
  close: () => void;
}

declare global {
  interface Window {
    colloquy?: PageApi;
  }
}

/** Begins, once a page: a second script tag changes nothing. */
export function start(settings: Settings): void {
  if (window.colloquy) return;
  const { server, channel } = settings;
  const chat = openChat({
    server,
    channel,
    api: openApi(server),
    shelf: openShelf(server, channel, browserStorage()),
    locks: browserLocks(),
    onChange: draw,
  });
  const view = createWindow({ settings, chat, onToggle: look });
  let isDrawing = false;

  /** Once for all changes of one moment. */
  function draw() {
    if (isDrawing) return;
    isDrawing = true;
    queueMicrotask(() => {
      isDrawing = false;
      view.update(chat.state);
    });
  }

  /** Messages are read when they are on the screen. */
  function look() {
    chat.setReading(view.isOpen && document.visibilityState === "visible");
    draw();
  }

  function place() {
    document.body.append(view.host);
  }

  document.addEventListener("visibilitychange", () => {
    if (document.visibilityState === "visible") chat.wake();
    look();
  });
  addEventListener("online", () => chat.wake());
  // A page with a connection is not kept for the browser's way back.
  addEventListener("pagehide", () => chat.pause());
  addEventListener("pageshow", ({ persisted }) => persisted && chat.wake());

  view.update(chat.state);
  if (document.body) place();
  else document.addEventListener("DOMContentLoaded", place);
  window.colloquy = { open: view.open, close: view.close };
}
