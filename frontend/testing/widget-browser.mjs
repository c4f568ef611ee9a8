// A visitor in a real browser: opens the widget on a page of another origin, writes, and reads the answer; axe finds
// nothing to complain of. Run by the stories (tests/stories/website/browser.rs):
//   node --experimental-websocket widget-browser.mjs <chromium>
// Says the page's origin, then reads `{"server", "channel"}`; says "written" once the visitor has written, and "read" once
// the answer is on the screen. Each is a line.
import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtemp, readFile, rm } from "node:fs/promises";
import { createServer } from "node:http";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";

const [chromium] = process.argv.slice(2);
const PATIENCE = 40_000;

process.on("SIGTERM", () => process.exit(1));

/** A page of somebody else's shop. */
let tag = "";
const pages = createServer((_, answer) => {
  answer.setHeader("Content-Type", "text/html; charset=utf-8");
  answer.end(`<!doctype html><html lang="en"><head><title>Shop</title></head><body><main><h1>Shop</h1></main>${tag}</body></html>`);
}).listen(0, "127.0.0.1");
await once(pages, "listening");
const origin = `http://localhost:${pages.address().port}`;
console.log(origin);

const lines = createInterface({ input: process.stdin })[Symbol.asyncIterator]();
const { server, channel } = JSON.parse((await lines.next()).value);
tag = `<script src="${server}/widget.js" data-channel="${channel}" crossorigin async></script>`;

const profile = await mkdtemp(join(tmpdir(), "colloquy-browser-"));
const browser = spawn(
  chromium,
  ["--headless", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage", "--no-first-run", "--no-proxy-server",
    "--disable-background-networking", "--disable-component-update", "--disable-sync", "--password-store=basic",
    `--user-data-dir=${profile}`, "--remote-debugging-port=0", "about:blank"],
  { stdio: ["ignore", "ignore", "pipe"] },
);
process.on("exit", () => browser.kill("SIGKILL"));

/** Chromium says on standard error where it listens. */
async function address() {
  for await (const line of createInterface({ input: browser.stderr })) {
    const found = /^DevTools listening on (ws:.*)$/.exec(line);
    if (found) return found[1];
  }
  throw new Error("Chromium did not start");
}

const socket = new WebSocket(await address());
await once(socket, "open");
browser.stderr.resume();
const waiting = new Map();
let last = 0;
socket.addEventListener("message", ({ data }) => {
  const { id, result, error } = JSON.parse(data);
  const answer = waiting.get(id);
  waiting.delete(id);
  if (error) answer?.reject(new Error(JSON.stringify(error)));
  else answer?.resolve(result);
});
const send = (method, params = {}, sessionId) =>
  new Promise((resolve, reject) => {
    waiting.set(++last, { resolve, reject });
    socket.send(JSON.stringify({ id: last, method, params, sessionId }));
  });

const { targetId } = await send("Target.createTarget", { url: "about:blank" });
const { sessionId } = await send("Target.attachToTarget", { targetId, flatten: true });

/** What an expression comes to in the page. */
async function evaluate(expression) {
  const { result, exceptionDetails } = await send(
    "Runtime.evaluate",
    { expression, awaitPromise: true, returnByValue: true },
    sessionId,
  );
  assert.equal(exceptionDetails, undefined, JSON.stringify(exceptionDetails));
  return result.value;
}

/** Waits until an expression is true in the page. */
async function until(what, expression) {
  const end = Date.now() + PATIENCE;
  while (!(await evaluate(`Boolean(${expression})`).catch(() => false))) {
    if (Date.now() > end) {
      const seen = await evaluate("document.querySelector('colloquy-chat')?.shadowRoot.textContent ?? 'no chat'");
      throw new Error(`${what} did not happen; the chat shows: ${seen}`);
    }
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
}

const chat = "document.querySelector('colloquy-chat').shadowRoot";
const axe = await readFile(new URL("../node_modules/axe-core/axe.min.js", import.meta.url), "utf8");

async function accessible(when) {
  await evaluate(`${axe}; true`);
  const found = await evaluate("axe.run().then(({ violations }) => violations.map(({ id, nodes }) => [id, nodes.map(({ html }) => html)]))");
  assert.deepEqual(found, [], `axe, ${when}: ${JSON.stringify(found)}`);
}

await send("Page.navigate", { url: `${origin}/` }, sessionId);
await until("the button", `${chat}.querySelector('[part=launcher]')`);
await accessible("closed");
await evaluate(`${chat}.querySelector('[part=launcher]').click()`);
await until("the window", `!${chat}.querySelector('[part=panel]').hidden`);
await evaluate(`${chat}.querySelector('textarea').focus()`);
await send("Input.insertText", { text: "Is it there?" }, sessionId);
for (const type of ["keyDown", "keyUp"]) {
  await send("Input.dispatchKeyEvent", { type, key: "Enter", code: "Enter", windowsVirtualKeyCode: 13, text: "\r" }, sessionId);
}
await until("the visitor's own message", `${chat}.querySelector('[part=panel]').textContent.includes('Is it there?')`);
console.log("written");
await until("the answer", `${chat}.querySelector('[part=panel]').textContent.includes('It is, in blue')`);
await accessible("in a conversation");
console.log("read");

socket.close();
browser.kill("SIGKILL");
await once(browser, "exit");
await rm(profile, { recursive: true, force: true, maxRetries: 5 });
process.exit(0);
