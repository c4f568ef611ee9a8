// An employee who answers, for the parts of the story that the script plays alone: by GraphQL, with an API token.

export function openDesk(server, token, channel) {
  const authorization = { Authorization: `Bearer ${token}` };

  async function run(query, variables) {
    const answer = await fetch(`${server}/graphql`, {
      method: "POST",
      headers: { "Content-Type": "application/json", ...authorization },
      body: JSON.stringify({ query, variables }),
    });
    const { data, errors } = await answer.json();
    if (errors) throw new Error(JSON.stringify(errors));
    return data;
  }

  async function upload(name, content, type) {
    const form = new FormData();
    form.append("file", new Blob([content], { type }), name);
    const answer = await fetch(`${server}/files`, { method: "POST", headers: authorization, body: form });
    return (await answer.json()).id;
  }

  return {
    upload,
    /** Writes to the channel's only visitor; answers the message's id. */
    async say(text, fileIds) {
      const find = "query ($channels: [ID!]) { dialogues(filter: { channelIds: $channels }, first: 2) { nodes { id } } }";
      const { dialogues } = await run(find, { channels: [channel] });
      const input = { dialogueId: dialogues.nodes[0].id, text, fileIds };
      const send = "mutation ($input: SendMessageInput!) { sendMessage(input: $input) { message { id } } }";
      return (await run(send, { input })).sendMessage.message.id;
    },
    /** Waits until a message has come so far. */
    async until(id, status) {
      const find = "query ($id: ID!) { node(id: $id) { ... on Message { delivery { status } } } }";
      const end = Date.now() + 20_000;
      for (;;) {
        const { node } = await run(find, { id });
        if (node.delivery.status === status) return;
        if (Date.now() > end) throw new Error(`the message is ${node.delivery.status}, not ${status}`);
        await new Promise((resolve) => setTimeout(resolve, 100));
      }
    },
  };
}
