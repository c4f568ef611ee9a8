//! What the rights are asked about: a dialogue with everything in it, and somebody who is something in it.

use std::sync::atomic::{AtomicI64, Ordering};

use colloquy_entity::*;
use sea_orm::{ActiveModelTrait, DatabaseConnection, EntityTrait, IntoActiveModel};
use serde_json::{Value, json};

use crate::harness::telegram::Fault;
use crate::harness::updates::Person;
use crate::harness::world::{Channel, Someone, World};

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
    /// Cards that are linked to no dialogue
    pub contractor: String,
    pub deal: String,
    pub project: String,
    pub task: String,
}

/// The rows that no mutation makes yet are made in the database.
fn db(world: &World) -> &DatabaseConnection {
    world.server.running().app.db.write()
}

async fn insert<M: IntoActiveModel<A>, A: ActiveModelTrait + Send>(world: &World, row: M) {
    let row = row.into_active_model().reset_all();
    A::Entity::insert(row).exec_without_returning(db(world)).await.expect("a row is stored");
}

async fn new_deal(world: &World, funnel: FunnelId, stage: StageId) -> DealId {
    let id = DealId::new();
    let (title, lookup) = ("A deal".into(), "a deal".into());
    let (amount, currency, contractor_id, responsible_id) = (None, None, None, None);
    let created_at = Time::now();
    let deal = deal::Model {
        id, title, lookup, amount, currency, contractor_id, responsible_id, created_at, funnel_id: funnel, stage_id: stage,
    };
    insert(world, deal).await;
    id
}

async fn new_contractor(world: &World) -> ContractorId {
    let (id, kind, created_at) = (ContractorId::new(), ContractorKind::Person, Time::now());
    let (name, lookup) = ("A contractor".into(), "a contractor".into());
    insert(world, contractor::Model { id, kind, name, phone: None, email: None, note: None, lookup, created_at }).await;
    id
}

async fn new_project(world: &World) -> ProjectId {
    let (id, created_at) = (ProjectId::new(), Time::now());
    let (name, lookup) = ("A project".into(), "a project".into());
    insert(world, project::Model { id, name, description: None, external_url: None, lookup, created_at }).await;
    id
}

async fn new_task(world: &World) -> TaskId {
    let (id, state, created_at) = (TaskId::new(), TaskState::Open, Time::now());
    let (title, lookup) = ("A task".into(), "a task".into());
    let (description, external_url, project_id, responsible_id, due_at) = (None, None, None, None, None);
    let task = task::Model {
        id, title, description, state, project_id, responsible_id, due_at, external_url, lookup, created_at,
    };
    insert(world, task).await;
    id
}

impl Stage {
    pub async fn set(world: &World) -> Self {
        let (funnel, stage) = (FunnelId::new(), StageId::new());
        insert(world, funnel::Model { id: funnel, name: "Sales".into(), created_at: Time::now() }).await;
        let first = stage::Model { id: stage, funnel_id: funnel, ordinal: 0, name: "New".into(), kind: StageKind::Open };
        insert(world, first).await;
        let channel = world.connect_channel("Shop").await;
        world.set_channel(&channel, json!({ "funnelId": funnel.to_string() })).await;
        Self {
            spare_channel: world.connect_channel("Spare").await,
            colleague: world.user("EMPLOYEE").await,
            funnel: funnel.to_string(),
            contractor: new_contractor(world).await.to_string(),
            deal: new_deal(world, funnel, stage).await.to_string(),
            project: new_project(world).await.to_string(),
            task: new_task(world).await.to_string(),
            channel,
        }
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
    pub contractor: String,
    pub deal: String,
    pub project: String,
    pub task: String,
    pub own_token: String,
    pub others_token: String,
    /// Of a bot that is not connected
    pub bot_token: String,
}

impl<'a> Scene<'a> {
    pub async fn play(world: &World, stage: &'a Stage, role: Role, part: Part) -> Self {
        let viewer = world.user(role.word()).await;
        let number = NEXT_PERSON.fetch_add(1, Ordering::Relaxed);
        let bot_token = format!("{number}:scene");
        world.telegram.bot(&bot_token, &format!("scene{number}_bot"));
        let own_token = token_of(&viewer).await;
        let others_token = token_of(&stage.colleague).await;
        let dialogue = Dialogue::play(world, stage, number).await;
        let own_comment = dialogue.let_in(world, &viewer, part).await;
        let Dialogue { dialogue, message, failed, comment, tag, client, file, contractor, deal, project, task } = dialogue;
        Self {
            stage, role, part, viewer, dialogue, message, failed, comment, own_comment, tag, client, file, contractor,
            deal, project, task, own_token, others_token, bot_token,
        }
    }

    /// Everything of the dialogue's own that only who may see it may see.
    pub fn secrets(&self) -> Vec<String> {
        let ids = [
            &self.dialogue, &self.message, &self.failed, &self.comment, &self.client, &self.file, &self.contractor,
            &self.deal, &self.project, &self.task,
        ];
        ids.into_iter().cloned().collect()
    }
}

async fn token_of(user: &Someone) -> String {
    let create = "mutation { createApiToken(input: { name: \"spare\" }) { apiToken { id } } }";
    user.api.run(create, Value::Null).await.get("createApiToken.apiToken.id")
}

/// A dialogue with everything in it.
struct Dialogue {
    dialogue: String,
    message: String,
    failed: String,
    comment: String,
    tag: String,
    client: String,
    file: String,
    contractor: String,
    deal: String,
    project: String,
    task: String,
}

impl Dialogue {
    async fn play(world: &World, stage: &Stage, number: i64) -> Self {
        let person = Person::new(number);
        world.telegram.file(&format!("file{number}"), format!("secret of {number}"));
        let document = crate::harness::updates::document(&format!("file{number}"), 20);
        world.take(&stage.channel, &person.sends(document)).await;
        let dialogue = world.dialogue(&stage.channel, &person).await;
        let admin = &world.admin;
        world.telegram.fail("sendMessage", Some(number), Fault::Status("error-400-chat-not-found"), 1);
        let mut feed = world.follow(&admin.api, None).await;
        let failed = admin.send(&dialogue, "it will not arrive").await;
        feed.until_delivery(&failed, "FAILED").await;
        let fill = "mutation($d: ID!, $tags: [String!]!) {
            addTags(dialogueId: $d, names: $tags) { dialogue { tags { id } } }
            addComment(input: { dialogueId: $d, text: \"an administrator's\" }) { comment { id } }
        }";
        let filled = admin.api.run(fill, json!({ "d": dialogue, "tags": [format!("tag {number}")] })).await;
        let read = "query($d: ID!) { dialogue(id: $d) {
            client { id } messages { nodes { id attachments { ... on File { id } } } }
        } }";
        let read = admin.api.run(read, json!({ "d": dialogue })).await;
        let id = DialogueId::parse(&dialogue).expect("an id");
        let (project, task) = (new_project(world).await, new_task(world).await);
        let linked_at = Time::now();
        insert(world, dialogue_project::Model { dialogue_id: id, project_id: project, linked_at }).await;
        insert(world, dialogue_task::Model { dialogue_id: id, task_id: task, linked_at }).await;
        let (contractor, deal) = cards(world, id, read.at("dialogue.client.id")).await;
        Self {
            message: read.get("dialogue.messages.nodes.0.id"),
            file: read.get("dialogue.messages.nodes.0.attachments.0.id"),
            client: read.get("dialogue.client.id"),
            comment: filled.get("addComment.comment.id"),
            tag: filled.get("addTags.dialogue.tags.0.id"),
            project: project.to_string(),
            task: task.to_string(),
            dialogue,
            failed,
            contractor,
            deal,
        }
    }

    /// Makes the viewer what they are to be, with a comment of their own whatever that is.
    async fn let_in(&self, world: &World, viewer: &Someone, part: Part) -> String {
        set_participant(world, &self.dialogue, viewer, if part == Part::Responsible { "RESPONSIBLE" } else { "OBSERVER" }).await;
        let comment = "mutation($d: ID!) { addComment(input: { dialogueId: $d, text: \"mine\" }) { comment { id } } }";
        let comment = viewer.api.run(comment, json!({ "d": self.dialogue })).await.get("addComment.comment.id");
        if part == Part::None {
            let remove = "mutation($d: ID!, $u: ID!) { removeParticipant(dialogueId: $d, userId: $u) { dialogue { id } } }";
            world.admin.api.run(remove, json!({ "d": self.dialogue, "u": viewer.id })).await.data();
        }
        comment
    }
}

/// Makes somebody a participant.
pub async fn set_participant(world: &World, dialogue: &str, user: &Someone, role: &str) {
    let set = "mutation($d: ID!, $u: ID!, $r: ParticipantRole!) {
        setParticipant(dialogueId: $d, userId: $u, role: $r) { dialogue { id } }
    }";
    world.admin.api.run(set, json!({ "d": dialogue, "u": user.id, "r": role })).await.data();
}

/// The contractor and the deal that a new dialogue brought.
async fn cards(world: &World, dialogue: DialogueId, client: &Value) -> (String, String) {
    use sea_orm::{ColumnTrait, QueryFilter};
    let client = ClientId::parse(client.as_str().expect("an id")).expect("an id");
    let client = client::Entity::find_by_id(client).one(db(world)).await.expect("readable").expect("there");
    let link = dialogue_deal::Entity::find().filter(dialogue_deal::Column::DialogueId.eq(dialogue));
    let link = link.one(db(world)).await.expect("readable").expect("a deal in the channel's funnel");
    (client.contractor_id.expect("a contractor").to_string(), link.deal_id.to_string())
}

/// The ids in a text: `dlg_0192…`.
pub fn ids(text: &str) -> impl Iterator<Item = &str> {
    text.split(|letter: char| !letter.is_ascii_alphanumeric() && letter != '_').filter(|word| {
        word.split_once('_').is_some_and(|(kind, digits)| {
            kind.len() == 3 && digits.len() == 32 && digits.bytes().all(|digit| digit.is_ascii_hexdigit())
        })
    })
}
