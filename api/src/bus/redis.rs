//! The bus of several processes: Redis pub/sub on one channel of the installation.
//!
//! Two tasks own the connections and make them anew, however often Redis goes away. What is published meanwhile is
//! dropped: the log's followers find it in the database.

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use futures_util::StreamExt;
use tokio::sync::{broadcast, mpsc};
use tokio::time::timeout;
use tokio_util::sync::CancellationToken;

use super::{Bus, Topic, Word};

/// No answer for so long means that Redis is away.
const PATIENCE: Duration = Duration::from_secs(1);
/// Between two attempts to reach Redis, and between two looks whether it is still there.
const PAUSE: Duration = Duration::from_millis(250);
/// Words on their way to Redis; more than that is dropped.
const QUEUE: usize = 4096;

/// Redis pub/sub.
pub struct RedisBus {
    client: redis::Client,
    outgoing: mpsc::Sender<Word>,
    words: broadcast::Sender<Word>,
}

impl RedisBus {
    /// Connects, and answers why not where Redis cannot be reached now; later on it comes back by itself.
    ///
    /// `installation` keeps two installations on one Redis apart. Words of this process do not come back to it.
    pub async fn connect(url: &str, installation: &str, stop: CancellationToken) -> Result<Self, String> {
        let client = redis::Client::open(url).map_err(|error| error.to_string())?;
        ping(&client).await?;
        let channel = format!("colloquy:{installation}");
        let me = uuid::Uuid::new_v4().simple().to_string();
        let (outgoing, queue) = mpsc::channel(QUEUE);
        let words = broadcast::channel(QUEUE).0;
        tokio::spawn(stop.clone().run_until_cancelled_owned(speak(client.clone(), channel.clone(), me.clone(), queue)));
        let (ready, listening) = tokio::sync::oneshot::channel();
        tokio::spawn(stop.run_until_cancelled_owned(hear(client.clone(), channel, me, words.clone(), ready)));
        // Ready means listening: what another process says from now on is heard.
        timeout(PATIENCE, listening).await.map_err(|_| "no answer to SUBSCRIBE")?.map_err(|_| "stopping")?;
        Ok(Self { client, outgoing, words })
    }
}

async fn ping(client: &redis::Client) -> Result<(), String> {
    let look = async {
        let mut connection = client.get_multiplexed_async_connection().await?;
        redis::cmd("PING").query_async::<String>(&mut connection).await
    };
    match timeout(PATIENCE, look).await {
        Ok(Ok(_)) => Ok(()),
        Ok(Err(error)) => Err(error.to_string()),
        Err(_) => Err("no answer within a second".into()),
    }
}

async fn speak(client: redis::Client, channel: String, me: String, mut queue: mpsc::Receiver<Word>) {
    let mut connection = None;
    while let Some(word) = queue.recv().await {
        if connection.is_none() {
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

async fn hear(
    client: redis::Client,
    channel: String,
    me: String,
    words: broadcast::Sender<Word>,
    ready: tokio::sync::oneshot::Sender<()>,
) {
    let mut ready = Some(ready);
    let mut away = false;
    loop {
        match listen(&client, &channel, &me, &words, &mut ready, &mut away).await {
            Ok(()) => tracing::info!("Redis ended the connection"),
            Err(error) if !away => tracing::warn!(%error, "Redis is away: events come a little later until it is back"),
            Err(_) => {}
        }
        away = true;
        tokio::time::sleep(PAUSE).await;
    }
}

async fn listen(
    client: &redis::Client,
    channel: &str,
    me: &str,
    words: &broadcast::Sender<Word>,
    ready: &mut Option<tokio::sync::oneshot::Sender<()>>,
    away: &mut bool,
) -> Result<(), String> {
    let opened = timeout(PATIENCE, client.get_async_pubsub()).await.map_err(|_| "no answer")?;
    let (mut sink, mut stream) = opened.map_err(|error| error.to_string())?.split();
    let subscribed = timeout(PATIENCE, sink.subscribe(channel)).await.map_err(|_| "no answer to SUBSCRIBE")?;
    subscribed.map_err(|error| error.to_string())?;
    if let Some(ready) = ready.take() {
        let _ = ready.send(());
    }
    if std::mem::take(away) {
        tracing::info!("Redis is back");
    }
    let mut look = tokio::time::interval(PATIENCE);
    loop {
        tokio::select! {
            message = stream.next() => {
                let Some(message) = message else { return Ok(()) };
                let Ok(text) = std::str::from_utf8(message.get_payload_bytes()) else { continue };
                if let Some(word) = read(text, me) {
                    let _ = words.send(word);
                }
            }
            _ = look.tick() => {
                // A connection that went silent without an end is found by this.
                let answered = timeout(PATIENCE, sink.ping::<redis::Value>()).await.map_err(|_| "no answer to PING")?;
                answered.map_err(|error| error.to_string())?;
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
        ping(&self.client).await
    }
}
