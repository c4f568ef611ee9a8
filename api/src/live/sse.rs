//! An operation's answers as server-sent events, in graphql-sse's distinct connections mode:
//! <https://github.com/enisdenjo/graphql-sse/blob/master/PROTOCOL.md>.

use std::{io, pin::pin, sync::Arc};

use axum::{
    body::Body,
    http::header,
    response::{IntoResponse, Response},
};
use bytes::Bytes;
use futures_util::{
    StreamExt,
    stream::{self, BoxStream},
};
use tokio::{
    sync::mpsc,
    time::{sleep, timeout},
};

use super::{Answer, Counted, Live};

/// What an `EventSource` takes notice of needs a `data` line.
const COMPLETE: &[u8] = b"event: complete\ndata: \n\n";

const COMMENT: &[u8] = b":\n\n";

enum Chunk {
    More(Bytes),
    Last(Bytes),
}

impl Live {
    /// Answers with an operation's event stream.
    ///
    /// Request errors are a `next` event, as the protocol has it. When `ended` resolves (the client's rights are gone), the
    /// server stops, or the client does not read, the body is broken off without `complete`, so that the client connects
    /// again and resumes by its cursor.
    pub fn event_stream(
        self: &Arc<Self>,
        answers: BoxStream<'static, Answer>,
        ended: impl Future<Output: Send> + Send + 'static,
    ) -> Response {
        let (chunks, mut body) = mpsc::channel(1);
        let counted = Counted::operation(self);
        tokio::spawn(self.connections.track_future(feed(counted, answers, ended, chunks)));
        let mut complete = false;
        let body = stream::poll_fn(move |cx| {
            body.poll_recv(cx).map(|chunk| match chunk {
                Some(Chunk::More(bytes)) => Some(Ok(bytes)),
                Some(Chunk::Last(bytes)) => {
                    complete = true;
                    Some(Ok(bytes))
                }
                None if complete => None,
                None => Some(Err(io::Error::other("the event stream was broken off"))),
            })
        });
        let headers = [
            (header::CONTENT_TYPE.as_str(), "text/event-stream"),
            (header::CACHE_CONTROL.as_str(), "no-cache"),
            // nginx would hold events back until its buffer is full.
            ("x-accel-buffering", "no"),
        ];
        (headers, Body::from_stream(body)).into_response()
    }
}

/// Carries answers to the body as fast as the client takes them.
async fn feed(
    counted: Counted,
    mut answers: BoxStream<'static, Answer>,
    ended: impl Future,
    chunks: mpsc::Sender<Chunk>,
) {
    let (stop, timing) = (&counted.live.stop, &counted.live.timing);
    let mut over = pin!(async {
        tokio::select! {
            () = stop.cancelled() => {}
            _ = ended => {}
            () = chunks.closed() => {}
        }
    });
    loop {
        let place = tokio::select! {
            biased;
            () = &mut over => return,
            place = timeout(timing.unread, chunks.reserve()) => place,
        };
        // Nobody reads, or nobody is there.
        let Ok(Ok(place)) = place else { return };
        let answer = tokio::select! {
            biased;
            () = &mut over => return,
            answer = answers.next() => answer,
            () = sleep(timing.comment) => {
                place.send(Chunk::More(Bytes::from_static(COMMENT)));
                continue;
            }
        };
        match answer.as_ref().map(Answer::json) {
            Some(Ok(result)) => place.send(Chunk::More(next(result))),
            Some(Err(errors)) => {
                place.send(Chunk::More(next(&format!(r#"{{"errors":{errors}}}"#))));
                // The operation is over; what it might still say is of no use.
                answers = stream::empty().boxed();
            }
            None => return place.send(Chunk::Last(Bytes::from_static(COMPLETE))),
        }
    }
}

/// A `next` event. JSON on one line needs no further escaping: it has no line breaks.
fn next(result: &str) -> Bytes {
    Bytes::from(format!("event: next\ndata: {result}\n\n"))
}
