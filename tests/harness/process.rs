//! The real program as a child process, for stories that kill it or run several.

use std::io::{BufRead, BufReader, Read};
use std::path::PathBuf;
use std::process::{Command, ExitStatus, Stdio};
use std::sync::{Arc, Mutex};
use std::thread::{self, JoinHandle};
use std::time::Duration;

use tokio::sync::mpsc;
use tokio::time::timeout;

use super::child::Child;
use super::scratch::Scratch;

const START_LIMIT: Duration = Duration::from_secs(30);
const ANNOUNCEMENT: &str = "colloquy listens on ";

/// A running `colloquy serve`. What it wrote to standard error is shown when the test fails. Dropping it kills it.
#[derive(Debug)]
pub struct Program {
    url: String,
    process: Child,
    /// What it writes to standard output, a line each.
    lines: mpsc::UnboundedReceiver<String>,
    errors: Arc<Mutex<String>>,
    collector: Option<JoinHandle<()>>,
    _dir: Scratch,
}

impl Program {
    /// Starts `colloquy serve` on a port of its own with these settings and no others, and waits until it listens.
    pub async fn serve(settings: &[(&str, &str)]) -> Self {
        Self::try_serve(settings).await.unwrap_or_else(|reason| panic!("{reason}"))
    }

    /// As [`serve`](Self::serve), or in words why it does not listen.
    pub async fn try_serve(settings: &[(&str, &str)]) -> Result<Self, String> {
        Self::try_run(env!("CARGO_BIN_EXE_colloquy").into(), &["serve"], settings).await
    }

    /// The same of another program that tells where it listens as colloquy does.
    pub async fn run(program: PathBuf, arguments: &[&str], settings: &[(&str, &str)]) -> Self {
        Self::try_run(program, arguments, settings).await.unwrap_or_else(|reason| panic!("{reason}"))
    }

    async fn try_run(program: PathBuf, arguments: &[&str], settings: &[(&str, &str)]) -> Result<Self, String> {
        let dir = Scratch::new();
        let mut command = Command::new(program);
        command
            .args(arguments)
            .env_clear()
            .env("LISTEN", "127.0.0.1:0")
            .envs(settings.iter().copied())
            // A `.env` file of the developer's is not for the tests.
            .current_dir(dir.path())
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped());
        let process = Child::spawn(command, libc::SIGKILL).expect("the program runs");
        let output = process.process().stdout.take().expect("piped");
        let error_output = process.process().stderr.take().expect("piped");
        let errors = Arc::new(Mutex::new(String::new()));
        let collector = Some(collect(error_output, errors.clone()));
        let mut program = Self { url: String::new(), process, lines: lines(output), errors, collector, _dir: dir };
        match timeout(START_LIMIT, program.line(ANNOUNCEMENT)).await {
            Ok(Some(url)) => program.url = url,
            Ok(None) => {
                let status = program.exit().await;
                // To the last word: it has ended.
                let _ = program.collector.take().map(JoinHandle::join);
                return Err(format!("the program ended before it listened: {status}\n{}", program.errors()));
            }
            Err(_) => {
                let limit = START_LIMIT.as_secs();
                return Err(format!("the program does not listen after {limit} s\n{}", program.errors()));
            }
        }
        Ok(program)
    }

    /// The rest of the next line on standard output that begins so; none when it ends without one.
    pub async fn line(&mut self, prefix: &str) -> Option<String> {
        loop {
            if let Some(rest) = self.lines.recv().await?.strip_prefix(prefix) {
                return Some(rest.to_owned());
            }
        }
    }

    /// `http://127.0.0.1:port`
    pub fn url(&self) -> &str {
        &self.url
    }

    pub fn process_id(&self) -> u32 {
        self.process.id()
    }

    /// What it has written to standard error so far
    pub fn errors(&self) -> String {
        self.errors.lock().expect("no panic while held").clone()
    }

    /// Kills it (SIGKILL) and waits until it is gone.
    pub async fn kill9(&self) {
        self.process.signal(libc::SIGKILL);
        self.process.exit().await;
    }

    /// Asks it to end (SIGTERM) and waits for its status.
    pub async fn terminate(&self) -> ExitStatus {
        self.process.signal(libc::SIGTERM);
        self.process.exit().await
    }

    /// Sends it a signal: SIGSTOP and SIGCONT make a process that hangs.
    pub fn signal(&self, signal: i32) {
        self.process.signal(signal);
    }

    /// Waits until it ends by itself.
    pub async fn exit(&self) -> ExitStatus {
        self.process.exit().await
    }
}

impl Drop for Program {
    fn drop(&mut self) {
        if thread::panicking() {
            self.process.signal(libc::SIGKILL);
            // To the last word: it ends with the process.
            let _ = self.collector.take().map(JoinHandle::join);
            eprintln!("colloquy ({}) wrote to standard error:\n{}", self.process.id(), self.errors());
        }
    }
}

/// What the program tells on standard output, which is read to its end.
fn lines(output: impl Read + Send + 'static) -> mpsc::UnboundedReceiver<String> {
    let (tell, told) = mpsc::unbounded_channel();
    thread::spawn(move || {
        for line in BufReader::new(output).lines().map_while(Result::ok) {
            let _ = tell.send(line);
        }
    });
    told
}

fn collect(output: impl Read + Send + 'static, text: Arc<Mutex<String>>) -> JoinHandle<()> {
    thread::spawn(move || {
        for line in BufReader::new(output).split(b'\n').map_while(Result::ok) {
            let mut text = text.lock().expect("no panic while held");
            text.push_str(&String::from_utf8_lossy(&line));
            text.push('\n');
        }
    })
}
