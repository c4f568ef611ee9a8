// What a newcomer finds in the first tab.
import document from "./examples.graphql?raw";

export const examples = {
  query: document,
  variables: JSON.stringify({ dialogueId: "dlg_…", text: "Good afternoon! How can I help?", after: null }, null, 2),
};
