//! `GET /export`: the archive as the viewer may see it, streamed for as long as they take it.

use std::io;
use std::sync::Arc;
use std::time::Duration;

use axum::body::{Body, Bytes};
use axum::extract::rejection::QueryRejection;
use axum::extract::{Query, State};
use axum::http::{HeaderMap, header};
use axum::response::{IntoResponse, Response};
use futures_util::stream::{Stream, unfold};
use tokio::sync::{OwnedSemaphorePermit, Semaphore, mpsc};
use tokio::time::timeout;

use crate::app::App;
use crate::error::{Error, Result};
use crate::graphql::DialogueFilter;
use crate::inbox::export::{Asked, Export};
use crate::inbox::sessions;
use crate::viewer::Viewer;

use super::files::refused;
use super::{Doors, identity};

/// Exports of one process at once: each holds a connection to the database, and old rows that could be cleared away.
const AT_ONCE: usize = 2;
/// Seconds after which whoever found no place may ask again.
const RETRY: u64 = 10;
/// Bytes that are handed over at once: a slow reader takes so many in time.
const PIECE: usize = 64 * 1024;

/// For the exports that run.
pub(super) type Places = Arc<Semaphore>;

pub(super) fn places() -> Places {
    Arc::new(Semaphore::new(AT_ONCE))
}

/// `GET /export?what=&format=&filter=&after=`
pub(super) async fn get(
    State(doors): State<Doors>,
    headers: HeaderMap,
    query: Result<Query<Vec<(String, String)>>, QueryRejection>,
) -> Response {
    open(&doors, &headers, query).await.unwrap_or_else(refused)
}

async fn open(
    doors: &Doors,
    headers: &HeaderMap,
    query: Result<Query<Vec<(String, String)>>, QueryRejection>,
) -> Result<Response> {
    let app = doors.app();
    let viewer = identity::of(app, headers).await?.ok_or(Error::Unauthenticated("Sign in first"))?;
    let Query(query) = query.map_err(|_| Error::bad("", "The address cannot be read"))?;
    let asked = read(&query)?;
    let place = Arc::clone(&doors.exports).try_acquire_owned().map_err(|_| Error::RateLimited(RETRY))?;
    let name = format!("attachment; filename=\"colloquy-{}.{}\"", asked.what.as_str(), asked.format.as_str());
    let headers = [
        (header::CONTENT_TYPE, asked.format.media_type().to_owned()),
        (header::CONTENT_DISPOSITION, name),
        (header::X_CONTENT_TYPE_OPTIONS, "nosniff".to_owned()),
        (header::CACHE_CONTROL, "no-store".to_owned()),
    ];
    let export = Export::open(app, Some(&viewer), asked).await?;
    let (hand, handed) = mpsc::channel(1);
    app.tasks.spawn(run(Arc::clone(app), viewer, export, hand, place));
    Ok((headers, Body::from_stream(pieces(handed))).into_response())
}

fn read(query: &[(String, String)]) -> Result<Asked> {
    const KNOWN: [&str; 4] = ["what", "format", "filter", "after"];
    let mut given = [None; 4];
    for (name, value) in query {
        let Some(place) = KNOWN.iter().position(|known| known == name) else {
            return Err(Error::bad(name, "An export is asked for by `what`, `format`, `filter` and `after`"));
        };
        if given[place].replace(value.as_str()).is_some() {
            return Err(Error::bad(name, "This is given twice"));
        }
    }
    // An empty cursor is refused like any other that is none: a script that lost its own would begin anew.
    let after = given[3];
    let [what, format, filter, _] = given.map(|value| value.filter(|value| !value.is_empty()));
    let filter = filter.map(DialogueFilter::from_json).transpose()?.unwrap_or_default();
    Asked::read(what, format, filter, after)
}

/// What is handed to the reader.
enum Piece {
    Lines(Bytes),
    /// There is no more. What ends without it was cut.
    End,
}

/// Hands an export over until it ends, or until nobody takes it or may have it any more.
async fn run(app: Arc<App>, viewer: Viewer, export: Export, hand: mpsc::Sender<Piece>, place: OwnedSemaphorePermit) {
    let patience = app.config.pace.export_reader;
    tokio::select! {
        ended = go(&app, export, &hand, patience) => match ended {
            Ok(()) => {}
            Err(error) => {
                error.log();
                tracing::info!(%error, "an export was cut");
            }
        },
        reason = sessions::until_ended(&app, &viewer) => tracing::info!(reason, "an export was cut"),
        () = app.stop.cancelled() => tracing::info!("an export was cut: the server stops"),
    }
    drop(place);
}

async fn go(app: &App, mut export: Export, hand: &mpsc::Sender<Piece>, patience: Duration) -> Result<()> {
    while let Some(lines) = export.next(app).await? {
        let mut lines = Bytes::from(lines);
        while !lines.is_empty() {
            let piece = lines.split_to(lines.len().min(PIECE));
            if !give(hand, Piece::Lines(piece), patience).await {
                return Ok(());
            }
        }
    }
    give(hand, Piece::End, patience).await;
    Ok(())
}

/// False where nobody takes it.
async fn give(hand: &mpsc::Sender<Piece>, piece: Piece, patience: Duration) -> bool {
    match timeout(patience, hand.send(piece)).await {
        Ok(sent) => sent.is_ok(),
        Err(_) => {
            tracing::info!("an export was cut: nobody takes it");
            false
        }
    }
}

/// The body of the answer: one that was cut breaks off, so that nobody takes it for whole.
fn pieces(handed: mpsc::Receiver<Piece>) -> impl Stream<Item = io::Result<Bytes>> {
    unfold(Some(handed), async |handed| {
        let mut handed = handed?;
        match handed.recv().await {
            Some(Piece::Lines(bytes)) => Some((Ok(bytes), Some(handed))),
            Some(Piece::End) => None,
            None => Some((Err(io::Error::other("the export was cut")), None)),
        }
    })
}
