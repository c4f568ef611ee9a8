//! What the rights are asked about: a dialogue with everything in it, and somebody who is something in it.

use std::sync::atomic::{AtomicI64, Ordering};

use serde_json::{Value, json};

use crate::harness::updates::{Person, document};
use crate::harness::world::{Channel, Someone, World};
use colloquy_sandbox::telegram::Fault;

/// What a user is everywhere.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Role {
    Admin,
    Employee,
    Observer,
}

impl Role {
    pub const ALL: [Self; 3] = [Self::Admin, Self::Employee, Self::Observer];

    fn word(self) -> &'static str {
        match self {
            Self::Admin => "ADMIN",
            Self::Employee => "EMPLOYEE",
            Self::Observer => "OBSERVER",
        }
    }
}

/// What a user is in a dialogue.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Part {
    Responsible,
    Observer,
    None,
}

impl Part {
    pub const ALL: [Self; 3] = [Self::Responsible, Self::Observer, Self::None];
}

static NEXT_PERSON: AtomicI64 = AtomicI64::new(5_000_001);

/// What all scenes of a story share.
pub struct Stage {
    pub channel: Channel,
    /// Without dialogues
    pub spare_channel: Channel,
    pub colleague: Someone,
    pub funnel: String,
}

impl Stage {
    pub async fn set(world: &World) -> Self {
        let funnel =
            "mutation { createFunnel(input: { name: \"Sales\", stages: [{ name: \"New\" }] }) { funnel { id } } }";
        let funnel: String = world.admin.api.run(funnel, Value::Null).await.get("createFunnel.funnel.id");
        let channel = world.connect_channel("Shop").await;
        world.set_channel(&channel, json!({ "funnelId": funnel })).await;
        let spare_channel = world.connect_channel("Spare").await;
        Self { channel, spare_channel, colleague: world.user("EMPLOYEE").await, funnel }
    }
}

/// A viewer, and a dialogue in which they are something.
pub struct Scene<'a> {
    pub stage: &'a Stage,
    pub role: Role,
    pub part: Part,
    pub viewer: Someone,
    pub dialogue: String,
    /// The client's
    pub message: String,
    /// The operators', that could not be sent
    pub failed: String,
    pub comment: String,
    pub own_comment: String,
    pub tag: String,
    pub client: String,
    /// A file of the client's message
    pub file: String,
    pub cards: Cards,
    /// Of another dialogue, in which they are responsible
    pub others: Cards,
    pub own_token: String,
    pub others_token: String,
    /// Of a bot that is not connected
    pub bot_token: String,
}

/// One card of each kind, linked to a dialogue.
pub struct Cards {
    pub contractor: String,
    pub deal: String,
    pub project: String,
    pub task: String,
}

impl<'a> Scene<'a> {
    pub async fn play(world: &World, stage: &'a Stage, role: Role, part: Part) -> Self {
        let viewer = world.user(role.word()).await;
        let admin = &world.admin;
        let number = NEXT_PERSON.fetch_add(2, Ordering::Relaxed);
        let (person, other) = (Person::new(number), Person::new(number + 1));
        let bot_token = format!("{number}:scene");
        world.telegram.bot(&bot_token, &format!("scene{number}_bot"));

        world.telegram.file(&format!("file{number}"), format!("secret of {number}"));
        world.take(&stage.channel, &person.sends(document(&format!("file{number}"), 20))).await;
        let dialogue = world.dialogue(&stage.channel, &person).await;
        let failed = cannot_send(world, &dialogue, number).await;
        let elsewhere = world.write(&stage.channel, &other, "elsewhere").await;
        set_participant(world, &elsewhere, &viewer, "RESPONSIBLE").await;

        let fill = "mutation($d: ID!, $tags: [String!]!) {
            addTags(dialogueId: $d, names: $tags) { dialogue { tags { id } } }
            addComment(input: { dialogueId: $d, text: \"an administrator's\" }) { comment { id } }
        }";
        let filled = admin.api.run(fill, json!({ "d": dialogue, "tags": [format!("tag {number}")] })).await;
        let read = "query($d: ID!) { dialogue(id: $d) {
            client { id } messages { nodes { id attachments { ... on File { id } } } }
        } }";
        let read = admin.api.run(read, json!({ "d": dialogue })).await;
        Self {
            own_comment: let_in(world, &dialogue, &viewer, part).await,
            own_token: token_of(&viewer).await,
            others_token: token_of(&stage.colleague).await,
            message: read.get("dialogue.messages.nodes.0.id"),
            file: read.get("dialogue.messages.nodes.0.attachments.0.id"),
            client: read.get("dialogue.client.id"),
            comment: filled.get("addComment.comment.id"),
            tag: filled.get("addTags.dialogue.tags.0.id"),
            cards: Cards::of(world, &dialogue).await,
            others: Cards::of(world, &elsewhere).await,
            stage,
            role,
            part,
            viewer,
            dialogue,
            failed,
            bot_token,
        }
    }

    /// Everything of the dialogue's own that only who may see it may see.
    pub fn secrets(&self) -> Vec<String> {
        let Cards { contractor, deal, project, task } = &self.cards;
        let Self { dialogue, message, failed, comment, own_comment, client, file, .. } = self;
        let all = [dialogue, message, failed, comment, own_comment, client, file, contractor, deal, project, task];
        all.into_iter().cloned().collect()
    }
}

impl Cards {
    /// The contractor and the deal that a new dialogue has brought, and a project and a task made in it.
    async fn of(world: &World, dialogue: &str) -> Self {
        let make = "mutation($d: ID!, $x: String!) {
            createProject(input: { dialogueId: $d, name: \"A project\", externalId: $x }) { project { id } }
            createTask(input: { dialogueId: $d, title: \"A task\", externalId: $x }) { task { id } }
        }";
        let external = external_id(dialogue);
        let made = world.admin.api.run(make, json!({ "d": dialogue, "x": external })).await;
        let read = "query($d: ID!) { dialogue(id: $d) { contractor { id } deal { id } } }";
        let read = world.admin.api.run(read, json!({ "d": dialogue })).await;
        Self {
            contractor: read.get("dialogue.contractor.id"),
            deal: read.get("dialogue.deal.id"),
            project: made.get("createProject.project.id"),
            task: made.get("createTask.task.id"),
        }
    }
}

/// Of a dialogue's project and task: nothing that looks like an id of ours.
pub fn external_id(dialogue: &str) -> String {
    dialogue.replace('_', "-")
}

/// Sends a message that Telegram refuses; gives its id once it has FAILED.
async fn cannot_send(world: &World, dialogue: &str, chat: i64) -> String {
    world.telegram.fail("sendMessage", Some(chat), Fault::Status("error-400-chat-not-found"), 1);
    let mut feed = world.follow(&world.admin.api, None).await;
    let message = world.admin.send(dialogue, "it will not arrive").await;
    feed.until_delivery(&message, "FAILED").await;
    message
}

async fn token_of(user: &Someone) -> String {
    let create = "mutation { createApiToken(input: { name: \"spare\" }) { apiToken { id } } }";
    user.api.run(create, Value::Null).await.get("createApiToken.apiToken.id")
}

/// Makes the viewer what they are to be, with a comment of their own whatever that is.
async fn let_in(world: &World, dialogue: &str, viewer: &Someone, part: Part) -> String {
    let role = if part == Part::Responsible { "RESPONSIBLE" } else { "OBSERVER" };
    set_participant(world, dialogue, viewer, role).await;
    let comment = "mutation($d: ID!) { addComment(input: { dialogueId: $d, text: \"mine\" }) { comment { id } } }";
    let comment = viewer.api.run(comment, json!({ "d": dialogue })).await.get("addComment.comment.id");
    if part == Part::None {
        let remove = "mutation($d: ID!, $u: ID!) { removeParticipant(dialogueId: $d, userId: $u) { dialogue { id } } }";
        world.admin.api.run(remove, json!({ "d": dialogue, "u": viewer.id })).await.data();
    }
    comment
}

/// Makes somebody a participant.
pub async fn set_participant(world: &World, dialogue: &str, user: &Someone, role: &str) {
    let set = "mutation($d: ID!, $u: ID!, $r: ParticipantRole!) {
        setParticipant(dialogueId: $d, userId: $u, role: $r) { dialogue { id } }
    }";
    world.admin.api.run(set, json!({ "d": dialogue, "u": user.id, "r": role })).await.data();
}

/// The ids in a text: `dlg_0192…`.
pub fn ids(text: &str) -> impl Iterator<Item = &str> {
    text.split(|letter: char| !letter.is_ascii_alphanumeric() && letter != '_').filter(|word| {
        word.split_once('_').is_some_and(|(kind, digits)| {
            kind.len() == 3 && digits.len() == 32 && digits.bytes().all(|digit| digit.is_ascii_hexdigit())
        })
    })
}
