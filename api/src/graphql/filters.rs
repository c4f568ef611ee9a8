//! What lists of dialogues and events are filtered by.

use async_graphql::{Context, ID, InputObject, InputType, Pos, Value};
use colloquy_entity::Id;
use uuid::Uuid;

use crate::error::{Error, Result};
use crate::inbox::{contractors, list};
use crate::log;

use super::Ask;
use super::dialogues::DialogueGroup;
use super::kinds::EventKind;
use super::node::{parse, parse_all};
use super::scalars::DateTime;
use super::words::{ChannelKind, DialogueState};

/// All that is given has to hold; ids of what is not there match nothing
#[derive(Clone, Debug, Default, InputObject)]
pub struct DialogueFilter {
    /// Where it stands in the viewer's list
    group: Option<DialogueGroup>,
    /// Open or closed
    state: Option<DialogueState>,
    /// In the client's name or user name, or the contractor's name
    text: Option<String>,
    /// One of these
    dialogue_ids: Option<Vec<ID>>,
    /// In one of these channels
    channel_ids: Option<Vec<ID>>,
    /// In a channel of one of these kinds
    channel_kinds: Option<Vec<ChannelKind>>,
    /// With one of these clients
    client_ids: Option<Vec<ID>>,
    /// One of these is a responsible
    responsible_ids: Option<Vec<ID>>,
    /// One of these is an observer in it
    observer_ids: Option<Vec<ID>>,
    /// Dialogues with all of these tags
    tag_ids: Option<Vec<ID>>,
    /// Of clients of one of these contractors
    contractor_ids: Option<Vec<ID>>,
    /// Linked to one of these deals
    deal_ids: Option<Vec<ID>>,
    /// Linked to one of these projects
    project_ids: Option<Vec<ID>>,
    /// Linked to one of these tasks
    task_ids: Option<Vec<ID>>,
    /// Last opened then
    opened_at: Option<DateTimeRange>,
    /// Closed then
    closed_at: Option<DateTimeRange>,
    /// Last active then
    last_activity_at: Option<DateTimeRange>,
    /// Only with messages that the viewer has not read
    unread_only: Option<bool>,
}

/// From (included) to (excluded)
#[derive(Clone, Copy, Debug, Default, InputObject)]
pub struct DateTimeRange {
    /// Not before
    from: Option<DateTime>,
    /// Before
    to: Option<DateTime>,
}

impl DialogueFilter {
    /// From JSON, for what is not asked by GraphQL: as strict as that. The field of an error is a path below `filter`.
    pub fn from_json(text: &str) -> Result<list::DialogueFilter> {
        let json: serde_json::Value =
            serde_json::from_str(text).map_err(|error| Error::bad("filter", format!("This is not JSON: {error}")))?;
        if !json.is_object() {
            return Err(Error::bad("filter", "A DialogueFilter is a JSON object"));
        }
        let value = Value::from_json(json).map_err(Error::internal)?;
        let fields = known(&value, &Self::default().to_value(), "filter")?;
        for (field, value) in fields {
            let path = format!("filter.{field}");
            let alone = Value::Object([(field.clone(), value.clone())].into_iter().collect());
            Self::parse(Some(alone)).map_err(|error| {
                let words = error.into_server_error(Pos::default()).message;
                Error::bad(&path, format!("This is no value of `{field}`: {words}"))
            })?;
            // The only objects there are.
            if matches!(value, Value::Object(_)) {
                known(value, &DateTimeRange::default().to_value(), &path)?;
            }
        }
        let filter = Self::parse(Some(value)).map_err(|error| {
            let words = error.into_server_error(Pos::default()).message;
            Error::bad("filter", words)
        })?;
        Ok(filter.into())
    }
}

/// The fields of an object, where another has all of them.
fn known<'a>(value: &'a Value, all: &Value, path: &str) -> Result<&'a Fields> {
    let (Value::Object(fields), Value::Object(all)) = (value, all) else {
        return Err(Error::bad(path, "This is a JSON object"));
    };
    match fields.keys().find(|field| !all.contains_key(*field)) {
        Some(field) => Err(Error::bad(format!("{path}.{field}"), format!("There is no field `{field}`"))),
        None => Ok(fields),
    }
}

type Fields = async_graphql::indexmap::IndexMap<async_graphql::Name, Value>;

impl From<DateTimeRange> for list::Range {
    fn from(range: DateTimeRange) -> Self {
        Self { from: range.from.map(|at| at.0), to: range.to.map(|at| at.0) }
    }
}

impl From<DialogueFilter> for list::DialogueFilter {
    fn from(filter: DialogueFilter) -> Self {
        // What is no id of this kind is like that of nothing: it is not left out, so that all of a list is looked for and counted.
        fn all<I: Id>(ids: Option<Vec<ID>>) -> Option<Vec<I>> {
            ids.map(|ids| ids.iter().map(|id| parse(id).unwrap_or_else(|| I::from_uuid(Uuid::nil()))).collect())
        }
        Self {
            group: filter.group.map(Into::into),
            state: filter.state.map(Into::into),
            text: filter.text,
            dialogues: all(filter.dialogue_ids),
            channels: all(filter.channel_ids),
            kinds: filter.channel_kinds.map(|kinds| kinds.into_iter().map(Into::into).collect()),
            clients: all(filter.client_ids),
            responsibles: all(filter.responsible_ids),
            observers: all(filter.observer_ids),
            tags: all(filter.tag_ids),
            contractors: all(filter.contractor_ids),
            deals: all(filter.deal_ids),
            projects: all(filter.project_ids),
            tasks: all(filter.task_ids),
            opened_at: filter.opened_at.map(Into::into),
            closed_at: filter.closed_at.map(Into::into),
            last_activity_at: filter.last_activity_at.map(Into::into),
            unread_only: filter.unread_only.unwrap_or_default(),
        }
    }
}

/// All that is given has to hold. ACCESS_* events of no dialogue pass every filter of dialogues, channels and cards
#[derive(Clone, Debug, Default, InputObject)]
pub struct EventFilter {
    /// Only these kinds; ACCESS_* only where they are named
    kinds: Option<Vec<EventKind>>,
    /// Only comments that mention the viewer
    mentioning_me: Option<bool>,
    /// Of one of these dialogues
    dialogue_ids: Option<Vec<ID>>,
    /// Of one of these channels
    channel_ids: Option<Vec<ID>>,
    /// About one of these deals
    deal_ids: Option<Vec<ID>>,
    /// About one of these projects
    project_ids: Option<Vec<ID>>,
    /// About one of these tasks
    task_ids: Option<Vec<ID>>,
    /// About one of these contractors
    contractor_ids: Option<Vec<ID>>,
}

impl EventFilter {
    /// As the log takes it.
    pub async fn read(filter: Option<Self>, ctx: &Context<'_>) -> Result<log::Filter> {
        fn bare<I: Id>(ids: &[ID]) -> Vec<Uuid> {
            parse_all::<I>(ids).into_iter().map(Id::uuid).collect()
        }
        let filter = filter.unwrap_or_default();
        let contractors = match filter.contractor_ids {
            None => None,
            Some(ids) => {
                // What is about one is about those that it is one with by now.
                let merged = contractors::merged_with(ctx.app()?.db.read(), &parse_all(&ids)).await?;
                Some(merged.into_values().flatten().map(Id::uuid).collect::<Vec<_>>())
            }
        };
        // In one order, so that those who ask for the same share what it costs.
        let ordered = |mut subjects: Vec<Uuid>| {
            subjects.sort_unstable();
            subjects.dedup();
            subjects
        };
        let subjects = [
            filter.deal_ids.map(|ids| bare::<colloquy_entity::DealId>(&ids)),
            filter.project_ids.map(|ids| bare::<colloquy_entity::ProjectId>(&ids)),
            filter.task_ids.map(|ids| bare::<colloquy_entity::TaskId>(&ids)),
            contractors,
        ];
        Ok(log::Filter {
            kinds: filter.kinds.map(|kinds| kinds.into_iter().map(Into::into).collect()),
            mentioning: filter.mentioning_me.unwrap_or_default().then_some(ctx.viewer()?.id),
            dialogues: filter.dialogue_ids.map(|ids| parse_all(&ids)),
            channels: filter.channel_ids.map(|ids| parse_all(&ids)),
            subjects: subjects.into_iter().flatten().map(ordered).collect(),
        })
    }
}
