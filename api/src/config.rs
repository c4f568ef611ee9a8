//! All settings, read once: from the environment, a `.env` file and the command line; no other place reads any.

use std::net::SocketAddr;
use std::ops::RangeInclusive;
use std::path::PathBuf;
use std::time::Duration;

use clap::Args;
use url::Url;

use crate::bus::Nodes;
use crate::messenger::Secret;

/// Settings as a person writes them; `colloquy serve --help` prints this.
#[derive(Args, Clone, Debug)]
pub struct Settings {
    /// Where the data is: `sqlite://path/to/file.db` or `postgres://user:password@host/database`.
    #[arg(long, env = "DATABASE_URL", default_value = "sqlite://data/colloquy.db", hide_env_values = true)]
    pub database_url: String,
    /// `redis://host:6379`; needed by several processes on one PostgreSQL. A cluster: `redis://…,redis://…`, some of its
    /// nodes. With Sentinel: `redis+sentinel://host:26379,…/service`. None: an in-process bus.
    #[arg(long, env = "REDIS_URL", hide_env_values = true)]
    pub redis_url: Option<String>,
    /// The address to serve on; port 0 takes a free one and prints it.
    #[arg(long, env = "LISTEN", default_value = "127.0.0.1:8080")]
    pub listen: String,
    /// How the outside reaches us, `https://…`; needed for webhooks. Without it Telegram and VK are polled.
    #[arg(long, env = "PUBLIC_URL")]
    pub public_url: Option<String>,
    /// 64 hexadecimal digits that encrypt channel tokens at rest. Made on first start beside a SQLite file; required
    /// with PostgreSQL.
    #[arg(long, env = "SECRET_KEY", hide_env_values = true)]
    pub secret_key: Option<String>,
    /// Where attachments are kept: `file:///absolute/folder`, or `s3://bucket/prefix`. Default: `files` beside the SQLite
    /// file, or `data/files`.
    #[arg(long, env = "FILES_URL")]
    pub files_url: Option<String>,
    /// Who asks S3; required with `s3://`.
    #[arg(long, env = "AWS_ACCESS_KEY_ID")]
    pub aws_access_key_id: Option<String>,
    /// What proves it; required with `s3://`.
    #[arg(long, env = "AWS_SECRET_ACCESS_KEY", hide_env_values = true)]
    pub aws_secret_access_key: Option<String>,
    /// The bucket's region.
    #[arg(long, env = "AWS_REGION", default_value = "us-east-1")]
    pub aws_region: String,
    /// Another service that speaks S3 (MinIO, Ceph, R2): scheme, host and port; `http://` for a loopback host only. None:
    /// Amazon's.
    #[arg(long, env = "AWS_ENDPOINT_URL")]
    pub aws_endpoint_url: Option<String>,
    /// The Bot API server.
    #[arg(long, env = "TELEGRAM_API_URL", default_value = "https://api.telegram.org")]
    pub telegram_api_url: String,
    /// The VK API server.
    #[arg(long, env = "VK_API_URL", default_value = "https://api.vk.ru")]
    pub vk_api_url: String,
    /// The Viber API server.
    #[arg(long, env = "VIBER_API_URL", default_value = "https://chatapi.viber.com")]
    pub viber_api_url: String,
    /// What is logged, as a tracing filter: `info`, `colloquy=debug`.
    #[arg(long, env = "LOG", default_value = "info")]
    pub log: String,
    /// `text` for people, `json` for machines.
    #[arg(long, env = "LOG_FORMAT", default_value = "text")]
    pub log_format: String,
    /// `off` hides the schema from all but administrators.
    #[arg(long, env = "INTROSPECTION", default_value = "on")]
    pub introspection: String,
    /// Origins of third-party front ends, separated by commas; our own page needs none.
    #[arg(long, env = "ALLOWED_ORIGINS", default_value = "")]
    pub allowed_origins: String,
    /// Seconds that a WebSocket's client has for `connection_init`, 1 to 300; then it is closed with 4408.
    #[arg(long, env = "CONNECTION_INIT_WAIT", default_value = "10")]
    pub connection_init_wait: String,
    /// Where `/metrics` is served for Prometheus. None: nowhere.
    #[arg(long, env = "METRICS_LISTEN")]
    pub metrics_listen: Option<String>,
}

/// Which database it is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Database {
    /// A file of this process alone.
    Sqlite(PathBuf),
    /// A server, perhaps for several processes.
    Postgres(String),
}

/// How a bucket is reached, which `FILES_URL` names.
#[derive(Clone, Debug)]
pub struct S3 {
    /// `AWS_ACCESS_KEY_ID`
    pub access_key_id: String,
    /// `AWS_SECRET_ACCESS_KEY`
    pub secret_access_key: Secret,
    /// `AWS_REGION`
    pub region: String,
    /// `AWS_ENDPOINT_URL`
    pub endpoint: Option<String>,
}

/// How long things take that tests cannot wait for. Not a setting: `Default` is what the rules say.
#[derive(Clone, Debug)]
pub struct Pace {
    /// The wait after the first failed sending; it doubles with each further one.
    pub retry: Duration,
    /// The follower, the sender and the fetcher look by themselves so often, should word be lost.
    pub look: Duration,
    /// How long a request to a messenger may take in all.
    pub messenger: Duration,
    /// Between two messages to one chat, once its short burst is used up.
    pub chat_gap: Duration,
    /// Rows that an export reads at once.
    pub export_rows: u32,
    /// A reader of an export who takes nothing for so long is given up.
    pub export_reader: Duration,
}

impl Default for Pace {
    fn default() -> Self {
        Self {
            retry: Duration::from_secs(1),
            look: Duration::from_secs(1),
            messenger: Duration::from_secs(30),
            chat_gap: Duration::from_secs(1),
            export_rows: 1_000,
            export_reader: Duration::from_secs(60),
        }
    }
}

/// Settings, checked.
#[derive(Clone, Debug)]
pub struct Config {
    /// `DATABASE_URL`
    pub database: Database,
    /// `REDIS_URL`
    pub redis_url: Option<String>,
    /// `LISTEN`
    pub listen: SocketAddr,
    /// `PUBLIC_URL`, without a slash at its end.
    pub public_url: Option<String>,
    /// `SECRET_KEY`; none: to be made or read beside the SQLite file.
    pub secret_key: Option<[u8; 32]>,
    /// `FILES_URL`
    pub files_url: Url,
    /// How `s3://` is reached, where `FILES_URL` is one.
    pub s3: Option<S3>,
    /// `TELEGRAM_API_URL`
    pub telegram_api_url: String,
    /// `VK_API_URL`
    pub vk_api_url: String,
    /// `VIBER_API_URL`
    pub viber_api_url: String,
    /// `LOG`
    pub log: String,
    /// `LOG_FORMAT`
    pub log_json: bool,
    /// `INTROSPECTION`
    pub introspection: bool,
    /// `ALLOWED_ORIGINS`
    pub allowed_origins: Vec<String>,
    /// `CONNECTION_INIT_WAIT`
    pub connection_init_wait: Duration,
    /// `METRICS_LISTEN`
    pub metrics_listen: Option<SocketAddr>,
    /// See [`Pace`].
    pub pace: Pace,
    /// Whether an empty database is filled with demo data first: `--demo`.
    pub demo: bool,
}

impl Settings {
    /// Checks all of them; the words name the setting that is wrong.
    pub fn check(&self) -> Result<Config, String> {
        let database = database(&self.database_url)?;
        if matches!(database, Database::Postgres(_)) && self.secret_key.is_none() {
            return Err(
                "SECRET_KEY is required with PostgreSQL: 64 hexadecimal digits, the same for each process".into()
            );
        }
        if let Some(url) = &self.redis_url {
            Nodes::parse(url).map_err(|words| format!("REDIS_URL: {words}"))?;
        }
        let files_url = files_url(self.files_url.as_deref(), &database)?;
        Ok(Config {
            s3: (files_url.scheme() == "s3").then(|| self.s3()).transpose()?,
            files_url,
            database,
            redis_url: self.redis_url.clone(),
            listen: address("LISTEN", &self.listen)?,
            public_url: self.public_url.as_deref().map(public_url).transpose()?,
            secret_key: self.secret_key.as_deref().map(secret_key).transpose()?,
            telegram_api_url: origin("TELEGRAM_API_URL", &self.telegram_api_url)?,
            vk_api_url: origin("VK_API_URL", &self.vk_api_url)?,
            viber_api_url: origin("VIBER_API_URL", &self.viber_api_url)?,
            log: self.log.clone(),
            log_json: choice("LOG_FORMAT", &self.log_format, "json", "text")?,
            introspection: choice("INTROSPECTION", &self.introspection, "on", "off")?,
            allowed_origins: self
                .allowed_origins
                .split(',')
                .map(str::trim)
                .filter(|one| !one.is_empty())
                .map(|one| origin("ALLOWED_ORIGINS", one))
                .collect::<Result<_, _>>()?,
            connection_init_wait: seconds("CONNECTION_INIT_WAIT", &self.connection_init_wait, 1..=300)?,
            metrics_listen: self.metrics_listen.as_deref().map(|one| address("METRICS_LISTEN", one)).transpose()?,
            pace: Pace::default(),
            demo: false,
        })
    }

    /// Looked at with `s3://` only: other programs' AWS_… may stand in the same environment.
    fn s3(&self) -> Result<S3, String> {
        let given = |name: &str, value: &Option<String>| {
            let value = value.as_deref().map(str::trim).filter(|value| !value.is_empty());
            value.map(str::to_owned).ok_or_else(|| format!("{name} is required with FILES_URL=s3://…"))
        };
        let endpoint = self.aws_endpoint_url.as_deref().filter(|url| !url.is_empty());
        Ok(S3 {
            access_key_id: given("AWS_ACCESS_KEY_ID", &self.aws_access_key_id)?,
            secret_access_key: Secret::new(given("AWS_SECRET_ACCESS_KEY", &self.aws_secret_access_key)?),
            region: given("AWS_REGION", &Some(self.aws_region.clone()))?,
            endpoint: endpoint.map(endpoint_url).transpose()?,
        })
    }
}

fn database(url: &str) -> Result<Database, String> {
    if url.starts_with("postgres://") || url.starts_with("postgresql://") {
        return Ok(Database::Postgres(url.into()));
    }
    match url.strip_prefix("sqlite://").or_else(|| url.strip_prefix("sqlite:")) {
        Some(path) if !path.is_empty() && !path.contains(['?', ':']) => Ok(Database::Sqlite(path.into())),
        _ => Err("DATABASE_URL must be sqlite://path/to/file.db or postgres://user:password@host/database".into()),
    }
}

fn files_url(url: Option<&str>, database: &Database) -> Result<Url, String> {
    if let Some(url) = url {
        return match Url::parse(url) {
            Ok(url) if url.scheme() == "file" => Ok(url),
            Ok(url) if url.scheme() == "s3" && is_bucket(&url) => Ok(url),
            _ => Err("FILES_URL must be file:///absolute/folder or s3://bucket/prefix".into()),
        };
    }
    let folder = match database {
        Database::Sqlite(file) => file.parent().unwrap_or(std::path::Path::new("")).join("files"),
        Database::Postgres(_) => PathBuf::from("data/files"),
    };
    let absolute = std::path::absolute(folder).map_err(|error| format!("FILES_URL: {error}"))?;
    Url::from_directory_path(absolute).map_err(|()| "FILES_URL: no such folder can be named".into())
}

/// A bucket, and perhaps a folder in it; no keys, which are settings of their own.
fn is_bucket(url: &Url) -> bool {
    let bare = url.username().is_empty() && url.password().is_none() && url.port().is_none();
    bare && url.query().is_none() && url.fragment().is_none() && url.host_str().is_some_and(|bucket| !bucket.is_empty())
}

fn endpoint_url(text: &str) -> Result<String, String> {
    let endpoint = origin("AWS_ENDPOINT_URL", text)?;
    let url = Url::parse(&endpoint).map_err(|_| "AWS_ENDPOINT_URL is no address")?;
    if url.scheme() == "http" && !is_loopback(&url) {
        return Err("AWS_ENDPOINT_URL must begin with https:// (http:// for a loopback host only)".into());
    }
    Ok(endpoint)
}

fn is_loopback(url: &Url) -> bool {
    match url.host() {
        Some(url::Host::Domain(name)) => name == "localhost",
        Some(url::Host::Ipv4(ip)) => ip.is_loopback(),
        Some(url::Host::Ipv6(ip)) => ip.is_loopback(),
        None => false,
    }
}

fn address(name: &str, text: &str) -> Result<SocketAddr, String> {
    text.parse().map_err(|_| format!("{name} must be an address and a port, as in 127.0.0.1:8080"))
}

fn seconds(name: &str, text: &str, range: RangeInclusive<u64>) -> Result<Duration, String> {
    let wrong = || format!("{name} must be a number of seconds, {} to {}", range.start(), range.end());
    let count = text.parse().ok().filter(|count| range.contains(count)).ok_or_else(wrong)?;
    Ok(Duration::from_secs(count))
}

fn choice(name: &str, text: &str, yes: &str, no: &str) -> Result<bool, String> {
    match text {
        _ if text == yes => Ok(true),
        _ if text == no => Ok(false),
        _ => Err(format!("{name} must be {yes} or {no}")),
    }
}

fn secret_key(text: &str) -> Result<[u8; 32], String> {
    parse_key(text).ok_or("SECRET_KEY must be 64 hexadecimal digits".into())
}

/// 64 hexadecimal digits.
pub(crate) fn parse_key(text: &str) -> Option<[u8; 32]> {
    if text.len() != 64 || !text.bytes().all(|digit| digit.is_ascii_hexdigit()) {
        return None;
    }
    let mut key = [0; 32];
    for (byte, digits) in key.iter_mut().zip(text.as_bytes().chunks(2)) {
        *byte = u8::from_str_radix(std::str::from_utf8(digits).ok()?, 16).ok()?;
    }
    Some(key)
}

/// Scheme, host and port only.
fn origin(name: &str, text: &str) -> Result<String, String> {
    let wrong = || format!("{name} must be scheme, host and port only, as in https://api.example.com");
    let url = Url::parse(text).map_err(|_| wrong())?;
    let bare = url.path() == "/" && url.query().is_none() && url.fragment().is_none() && url.username().is_empty();
    if !bare || !matches!(url.scheme(), "http" | "https") || url.host_str().is_none() {
        return Err(wrong());
    }
    Ok(url.origin().ascii_serialization())
}

fn public_url(text: &str) -> Result<String, String> {
    let wrong = || "PUBLIC_URL must begin with https:// (http:// for a loopback host only)".to_owned();
    let url = Url::parse(text).map_err(|_| wrong())?;
    if url.host().is_none() || (url.scheme() != "https" && !(url.scheme() == "http" && is_loopback(&url))) {
        return Err(wrong());
    }
    if url.query().is_some() || url.fragment().is_some() {
        return Err("PUBLIC_URL must have no query and no fragment".into());
    }
    Ok(text.trim_end_matches('/').to_owned())
}
