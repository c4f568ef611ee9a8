// Drives the pages of a Chromium by its DevTools protocol.
import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtemp, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";

const PATIENCE = 40_000;

const ARGUMENTS = [
  "--headless", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage", "--no-first-run", "--no-proxy-server",
  "--disable-background-networking", "--disable-component-update", "--disable-sync", "--password-store=basic",
  "--remote-debugging-port=0",
];

/** What moves in the chat's window. */
const MOVING = "document.querySelector('colloquy-chat').shadowRoot.getAnimations()";

/** Chromium says on standard error where it listens. */
async function address(browser) {
  for await (const line of createInterface({ input: browser.stderr })) {
    const found = /^DevTools listening on (ws:.*)$/.exec(line);
    if (found) return found[1];
  }
  throw new Error("Chromium did not start");
}

/** The protocol's commands and events over one WebSocket. */
async function connect(url) {
  const socket = new WebSocket(url);
  await once(socket, "open");
  const waiting = new Map();
  const listeners = new Map();
  let last = 0;
  socket.addEventListener("message", ({ data }) => {
    const { id, result, error, method, params, sessionId } = JSON.parse(data);
    if (id === undefined) {
      listeners.get(`${sessionId} ${method}`)?.(params);
      return;
    }
    const answer = waiting.get(id);
    waiting.delete(id);
    if (error) answer?.reject(new Error(JSON.stringify(error)));
    else answer?.resolve(result);
  });
  function send(method, params = {}, sessionId) {
    return new Promise((resolve, reject) => {
      waiting.set(++last, { resolve, reject });
      socket.send(JSON.stringify({ id: last, method, params, sessionId }));
    });
  }
  const on = (sessionId, method, listener) => listeners.set(`${sessionId} ${method}`, listener);
  return { send, on, close: () => socket.close() };
}

/** A browser, whose pages are tabs of one profile; `close` ends them all. */
export async function openBrowser(chromium) {
  const profile = await mkdtemp(join(tmpdir(), "colloquy-browser-"));
  const browser = spawn(chromium, [...ARGUMENTS, `--user-data-dir=${profile}`, "about:blank"], { stdio: ["ignore", "ignore", "pipe"] });
  process.on("exit", () => browser.kill("SIGKILL"));
  const wire = await connect(await address(browser));
  browser.stderr.resume();
  return {
    async open(url) {
      const { targetId } = await wire.send("Target.createTarget", { url: "about:blank" });
      const { sessionId } = await wire.send("Target.attachToTarget", { targetId, flatten: true });
      const send = (method, params) => wire.send(method, params, sessionId);
      await send("Page.navigate", { url });
      return {
        ...(await tools(send)),
        send,
        on: (method, listener) => wire.on(sessionId, method, listener),
        close: () => wire.send("Target.closeTarget", { targetId }),
      };
    },
    async close() {
      wire.close();
      browser.kill("SIGKILL");
      await once(browser, "exit");
      await rm(profile, { recursive: true, force: true, maxRetries: 5 });
    },
  };
}

/** What the page's tests are written in. */
async function tools(send) {
  const axe = await readFile(new URL("../../node_modules/axe-core/axe.min.js", import.meta.url), "utf8");

  /** What an expression comes to in the page. */
  async function evaluate(expression) {
    const { result, exceptionDetails } = await send("Runtime.evaluate", { expression, awaitPromise: true, returnByValue: true });
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

  /** Presses a key as a keyboard would. */
  async function press(key, { shift = false } = {}) {
    const code = { Enter: 13, Escape: 27, Tab: 9 }[key];
    const text = key === "Enter" ? { text: "\r" } : {};
    for (const type of [key === "Enter" ? "keyDown" : "rawKeyDown", "keyUp"]) {
      await send("Input.dispatchKeyEvent", { type, key, code: key, windowsVirtualKeyCode: code, modifiers: shift ? 8 : 0, ...text });
    }
  }

  async function accessible(when) {
    await evaluate(`${axe}; true`);
    // What is half transparent for a moment has half its contrast.
    await evaluate(`Promise.all(${MOVING}.map(({ finished }) => finished.catch(() => {}))).then(() => true)`);
    const found = await evaluate("axe.run().then(({ violations }) => violations.map(({ id, nodes }) => [id, nodes.map(({ html }) => html)]))");
    assert.deepEqual(found, [], `axe, ${when}: ${JSON.stringify(found)}`);
  }

  return { evaluate, until, press, accessible, type: (text) => send("Input.insertText", { text }) };
}
