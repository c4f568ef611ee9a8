// What a visitor does, part by part; each begins where the one before it ended, with the window open.
import assert from "node:assert/strict";
import { rmSync } from "node:fs";
import { writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { bubble, part, stateOf, windowOf } from "./window.mjs";

/** One pixel. */
const PNG = Buffer.from("iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg==", "base64");

const PICTURE = join(tmpdir(), `colloquy-${process.pid}-dot.png`);
process.on("exit", () => rmSync(PICTURE, { force: true }));

/** Opens and closes it without a pointer; leaves it open. */
export async function byKeyboard(page, chat) {
  await page.until("the button", part("launcher"));
  await page.accessible("closed");
  assert.deepEqual(await chat.stops(2), ["ask", "launcher"]);
  assert.equal(await chat.attribute("launcher", "aria-label"), "Open chat");
  await page.press("Enter");
  assert.deepEqual([await chat.isOpen(), await chat.focused()], [true, "input"]);
  assert.equal(await chat.attribute("launcher", "aria-expanded"), "true");
  await page.press("Escape");
  assert.deepEqual([await chat.isOpen(), await chat.focused()], [false, "launcher"]);
  assert.equal(await chat.attribute("launcher", "aria-expanded"), "false");
  // From the site's own button, the focus goes back there.
  await page.evaluate("document.getElementById('ask').focus()");
  await page.press("Enter");
  assert.deepEqual([await chat.isOpen(), await chat.focused()], [true, "input"]);
  await page.press("Escape");
  assert.deepEqual([await chat.isOpen(), await chat.focused()], [false, "ask"]);
  await chat.open();
  assert.deepEqual(await chat.stops(3, { shift: true }), ["attach", "log", "close"]);
  assert.deepEqual(await chat.stops(5), ["log", "attach", "input", "send", "launcher"]);
}

/** What a screen reader is told of the window's parts. */
export async function roles(chat) {
  const attributes = (name, ...names) => Promise.all(names.map((attribute) => chat.attribute(name, attribute)));
  assert.deepEqual(await attributes("panel", "role", "aria-labelledby", "aria-modal"), ["dialog", "title", "false"]);
  assert.deepEqual(await attributes("log", "role", "aria-relevant", "aria-label", "tabindex"), ["log", "additions", "Messages", "0"]);
  assert.deepEqual(await attributes("notice", "role"), ["status"]);
  assert.deepEqual(await attributes("news", "role"), ["status"]);
  assert.deepEqual(await attributes("problem", "role"), ["alert"]);
  assert.deepEqual(await attributes("input", "aria-label", "aria-describedby"), ["Your message", "problem"]);
}

/** Where the window covers the page, the Tab key stays in it. */
export async function narrow(page, chat) {
  await page.send("Emulation.setDeviceMetricsOverride", { width: 400, height: 700, deviceScaleFactor: 1, mobile: false });
  await page.until("the narrow window", `${part("panel")}.getAttribute('aria-modal') === 'true'`);
  await page.evaluate(`${part("input")}.focus()`);
  assert.deepEqual(await chat.stops(4), ["send", "close", "log", "attach"]);
  assert.deepEqual(await chat.stops(3, { shift: true }), ["log", "close", "send"]);
  await page.accessible("in a narrow window");
  await page.send("Emulation.clearDeviceMetricsOverride");
  await page.until("the wide window", `${part("panel")}.getAttribute('aria-modal') === 'false'`);
}

/** While `during` runs, the server refuses messages as one of a visitor who wrote too much. */
async function limited(page, during) {
  const errors = [{ message: "Too many", extensions: { code: "RATE_LIMITED", retryAfter: 1_200 } }];
  page.on("Fetch.requestPaused", ({ requestId, request }) => {
    if (!request.postData?.includes("mutation SendMessage")) return void page.send("Fetch.continueRequest", { requestId });
    const responseHeaders = [
      { name: "Access-Control-Allow-Origin", value: "*" },
      { name: "Content-Type", value: "application/json" },
    ];
    const body = Buffer.from(JSON.stringify({ errors })).toString("base64");
    void page.send("Fetch.fulfillRequest", { requestId, responseCode: 200, responseHeaders, body });
  });
  await page.send("Fetch.enable", { patterns: [{ urlPattern: "*/chat", requestStage: "Request" }] });
  await during();
  await page.send("Fetch.disable");
}

const WORDS = {
  en: { text: "Too much?", fault: "That was too often. Try again in 20 minutes.", again: "Try again", discard: "Delete", failed: "Not sent" },
  ru: { text: "Не слишком?", fault: "Слишком часто. Повторите через 20 минут.", again: "Повторить", discard: "Удалить", failed: "Не отправлено" },
};

/** A message that failed says so, in words; the keyboard reaches what can be done. */
export async function failing(page, chat, language) {
  const words = WORDS[language];
  await limited(page, async () => {
    await chat.write(words.text);
    await page.until("the failure", `${stateOf(words.text)} === 'failed'`);
    const said = await chat.text("fault");
    assert.equal(said.replace(/\s+/g, " ").trim(), `${words.fault} ${words.again} ${words.discard}`);
    assert.match(await page.evaluate(`${bubble(words.text)}.querySelector('[part=state]').textContent`), new RegExp(words.failed));
    await page.accessible(`with a message that failed, ${language}`);
  });
  await page.evaluate(`${part("log")}.focus()`);
  // Links of files that came before it are on the way.
  for (let stop = 0; stop < 20 && (await chat.focused()) !== "again"; stop++) await page.press("Tab");
  assert.deepEqual([await chat.focused(), await chat.stops(1)], ["again", ["discard"]]);
  await page.press("Tab", { shift: true });
  await page.press("Enter");
  await page.until("the message at the server", `['sent', 'read'].includes(${stateOf(words.text)}) && ${bubble(words.text)}.dataset.id`);
  // The button is gone: the visitor writes on.
  assert.deepEqual([await chat.focused(), await page.evaluate(`${part("fault")} === null`)], ["input", true]);
}

/** Puts a small picture into the composer. */
async function attach(page, chat) {
  await writeFile(PICTURE, PNG);
  await chat.attach([PICTURE]);
  await page.until("the attachment", part("attachment"));
}

/** A file of the visitor's, and with a desk one of the company's. */
export async function files(page, chat, desk) {
  await attach(page, chat);
  assert.match(await chat.attribute("detach", "aria-label"), /^Remove colloquy-.*dot\.png$/);
  await page.accessible("with a file attached");
  await page.press("Enter");
  await page.until("the visitor's file", `${part("own")} && [...${part("messages")}.querySelectorAll('li[part~=own][data-id] a')].length === 1`);
  const link = await page.evaluate(`${part("messages")}.querySelector('li[part~=own] a').getAttribute('aria-label')`);
  assert.match(link, /dot\.png, .*, opens in a new tab$/);
  if (desk) {
    await desk.say("The list", [await desk.upload("list.txt", "one, two", "text/plain")]);
    await page.until("the company's file", `${bubble("The list")}?.querySelector('a[href]')`);
    const address = await page.evaluate(`${bubble("The list")}.querySelector('a[href]').href`);
    assert.equal(await (await fetch(address)).text(), "one, two");
  }
  await page.accessible("with files");
}

/** Reloads the page, and opens the window in it. */
async function anew(page, chat) {
  await page.evaluate("window.old = true");
  await page.send("Page.reload");
  await page.until("the new page", "window.old === undefined && window.colloquy");
  await chat.open();
}

/** The same visitor after a reload. */
export async function reload(page, chat) {
  const tokens = "JSON.stringify(Object.entries(localStorage).filter(([name]) => name.endsWith(' token')))";
  const [before, messages] = [await page.evaluate(tokens), await chat.own()];
  await anew(page, chat);
  await page.until("the conversation", bubble("Is it there?"));
  assert.deepEqual([await page.evaluate(tokens), await chat.own()], [before, messages]);
}

/** What is written without a network arrives with it, once and in order. */
export async function offline(page, chat) {
  const without = (isOffline) =>
    page.send("Network.emulateNetworkConditions", { offline: isOffline, latency: 0, downloadThroughput: -1, uploadThroughput: -1 });
  await page.send("Network.enable");
  await without(true);
  await chat.write("first, offline");
  await chat.write("second, offline");
  await page.until("both failed", `${stateOf("first, offline")} === 'failed' && ${stateOf("second, offline")} === 'failed'`);
  await page.accessible("offline");
  await without(false);
  await page.evaluate("dispatchEvent(new Event('online'))");
  for (const text of ["first, offline", "second, offline"]) {
    await page.until(`"${text}" at the server`, `['sent', 'read'].includes(${stateOf(text)})`);
  }
  await reload(page, chat);
  assert.deepEqual((await chat.own()).filter((text) => text.endsWith("offline")), ["first, offline", "second, offline"]);
}

/** A message that comes while the window is closed is announced and DELIVERED, and READ once it is opened. */
export async function closed(page, chat, desk) {
  await page.evaluate("colloquy.close()");
  const id = await desk.say("While you were away");
  await page.until("the announcement", `${part("news")}.textContent.includes('1 unread message')`);
  assert.equal(await chat.attribute("launcher", "aria-label"), "Open chat, 1 unread message");
  assert.equal(await chat.text("badge"), "1");
  await page.accessible("closed, with something unread");
  await desk.until(id, "DELIVERED");
  await chat.open();
  await desk.until(id, "READ");
  await page.until("no badge", `${part("badge")}.hidden`);
}

/** A tab that is opened while another one uploads takes nothing away from it; once that one is closed, the file is lost. */
export async function tabs(page, chat, openTab) {
  const first = await openTab();
  const [window, lost] = [windowOf(first), `${part("fault")}?.textContent.includes('Attach it again')`];
  await window.open();
  // What is asked for files is never answered, until it is let go.
  let paused;
  first.on("Fetch.requestPaused", ({ requestId }) => (paused = requestId));
  await first.send("Fetch.enable", { patterns: [{ urlPattern: "*/chat/files", requestStage: "Request" }] });
  await upload("slow file");
  await anew(page, chat);
  await chat.write("after the file");
  await new Promise((resolve) => setTimeout(resolve, 500));
  assert.deepEqual([await page.evaluate(`${part("fault")} === null`), await page.evaluate(stateOf("after the file"))], [true, "sending"]);
  await first.send("Fetch.continueRequest", { requestId: paused });
  for (const text of ["slow file", "after the file"]) await page.until(`"${text}" at the server`, `${bubble(text)}?.dataset.id`);
  assert.deepEqual((await chat.own()).slice(-2), ["slow file", "after the file"]);
  assert.equal(await page.evaluate(`${bubble("slow file")}.querySelectorAll('a').length`), 1);

  await upload("lost file");
  await anew(page, chat);
  await first.close();
  await page.until("the loss", `${lost} && ${stateOf("lost file")} === 'failed'`);
  await page.accessible("with a lost file");
  await page.evaluate(`${part("discard")}.click()`);
  await page.until("its end", `!${bubble("lost file")}`);

  async function upload(text) {
    paused = undefined;
    await attach(first, window);
    await window.write(text);
    while (paused === undefined) await new Promise((resolve) => setTimeout(resolve, 20));
  }
}

/** All of it in Russian. */
export async function russian(page, chat, address) {
  await page.send("Page.navigate", { url: address });
  await page.until("the Russian button", `document.documentElement.lang === 'ru' && ${part("launcher")}`);
  assert.match(await chat.attribute("launcher", "aria-label"), /^Открыть чат/);
  await page.accessible("closed, in Russian");
  await chat.open();
  await page.until("the conversation", bubble("Is it there?"));
  assert.equal(await chat.attribute("input", "aria-label"), "Ваше сообщение");
  await page.accessible("in Russian");
  await failing(page, chat, "ru");
}
