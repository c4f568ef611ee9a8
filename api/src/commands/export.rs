//! `colloquy export`: the whole archive to standard output, for who runs the server.

use std::io::{ErrorKind, Write};
use std::process::ExitCode;

use clap::Args;
use colloquy::app::App;
use colloquy::config::{Database, Settings};
use colloquy::error::Error;
use colloquy::graphql::DialogueFilter;
use colloquy::inbox::export::{Asked, Export};

/// What is exported, and how.
#[derive(Args)]
pub struct Options {
    /// A JSON object a line, or CSV: ndjson, csv.
    #[arg(long, default_value = "ndjson")]
    format: String,
    /// What each line tells of: messages, dialogues, events.
    #[arg(long, default_value = "messages")]
    what: String,
    /// Only of these dialogues: a DialogueFilter of the API as JSON, as in {"state": "CLOSED"}.
    #[arg(long, value_name = "JSON")]
    filter: Option<String>,
    /// Only what comes behind the line with this cursor.
    #[arg(long, value_name = "CURSOR", allow_hyphen_values = true)]
    after: Option<String>,
}

impl Options {
    fn read(&self) -> Result<Asked, Error> {
        let filter = self.filter.as_deref().map(DialogueFilter::from_json).transpose()?.unwrap_or_default();
        Asked::read(Some(&self.what), Some(&self.format), filter, self.after.as_deref())?.without_viewer()
    }
}

/// Runs it.
pub async fn run(settings: &Settings, options: &Options) -> ExitCode {
    let asked = match options.read() {
        Ok(asked) => asked,
        Err(error) => return crate::fail(crate::WRONG, &words(error)),
    };
    // Any other command makes it; an archive of nothing would only look like one.
    if let Ok(config) = settings.check()
        && let Database::Sqlite(file) = &config.database
        && !file.exists()
    {
        return crate::fail(crate::WRONG, &format!("DATABASE_URL: there is no database at {}", file.display()));
    }
    let mut refused = None;
    let done = crate::with_app(settings, async |app| match write(app, asked).await {
        // Only the log can tell of a cursor that it is not one of its own.
        Err(error @ Error::BadInput { .. }) => {
            refused = Some(words(error));
            Ok(())
        }
        other => other.map_err(words),
    });
    let done = done.await;
    match refused {
        Some(words) => crate::fail(crate::WRONG, &words),
        None => done,
    }
}

async fn write(app: &App, asked: Asked) -> Result<(), Error> {
    let mut export = Export::open(app, None, asked).await?;
    let mut out = std::io::stdout().lock();
    while let Some(lines) = export.next(app).await? {
        match out.write_all(&lines).and_then(|()| out.flush()) {
            Ok(()) => {}
            // Whoever reads has what they want.
            Err(error) if error.kind() == ErrorKind::BrokenPipe => return Ok(()),
            Err(error) => return Err(Error::internal(format!("standard output cannot be written: {error}"))),
        }
    }
    Ok(())
}

/// On one line; what is wrong with an option names it.
fn words(error: Error) -> String {
    match error {
        Error::BadInput { field, words } => match field.split_once('.') {
            Some((option, below)) => format!("--{option}: {below}: {words}"),
            None => format!("--{field}: {words}"),
        },
        Error::Internal(cause) | Error::Away(cause) => format!("the export broke off: {cause}"),
        other => other.to_string(),
    }
}
