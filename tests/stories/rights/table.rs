//! The rights table of rules.md, mutation by mutation, written down apart from the program's own.

use super::scene::{Part, Role, Scene, external_id};

/// What rules.md says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum May {
    Yes,
    /// Seen, but not theirs to do
    Forbidden,
    /// As what does not exist
    NotFound,
    /// Allowed, and told that what they name does not work: BAD_USER_INPUT or CONFLICT
    Later,
}
use May::{Forbidden as F, Later as L, NotFound as N, Yes as Y};

/// One row: the columns are those of rules.md.
pub struct Row {
    pub mutation: &'static str,
    pub what: &'static str,
    /// Administrator, employee, observer who is responsible in it, observer in it, observer not in it
    may: [May; 5],
    /// The field, with the scene's ids; the first id is what it is about
    pub ask: fn(&Scene) -> String,
}

impl Row {
    pub fn may(&self, role: Role, part: Part) -> May {
        let column = match (role, part) {
            (Role::Admin, _) => 0,
            (Role::Employee, _) => 1,
            (Role::Observer, Part::Responsible) => 2,
            (Role::Observer, Part::Observer) => 3,
            (Role::Observer, Part::None) => 4,
        };
        self.may[column]
    }
}

/// Whoever knows a password may sign in, and whoever is signed in may sign out.
pub const FOR_EVERYBODY: &[&str] = &["signIn", "signOut"];

/// Rows whose first id is not what they are about, but names something that every user may see.
pub const NAMED: &[(&str, &str)] = &[("createApiToken", "another's")];

const fn row(mutation: &'static str, what: &'static str, may: [May; 5], ask: fn(&Scene) -> String) -> Row {
    Row { mutation, what, may, ask }
}

const SEE: [May; 5] = [Y, Y, Y, Y, N];
const WORK: [May; 5] = [Y, Y, Y, F, N];
const CURATE: [May; 5] = [Y, Y, F, F, F];
const ADMINISTER: [May; 5] = [Y, F, F, F, F];

/// The same where whoever may is told that what they name does not work.
const fn later(may: [May; 5]) -> [May; 5] {
    let mut later = may;
    let mut column = 0;
    while column < 5 {
        if let Y = later[column] {
            later[column] = L;
        }
        column += 1;
    }
    later
}

fn in_dialogue(mutation: &str, scene: &Scene, more: &str) -> String {
    format!("{mutation}(dialogueId: {:?}{more}) {{ dialogue {{ id }} }}", scene.dialogue)
}

fn in_dialogues(mutation: &str, scene: &Scene, more: &str) -> String {
    let outcome = "outcomes { dialogue { id } error { code message field } }";
    format!("{mutation}(dialogueIds: [{:?}]{more}) {{ {outcome} }}", scene.dialogue)
}

/// In the order in which one dialogue can go through all of them.
pub const ROWS: &[Row] = &[
    row("markRead", "", SEE, |s| in_dialogue("markRead", s, &format!(", upToMessageId: {:?}", s.message))),
    row("setTyping", "", WORK, |s| in_dialogue("setTyping", s, "")),
    row("claimDialogue", "", WORK, |s| in_dialogue("claimDialogue", s, "")),
    row("closeDialogue", "", WORK, |s| in_dialogue("closeDialogue", s, "")),
    row("reopenDialogue", "", WORK, |s| in_dialogue("reopenDialogue", s, "")),
    row("setParticipant", "", WORK, |s| {
        in_dialogue("setParticipant", s, &format!(", userId: {:?}, role: OBSERVER", s.stage.colleague.id))
    }),
    row("removeParticipant", "", WORK, |s| {
        in_dialogue("removeParticipant", s, &format!(", userId: {:?}", s.stage.colleague.id))
    }),
    row("addTags", "a new one", WORK, |s| in_dialogue("addTags", s, ", names: [\"by them\"]")),
    row("removeTags", "", WORK, |s| in_dialogue("removeTags", s, &format!(", tagIds: [{:?}]", s.tag))),
    row("tagDialogues", "", WORK, |s| in_dialogues("tagDialogues", s, ", names: [\"by them all\"]")),
    row("untagDialogues", "", WORK, |s| in_dialogues("untagDialogues", s, &format!(", tagIds: [{:?}]", s.tag))),
    row("assignDialogues", "", WORK, |s| {
        in_dialogues("assignDialogues", s, &format!(", userId: {:?}, role: OBSERVER", s.stage.colleague.id))
    }),
    row("closeDialogues", "", WORK, |s| in_dialogues("closeDialogues", s, "")),
    row("updateTag", "", CURATE, |s| format!("updateTag(tagId: {:?}, color: \"#00ff00\") {{ tag {{ id }} }}", s.tag)),
    row("addComment", "", SEE, |s| {
        format!("addComment(input: {{ dialogueId: {:?}, text: \"a note\" }}) {{ comment {{ id }} }}", s.dialogue)
    }),
    row("editComment", "their own", SEE, |s| edit_comment(&s.own_comment)),
    row("editComment", "another's", [Y, F, F, F, N], |s| edit_comment(&s.comment)),
    row("deleteComment", "their own", SEE, |s| delete_comment(&s.own_comment)),
    row("deleteComment", "another's", [Y, F, F, F, N], |s| delete_comment(&s.comment)),
    // Before it is deleted.
    row("retryMessage", "", WORK, |s| format!("retryMessage(messageId: {:?}) {{ message {{ id }} }}", s.failed)),
    row("editMessage", "", WORK, |s| {
        format!("editMessage(messageId: {:?}, text: \"otherwise\") {{ message {{ id }} }}", s.failed)
    }),
    row("deleteMessage", "", WORK, |s| format!("deleteMessage(messageId: {:?}) {{ message {{ id }} }}", s.failed)),
    row("sendMessage", "", WORK, |s| {
        format!("sendMessage(input: {{ dialogueId: {:?}, text: \"hello\" }}) {{ message {{ id }} }}", s.dialogue)
    }),
    row("updateContractor", "the dialogue's", WORK, |s| {
        format!(
            "updateContractor(input: {{ contractorId: {:?}, note: \"x\" }}) {{ contractor {{ id }} }}",
            s.cards.contractor
        )
    }),
    row("updateDeal", "the dialogue's", WORK, |s| {
        format!("updateDeal(input: {{ dealId: {:?}, title: \"x\" }}) {{ deal {{ id }} }}", s.cards.deal)
    }),
    row("updateProject", "the dialogue's", WORK, |s| {
        format!("updateProject(input: {{ projectId: {:?}, name: \"x\" }}) {{ project {{ id }} }}", s.cards.project)
    }),
    row("updateTask", "the dialogue's", WORK, |s| {
        format!("updateTask(input: {{ taskId: {:?}, state: DONE }}) {{ task {{ id }} }}", s.cards.task)
    }),
    row("upsertProject", "the dialogue's", [Y, Y, Y, F, F], |s| {
        format!(
            "upsertProject(input: {{ externalId: {:?}, name: \"y\" }}) {{ project {{ id }} }}",
            external_id(&s.dialogue)
        )
    }),
    row("upsertTask", "the dialogue's", [Y, Y, Y, F, F], |s| {
        format!("upsertTask(input: {{ externalId: {:?}, title: \"y\" }}) {{ task {{ id }} }}", external_id(&s.dialogue))
    }),
    row("linkDeal", "", WORK, |s| in_dialogue("linkDeal", s, &format!(", dealId: {:?}", s.others.deal))),
    row("unlinkDeal", "", WORK, |s| in_dialogue("unlinkDeal", s, &format!(", dealId: {:?}", s.cards.deal))),
    row("linkProject", "", WORK, |s| in_dialogue("linkProject", s, &format!(", projectId: {:?}", s.others.project))),
    row("unlinkProject", "", WORK, |s| in_dialogue("unlinkProject", s, &format!(", projectId: {:?}", s.cards.project))),
    row("linkTask", "", WORK, |s| in_dialogue("linkTask", s, &format!(", taskId: {:?}", s.others.task))),
    row("unlinkTask", "", WORK, |s| in_dialogue("unlinkTask", s, &format!(", taskId: {:?}", s.cards.task))),
    row("linkContractor", "", WORK, |s| {
        in_dialogue("linkContractor", s, &format!(", contractorId: {:?}", s.others.contractor))
    }),
    row("createContractor", "from a dialogue", WORK, |s| {
        format!("createContractor(input: {{ dialogueId: {:?}, name: \"New\" }}) {{ contractor {{ id }} }}", s.dialogue)
    }),
    row("createContractor", "of no dialogue", CURATE, |_| {
        "createContractor(input: { name: \"New\" }) { contractor { id } }".into()
    }),
    row("mergeContractors", "", CURATE, |s| {
        let ids = format!("contractorId: {:?}, mergedId: {:?}", s.cards.contractor, s.others.contractor);
        format!("mergeContractors({ids}) {{ contractor {{ id }} }}")
    }),
    row("createFunnel", "", ADMINISTER, |_| {
        "createFunnel(input: { name: \"New\", stages: [{ name: \"One\" }] }) { funnel { id } }".into()
    }),
    row("createDeal", "from a dialogue", WORK, |s| {
        let input = format!("dialogueId: {:?}, funnelId: {:?}, title: \"New\"", s.dialogue, s.stage.funnel);
        format!("createDeal(input: {{ {input} }}) {{ deal {{ id }} }}")
    }),
    row("createDeal", "of no dialogue", CURATE, |s| {
        format!("createDeal(input: {{ title: \"New\", funnelId: {:?} }}) {{ deal {{ id }} }}", s.stage.funnel)
    }),
    row("createProject", "from a dialogue", WORK, |s| {
        format!("createProject(input: {{ dialogueId: {:?}, name: \"New\" }}) {{ project {{ id }} }}", s.dialogue)
    }),
    row("createProject", "of no dialogue", CURATE, |_| {
        "createProject(input: { name: \"New\" }) { project { id } }".into()
    }),
    row("createTask", "from a dialogue", WORK, |s| {
        format!("createTask(input: {{ dialogueId: {:?}, title: \"New\" }}) {{ task {{ id }} }}", s.dialogue)
    }),
    row("upsertProject", "a new one, from a dialogue", WORK, |s| {
        let input = format!("dialogueId: {:?}, externalId: \"new {}\", name: \"New\"", s.dialogue, s.bot_token);
        format!("upsertProject(input: {{ {input} }}) {{ project {{ id }} }}")
    }),
    row("upsertProject", "a new one of no dialogue", CURATE, |s| {
        let input = format!("externalId: \"alone {}\", name: \"New\"", s.bot_token);
        format!("upsertProject(input: {{ {input} }}) {{ project {{ id }} }}")
    }),
    row("upsertTask", "a new one, from a dialogue", WORK, |s| {
        let input = format!("dialogueId: {:?}, externalId: \"new {}\", title: \"New\"", s.dialogue, s.bot_token);
        format!("upsertTask(input: {{ {input} }}) {{ task {{ id }} }}")
    }),
    row("upsertTask", "a new one of no dialogue", CURATE, |s| {
        let input = format!("externalId: \"alone {}\", title: \"New\"", s.bot_token);
        format!("upsertTask(input: {{ {input} }}) {{ task {{ id }} }}")
    }),
    row("createTask", "of no dialogue", CURATE, |_| "createTask(input: { title: \"New\" }) { task { id } }".into()),
    row("blockClient", "", CURATE, |s| {
        format!("blockClient(clientId: {:?}, blocked: true) {{ client {{ id }} }}", s.client)
    }),
    row("connectChannel", "Telegram", ADMINISTER, |s| {
        connect_channel(&format!("telegram: {{ botToken: {:?} }}", s.bot_token))
    }),
    row("connectChannel", "VK", later(ADMINISTER), |_| {
        connect_channel("vk: { groupId: \"1\", accessToken: \"vk1.a.x\" }")
    }),
    row("connectChannel", "Viber", later(ADMINISTER), |_| connect_channel("viber: { authToken: \"1-2-3\" }")),
    row("connectChannel", "website", ADMINISTER, |_| {
        connect_channel("website: { allowedOrigins: [\"https://shop.example\"] }")
    }),
    row("updateChannel", "", ADMINISTER, |s| {
        format!(
            "updateChannel(input: {{ channelId: {:?}, name: \"Renamed\" }}) {{ channel {{ id }} }}",
            s.stage.channel.id
        )
    }),
    row("disconnectChannel", "", ADMINISTER, |s| {
        format!("disconnectChannel(channelId: {:?}) {{ channel {{ id }} }}", s.stage.spare_channel.id)
    }),
    row("createUser", "", ADMINISTER, |s| {
        let input =
            format!("name: \"New\", email: \"{}@new.example\", password: \"long enough\", role: OBSERVER", s.bot_token);
        format!("createUser(input: {{ {input} }}) {{ user {{ id }} }}")
    }),
    row("updateUser", "", ADMINISTER, |s| {
        format!("updateUser(input: {{ userId: {:?}, name: \"Renamed\" }}) {{ user {{ id }} }}", s.stage.colleague.id)
    }),
    row("createApiToken", "their own", [Y; 5], |_| {
        "createApiToken(input: { name: \"mine\" }) { apiToken { id } secret }".into()
    }),
    row("createApiToken", "another's", ADMINISTER, |s| {
        let input = format!("userId: {:?}, name: \"theirs\"", s.stage.colleague.id);
        format!("createApiToken(input: {{ {input} }}) {{ apiToken {{ id }} secret }}")
    }),
    row("revokeApiToken", "their own", [Y; 5], |s| revoke_api_token(&s.own_token)),
    row("revokeApiToken", "another's", [Y, N, N, N, N], |s| revoke_api_token(&s.others_token)),
];

fn edit_comment(comment: &str) -> String {
    format!("editComment(commentId: {comment:?}, text: \"otherwise\") {{ comment {{ id }} }}")
}

fn delete_comment(comment: &str) -> String {
    format!("deleteComment(commentId: {comment:?}) {{ dialogue {{ id }} }}")
}

fn connect_channel(credentials: &str) -> String {
    format!("connectChannel(input: {{ name: \"New\", credentials: {{ {credentials} }} }}) {{ channel {{ id }} }}")
}

fn revoke_api_token(token: &str) -> String {
    format!("revokeApiToken(apiTokenId: {token:?}) {{ apiToken {{ id }} }}")
}
