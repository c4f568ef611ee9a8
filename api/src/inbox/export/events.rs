//! The log, in its order.

use std::collections::{BTreeSet, HashMap, HashSet};

use colloquy_entity::*;
use serde_json::json;

use crate::error::Result;
use crate::inbox::list::DialogueFilter;
use crate::log::{self, Actor, Cursor, Event, Kind};
use crate::paging::Key;

use super::names::{self, Names};
use super::write::{Cell, Lines, record};
use super::{Source, dialogues};

/// How far it is.
pub(super) struct Walk {
    after: Cursor,
    /// Where the log ends, once that was looked up.
    head: Option<i64>,
}

impl Walk {
    pub(super) fn behind(after: Option<&str>) -> Result<Self> {
        Ok(Self { after: dialogues::place(after)?.unwrap_or(Cursor::START), head: None })
    }

    /// A stretch of the log: so many positions, whoever may see what is there.
    pub(super) async fn next(&mut self, from: &Source<'_>, lines: &mut Lines) -> Result<bool> {
        let head = match self.head {
            Some(head) => head,
            None => {
                log::verify(from.db, self.after, "after").await?;
                let head = log::head(from.db).await?.position;
                *self.head.insert(head)
            }
        };
        let up_to = head.min(self.after.position.saturating_add(from.rows.into()));
        let mut events = log::between(from.db, from.viewer, self.after.position, up_to).await?;
        if *from.filter != DialogueFilter::default() {
            let about = events.iter().flat_map(|event| &event.detail.subjects).map(|id| DialogueId(*id)).collect();
            let wanted = names::dialogues(from, about, from.wanted()?).await?;
            events.retain(|event| event.detail.subjects.iter().any(|id| wanted.contains(&DialogueId(*id))));
        }
        let around = Around::of(from, &events).await?;
        for event in &events {
            lines.line(COLUMNS, &cells(event, &around))?;
        }
        self.after.position = up_to;
        Ok(up_to < head)
    }
}

/// A card, by what events call it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
enum Card {
    Contractor(ContractorId),
    Deal(DealId),
    Project(ProjectId),
    Task(TaskId),
}

impl Card {
    fn of(event: &Event) -> Option<Self> {
        use Kind::*;
        let id = event.detail.card?;
        match event.kind {
            ContractorCreated | ContractorLinked | ContractorChanged | ContractorMerged => {
                Some(Self::Contractor(ContractorId(id)))
            }
            DealCreated | DealLinked | DealUnlinked | DealChanged => Some(Self::Deal(DealId(id))),
            ProjectCreated | ProjectLinked | ProjectUnlinked | ProjectChanged => Some(Self::Project(ProjectId(id))),
            TaskCreated | TaskLinked | TaskUnlinked | TaskChanged => Some(Self::Task(TaskId(id))),
            _ => None,
        }
    }
}

/// What stands around a chunk's events, as it is now.
struct Around {
    /// Those that may be seen.
    dialogues: HashSet<DialogueId>,
    channels: Names<ChannelId>,
    clients: Names<ClientId>,
    users: Names<UserId>,
    tags: Names<TagId>,
    messages: Names<MessageId>,
    comments: Names<CommentId>,
    /// With their ids; of a merged contractor that of the one that stayed.
    cards: HashMap<Card, (String, String)>,
}

impl Around {
    async fn of(from: &Source<'_>, events: &[Event]) -> Result<Self> {
        let clients = events.iter().flat_map(|event| [actor_client(event), client(event)]).flatten().collect();
        let users = events.iter().flat_map(|event| [actor_user(event), user(event)]).flatten().collect();
        Ok(Self {
            dialogues: names::dialogues(from, ids(events, |event| event.dialogue), from.seen()).await?,
            channels: names::channels(from, ids(events, channel)).await?,
            clients: names::clients(from, clients).await?,
            users: names::users(from, users).await?,
            tags: names::tags(from, ids(events, |event| event.detail.tag)).await?,
            messages: names::messages(from, ids(events, |event| event.detail.message)).await?,
            comments: names::comments(from, ids(events, |event| event.detail.comment)).await?,
            cards: cards(from, events).await?,
        })
    }

    fn dialogue(&self, event: &Event) -> Option<DialogueId> {
        // Of one that is not seen any more, that much is told.
        event.dialogue.filter(|id| event.kind.is_access() || self.dialogues.contains(id))
    }

    fn actor(&self, event: &Event) -> Option<(String, &str)> {
        match event.actor? {
            Actor::User(id) => Some((id.to_string(), self.users.get(&id)?)),
            Actor::Client(id) => Some((id.to_string(), self.clients.get(&id)?)),
        }
    }

    fn text(&self, event: &Event) -> Option<&str> {
        let message = event.detail.message.and_then(|id| self.messages.get(&id));
        message.or_else(|| event.detail.comment.and_then(|id| self.comments.get(&id))).map(String::as_str)
    }

    fn card(&self, event: &Event) -> Option<&(String, String)> {
        self.cards.get(&Card::of(event)?)
    }
}

fn ids<I: Ord>(events: &[Event], pick: fn(&Event) -> Option<I>) -> BTreeSet<I> {
    events.iter().filter_map(pick).collect()
}

fn actor_user(event: &Event) -> Option<UserId> {
    if let Some(Actor::User(id)) = event.actor { Some(id) } else { None }
}

fn actor_client(event: &Event) -> Option<ClientId> {
    if let Some(Actor::Client(id)) = event.actor { Some(id) } else { None }
}

/// Whom a ParticipantEvent names; who sees more or less.
fn user(event: &Event) -> Option<UserId> {
    match event.kind {
        Kind::ParticipantAdded | Kind::ParticipantRemoved => event.detail.user,
        _ => event.addressee,
    }
}

fn client(event: &Event) -> Option<ClientId> {
    event.detail.client.filter(|_| event.kind == Kind::ClientChanged)
}

fn channel(event: &Event) -> Option<ChannelId> {
    event.channel.filter(|_| event.kind == Kind::ChannelChanged)
}

/// The cards that events name. Who sees the event may know what its card is called.
async fn cards(from: &Source<'_>, events: &[Event]) -> Result<HashMap<Card, (String, String)>> {
    let named: Vec<_> = events.iter().filter_map(Card::of).collect();
    let mut found = HashMap::new();
    macro_rules! find {
        ($names:ident, $card:ident) => {
            let ids = named.iter().filter_map(|card| if let Card::$card(id) = card { Some(*id) } else { None });
            let names = names::$names(from, ids.collect()).await?;
            found.extend(names.into_iter().map(|(id, name)| (Card::$card(id), (id.to_string(), name))));
        };
    }
    find!(deals, Deal);
    find!(projects, Project);
    find!(tasks, Task);
    let ids = named.iter().filter_map(|card| if let Card::Contractor(id) = card { Some(*id) } else { None });
    let merged = names::merged(from, ids.collect()).await?;
    let stays: Vec<_> = merged.into_iter().map(|(id, into)| (id, into.unwrap_or(id))).collect();
    let names = names::contractors(from, stays.iter().map(|(_, stays)| *stays).collect()).await?;
    found.extend(
        stays
            .into_iter()
            .filter_map(|(id, stays)| Some((Card::Contractor(id), (stays.to_string(), names.get(&stays)?.clone())))),
    );
    Ok(found)
}

record! {
    /// Named as the fields of the types of `Event`.
    fn cells(event: Event, around: Around) {
        "kind" => Cell::plain(event.kind.as_str()),
        "at" => Cell::time(event.at),
        "actorId" => around.actor(event).map(|(id, _)| Cell::Plain(id)),
        "actorName" => around.actor(event).map(|(_, name)| Cell::written(name)),
        "dialogueId" => around.dialogue(event).map(Cell::plain),
        "messageId" => event.detail.message.map(Cell::plain),
        "deliveryStatus" => event.detail.delivery.map(|status| Cell::plain(status.as_str())),
        "commentId" => event.detail.comment.map(Cell::plain),
        "text" => around.text(event).map(Cell::written),
        "userId" => user(event).map(Cell::plain),
        "userName" => user(event).and_then(|id| around.users.get(&id)).map(|name| Cell::written(name)),
        "role" => event.detail.participant.map(|role| Cell::plain(role.as_str())),
        "tagId" => event.detail.tag.map(Cell::plain),
        "tagName" => event.detail.tag.and_then(|id| around.tags.get(&id)).map(|name| Cell::written(name)),
        "clientId" => client(event).filter(|id| around.clients.contains_key(id)).map(Cell::plain),
        "clientName" => client(event).and_then(|id| around.clients.get(&id)).map(|name| Cell::written(name)),
        "channelId" => channel(event).map(Cell::plain),
        "channelName" => channel(event).and_then(|id| around.channels.get(&id)).map(|name| Cell::written(name)),
        "cardId" => around.card(event).map(|(id, _)| Cell::plain(id)),
        "cardName" => around.card(event).map(|(_, name)| Cell::written(name)),
        "changes" => {
            let change = |change: &log::Change| json!({ "field": change.field, "from": change.from, "to": change.to });
            Cell::Value(event.detail.changes.iter().map(change).collect())
        },
        "cursor" => Cell::Plain(Key::encode(&Cursor::from(event))),
    }
}
