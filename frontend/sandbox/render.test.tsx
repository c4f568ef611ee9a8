import { renderToStaticMarkup } from "react-dom/server";
import { expect, test } from "vitest";
import { BotCard } from "./bot-card";
import { Composer } from "./composer";
import { EMPTY } from "./draft";
import { MessageView } from "./message";
import { MESSENGERS } from "./messengers";
import type { Kind, Message } from "./protocol";
import { PhoneView } from "./phone";
import { botOf, fileOf, messageOf, phoneOf } from "./samples";

const attempt = async () => true;
const nothing = () => {};

const shown = (message: Partial<Message>, quote: string | null = null) =>
  renderToStaticMarkup(<MessageView message={messageOf(message)} author="Anna" quote={quote} canReply dispatch={nothing} />);

const composer = (kind: Kind, isBlocked = false) =>
  renderToStaticMarkup(
    <Composer
      phone={phoneOf({ isBlocked, messages: [messageOf({ text: "Hi" })] })}
      messenger={MESSENGERS[kind]}
      draft={EMPTY}
      dispatch={nothing}
      attempt={attempt}
    />,
  );

test("a message shows its text as text, its pictures in place and its files as downloads", () => {
  const markup = shown({
    text: "<b>bold</b>",
    files: [
      fileOf({ name: "cat.png", url: "/api/files/1" }),
      fileOf({ name: "bill.pdf", url: "/api/files/2", kind: "DOCUMENT", contentType: "application/pdf", size: 20_000 }),
      fileOf({ name: "note.ogg", url: "/api/files/3", kind: "VOICE", contentType: "audio/ogg" }),
    ],
  });
  expect(markup).toContain("&lt;b&gt;bold&lt;/b&gt;");
  expect(markup).toContain('<img class="IMAGE" src="/api/files/1" alt="cat.png"/>');
  expect(markup).toContain('href="/api/files/2" download="bill.pdf"');
  expect(markup).toContain("20 kB");
  expect(markup).toContain("Voice: note.ogg");
});

test("marks, edits, quotes and what became of the update are told in words", () => {
  expect(shown({ from: "COMPANY", mark: "READ", editedAt: "2026-11-22T10:01:00Z" })).toMatch(/edited .*read</);
  expect(shown({ update: { state: "WAITING", status: 503, tries: 2 } })).toContain("colloquy answered 503 · 2 tries");
  expect(shown({ replyToId: "m0" }, "How much?")).toContain("<blockquote>How much?</blockquote>");
});

test("of a deleted message nothing is shown, and nobody can reply to it", () => {
  const markup = shown({ isDeleted: true, text: "secret", files: [fileOf({})] }, "quoted");
  expect(markup).toContain("deleted");
  expect(markup).not.toMatch(/secret|cat\.png|quoted|Reply/);
});

test("a client can do what their messenger can", () => {
  expect(composer("TELEGRAM")).toMatch(/Sticker.*Share location.*Share contact.*Edit last/);
  expect(composer("VK")).not.toContain("Share contact");
  expect(composer("VIBER")).not.toContain("Edit last");
});

test("in Telegram a blocked bot is unblocked before writing; elsewhere writing is enough", () => {
  expect(composer("TELEGRAM", true)).not.toContain("<textarea");
  expect(composer("TELEGRAM", true)).toContain("Unblock");
  expect(composer("VIBER", true)).toContain("<textarea");
});

test("credentials are open until somebody is connected", () => {
  const card = (bot: Parameters<typeof botOf>[0]) => renderToStaticMarkup(<BotCard bot={botOf(bot)} attempt={attempt} />);
  expect(card({})).toContain('<details open="">');
  expect(card({})).toContain('value="7000000001:sandbox"');
  expect(card({ reached: { how: "POLLING" } })).toContain("<details>");
  expect(card({ reached: { how: "WEBHOOK", url: "http://127.0.0.1:8080/hooks/1" } })).toContain("http://127.0.0.1:8080/hooks/1");
});

test("the policy refuses inline styles and scripts, and there are none", () => {
  const messages = [
    messageOf({ id: "1", files: [fileOf({})], update: { state: "TAKEN", status: 200, tries: 1 } }),
    messageOf({ id: "2", from: "COMPANY", mark: "SENT", replyToId: "1" }),
  ];
  for (const kind of ["TELEGRAM", "VK", "VIBER"] as const) {
    const markup = renderToStaticMarkup(
      <PhoneView
        phone={phoneOf({ messages, companyTypingUntil: "2099-01-01T00:00:00Z" })}
        bot={botOf({ kind })}
        isHeld={false}
        isNew={false}
        onHold={nothing}
        attempt={attempt}
      />,
    );
    expect(markup).toContain("typing…");
    expect(markup).not.toMatch(/ style=|<style|<script| on[a-z]+=/);
  }
});
