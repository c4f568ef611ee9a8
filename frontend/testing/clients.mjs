// What any front end would use, at a real server: graphql-ws and graphql-sse. Run by the stories (tests/stories/live/clients.rs):
//   node --experimental-websocket clients.mjs <url of /graphql> <token> <id of a dialogue>
// Ends with status 0 if all of it is as both protocols have it.
import assert from "node:assert/strict";
import { createClient as overSocket } from "graphql-ws";
import { createClient as overStream } from "graphql-sse";

const [url, token, dialogue] = process.argv.slice(2);

const clients = {
  "graphql-ws": (token) =>
    overSocket({
      url: url.replace(/^http/, "ws"),
      connectionParams: { authorization: `Bearer ${token}` },
      retryAttempts: 0,
    }),
  "graphql-sse": (token) => overStream({ url, headers: { authorization: `Bearer ${token}` }, retryAttempts: 0 }),
};

const EVENTS = `subscription ($after: String, $kinds: [EventKind!]) {
  events(after: $after, filter: { kinds: $kinds }) { kind cursor ... on TagEvent { tag { name } } }
}`;

/** The only result of an operation that completes by itself. */
async function run(client, query, variables) {
  const results = [];
  for await (const result of client.iterate({ query, variables })) results.push(result);
  assert.equal(results.length, 1, "one result, then complete");
  return results[0];
}

/** The errors of an operation that is refused: graphql-ws throws them, graphql-sse has them in a result. */
async function refusal(client, query, variables) {
  try {
    return (await run(client, query, variables)).errors;
  } catch (errors) {
    assert.ok(Array.isArray(errors), `${errors}`);
    return errors;
  }
}

async function data(client, query, variables) {
  const result = await run(client, query, variables);
  assert.equal(result.errors, undefined, JSON.stringify(result.errors));
  return result.data;
}

const tag = (client, name) =>
  data(client, "mutation ($d: ID!, $name: String!) { addTags(dialogueId: $d, names: [$name]) { dialogue { id } } }", {
    d: dialogue,
    name,
  });

/** The next `count` events of a subscription, which goes on. */
async function take(events, count) {
  const taken = [];
  while (taken.length < count) {
    const { value, done } = await events.next();
    assert.ok(!done, "the subscription goes on");
    assert.equal(value.errors, undefined, JSON.stringify(value.errors));
    taken.push(value.data.events);
  }
  return taken;
}

const names = (events) => events.map((event) => event.tag.name);

for (const [kind, create] of Object.entries(clients)) {
  const client = create(token);
  const other = create(token);
  const { eventCursor, viewer } = await data(client, "{ eventCursor viewer { role } }");
  assert.equal(viewer.role, "ADMIN");

  // What comes, in order, and what came while nobody listened.
  const follow = (client, after) => client.iterate({ query: EVENTS, variables: { after, kinds: ["TAG_ADDED"] } });
  const events = follow(client, eventCursor);
  await tag(other, `${kind} 1`);
  await tag(other, `${kind} 2`);
  const live = await take(events, 2);
  assert.deepEqual(names(live), [`${kind} 1`, `${kind} 2`]);
  await events.return();
  await tag(other, `${kind} 3`);
  const resumed = follow(client, live[0].cursor);
  await tag(other, `${kind} 4`);
  assert.deepEqual(names(await take(resumed, 3)), [`${kind} 2`, `${kind} 3`, `${kind} 4`]);

  // Refusals, beside a subscription that goes on.
  for (const [query, variables, code] of [
    ["{ nothing }", {}, "BAD_USER_INPUT"],
    ["{ broken", {}, "BAD_USER_INPUT"],
    [EVENTS, { after: "no cursor" }, "BAD_USER_INPUT"],
    ['subscription { typing(dialogueId: "nonsense") { until } }', {}, "NOT_FOUND"],
    ['mutation { closeDialogue(dialogueId: "nonsense") { dialogue { id } } }', {}, "NOT_FOUND"],
  ]) {
    const errors = await refusal(client, query, variables);
    assert.deepEqual(errors.map((error) => error.extensions.code), [code], query);
  }
  await tag(other, `${kind} 5`);
  assert.deepEqual(names(await take(resumed, 1)), [`${kind} 5`]);
  await resumed.return();

  // A token that is revoked ends what was opened with it, and lets nobody in again.
  const made = await data(
    other,
    'mutation { createApiToken(input: { name: "clients" }) { secret apiToken { id } } }',
  );
  const { secret, apiToken } = made.createApiToken;
  const revoked = create(secret);
  const ended = follow(revoked, eventCursor);
  assert.deepEqual(names(await take(ended, 1)), [`${kind} 1`]);
  const end = assert.rejects(async () => {
    for (;;) await take(ended, 1);
  });
  await data(other, "mutation ($id: ID!) { revokeApiToken(apiTokenId: $id) { secret } }", { id: apiToken.id });
  await end;
  await assert.rejects(run(revoked, "{ viewer { id } }", {}));

  client.dispose();
  other.dispose();
  revoked.dispose();
  console.log(`${kind} is content`);
}
