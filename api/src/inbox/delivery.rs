//! Delivery: queued messages to the messenger, in order within each dialogue, as fast as the messenger allows.
//!
//! The database is the queue: a crash loses nothing. A message is claimed by counting the try before it is made.

use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use colloquy_entity::*;
use sea_orm::sea_query::{Alias, Expr, ExprTrait, Query};
use sea_orm::{ActiveValue::Set, ColumnTrait, EntityTrait, QueryFilter, QueryOrder, QuerySelect};
use tokio::sync::Notify;
use tokio_util::sync::CancellationToken;

use crate::app::App;
use crate::db;
use crate::error::{Error, Result};
use crate::log::{Actor, Event, Kind};
use crate::messenger::{Fault, Messenger, Outgoing, Sent};
use crate::metrics::Of;

use super::health::{self, Proof};
use super::pace::Pace;
use super::{credentials, dialogues, files, messages, receipts, receive};

mod busy;
mod change;

pub use busy::Sending;

/// Tries of one message; after the last it has FAILED.
const TRIES: i32 = 10;
/// A channel whose token is not accepted rests for so many first waits.
const BROKEN: u32 = 4;
/// Dialogues of one channel that are sent to at a time.
const AT_ONCE: usize = 16;

/// Sends until stopped. What is under way at a stop is finished.
pub(super) async fn run(app: Arc<App>, channel: channel::Model, stop: CancellationToken) {
    let sender = match credentials::messenger(&app, &channel) {
        Ok(messenger) => Arc::new(Sender::new(Arc::clone(&app), &channel, messenger)),
        Err(error) => return tracing::error!(channel = %channel.id, ?error, "the channel cannot send"),
    };
    let mut arrivals = app.log.arrivals();
    let mut look = tokio::time::interval(app.config.pace.look);
    look.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
    loop {
        tokio::select! {
            () = stop.cancelled() => return,
            _ = look.tick() => {}
            () = sender.wake.notified() => {}
            arrived = arrivals.recv() => {
                // A receiver that was too slow may have missed one of ours.
                if arrived.is_ok_and(|batch| !batch.iter().any(|event| concerns(event, channel.id))) {
                    continue;
                }
            }
        }
        if let Err(error) = sender.begin(&stop).await {
            tracing::warn!(channel = %channel.id, %error, "messages cannot be sent just now");
        }
    }
}

fn concerns(event: &Event, channel: ChannelId) -> bool {
    let queued = match event.kind {
        Kind::MessageAdded => !matches!(event.actor, Some(Actor::Client(_))),
        Kind::MessageEdited | Kind::MessageDeleted => matches!(event.actor, Some(Actor::User(_))),
        _ => event.detail.delivery == Some(DeliveryStatus::Queued),
    };
    queued && event.channel == Some(channel)
}

struct Sender {
    app: Arc<App>,
    channel: ChannelId,
    messenger: Arc<dyn Messenger>,
    /// Something may be due.
    wake: Arc<Notify>,
    pace: Mutex<Pace>,
}

impl Sender {
    fn new(app: Arc<App>, channel: &channel::Model, messenger: Arc<dyn Messenger>) -> Self {
        let pace = Mutex::new(Pace::new(&app, &*messenger));
        Self { app, channel: channel.id, messenger, wake: Arc::new(Notify::new()), pace }
    }

    /// Begins with every dialogue whose first queued message is due, as many as there are free places.
    async fn begin(self: &Arc<Self>, stop: &CancellationToken) -> Result<()> {
        let busy = self.app.sending.of(self.channel);
        let free = AT_ONCE.saturating_sub(busy.len());
        if free == 0 {
            return Ok(());
        }
        let messages = self.due(busy.clone(), free as u64).await?.into_iter().map(Box::new).map(Due::Message);
        let changes = self.due_changes(busy, free as u64).await?.into_iter().map(Due::Change);
        for due in messages.chain(changes).take(free) {
            let dialogue = due.dialogue();
            let Some(place) = self.app.sending.begin(self.channel, dialogue) else { continue };
            let (this, stop) = (Arc::clone(self), stop.clone());
            self.app.tasks.spawn(async move {
                let done = match due {
                    Due::Message(message) => this.deliver(*message, &stop).await,
                    Due::Change(change) => this.tell(change, &stop).await,
                };
                drop(place);
                match done {
                    Ok(()) => this.wake.notify_one(),
                    // The look comes back to it.
                    Err(error) => tracing::warn!(%dialogue, %error, "a message could not be sent just now"),
                }
            });
        }
        Ok(())
    }

    /// The first queued message of each dialogue, where it is due: later ones wait for it.
    async fn due(&self, busy: Vec<DialogueId>, most: u64) -> Result<Vec<message::Model>> {
        let earlier = Alias::new("earlier");
        let col = |column: message::Column| Expr::col((earlier.clone(), column));
        let before = Query::select()
            .expr(Expr::cust("1"))
            .from_as(message::Entity, earlier.clone())
            .and_where(col(message::Column::DialogueId).equals((message::Entity, message::Column::DialogueId)))
            .and_where(col(message::Column::DeliveryStatus).eq(Expr::cust("'QUEUED'")))
            .and_where(col(message::Column::Ordinal).lt(Expr::col((message::Entity, message::Column::Ordinal))))
            .take();
        Ok(message::Entity::find()
            .filter(message::Column::ChannelId.eq(self.channel))
            .filter(Expr::col((message::Entity, message::Column::DeliveryStatus)).eq(Expr::cust("'QUEUED'")))
            .filter(message::Column::NextAttemptAt.lte(Time::now()))
            .filter(message::Column::DialogueId.is_not_in(busy))
            .filter(Expr::exists(before).not())
            .filter(Expr::exists(change::before_message()).not())
            .order_by_asc(message::Column::NextAttemptAt)
            .limit(most)
            .all(self.app.db.read())
            .await?)
    }

    async fn deliver(&self, message: message::Model, stop: &CancellationToken) -> Result<()> {
        let wait = lock(&self.pace).reserve_chat(message.dialogue_id, Instant::now());
        if stop.run_until_cancelled(tokio::time::sleep(wait)).await.is_none() {
            return Ok(());
        }
        // Counted before it is made: a try that ends with the process was one.
        if !self.count(&message, message.attempts, message.attempts + 1).await? {
            return Ok(());
        }
        let mut outgoing = self.outgoing(&message).await?;
        if stop.run_until_cancelled(self.turn()).await.is_none() {
            self.count(&message, message.attempts + 1, message.attempts).await?;
            return Ok(());
        }
        // As it is now: while it waited it could be changed, or deleted.
        let now = message::Entity::find_by_id(message.id).one(self.app.db.read()).await?;
        let Some(now) = now.filter(|now| now.delivery_status == Some(DeliveryStatus::Queued)) else { return Ok(()) };
        let mut sent = Sent { external_ids: taken(&message)? };
        // What was begun goes on as it began: a change of it is told when all of it is there.
        let begun =
            if sent.external_ids.is_empty() { None } else { change::former_text(&self.app, message.id).await? };
        outgoing.text = begun.unwrap_or(now.text);
        let before = sent.clone();
        let mut outcome = self.messenger.send(&outgoing, &mut sent).await;
        if outcome.is_ok() && sent == before && !before.external_ids.is_empty() {
            // There was nothing left to send: all of it was taken before, did not arrive after all, and is to go anew.
            let mut anew = Sent::default();
            outcome = self.messenger.send(&outgoing, &mut anew).await;
            sent = if anew.external_ids.is_empty() { before } else { anew };
        }
        self.settle(&message, &outcome, &sent).await
    }

    /// Records what became of a try. The messenger has answered, and would not know it again: a database that is away is waited
    /// for, so that nothing goes twice.
    async fn settle(
        &self,
        message: &message::Model,
        outcome: &std::result::Result<(), Fault>,
        sent: &Sent,
    ) -> Result<()> {
        if let Err(error) = self.note_health(outcome).await {
            tracing::warn!(channel = %self.channel, %error, "the channel's state could not be noted");
        }
        while let Err(error) = self.record(message, outcome, sent).await {
            let passes = matches!(error, Error::Away(_)) || db::is_transient(&error);
            if !passes || self.app.stop.is_cancelled() {
                return Err(error);
            }
            tracing::warn!(message = %message.id, %error, "what became of a message is noted as soon as that can be");
            tokio::time::sleep(self.app.config.pace.retry).await;
        }
        Ok(())
    }

    async fn outgoing(&self, message: &message::Model) -> Result<Outgoing> {
        let db = self.app.db.read();
        let dialogue = dialogue::Entity::find_by_id(message.dialogue_id).one(db).await?;
        let client = match dialogue {
            Some(dialogue) => client::Entity::find_by_id(dialogue.client_id).one(db).await?,
            None => None,
        };
        let reply_to = match message.reply_to_id {
            Some(id) => message::Entity::find_by_id(id).one(db).await?.and_then(|message| message.external_id),
            None => None,
        };
        Ok(Outgoing {
            to: client.map(|client| client.external_id).unwrap_or_default(),
            text: message.text.clone(),
            reply_to,
            files: files::outgoing(&self.app, message.id).await?,
            sender: self.sender().await?,
            repeat_key: repeat_key(message.id),
        })
    }

    /// Who speaks, where the messenger shows a name for each message: the channel as it is called now.
    async fn sender(&self) -> Result<String> {
        if self.messenger.kind() != ChannelKind::Viber {
            return Ok(String::new());
        }
        let channel = channel::Entity::find_by_id(self.channel).one(self.app.db.read()).await?;
        Ok(channel.map(|channel| channel.name).unwrap_or_default())
    }

    /// Notes how many tries there were; whether the message is still to be sent.
    async fn count(&self, message: &message::Model, from: i32, attempts: i32) -> Result<bool> {
        let counted = message::ActiveModel { attempts: Set(attempts), ..Default::default() };
        let update = message::Entity::update_many()
            .set(counted)
            .filter(message::Column::Id.eq(message.id))
            // Of two processes that both think that they have the lease, one counts.
            .filter(message::Column::Attempts.eq(from))
            .filter(Expr::col((message::Entity, message::Column::DeliveryStatus)).eq(Expr::cust("'QUEUED'")))
            .exec(self.app.db.write())
            .await?;
        Ok(update.rows_affected > 0)
    }

    /// Waits until the messenger's limits let the channel's next message go. The last thing before it goes: whatever
    /// took its time after this would let several go at once.
    async fn turn(&self) {
        loop {
            let wait = lock(&self.pace).reserve(Instant::now());
            tokio::time::sleep(wait).await;
            if !lock(&self.pace).is_paused(Instant::now()) {
                return;
            }
        }
    }

    /// With the dialogue locked: nobody waits for the messenger any more.
    async fn record(
        &self,
        message: &message::Model,
        outcome: &std::result::Result<(), Fault>,
        sent: &Sent,
    ) -> Result<()> {
        let app = &self.app;
        let attempts = message.attempts + 1;
        let kind = self.messenger.kind().as_str().to_lowercase();
        let count = |what: &str| app.metrics.outbound.get_or_create(&Of::new(&kind, what)).inc();
        let mut tx = app.begin().await?;
        let Some(mut dialogue) = dialogues::lock(&tx, message.dialogue_id).await? else { return Ok(()) };
        let Some(mut row) = message::Entity::find_by_id(message.id).one(&*tx).await? else { return Ok(()) };
        let ids = sent.external_ids.clone();
        let mut taken = ids.iter().cloned();
        row.external_id = taken.next().or(row.external_id);
        let is_cut_off = !ids.is_empty() && outcome.as_ref().is_err_and(|fault| is_last(fault, attempts));
        // Also of one whose rest was never taken: it is several, of which these are all.
        row.more_external_ids = (taken.len() > 0 || is_cut_off).then(|| taken.collect());
        let mut unreachable = false;
        let mut failure = None;
        let status = match outcome {
            Ok(()) => {
                count("sent");
                Some(DeliveryStatus::Sent)
            }
            Err(Fault::Final { words, unreachable: gone }) => {
                count("failed");
                failure = Some(words.clone());
                unreachable = *gone;
                Some(DeliveryStatus::Failed)
            }
            Err(fault) if attempts >= TRIES => {
                count("failed");
                failure = Some(format!("{} (after {attempts} tries)", fault.words()));
                Some(DeliveryStatus::Failed)
            }
            Err(fault) => {
                count("again");
                row.next_attempt_at = Some(self.again_later(row.id, attempts, fault, tx.now()));
                None
            }
        };
        if let Some(status) = status {
            // A receipt may have been here first: a status only moves forward.
            receipts::forward(&mut tx, &dialogue, &mut row, status, failure);
        }
        if row.delivery_status != Some(DeliveryStatus::Queued) {
            receipts::take_early(&mut tx, self.messenger.kind(), &dialogue, &mut row, &ids).await?;
        }
        messages::store(&tx, &row).await?;
        if unreachable && dialogue.is_reachable {
            dialogue.is_reachable = false;
            let changed = receive::changed(&tx, dialogue.client_id, None, &dialogue).await?;
            tx.emit(changed);
            dialogues::store(&tx, &dialogue).await?;
        }
        tx.commit().await
    }

    /// When to try again: growing waits, and not before the messenger says.
    fn again_later(&self, message: MessageId, attempts: i32, fault: &Fault, now: Time) -> Time {
        let asked = match fault {
            Fault::Passing { retry_after, .. } => retry_after.unwrap_or_default(),
            _ => Duration::ZERO,
        };
        let doubled = self.app.config.pace.retry * 2u32.saturating_pow(attempts.unsigned_abs().saturating_sub(1));
        let wait = doubled.max(asked);
        tracing::info!(%message, words = fault.words(), ?wait, "a message is tried again");
        let wake = Arc::clone(&self.wake);
        self.app.tasks.spawn(self.app.stop.clone().run_until_cancelled_owned(async move {
            tokio::time::sleep(wait).await;
            wake.notify_one();
        }));
        now.plus(i64::try_from(wait.as_millis()).unwrap_or(i64::MAX))
    }

    /// What a try tells of the channel: that it works, that it does not, that it is to wait.
    async fn note_health(&self, outcome: &std::result::Result<(), Fault>) -> Result<()> {
        match outcome {
            Ok(()) => health::well(&self.app, self.channel, Proof::Sent).await?,
            Err(Fault::Broken { words }) => {
                health::set(&self.app, self.channel, Some(words)).await?;
                // Nothing goes well until somebody mends it: it is not to be tried with every dialogue at once.
                lock(&self.pace).pause(Instant::now() + self.app.config.pace.retry * BROKEN);
            }
            Err(Fault::Passing { retry_after: Some(wait), whole_channel: true, .. }) => {
                lock(&self.pace).pause(Instant::now() + *wait);
            }
            Err(_) => {}
        }
        Ok(())
    }
}

/// What is first to be done in a dialogue.
enum Due {
    // As large as the other is not.
    Message(Box<message::Model>),
    Change(message_change::Model),
}

impl Due {
    fn dialogue(&self) -> DialogueId {
        match self {
            Self::Message(message) => message.dialogue_id,
            Self::Change(change) => change.dialogue_id,
        }
    }
}

/// Whether a message is given up after this fault.
fn is_last(fault: &Fault, attempts: i32) -> bool {
    matches!(fault, Fault::Final { .. }) || attempts >= TRIES
}

/// The key against a repeat: the same at each try, by the message's id, and never 0.
pub(super) fn repeat_key(id: MessageId) -> i32 {
    let [.., a, b, c, d] = id.0.into_bytes();
    match i32::from_be_bytes([a & 0x7f, b, c, d]) {
        0 => 1,
        key => key,
    }
}

/// What the messenger took of a message in earlier tries.
fn taken(message: &message::Model) -> Result<Vec<String>> {
    let more: Option<Vec<String>> = message.more_external_ids.clone().map(serde_json::from_value).transpose()?;
    Ok(message.external_id.clone().into_iter().chain(more.unwrap_or_default()).collect())
}

fn lock<T>(mutex: &Mutex<T>) -> std::sync::MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(std::sync::PoisonError::into_inner)
}
