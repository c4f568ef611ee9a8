//! What every function gets: made once, the same in tests.

use std::net::SocketAddr;
use std::path::Path;
use std::sync::{Arc, OnceLock};

use colloquy_entity::setting;
use object_store::ObjectStore;
use sea_orm::{ActiveValue::Set, EntityTrait, sea_query::OnConflict};
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use crate::bus::{Bus, LocalBus, RedisBus};
use crate::config::{self, Config, Database};
use crate::db::{Db, Tx};
use crate::error::Result;
use crate::inbox::chat;
use crate::inbox::delivery::Sending;
use crate::inbox::files::Underway;
use crate::inbox::reading::Before;
use crate::inbox::sessions::Failures;
use crate::inbox::tally::Tally;
use crate::log::Log;
use crate::messenger::{self, Web};
use crate::metrics::Metrics;
use crate::secrets::{Secrets, hex, random};

mod store;

/// The parts that everything works with.
pub struct App {
    /// The settings.
    pub config: Config,
    /// For reading; what changes something goes through [`App::begin`].
    pub db: Db,
    /// The event log.
    pub log: Arc<Log>,
    /// Word between processes.
    pub bus: Arc<dyn Bus>,
    /// Passwords, tokens, channel credentials.
    pub secrets: Secrets,
    /// Where files are kept.
    pub store: Arc<dyn ObjectStore>,
    /// For talking to messengers.
    pub http: reqwest::Client,
    /// For fetching from where a message from outside says.
    pub web: Web,
    /// Uploads and pictures that are worked on.
    pub underway: Underway,
    /// Dialogues to which this process sends just now.
    pub sending: Arc<Sending>,
    /// What is remembered of the visitors of websites' chats.
    pub chat: chat::Memory,
    /// Failed sign-ins of late.
    pub failures: Failures,
    /// What was written before employees were hired.
    pub before: Before,
    /// The counters of those who follow them.
    pub tally: Tally,
    /// Numbers for Prometheus.
    pub metrics: Metrics,
    /// Cancelled when the process is to stop.
    pub stop: CancellationToken,
    /// Where it listens, once it does.
    pub address: OnceLock<SocketAddr>,
    /// Work that a stop waits for.
    pub tasks: TaskTracker,
}

impl App {
    /// Connects to everything, migrates and opens the log; the words of an error name the setting that is wrong.
    pub async fn start(config: Config) -> std::result::Result<Arc<Self>, String> {
        let secrets = Secrets::new(&secret_key(&config)?).map_err(|error| error.to_string())?;
        let store = store::open(&config).await?;
        let mut db = Db::connect(&config.database).await.map_err(|error| format!("DATABASE_URL: {error}"))?;
        let metrics = Metrics::new();
        db.count_statements(&metrics.statements);
        db.migrate().await.map_err(|error| format!("DATABASE_URL: migrating failed: {error}"))?;
        let stop = CancellationToken::new();
        let bus: Arc<dyn Bus> = match &config.redis_url {
            None => Arc::new(LocalBus::new()),
            Some(url) => {
                let installation = installation(&db).await.map_err(|error| format!("DATABASE_URL: {error:?}"))?;
                let bus = RedisBus::connect(url, &installation, stop.clone()).await;
                Arc::new(bus.map_err(|error| format!("REDIS_URL: Redis cannot be reached: {error}"))?)
            }
        };
        let (log, offered) = Log::new(db.clone(), Arc::clone(&bus));
        let log = Arc::new(log);
        log.open().await.map_err(|error| format!("DATABASE_URL: {error:?}"))?;
        let tasks = TaskTracker::new();
        tasks.spawn(Arc::clone(&log).run(offered, config.pace.look, stop.clone()));
        let http = messenger::http_client().map_err(|error| error.to_string())?;
        let trusted = [&config.telegram_api_url, &config.vk_api_url, &config.viber_api_url];
        let web = Web::new(&trusted.map(String::as_str)).map_err(|error| error.to_string())?;
        Ok(Arc::new(Self {
            config,
            db,
            log,
            bus,
            secrets,
            store,
            http,
            web,
            underway: Underway::default(),
            sending: Arc::default(),
            chat: chat::Memory::default(),
            failures: Failures::default(),
            before: Before::default(),
            tally: Tally::default(),
            metrics,
            stop,
            address: OnceLock::new(),
            tasks,
        }))
    }

    /// How the outside reaches us, as far as we know: without a slash at the end.
    pub fn base_url(&self) -> String {
        match (&self.config.public_url, self.address.get()) {
            (Some(url), _) => url.clone(),
            (None, Some(address)) => format!("http://{address}"),
            (None, None) => format!("http://{}", self.config.listen),
        }
    }

    /// Begins a change.
    pub async fn begin(&self) -> Result<Tx<'_>> {
        Tx::begin(&self.log).await
    }
}

/// Tells this installation from others that share a Redis.
async fn installation(db: &Db) -> Result<String> {
    let made = setting::ActiveModel { name: Set("installation".into()), value: Set(hex(&random::<16>()?)) };
    setting::Entity::insert(made)
        .on_conflict(OnConflict::column(setting::Column::Name).do_nothing().to_owned())
        .exec_without_returning(db.write())
        .await?;
    let row = setting::Entity::find_by_id("installation".to_owned()).one(db.read()).await?;
    Ok(row.map(|row| row.value).unwrap_or_default())
}

/// From the settings, or from the file beside the SQLite database, which the first start makes.
fn secret_key(config: &Config) -> std::result::Result<[u8; 32], String> {
    if let Some(key) = config.secret_key {
        return Ok(key);
    }
    let Database::Sqlite(database) = &config.database else {
        return Err("SECRET_KEY is required with PostgreSQL".into());
    };
    let folder = database.parent().unwrap_or(Path::new(""));
    let file = folder.join("secret.key");
    let read =
        |text: String| config::parse_key(text.trim()).ok_or(format!("SECRET_KEY: {} holds no key", file.display()));
    match std::fs::read_to_string(&file) {
        Ok(text) => read(text),
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => {
            let key = random::<32>().map_err(|error| error.to_string())?;
            make(&file, &hex(&key)).map_err(|error| format!("SECRET_KEY: {}: {error}", file.display()))?;
            // Of two that start at once, one made the file; both take what it holds.
            read(std::fs::read_to_string(&file).map_err(|error| format!("SECRET_KEY: {error}"))?)
        }
        Err(error) => Err(format!("SECRET_KEY: {}: {error}", file.display())),
    }
}

/// Readable by its owner only.
fn make(file: &Path, text: &str) -> std::io::Result<()> {
    use std::io::Write;
    use std::os::unix::fs::OpenOptionsExt;
    if let Some(folder) = file.parent() {
        std::fs::create_dir_all(folder)?;
    }
    match std::fs::OpenOptions::new().write(true).create_new(true).mode(0o600).open(file) {
        Ok(mut file) => writeln!(file, "{text}"),
        Err(error) if error.kind() == std::io::ErrorKind::AlreadyExists => Ok(()),
        Err(error) => Err(error),
    }
}
