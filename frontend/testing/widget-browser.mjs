// A visitor in a real browser: opens the widget on a page of another origin, writes, and reads the answer; axe finds
// nothing to complain of. Run by the stories (tests/stories/website/browser.rs):
//   node --experimental-websocket widget-browser.mjs <chromium>
// Says the page's origin, then reads `{"server", "channel"}`; says "written" once the visitor has written, and "read" once
// the answer is on the screen. Each is a line. What comes after "read" the visitor does alone, and where the line that is
// read has the `token` of an employee, too, with that employee's answers.
import { once } from "node:events";
import { createServer } from "node:http";
import { createInterface } from "node:readline";
import { openBrowser } from "./widget-browser/chromium.mjs";
import { openDesk } from "./widget-browser/desk.mjs";
import * as story from "./widget-browser/story.mjs";
import { bubble, windowOf } from "./widget-browser/window.mjs";

const [chromium] = process.argv.slice(2);

process.on("SIGTERM", () => process.exit(1));

/** A page of somebody else's shop; in Russian at /ru. */
let tag = "";
const pages = createServer(({ url }, answer) => {
  const language = url === "/ru" ? "ru" : "en";
  answer.setHeader("Content-Type", "text/html; charset=utf-8");
  answer.end(
    `<!doctype html><html lang="${language}"><head><title>Shop</title></head><body><main><h1>Shop</h1>` +
      `<button id="ask" onclick="colloquy.open()">Ask us</button></main>${tag}</body></html>`,
  );
}).listen(0, "127.0.0.1");
await once(pages, "listening");
const origin = `http://localhost:${pages.address().port}`;
console.log(origin);

const lines = createInterface({ input: process.stdin })[Symbol.asyncIterator]();
const { server, channel, token } = JSON.parse((await lines.next()).value);
tag = `<script src="${server}/widget.js" data-channel="${channel}" crossorigin async></script>`;
const desk = token === undefined ? undefined : openDesk(server, token, channel);

const browser = await openBrowser(chromium);
const page = await browser.open(`${origin}/`);
const chat = windowOf(page);
await story.byKeyboard(page, chat);
await story.roles(chat);
await story.narrow(page, chat);
await chat.write("Is it there?");
console.log("written");
await page.until("the answer", bubble("It is, in blue"));
await page.accessible("in a conversation");
console.log("read");

await story.failing(page, chat, "en");
await story.files(page, chat, desk);
await story.reload(page, chat);
await story.offline(page, chat);
if (desk) await story.closed(page, chat, desk);
await story.tabs(page, chat, () => browser.open(`${origin}/`));
await story.russian(page, chat, `${origin}/ru`);

await browser.close();
process.exit(0);
