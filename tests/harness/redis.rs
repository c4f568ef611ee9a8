//! A Redis server of the test's own, without persistence.

use std::net::Ipv4Addr;
use std::process::{Command, Stdio};
use std::sync::Mutex;
use std::time::Duration;

use tokio::net::TcpStream;
use tokio::time::{sleep, timeout};

use super::child::Child;
use super::port::free_port;
use super::scratch::Scratch;

const START_LIMIT: Duration = Duration::from_secs(20);

/// One `redis-server` on a port of its own. It takes some 10 ms to start, and pub/sub channels are shared by all
/// databases of a server: each story has its own, so that none wakes another.
#[derive(Debug)]
pub struct RedisServer {
    port: u16,
    dir: Scratch,
    /// As on the command line.
    options: Vec<String>,
    process: Mutex<Option<Child>>,
}

impl RedisServer {
    pub async fn start_own() -> Self {
        Self::start_with(Vec::new).await
    }

    /// With options beside the usual ones; they are asked for anew with each port that is tried.
    pub async fn start_with(options: impl Fn() -> Vec<String>) -> Self {
        let mut failure = String::new();
        for _ in 0..5 {
            let (port, dir) = (free_port(), Scratch::new());
            let server = Self { port, dir, options: options(), process: Mutex::new(None) };
            match server.try_start().await {
                Ok(()) => return server,
                Err(reason) => failure = reason,
            }
        }
        panic!("redis-server does not start: {failure}");
    }

    /// `redis://127.0.0.1:port/`
    pub fn url(&self) -> String {
        format!("redis://127.0.0.1:{}/", self.port)
    }

    pub fn port(&self) -> u16 {
        self.port
    }

    pub fn process_id(&self) -> Option<u32> {
        self.process.lock().expect("no panic while held").as_ref().map(Child::id)
    }

    /// Kills it (SIGKILL): connections break, subscriptions and keys are lost.
    pub async fn stop(&self) {
        let process = self.process.lock().expect("no panic while held").take();
        if let Some(process) = process {
            process.signal(libc::SIGKILL);
            process.exit().await;
        }
    }

    /// Sends it a signal: SIGSTOP and SIGCONT make a server that hangs.
    pub fn signal(&self, signal: i32) {
        if let Some(process) = &*self.process.lock().expect("no panic while held") {
            process.signal(signal);
        }
    }

    /// Starts it again after [`stop`](Self::stop), empty, on the same port.
    pub async fn start(&self) {
        if let Err(reason) = self.try_start().await {
            panic!("redis-server does not start again: {reason}");
        }
    }

    async fn try_start(&self) -> Result<(), String> {
        let log_path = self.dir.path().join("log");
        let log = std::fs::File::create(&log_path).map_err(|error| error.to_string())?;
        // Empty: it is for sentinels, which write into it what they learn and do not start without.
        let settings = self.dir.path().join("redis.conf");
        std::fs::write(&settings, "").map_err(|error| error.to_string())?;
        let mut command = Command::new("redis-server");
        command
            .arg(settings)
            .args(["--port", &self.port.to_string(), "--bind", "127.0.0.1"])
            .args(["--save", "", "--appendonly", "no", "--daemonize", "no"])
            .arg("--dir")
            .arg(self.dir.path())
            .args(&self.options)
            .current_dir(self.dir.path())
            .stdin(Stdio::null())
            .stderr(log.try_clone().map_err(|error| error.to_string())?)
            .stdout(log);
        let process = Child::spawn(command, libc::SIGKILL)
            .map_err(|error| format!("{error}; is it installed? scripts/install-for-tests installs it"))?;
        let ready = async {
            while process.ended().is_none() {
                if TcpStream::connect((Ipv4Addr::LOCALHOST, self.port)).await.is_ok() {
                    return process.ended().is_none();
                }
                sleep(Duration::from_millis(2)).await;
            }
            false
        };
        if timeout(START_LIMIT, ready).await != Ok(true) {
            return Err(std::fs::read_to_string(log_path).unwrap_or_default());
        }
        *self.process.lock().expect("no panic while held") = Some(process);
        Ok(())
    }
}
