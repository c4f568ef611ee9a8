// One file of a message: a picture, or its name and size to download it by.
import type { ChatFile } from "../documents";
import type { OutgoingFile } from "../outbox";
import { safeAddress, sizeOf } from "../text";
import type { Words } from "../words";
import { element } from "./dom";

export interface FileView {
  readonly node: HTMLElement;
  /** `toldAt`: when its addresses were told, ms. */
  update: (file: ChatFile | OutgoingFile, toldAt: number) => void;
}

interface Options {
  words: Words;
  language: string;
  /** Asks for fresh addresses; `update` comes with them. */
  refresh: () => Promise<void>;
}

/** Addresses are good for five minutes; this leaves one to begin the download in. */
const STALE = 4 * 60_000;
/** A picture that fails so often, with fresh addresses, will not come: the site's policy forbids it, or it is gone. */
const MOST_FAILURES = 3;

/** Pictures are shown no wider and no higher, px. */
const LARGEST = 260;

/** The room that a picture will take, so that nothing moves when it comes. */
function room({ width, height }: ChatFile): { width?: number; height?: number } {
  if (!width || !height) return {};
  const scale = Math.min(1, LARGEST / width, LARGEST / height);
  return { width: Math.round(width * scale), height: Math.round(height * scale) };
}

export function createFile({ words, language, refresh }: Options): FileView {
  const node = element("div", { part: "file" });
  let current: ChatFile | undefined;
  let toldAt = 0;
  let failures = 0;
  let picture: HTMLImageElement | undefined;
  /** The picture's address that did not work: another one is awaited. */
  let broken: string | undefined;

  const link = element("a", { target: "_blank", rel: "noopener noreferrer nofollow" });
  link.addEventListener("click", (event) => {
    if (Date.now() - toldAt < STALE) return;
    // Opened now, while the click allows it, and led there once the new address is known.
    event.preventDefault();
    const tab = open("about:blank", "_blank");
    if (tab) tab.opener = null;
    refresh().then(
      () => {
        const address = safeAddress(current?.url ?? null);
        if (address === undefined) tab?.close();
        else if (tab) tab.location.replace(address);
        else location.assign(address);
      },
      () => tab?.close(),
    );
  });

  function fail(address: string) {
    failures += 1;
    broken = address;
    picture = undefined;
    show();
    // Nobody waits for it: if it fails, the file stays a link.
    if (failures < MOST_FAILURES) refresh().catch(() => {});
  }

  function show() {
    if (!current) return;
    const address = safeAddress(current.url);
    if (address === undefined) {
      node.replaceChildren(label(current.name, current.size), ` — ${words.fileComing}`);
      return;
    }
    link.href = address;
    link.setAttribute("aria-label", `${current.name}, ${sizeOf(current.size, language, words)}, ${words.opensApart}`);
    const preview = safeAddress(current.previewUrl);
    if (preview === undefined || preview === broken || failures >= MOST_FAILURES) {
      picture = undefined;
      link.replaceChildren(label(current.name, current.size));
    } else if (picture === undefined) {
      // A picture that is shown stays, whatever its address is by now.
      picture = element("img", { part: "picture", alt: current.name, ...room(current) });
      picture.addEventListener("error", () => fail(preview), { once: true });
      picture.src = preview;
      link.replaceChildren(picture);
    }
    if (link.parentNode !== node) node.replaceChildren(link);
  }

  function label(name: string, size: number): HTMLElement {
    return element("span", { part: "file-name" }, `${name} (${sizeOf(size, language, words)})`);
  }

  return {
    node,
    update(file, at) {
      if ("url" in file) {
        current = file;
        toldAt = at;
        show();
      } else {
        node.replaceChildren(label(file.name, file.size));
      }
    },
  };
}
