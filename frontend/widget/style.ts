// How it looks: in light and dark, on phones, and in the site's colour. Nothing in it needs the page's styles.
import { inkOn } from "./settings";

/** Text 16 px: with less, iOS enlarges the page when the field gets the focus. */
const SHEET = `
*, ::before, ::after { box-sizing: border-box; }
[hidden] { display: none !important; }
[part~="root"] {
  --text: #1b2233; --quiet: #4f5a70; --ground: #ffffff; --field: #f1f4f9; --line: #7d88a0; --alarm: #a3160f;
  all: initial;
  color-scheme: light;
  font: 16px/1.4 system-ui, sans-serif;
  color: var(--text);
}
p, ol, ul, h2 { margin: 0; padding: 0; list-style: none; font: inherit; }
button, textarea { font: inherit; color: inherit; margin: 0; }
button { cursor: pointer; }
svg { width: 24px; height: 24px; display: block; fill: none; stroke: currentColor; stroke-width: 2; stroke-linecap: round;
  stroke-linejoin: round; }
a { color: inherit; text-decoration: underline; }
:focus-visible { outline: 2px solid var(--text); outline-offset: 2px; }
[part~="launcher"] {
  position: fixed; z-index: 2147483000; bottom: 20px; right: 20px; width: 56px; height: 56px; display: grid;
  place-items: center; padding: 0; border: 1px solid transparent; border-radius: 50%; color: var(--ink);
  background: var(--accent); box-shadow: 0 2px 10px rgb(0 0 0 / .35);
}
[part~="launcher"]:focus-visible { outline: 3px solid #fff; outline-offset: 0; box-shadow: 0 0 0 6px #000; }
[data-side="left"] [part~="launcher"] { right: auto; left: 20px; }
[part~="badge"] {
  position: absolute; top: -4px; right: -4px; min-width: 22px; padding: 0 6px; border: 1px solid #fff; border-radius: 11px;
  font-size: 13px; line-height: 20px; font-weight: 600; text-align: center; color: #fff; background: #b3190f;
}
[part~="news"] { position: fixed; width: 1px; height: 1px; overflow: hidden; clip-path: inset(50%); white-space: nowrap; }
[part~="panel"] {
  position: fixed; z-index: 2147483000; bottom: 88px; right: 20px; width: 380px; max-width: calc(100vw - 40px);
  height: 600px; max-height: calc(100vh - 108px); display: flex; flex-direction: column; overflow: hidden;
  border: 1px solid var(--line); border-radius: 14px; background: var(--ground); box-shadow: 0 8px 30px rgb(0 0 0 / .3);
  animation: rise .15s ease-out;
}
[data-side="left"] [part~="panel"] { right: auto; left: 20px; }
@keyframes rise { from { opacity: 0; transform: translateY(8px); } }
[part~="header"] { display: flex; align-items: center; gap: 8px; padding: 10px 10px 10px 16px; color: var(--ink);
  background: var(--accent); }
[part~="title"] { flex: 1; font-weight: 600; overflow: hidden; text-overflow: ellipsis; white-space: nowrap; }
[part~="header"] :focus-visible { outline-color: var(--ink); outline-offset: -2px; }
[part~="close"], [part~="attach"], [part~="send"], [part~="detach"] {
  display: grid; place-items: center; flex: none; width: 40px; height: 40px; padding: 0; border: 1px solid transparent;
  border-radius: 8px; background: none;
}
[part~="log"] { flex: 1; min-height: 0; overflow-y: auto; overscroll-behavior: contain; padding: 12px 16px; }
[part~="log"]:focus-visible { outline-offset: -2px; }
[part~="greeting"] { color: var(--quiet); text-align: center; padding: 24px 0; }
[part~="day"] { margin: 12px 0 8px; font-size: 13px; text-align: center; color: var(--quiet); }
[part~="message"] { display: flex; flex-direction: column; align-items: flex-start; margin: 0 0 10px; }
[part~="own"] { align-items: flex-end; }
[part~="author"], [part~="meta"] { font-size: 13px; color: var(--quiet); }
[part~="own"] [part~="author"] { position: absolute; width: 1px; height: 1px; overflow: hidden; clip-path: inset(50%); }
[part~="own"] { position: relative; }
[part~="bubble"] { max-width: 85%; padding: 8px 12px; border-radius: 14px; background: var(--field); }
[part~="own"] [part~="bubble"] { color: var(--ink); background: var(--accent); }
[part~="own"] [part~="bubble"] :focus-visible { outline-color: var(--ink); }
[part~="text"] { white-space: pre-wrap; overflow-wrap: anywhere; }
[data-deleted] [part~="text"] { font-style: italic; }
[part~="file-name"] { overflow-wrap: anywhere; }
[part~="picture"] { display: block; max-width: 100%; height: auto; border-radius: 8px; }
[part~="fault"], [part~="problem"] { font-size: 14px; color: var(--alarm); }
[part~="own"] [part~="fault"] { max-width: 85%; text-align: end; }
[part~="again"], [part~="discard"], [part~="earlier"] {
  padding: 4px 8px; border: 1px solid var(--line); border-radius: 8px; color: var(--text); background: var(--field);
}
[part~="earlier"] { display: block; margin: 0 auto 8px; }
[part~="typing"], [part~="notice"] { padding: 0 16px; font-size: 14px; color: var(--quiet); }
[part~="typing"]:empty, [part~="notice"]:empty, [part~="problem"]:empty { position: absolute; }
[part~="composer"] { padding: 8px; }
[part~="problem"] { padding: 0 8px 4px; }
[part~="attachments"] { max-height: 140px; overflow-y: auto; }
[part~="attachment"] { display: flex; align-items: center; gap: 4px; padding: 0 0 0 8px; font-size: 14px; }
[part~="attachment"] [part~="file-name"] { flex: 1; }
[part~="row"] { display: flex; align-items: flex-end; gap: 4px; }
[part~="input"] {
  flex: 1; min-width: 0; min-height: 40px; max-height: 140px; padding: 8px 10px; resize: none; border: 1px solid var(--line);
  border-radius: 10px; background: var(--field);
}
[part~="input"]::placeholder { color: var(--quiet); opacity: 1; }
[part~="input"]:focus-visible { outline-offset: 0; }
[part~="drop"] { position: absolute; inset: 0; display: grid; place-items: center; font-weight: 600;
  border: 3px dashed var(--line); border-radius: 14px; background: var(--ground); }
@media (prefers-color-scheme: dark) {
  [part~="root"] { --text: #e8ecf4; --quiet: #aeb8cb; --ground: #171d2a; --field: #252d3e; --line: #8390ab; --alarm: #ff9d94;
    color-scheme: dark; }
}
@media (max-width: 480px) {
  [part~="panel"], [data-side="left"] [part~="panel"] { top: var(--top, 0); bottom: auto; left: 0; right: 0; width: auto;
    max-width: none; height: var(--height, 100%); max-height: none; border: 0; border-radius: 0; }
  [data-open] [part~="launcher"] { display: none; }
}
@media (prefers-reduced-motion: reduce) {
  [part~="panel"] { animation: none; }
}
@media print {
  [part~="root"] { display: none; }
}
`;

/**
 * Gives the shadow root its style sheet. An adopted one needs no `style-src 'unsafe-inline'` of the page; browsers
 * that have none (Safari before 16.4) get a `<style>`.
 */
export function applyStyle(shadow: ShadowRoot, color: string): void {
  // After the others and as specific: `all: initial` leaves custom properties alone.
  const text = `${SHEET}[part~="root"] { --accent: ${color}; --ink: ${inkOn(color)}; }`;
  try {
    const sheet = new CSSStyleSheet();
    sheet.replaceSync(text);
    shadow.adoptedStyleSheets = [sheet];
  } catch {
    const style = document.createElement("style");
    style.textContent = text;
    shadow.append(style);
  }
}
