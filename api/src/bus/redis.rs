//! The bus of several processes: Redis pub/sub on one channel of the installation.
//!
//! Two tasks own the connections and make them anew, however often Redis goes away. What is published meanwhile is
//! dropped: the log's followers find it in the database. The one that listens finds the place, and the other speaks there.

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use futures_util::StreamExt;
use redis::Client;
use tokio::sync::{broadcast, mpsc, oneshot, watch};
use tokio::time::{sleep, timeout};
use tokio_util::sync::CancellationToken;

use super::nodes::{self, Nodes, PATIENCE};
use super::{Bus, Topic, Word};

/// Between two attempts to reach Redis.
const PAUSE: Duration = Duration::from_millis(250);
/// Words on their way to Redis; more than that is dropped.
const QUEUE: usize = 4096;

/// Redis pub/sub.
pub struct RedisBus {
    /// Where words are heard and said.
    place: watch::Receiver<Client>,
    outgoing: mpsc::Sender<Word>,
    words: broadcast::Sender<Word>,
}

impl RedisBus {
    /// Connects, and answers why not where Redis cannot be reached now; later on it comes back by itself.
    ///
    /// `installation` keeps two installations on one Redis apart. Words of this process do not come back to it.
    pub async fn connect(url: &str, installation: &str, stop: CancellationToken) -> Result<Self, String> {
        let mut nodes = Nodes::parse(url)?;
        let (found, place) = watch::channel(nodes.find().await?);
        let channel = format!("colloquy:{installation}");
        let me = uuid::Uuid::new_v4().simple().to_string();
        let (outgoing, queue) = mpsc::channel(QUEUE);
        let words = broadcast::channel(QUEUE).0;
        tokio::spawn(stop.clone().run_until_cancelled_owned(speak(place.clone(), channel.clone(), me.clone(), queue)));
        let (ready, listening) = oneshot::channel();
        let ear = Ear { nodes, place: found, channel, me, words: words.clone(), ready: Some(ready), away: false };
        tokio::spawn(stop.run_until_cancelled_owned(ear.hear()));
        // Ready means listening: what another process says from now on is heard.
        timeout(PATIENCE, listening).await.map_err(|_| "no answer to SUBSCRIBE")?.map_err(|_| "stopping")?;
        Ok(Self { place, outgoing, words })
    }
}

async fn speak(mut place: watch::Receiver<Client>, channel: String, me: String, mut queue: mpsc::Receiver<Word>) {
    let mut connection = None;
    while let Some(word) = queue.recv().await {
        // A master of yesterday may still take words, and nobody hears them there.
        if place.has_changed().unwrap_or(false) {
            connection = None;
        }
        if connection.is_none() {
            let client = place.borrow_and_update().clone();
            match timeout(PATIENCE, client.get_multiplexed_async_connection()).await {
                Ok(Ok(made)) => connection = Some(made),
                Ok(Err(error)) => tracing::debug!(%error, "Redis is away: a word is dropped"),
                Err(_) => tracing::debug!("Redis does not answer: a word is dropped"),
            }
        }
        let Some(open) = connection.as_mut() else { continue };
        let message = format!("{me} {} {}", word.topic.name(), word.body);
        let mut command = redis::cmd("PUBLISH");
        command.arg(&channel).arg(message);
        if !matches!(timeout(PATIENCE, command.query_async::<i64>(open)).await, Ok(Ok(_))) {
            tracing::debug!("Redis is away: a word is dropped");
            connection = None;
        }
    }
}

/// The task that listens.
struct Ear {
    nodes: Nodes,
    /// Told to all who are to be where it is.
    place: watch::Sender<Client>,
    channel: String,
    me: String,
    words: broadcast::Sender<Word>,
    /// Told once it listens for the first time.
    ready: Option<oneshot::Sender<()>>,
    /// Since the last time that it listened.
    away: bool,
}

impl Ear {
    async fn hear(mut self) {
        loop {
            match self.listen().await {
                Ok(reason) => tracing::info!("{reason}"),
                Err(error) => self.tell_once(&error),
            }
            self.away = true;
            loop {
                sleep(PAUSE).await;
                match self.nodes.find().await {
                    Ok(client) => break drop(self.place.send_replace(client)),
                    Err(error) => self.tell_once(&error),
                }
            }
        }
    }

    fn tell_once(&self, error: &str) {
        if !self.away {
            tracing::warn!(%error, "Redis is away: events come a little later until it is back");
        }
    }

    /// Listens at the place that was found last, until it ends or is to be left; says which.
    async fn listen(&mut self) -> Result<&'static str, String> {
        let here = self.place.borrow().clone();
        let opened = timeout(PATIENCE, here.get_async_pubsub()).await.map_err(|_| "no answer")?;
        let (mut sink, mut stream) = opened.map_err(|error| error.to_string())?.split();
        let subscribed =
            timeout(PATIENCE, sink.subscribe(&self.channel)).await.map_err(|_| "no answer to SUBSCRIBE")?;
        subscribed.map_err(|error| error.to_string())?;
        if let Some(ready) = self.ready.take() {
            let _ = ready.send(());
        }
        if std::mem::take(&mut self.away) {
            tracing::info!(at = nodes::address(&here), "Redis is back");
        }
        let mut look = tokio::time::interval(PATIENCE);
        // Goes on beside the words: sentinels that hang do not hold them up.
        let mut moved = std::pin::pin!(self.nodes.moved_from(&here));
        loop {
            tokio::select! {
                message = stream.next() => {
                    let Some(message) = message else { return Ok("Redis ended the connection") };
                    let Ok(text) = std::str::from_utf8(message.get_payload_bytes()) else { continue };
                    if let Some(word) = read(text, &self.me) {
                        let _ = self.words.send(word);
                    }
                }
                _ = look.tick() => {
                    // A connection that went silent without an end is found by this.
                    let answered =
                        timeout(PATIENCE, sink.ping::<redis::Value>()).await.map_err(|_| "no answer to PING")?;
                    answered.map_err(|error| error.to_string())?;
                }
                () = &mut moved => return Ok("the sentinels name another master"),
            }
        }
    }
}

/// `process topic body`; nothing for our own words and for what a newer version may say.
fn read(text: &str, me: &str) -> Option<Word> {
    let (process, rest) = text.split_once(' ')?;
    let (topic, body) = rest.split_once(' ')?;
    if process == me {
        return None;
    }
    Some(Word { topic: Topic::parse(topic)?, body: Arc::from(body) })
}

#[async_trait]
impl Bus for RedisBus {
    fn publish(&self, word: Word) {
        // What happens here is heard here without Redis. Events are not even said: the log has them from their commit.
        if word.topic != Topic::Log {
            let _ = self.words.send(word.clone());
        }
        if self.outgoing.try_send(word).is_err() {
            tracing::debug!("the queue to Redis is full: a word is dropped");
        }
    }

    fn listen(&self) -> broadcast::Receiver<Word> {
        self.words.subscribe()
    }

    fn reaches_others(&self) -> bool {
        true
    }

    async fn check(&self) -> Result<(), String> {
        // Only for as long as it takes to read it: the guard is not held while Redis is asked.
        let here = self.place.borrow().clone();
        nodes::ping(&here).await
    }
}
