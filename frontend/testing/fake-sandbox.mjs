// The protocol of `colloquy sandbox` with nothing behind it: node testing/fake-sandbox.mjs, beside `npm run dev`, or alone
// with what `npm run build` made, at http://127.0.0.1:8090/ under the page's policy. "colloquy" echoes what clients write.
import { randomUUID } from "node:crypto";
import { readFile } from "node:fs/promises";
import { createServer } from "node:http";
import { extname, join, normalize } from "node:path";

const POLICY = "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; connect-src 'self'";
const TYPES = { ".html": "text/html", ".js": "text/javascript", ".css": "text/css", ".svg": "image/svg+xml" };
const DIST = join(import.meta.dirname, "../dist");

const bot = (kind, number, credentials, handle, how) => ({
  id: `${kind.toLowerCase()}:${number}`,
  kind,
  name: "Pretend shop",
  handle,
  credentials,
  reached: how === "WEBHOOK" ? { how, url: "http://127.0.0.1:8080/hooks/chn_1" } : { how },
  faults: { slowSeconds: 0, fail: "NONE" },
});
const state = {
  colloquy: { url: "http://127.0.0.1:8080" },
  bots: [
    bot("TELEGRAM", 7000000001, { botToken: "7000000001:sandbox" }, "@pretend_shop", "POLLING"),
    bot("VK", 7000000002, { groupId: "7000000002", accessToken: "vk1.a.sandbox" }, null, "WEBHOOK"),
    bot("VIBER", 7000000003, { authToken: "4f00-sandbox" }, null, "NOBODY"),
  ],
  phones: [],
};
const files = new Map();
const followers = new Set();
const NAMES = ["Anna", "Boris", "Vera", "Gleb"];
for (const { id } of state.bots) addPhone(id);

function addPhone(botId, name = NAMES[state.phones.length % NAMES.length]) {
  const person = { id: String(5000000101 + state.phones.length), name, username: name.toLowerCase() };
  state.phones.push({ id: randomUUID(), botId, person, isBlocked: false, companyTypingUntil: null, messages: [] });
}

function addMessage(phone, message) {
  const empty = { text: "", editedAt: null, isDeleted: false, replyToId: null, files: [], location: null, contact: null };
  const full = { ...empty, id: randomUUID(), at: new Date().toISOString(), mark: null, update: null, ...message };
  phone.messages.push(full);
  return full;
}

function answer(phone, message) {
  message.update = { state: "TAKEN", status: 200, tries: 1 };
  phone.companyTypingUntil = new Date(Date.now() + 600).toISOString();
  tell();
  setTimeout(() => {
    const { text, files, location, contact } = message;
    const reply = addMessage(phone, { from: "COMPANY", text: text && `You said: ${text}`, files, location, contact, replyToId: message.id });
    reply.mark = state.bots.find(({ id }) => id === phone.botId).kind === "VIBER" ? "DELIVERED" : "SENT";
    tell();
  }, 600);
}

async function send(phone, form) {
  const kind = form.get("kind") ?? "TEXT";
  const sent = [];
  for (const file of form.getAll("file")) {
    const url = `/api/files/${randomUUID()}`;
    files.set(url, { type: file.type, bytes: Buffer.from(await file.arrayBuffer()) });
    const is = (prefix) => file.type.startsWith(prefix);
    const fileKind = is("image/") ? "IMAGE" : is("video/") ? "VIDEO" : is("audio/") ? "AUDIO" : "DOCUMENT";
    sent.push({ name: file.name, contentType: file.type, size: file.size, url, kind: fileKind });
  }
  const text = form.get("text") ?? (kind === "STICKER" ? "🙂" : "");
  const message = addMessage(phone, {
    from: "CLIENT",
    text,
    files: sent,
    replyToId: form.get("replyToId"),
    location: kind === "LOCATION" ? { latitude: 55.7558, longitude: 37.6176, title: "Here" } : null,
    contact: kind === "CONTACT" ? { name: phone.person.name, phone: "+79990000101" } : null,
    update: { state: "WAITING", status: 503, tries: 2 },
  });
  setTimeout(() => answer(phone, message), 400);
}

function tell() {
  const event = `data: ${JSON.stringify(state)}\n\n`;
  for (const follower of followers) follower.write(event);
}

class Refusal extends Error {}

const found = (list, id) => {
  const item = list.find((item) => item.id === id);
  if (!item) throw new Refusal("There is no such thing.");
  return item;
};

/** What an action does. */
async function act(method, [what, id, part, messageId], request) {
  const body = () => request.json();
  const phone = what === "phones" && id ? found(state.phones, id) : undefined;
  const action = [method, what, id && ":id", part, messageId && ":id"].filter(Boolean).join(" ");
  switch (action) {
    case "POST bots": {
      const { kind, name } = await body();
      return void state.bots.push({ ...bot(kind, Date.now(), { botToken: "…" }, null, "NOBODY"), name });
    }
    case "PATCH bots :id":
      return void Object.assign(found(state.bots, id).faults, await body());
    case "POST phones": {
      const { botId, name } = await body();
      return addPhone(botId, name);
    }
    case "PATCH phones :id": {
      const { name = phone.person.name, isBlocked = phone.isBlocked } = await body();
      phone.person.name = name;
      phone.isBlocked = isBlocked;
      return;
    }
    case "DELETE phones :id":
      return void (state.phones = state.phones.filter((other) => other !== phone));
    case "POST phones :id messages":
      return send(phone, await request.formData());
    case "PUT phones :id messages :id": {
      const { text } = await body();
      if (text.includes("refuse")) throw new Refusal("This edit is refused.");
      return void Object.assign(found(phone.messages, messageId), { text, editedAt: new Date().toISOString() });
    }
    case "POST phones :id read":
      for (const message of phone.messages) if (message.mark) message.mark = "READ";
      return;
    case "POST phones :id typing":
      return;
    default:
      throw new Refusal(`There is no ${action}.`);
  }
}

createServer(async (incoming, outgoing) => {
  const { pathname } = new URL(incoming.url, "http://sandbox");
  const end = (status, type, body) => {
    outgoing.writeHead(status, { "Content-Type": type, "Content-Security-Policy": POLICY });
    outgoing.end(body);
  };
  try {
    if (pathname === "/api/state") return end(200, "application/json", JSON.stringify(state));
    if (pathname === "/api/events") {
      outgoing.writeHead(200, { "Content-Type": "text/event-stream", "Cache-Control": "no-store" }).flushHeaders();
      outgoing.write(":\n\n");
      followers.add(outgoing);
      return void incoming.on("close", () => followers.delete(outgoing));
    }
    if (files.has(pathname)) return end(200, files.get(pathname).type, files.get(pathname).bytes);
    if (pathname.startsWith("/api/")) {
      const parts = pathname.slice("/api/".length).split("/").map(decodeURIComponent);
      const hasBody = incoming.method !== "DELETE";
      const init = { method: incoming.method, headers: incoming.headers, body: hasBody ? incoming : null, duplex: "half" };
      await act(incoming.method, parts, new Request(`http://sandbox${pathname}`, init));
      outgoing.writeHead(204).end();
      return tell();
    }
    const path = normalize(pathname === "/" ? "/sandbox.html" : pathname);
    end(200, TYPES[extname(path)] ?? "text/plain", await readFile(join(DIST, path)));
  } catch (error) {
    if (error.code === "ENOENT") return end(404, "text/plain", "There is no such file.");
    end(400, "application/json", JSON.stringify({ error: error.message }));
  }
}).listen(8090, "127.0.0.1", () => console.log("http://127.0.0.1:8090/"));
