//! A PostgreSQL server of the tests' own, and databases in it.

use std::fmt::Display;
use std::net::Ipv4Addr;
use std::os::unix::fs::{MetadataExt, chown};
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{LazyLock, Mutex, mpsc};
use std::time::Duration;
use std::{fs, thread};

use sea_orm::sqlx::{
    AssertSqlSafe, ConnectOptions, Connection, Error, PgConnection, postgres::PgConnectOptions, raw_sql,
};
use tokio::net::TcpStream;
use tokio::sync::OnceCell;
use tokio::time::{sleep, timeout};

use super::child::Child;
use super::port::free_port;
use super::scratch::Scratch;

const SUPERUSER: &str = "colloquy";
const START_LIMIT: Duration = Duration::from_secs(60);

static SHARED: OnceCell<PostgresServer> = OnceCell::const_new();
static NEXT_DATABASE: AtomicUsize = AtomicUsize::new(1);

/// Databases that are no longer needed go one after another, beside the stories: each takes a checkpoint, and without
/// that some hundred stories leave gigabytes behind while they run.
static DROPPER: LazyLock<mpsc::Sender<String>> = LazyLock::new(|| {
    let (names, received) = mpsc::channel::<String>();
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime starts");
    let drop_each = move || {
        for name in received {
            if let Some(server) = SHARED.get() {
                let sql = format!("DROP DATABASE IF EXISTS {name} WITH (FORCE)");
                // What is not dropped goes with the server.
                let _ = runtime.block_on(server.try_execute(&sql));
            }
        }
    };
    thread::Builder::new().name("dropper".into()).spawn(drop_each).expect("a thread starts");
    names
});

/// One cluster with its server, on a loopback port; anybody who reaches the port is let in.
#[derive(Debug)]
pub struct PostgresServer {
    port: u16,
    dir: PathBuf,
    /// Of a cluster that goes with its server.
    _scratch: Option<Scratch>,
    programs: PathBuf,
    /// The user and group that run it, where the tests run as root, which PostgreSQL refuses.
    owner: Option<(u32, u32)>,
    durable: bool,
    /// `name=value`, beside those of all.
    settings: &'static [&'static str],
    process: Mutex<Option<Child>>,
}

impl PostgresServer {
    /// The one that all stories of this process share, started when first asked for.
    pub async fn shared() -> &'static Self {
        SHARED.get_or_init(Self::start_own).await
    }

    /// A server apart, for who stops it. It loses commits when the machine fails, not when the server does.
    pub async fn start_own() -> Self {
        Self::start_new(false).await
    }

    /// A server on the cluster in `dir`, which is made where there is none, and stays.
    pub async fn start_in(dir: PathBuf, durable: bool, settings: &'static [&'static str]) -> Self {
        // The folder itself is the owner's from the first start on.
        let owner = owner(dir.parent().unwrap_or(&dir));
        let (port, programs, process) = (free_port(), programs(), Mutex::new(None));
        let mut server = Self { port, dir, _scratch: None, programs, owner, durable, settings, process };
        if !server.dir.join("data").exists() {
            server.initialize();
        }
        let mut failure = String::new();
        for _ in 0..5 {
            match server.try_start().await {
                Ok(()) => return server,
                Err(reason) => failure = reason,
            }
            server.port = free_port();
        }
        panic!("PostgreSQL does not start: {failure}");
    }

    /// A server apart with PostgreSQL's own durability, for who measures.
    pub async fn start_own_durable() -> Self {
        Self::start_new(true).await
    }

    /// `postgres://colloquy@127.0.0.1:port/database`
    pub fn url(&self, database: &str) -> String {
        format!("postgres://{SUPERUSER}@127.0.0.1:{}/{database}", self.port)
    }

    pub fn process_id(&self) -> Option<u32> {
        self.process.lock().expect("no panic while held").as_ref().map(Child::id)
    }

    /// Runs a statement that concerns the whole cluster.
    #[track_caller]
    pub fn execute(&self, sql: &str) -> impl Future<Output = ()> {
        let caller = std::panic::Location::caller();
        async move {
            if let Err(error) = self.try_execute(sql).await {
                panic!("PostgreSQL at {caller}: {error}\n{sql}");
            }
        }
    }

    /// Makes the database `template`, brings it to its schema by `migrate`, and closes it for all but copying.
    pub async fn create_template<E: Display>(
        &self,
        template: &str,
        migrate: impl AsyncFnOnce(String) -> Result<(), E>,
    ) {
        self.execute(&format!("DROP DATABASE IF EXISTS {template}")).await;
        self.execute(&format!("CREATE DATABASE {template}")).await;
        if let Err(error) = migrate(self.url(template)).await {
            panic!("migrating a PostgreSQL database failed: {error}");
        }
        self.execute(&format!("ALTER DATABASE {template} ALLOW_CONNECTIONS false")).await;
    }

    /// Makes a database that is a copy of `template` and tells its name.
    pub async fn create_database(&self, template: &str) -> String {
        let name = format!("t_{}", NEXT_DATABASE.fetch_add(1, Ordering::Relaxed));
        self.execute(&format!("CREATE DATABASE {name} TEMPLATE {template}")).await;
        name
    }

    /// Drops a database of the shared server soon, whoever is still connected to it.
    pub fn drop_shared_database(name: String) {
        let _ = DROPPER.send(name);
    }

    /// Stops it in order (SIGINT): connections are told and cut.
    pub async fn stop(&self) {
        self.end(libc::SIGINT).await;
    }

    /// Stops it as a crash would (SIGQUIT): nothing is written, and the next start recovers.
    pub async fn crash(&self) {
        self.end(libc::SIGQUIT).await;
    }

    /// Starts it again after [`stop`](Self::stop) or [`crash`](Self::crash), on the same port.
    pub async fn start(&self) {
        if let Err(reason) = self.try_start().await {
            panic!("PostgreSQL does not start again: {reason}");
        }
    }

    async fn start_new(durable: bool) -> Self {
        let scratch = Scratch::new();
        let mut server = Self::start_in(scratch.path().to_owned(), durable, &[]).await;
        server._scratch = Some(scratch);
        server
    }

    fn initialize(&self) {
        if let Some((user, group)) = self.owner {
            chown(&self.dir, Some(user), Some(group)).expect("root gives a directory away");
        }
        let mut command = self.command("initdb");
        command.args(["--username", SUPERUSER, "--auth", "trust", "--encoding", "UTF8", "--locale", "C.UTF-8"]);
        if !self.durable {
            command.arg("--no-sync");
        }
        let output = command
            .output()
            .unwrap_or_else(|error| panic!("initdb does not run: {error}; may its user enter {}?", self.dir.display()));
        assert!(output.status.success(), "initdb failed: {}", String::from_utf8_lossy(&output.stderr));
    }

    async fn try_start(&self) -> Result<(), String> {
        let log_path = self.dir.join("log");
        let log = fs::File::options().create(true).append(true).open(&log_path).map_err(|error| error.to_string())?;
        let mut command = self.command("postgres");
        command
            .args(["-p", &self.port.to_string(), "-h", "127.0.0.1", "-c", "unix_socket_directories="])
            .args(["-c", "max_connections=400", "-c", "shared_buffers=64MB", "-c", "max_wal_size=256MB"])
            .args(self.settings.iter().flat_map(|setting| ["-c", setting]))
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(log);
        if !self.durable {
            // Commits still reach the system before they are answered, so a crash of the server loses none.
            command.args(["-c", "fsync=off", "-c", "full_page_writes=off"]);
        }
        // Immediate shutdown: the server takes its own processes and its shared memory with it, as SIGKILL would not.
        let process =
            Child::spawn(command, libc::SIGQUIT).map_err(|error| format!("postgres does not run: {error}"))?;
        let ready = async {
            while process.ended().is_none() {
                if TcpStream::connect((Ipv4Addr::LOCALHOST, self.port)).await.is_ok() && self.connect().await.is_ok() {
                    return process.ended().is_none();
                }
                sleep(Duration::from_millis(5)).await;
            }
            false
        };
        if timeout(START_LIMIT, ready).await != Ok(true) {
            return Err(fs::read_to_string(log_path).unwrap_or_default());
        }
        *self.process.lock().expect("no panic while held") = Some(process);
        Ok(())
    }

    async fn end(&self, signal: i32) {
        let process = self.process.lock().expect("no panic while held").take();
        if let Some(process) = process {
            process.signal(signal);
            process.exit().await;
        }
    }

    fn command(&self, program: &str) -> Command {
        let mut command = Command::new(self.programs.join(program));
        command.env_clear().envs(std::env::var_os("PATH").map(|path| ("PATH", path)));
        command.arg("-D").arg(self.dir.join("data")).current_dir(&self.dir);
        if let Some((user, group)) = self.owner {
            command.uid(user).gid(group);
        }
        command
    }

    async fn connect(&self) -> Result<PgConnection, Error> {
        let options: PgConnectOptions = self.url("postgres").parse()?;
        options.disable_statement_logging().connect().await
    }

    async fn try_execute(&self, sql: &str) -> Result<(), Error> {
        let mut connection = self.connect().await?;
        raw_sql(AssertSqlSafe(sql)).execute(&mut connection).await?;
        connection.close().await
    }
}

/// Where `initdb` and `postgres` are: Debian keeps them apart for each version and out of `PATH`.
fn programs() -> PathBuf {
    let versions = fs::read_dir("/usr/lib/postgresql").into_iter().flatten().flatten();
    let mut debian: Vec<(u32, PathBuf)> = versions
        .filter_map(|entry| Some((entry.file_name().to_str()?.parse().ok()?, entry.path().join("bin"))))
        .filter(|(_, directory)| directory.join("initdb").exists())
        .collect();
    debian.sort();
    let newest = debian.pop().map(|(_, directory)| directory);
    let path = std::env::var_os("PATH").unwrap_or_default();
    newest
        .or_else(|| std::env::split_paths(&path).find(|directory| directory.join("initdb").exists()))
        .expect("PostgreSQL is not installed; scripts/install-for-tests installs it")
}

/// Who runs the server, if not we ourselves: whoever made `ours` is root, and PostgreSQL refuses root.
fn owner(ours: &Path) -> Option<(u32, u32)> {
    if fs::metadata(ours).expect("the directory was just made").uid() != 0 {
        return None;
    }
    let users = fs::read_to_string("/etc/passwd").expect("a system with users");
    let find = |name: &str| {
        users.lines().find_map(|line| {
            let mut fields = line.split(':');
            (fields.next() == Some(name)).then_some(())?;
            let user = fields.nth(1)?.parse().ok()?;
            Some((user, fields.next()?.parse().ok()?))
        })
    };
    let owner = find("postgres").or_else(|| find("nobody"));
    Some(owner.expect("running as root, the tests need a user `postgres` or `nobody` to run PostgreSQL as"))
}
