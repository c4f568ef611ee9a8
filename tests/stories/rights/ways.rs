//! Every way in to what belongs to a dialogue: the fields of the schema that lead there, and what is asked of each.

use super::scene::Scene;

/// One way.
pub struct Way {
    /// The field of the schema that it goes through
    pub field: &'static str,
    /// The selection below `{ }` or below `subscription { }`, with the scene's ids
    pub ask: fn(&Scene) -> String,
}

const fn way(field: &'static str, ask: fn(&Scene) -> String) -> Way {
    Way { field, ask }
}

fn dialogues(filter: &str) -> String {
    format!("dialogues(filter: {{ {filter} }}, first: 100) {{ nodes {{ id }} }}")
}

fn events(filter: &str) -> String {
    format!("events(filter: {{ {filter} }}, last: 100) {{ nodes {{ cursor kind dialogue {{ id }} }} }}")
}

fn node(id: &str, below: &str) -> String {
    format!("node(id: {id:?}) {{ id {below} }}")
}

/// By query. Each answer tells of the dialogue to who may see it.
pub const WAYS: &[Way] = &[
    way("Query.dialogue", |s| {
        format!(
            "dialogue(id: {:?}) {{ id client {{ id }} lastMessage {{ id }} contractor {{ id }} deal {{ id }}
                deals {{ id }} projects {{ id }} tasks {{ id }} messages {{ nodes {{ id attachments {{ ... on File {{ id }} }} }} }}
                comments {{ nodes {{ id }} }} events {{ nodes {{ cursor }} }} }}",
            s.dialogue
        )
    }),
    way("Query.node", |s| node(&s.dialogue, "")),
    way("Query.node", |s| node(&s.message, "... on Message { text dialogue { id } }")),
    way("Query.node", |s| node(&s.failed, "... on Message { text dialogue { id } }")),
    way("Query.node", |s| node(&s.comment, "... on Comment { text dialogue { id } }")),
    way("Query.node", |s| node(&s.file, "... on File { name url signedUrl }")),
    way("Query.node", |s| node(&s.client, "")),
    way("Query.node", |s| node(&s.cards.contractor, "")),
    way("Query.node", |s| node(&s.cards.deal, "")),
    way("Query.node", |s| node(&s.cards.project, "")),
    way("Query.node", |s| node(&s.cards.task, "")),
    way("Query.nodes", |s| format!("nodes(ids: {:?}) {{ id }}", s.secrets())),
    way("Query.dialogues", |_| dialogues("")),
    way("Query.dialogues", |_| dialogues("state: OPEN")),
    way("Query.dialogues", |s| dialogues(&format!("dialogueIds: [{:?}]", s.dialogue))),
    way("Query.dialogues", |s| dialogues(&format!("clientIds: [{:?}]", s.client))),
    way("Query.dialogues", |s| dialogues(&format!("channelIds: [{:?}]", s.stage.channel.id))),
    way("Query.dialogues", |_| dialogues("channelKinds: [TELEGRAM]")),
    way("Query.dialogues", |s| dialogues(&format!("responsibleIds: [{:?}]", s.stage.colleague.id))),
    way("Query.dialogues", |s| dialogues(&format!("tagIds: [{:?}]", s.tag))),
    way("Query.dialogues", |s| dialogues(&format!("contractorIds: [{:?}]", s.cards.contractor))),
    way("Query.dialogues", |s| dialogues(&format!("dealIds: [{:?}]", s.cards.deal))),
    way("Query.dialogues", |s| dialogues(&format!("projectIds: [{:?}]", s.cards.project))),
    way("Query.dialogues", |s| dialogues(&format!("taskIds: [{:?}]", s.cards.task))),
    way("Query.dialogues", |_| dialogues("text: \"Person\"")),
    way("Query.dialogues", |_| {
        "dialogues(orderBy: { field: OPENED_AT, direction: ASC }, last: 100) { edges { cursor node { id } } }".into()
    }),
    way("Query.searchMessages", |_| {
        "searchMessages(text: \"arrive\") { edges { node { id dialogue { id } } } }".into()
    }),
    way("Query.searchMessages", |s| {
        format!(
            "searchMessages(text: \"arrive\", filter: {{ dialogueIds: [{:?}] }}) {{ edges {{ node {{ id }} }} }}",
            s.dialogue
        )
    }),
    way("Query.searchComments", |_| "searchComments(text: \"mine\") { edges { node { id dialogue { id } } } }".into()),
    way("Query.clients", |_| "clients(first: 100) { nodes { id dialogues { id } } }".into()),
    way("Query.contractors", |_| {
        "contractors(first: 100) { nodes { id dialogues { id } clients { id } deals { id } } }".into()
    }),
    way("Query.deals", |_| "deals(first: 100) { nodes { id dialogues { id } contractor { id } } }".into()),
    way("Query.projects", |_| "projects(first: 100) { nodes { id dialogues { id } } }".into()),
    way("Query.tasks", |_| "tasks(first: 100) { nodes { id dialogues { id } } }".into()),
    way("Client.dialogues", |s| node(&s.client, "... on Client { dialogues { id } }")),
    way("Client.contractor", |s| node(&s.client, "... on Client { contractor { id } }")),
    way("Contractor.dialogues", |s| node(&s.cards.contractor, "... on Contractor { dialogues { id } }")),
    way("Contractor.clients", |s| node(&s.cards.contractor, "... on Contractor { clients { id } }")),
    way("Contractor.deals", |s| node(&s.cards.contractor, "... on Contractor { deals { id } }")),
    way("Contractor.activity", |s| {
        node(&s.cards.contractor, "... on Contractor { activity(last: 100) { nodes { cursor dialogue { id } } } }")
    }),
    way("Deal.dialogues", |s| node(&s.cards.deal, "... on Deal { dialogues { id } }")),
    way("Deal.contractor", |s| node(&s.cards.deal, "... on Deal { contractor { id } }")),
    way("Deal.activity", |s| {
        node(&s.cards.deal, "... on Deal { activity(last: 100) { nodes { cursor dialogue { id } } } }")
    }),
    way("Project.dialogues", |s| node(&s.cards.project, "... on Project { dialogues { id } }")),
    way("Project.tasks", |s| node(&s.cards.project, "... on Project { tasks { nodes { id } } }")),
    way("Project.activity", |s| node(&s.cards.project, "... on Project { activity { nodes { cursor } } }")),
    way("Task.dialogues", |s| node(&s.cards.task, "... on Task { dialogues { id } }")),
    way("Task.project", |s| node(&s.cards.task, "... on Task { project { id } }")),
    way("Task.activity", |s| node(&s.cards.task, "... on Task { activity { nodes { cursor } } }")),
    way("Query.events", |_| events("")),
    way("Query.events", |s| events(&format!("dialogueIds: [{:?}]", s.dialogue))),
    way("Query.events", |s| events(&format!("channelIds: [{:?}]", s.stage.channel.id))),
    way("Query.events", |s| events(&format!("contractorIds: [{:?}]", s.cards.contractor))),
    way("Query.events", |s| events(&format!("dealIds: [{:?}]", s.cards.deal))),
    way("Query.events", |_| events("kinds: [DIALOGUE_OPENED, MESSAGE_ADDED, COMMENT_ADDED, TAG_ADDED]")),
    way("Query.events", |_| {
        "events(filter: { kinds: [MESSAGE_ADDED] }, last: 100) { nodes { ... on MessageEvent { message { id text } } } }".into()
    }),
];

/// Ways that other stories of this file walk: live, by counting, and those that answer no ids.
pub const ELSEWHERE: &[&str] =
    &["Query.inbox", "Subscription.events", "Subscription.eventBatches", "Subscription.inbox", "Subscription.typing"];

/// Types that belong to dialogues: a field that leads to one, from what is not itself seen through a dialogue, is a way in.
pub const GUARDED: &[&str] = &[
    "Node",
    "Dialogue",
    "DialogueConnection",
    "Message",
    "MessageConnection",
    "MessageSearchConnection",
    "CommentSearchConnection",
    "Comment",
    "CommentConnection",
    "File",
    "Event",
    "EventConnection",
    "EventBatch",
    "Inbox",
    "Typing",
    "Client",
    "ClientConnection",
    "Contractor",
    "ContractorConnection",
    "Deal",
    "DealConnection",
    "Project",
    "ProjectConnection",
    "Task",
    "TaskConnection",
];

/// What can be reached without seeing a dialogue.
pub const OPEN: &[&str] = &[
    "Query",
    "Subscription",
    "Client",
    "Contractor",
    "Deal",
    "Project",
    "Task",
    "Channel",
    "User",
    "Tag",
    "Funnel",
    "Stage",
    "ApiToken",
];
