//! `colloquy demo`: a made-up archive, to try lists, searches and one's own programs on.

use std::io::{IsTerminal, Write, stderr};
use std::process::ExitCode;
use std::time::{Duration, Instant};

use clap::Args;
use colloquy::config::Settings;
use colloquy::error::Error;
use colloquy::inbox::demo::{self, Progress, Size};

/// How much is made up.
#[derive(Args)]
pub struct Options {
    /// So many dialogues, one at least.
    #[arg(long, value_name = "N")]
    dialogues: u64,
    /// So many messages in all; each dialogue has one at least.
    #[arg(long, value_name = "M")]
    messages: u64,
    /// The same seed makes the same data.
    #[arg(long, default_value_t = 1)]
    seed: u64,
}

/// Runs it.
pub async fn run(settings: &Settings, options: &Options) -> ExitCode {
    let Options { dialogues, messages, seed } = *options;
    let size = Size { dialogues, messages, seed };
    if let Err(error) = size.check() {
        return crate::fail(crate::WRONG, &words(error));
    }
    crate::with_app(settings, async |app| {
        let mut bar = Bar::new();
        let filled = demo::fill_archive(app, size, &mut |progress| bar.show(progress)).await;
        bar.end();
        filled.map_err(words)?;
        println!(
            "{dialogues} dialogues with {messages} messages. Sign in as {} with {}",
            demo::ARCHIVE_EMAIL,
            demo::PASSWORD
        );
        Ok(())
    })
    .await
}

fn words(error: Error) -> String {
    match error {
        Error::BadInput { field, words } => format!("--{field}: {words}"),
        Error::Conflict { words, .. } => words,
        other => other.to_string(),
    }
}

/// So often at most.
const PACE: Duration = Duration::from_millis(100);
/// Characters from nothing to all.
const WIDTH: u64 = 40;

/// How far it is, on standard error where that is a terminal.
struct Bar {
    is_shown: bool,
    begun: Instant,
    shown: Option<Instant>,
}

impl Bar {
    fn new() -> Self {
        Self { is_shown: stderr().is_terminal(), begun: Instant::now(), shown: None }
    }

    fn show(&mut self, progress: Progress) {
        let is_soon = matches!(progress, Progress::Storing(..)) && self.shown.is_some_and(|at| at.elapsed() < PACE);
        if !self.is_shown || is_soon {
            return;
        }
        self.shown = Some(Instant::now());
        let line = match progress {
            Progress::Storing(done, all) => {
                let filled = usize::try_from(WIDTH * done / all.max(1)).unwrap_or_default();
                let left = self.begun.elapsed().as_secs() * all.saturating_sub(done) / done.max(1);
                format!("[{:<40}] {:>3} %, {left} s left", "#".repeat(filled), 100 * done / all.max(1))
            }
            Progress::Indexing(left) => format!("indexes: {left} left"),
            Progress::Counting => "the database counts its rows".to_owned(),
        };
        // What cannot be shown is no reason to stop.
        let _ = write!(stderr(), "\r\x1b[K{line}");
    }

    fn end(&self) {
        if self.shown.is_some() {
            let _ = write!(stderr(), "\r\x1b[K");
        }
    }
}
