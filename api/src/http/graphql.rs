//! The GraphQL door: HTTP as graphql-over-http has it, WebSocket, and SSE.

use std::sync::Arc;

use async_graphql::parser::types::OperationType;
use async_graphql::{Request, Response as Answered, Variables};
use axum::body::Bytes;
use axum::extract::rejection::BytesRejection;
use axum::extract::ws::WebSocketUpgrade;
use axum::extract::ws::rejection::WebSocketUpgradeRejection;
use axum::extract::{Query, State};
use axum::http::{HeaderMap, HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use futures_util::future::{FutureExt, ready};
use futures_util::stream::{BoxStream, StreamExt, once};
use serde::Deserialize;
use serde_json::{Map, Value};

use crate::app::App;
use crate::error::Error;
use crate::graphql::{Api, refusal};
use crate::inbox::sessions;
use crate::live::{Answer, Closing, Operations};
use crate::viewer::Viewer;

use super::{Doors, identity, pages};

const JSON: &str = "application/json";
const RESPONSE_JSON: &str = "application/graphql-response+json";
const EVENT_STREAM: &str = "text/event-stream";

/// The parameters of a request, as the body or the address has them.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Parameters {
    query: String,
    operation_name: Option<String>,
    variables: Option<Value>,
}

impl Parameters {
    fn request(self) -> Request {
        let mut request = Request::new(self.query);
        if let Some(variables) = self.variables {
            request = request.variables(Variables::from_json(variables));
        }
        match self.operation_name {
            Some(name) if !name.is_empty() => request.operation_name(name),
            _ => request,
        }
    }
}

/// What `GET /graphql?query=…` says; variables are JSON in a text.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Asked {
    query: Option<String>,
    operation_name: Option<String>,
    variables: Option<String>,
}

/// How an answer is to look.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Form {
    /// Always 200 once the request could be read: what clients have long been used to.
    Json,
    /// With a status that says how it went.
    ResponseJson,
    /// A stream of events.
    EventStream,
}

impl Form {
    pub(super) fn of(headers: &HeaderMap) -> Self {
        let accept = headers.get(header::ACCEPT).and_then(|accept| accept.to_str().ok()).unwrap_or_default();
        let first = accept.split(',').map(|one| one.split(';').next().unwrap_or_default().trim());
        let mut known = first.filter_map(|one| match one {
            RESPONSE_JSON => Some(Self::ResponseJson),
            EVENT_STREAM => Some(Self::EventStream),
            JSON | "*/*" | "application/*" => Some(Self::Json),
            _ => None,
        });
        known.next().unwrap_or(Self::Json)
    }
}

/// `POST /graphql`
pub(super) async fn post(
    State(doors): State<Doors>,
    headers: HeaderMap,
    body: Result<Bytes, BytesRejection>,
) -> Response {
    let form = Form::of(&headers);
    match read(form, &headers, body) {
        Ok(request) => run(&doors, &headers, request, form, false).await,
        Err(refusal) => refusal,
    }
}

/// The operation that a request's body asks for, or the answer to a body that asks for none.
#[expect(clippy::result_large_err, reason = "a refusal is the whole answer")]
pub(super) fn read(form: Form, headers: &HeaderMap, body: Result<Bytes, BytesRejection>) -> Result<Request, Response> {
    let body = body.map_err(|rejection| {
        failed(form, rejection.status(), &Error::bad("", "The body is too large, or broke off"))
    })?;
    // A page of another origin can send other types without asking first (CSRF): they are not taken.
    if !is_json(headers) {
        let words = "Send the operation as application/json";
        return Err(failed(form, StatusCode::UNSUPPORTED_MEDIA_TYPE, &Error::bad("", words)));
    }
    let parameters = match serde_json::from_slice::<Value>(&body) {
        Ok(Value::Array(_)) => return Err(refuse(form, "Send one operation at a time: there are no batches")),
        Ok(value @ Value::Object(_)) => serde_json::from_value::<Parameters>(value)
            .map_err(|_| refuse(form, "A request has a `query` and perhaps `variables` and an `operationName`"))?,
        Ok(_) => return Err(refuse(form, "A request is a JSON object")),
        Err(_) => return Err(refuse(form, "The body is not JSON")),
    };
    if parameters.variables.as_ref().is_some_and(|variables| !variables.is_object() && !variables.is_null()) {
        return Err(refuse(form, "`variables` are an object"));
    }
    Ok(parameters.request())
}

/// `GET /graphql`: a WebSocket, a query, or, for a browser, the page.
pub(super) async fn get(
    State(doors): State<Doors>,
    upgrade: Result<WebSocketUpgrade, WebSocketUpgradeRejection>,
    headers: HeaderMap,
    Query(asked): Query<Asked>,
) -> Response {
    if let Ok(upgrade) = upgrade {
        let cookie = identity::cookie(&headers).filter(|_| identity::is_own_or_allowed(doors.app(), &headers));
        let socket = Socket { api: Arc::clone(&doors.api), cookie };
        return doors.live.upgrade(upgrade, Arc::new(socket));
    }
    let Some(query) = asked.query else {
        return pages::graphiql();
    };
    let form = Form::of(&headers);
    let variables = match asked.variables.as_deref().filter(|text| !text.is_empty()).map(serde_json::from_str) {
        None => None,
        Some(Ok(variables @ (Value::Object(_) | Value::Null))) => Some(variables),
        Some(_) => return refuse(form, "`variables` are a JSON object"),
    };
    let parameters = Parameters { query, operation_name: asked.operation_name, variables };
    run(&doors, &headers, parameters.request(), form, true).await
}

async fn run(doors: &Doors, headers: &HeaderMap, request: Request, form: Form, only_queries: bool) -> Response {
    let app = doors.app();
    let viewer = match identity::of(app, headers).await {
        Ok(viewer) => viewer,
        Err(error @ Error::Unauthenticated(_)) => return failed(form, StatusCode::UNAUTHORIZED, &error),
        Err(error) => return failed(form, StatusCode::SERVICE_UNAVAILABLE, &error),
    };
    let (request, operation) = match doors.api.admit(request, viewer.as_ref()) {
        Ok(admitted) => admitted,
        Err(refusal) if form == Form::EventStream => {
            return stream(doors, viewer, futures_util::stream::iter([refusal.into()]).boxed());
        }
        Err(refusal) => return respond(form, refusal),
    };
    if only_queries && operation.kind != OperationType::Query {
        let mut response = failed(form, StatusCode::METHOD_NOT_ALLOWED, &Error::bad("", "GET is for queries only"));
        response.headers_mut().insert(header::ALLOW, HeaderValue::from_static("POST"));
        return response;
    }
    match (operation.kind, form) {
        (OperationType::Subscription, Form::EventStream) => {
            stream(doors, viewer, doors.api.follow(request, &operation, viewer))
        }
        (OperationType::Subscription, _) => {
            refuse(form, "Follow a subscription by WebSocket (graphql-transport-ws) or with Accept: text/event-stream")
        }
        (_, Form::EventStream) => {
            let api = Arc::clone(&doors.api);
            let answer = once(async move { api.run(request, &operation, viewer).await.into() });
            stream(doors, viewer, answer.boxed())
        }
        _ => respond(form, doors.api.run(request, &operation, viewer).await),
    }
}

fn stream(doors: &Doors, viewer: Option<Viewer>, answers: BoxStream<'static, Answer>) -> Response {
    let app = Arc::clone(doors.app());
    let ended = async move {
        match viewer {
            Some(viewer) => {
                sessions::until_ended(&app, &viewer).await;
            }
            None => std::future::pending().await,
        }
    };
    doors.live.event_stream(answers, ended)
}

fn is_json(headers: &HeaderMap) -> bool {
    let kind = headers.get(header::CONTENT_TYPE).and_then(|kind| kind.to_str().ok()).unwrap_or_default();
    kind.split(';').next().unwrap_or_default().trim().eq_ignore_ascii_case(JSON)
}

/// The request itself cannot be taken.
pub(super) fn refuse(form: Form, words: &str) -> Response {
    failed(form, StatusCode::BAD_REQUEST, &Error::bad("", words))
}

pub(super) fn failed(form: Form, status: StatusCode, error: &Error) -> Response {
    let mut response = respond(form, refusal(error.clone()));
    *response.status_mut() = status;
    response
}

/// As graphql-over-http has it: a document that does not parse or validate is 400 where the form has statuses.
pub(super) fn respond(form: Form, answered: Answered) -> Response {
    let never_ran = !answered.errors.is_empty() && answered.errors.iter().all(|error| error.path.is_empty());
    let (kind, status) = match form {
        Form::ResponseJson if never_ran => (RESPONSE_JSON, StatusCode::BAD_REQUEST),
        Form::ResponseJson => (RESPONSE_JSON, StatusCode::OK),
        Form::Json | Form::EventStream => (JSON, StatusCode::OK),
    };
    // What never ran has no `data`, not even null, as the specification has it: the `Answer` of sockets and streams, too.
    let body = if never_ran && answered.data == async_graphql::Value::Null {
        serde_json::to_vec(&serde_json::json!({ "errors": answered.errors }))
    } else {
        serde_json::to_vec(&answered)
    };
    let mut response = match body {
        Ok(body) => (status, body).into_response(),
        Err(error) => {
            tracing::error!(%error, "an answer could not be written");
            return StatusCode::INTERNAL_SERVER_ERROR.into_response();
        }
    };
    let headers = response.headers_mut();
    headers.extend(answered.http_headers);
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static(kind));
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    response
}

/// One WebSocket, with what its upgrade request brought.
struct Socket {
    api: Arc<Api>,
    cookie: Option<String>,
}

impl Operations for Socket {
    type Session = Option<Viewer>;

    async fn connect(&self, payload: Option<Map<String, Value>>) -> Result<Option<Viewer>, Closing> {
        let app: &App = self.api.app();
        let payload = payload.unwrap_or_default();
        let given = payload.iter().find(|(name, _)| name.eq_ignore_ascii_case("authorization")).map(|(_, value)| value);
        let viewer = match (given, &self.cookie) {
            (Some(Value::String(text)), _) => identity::by_authorization(app, text).await,
            (Some(Value::Null) | None, Some(cookie)) => sessions::viewer(app, cookie).await,
            (Some(Value::Null) | None, None) => {
                return Err(Closing::forbidden("Send connection_init with {\"authorization\": \"Bearer …\"}"));
            }
            (Some(_), _) => return Err(Closing::forbidden("`authorization` is a text")),
        };
        match viewer {
            Ok(viewer) => Ok(Some(viewer)),
            Err(Error::Unauthenticated(words)) => Err(Closing::forbidden(words)),
            Err(_) => Err(Closing::unavailable("The database cannot be reached: try again")),
        }
    }

    fn execute(&self, session: &Arc<Option<Viewer>>, request: Request) -> BoxStream<'static, Answer> {
        let (api, viewer) = (Arc::clone(&self.api), **session);
        // On the heap, where it is no more once the operation has begun.
        let begun = Box::pin(async move {
            // The role may be another by now.
            let viewer = match viewer {
                Some(viewer) => Some(sessions::anew(api.app(), &viewer).await?),
                None => None,
            };
            Ok(api.execute(request, viewer))
        });
        let answers = begun.map(|begun| begun.unwrap_or_else(|error| once(ready(refusal(error).into())).boxed()));
        once(answers).flatten().boxed()
    }

    async fn ended(&self, session: &Option<Viewer>) -> Closing {
        match session {
            Some(viewer) => Closing::forbidden(sessions::until_ended(self.api.app(), viewer).await),
            None => std::future::pending().await,
        }
    }
}
