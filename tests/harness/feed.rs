//! Events, followed live or read from the log, and what they tell in a form that stories compare.

use serde_json::{Value, json};

use super::client::Api;
use super::socket::{Operation, Socket};

/// What stories ask of an event.
pub const TOLD: &str = "
    fragment Told on Event {
        __typename cursor kind at
        actor { __typename ... on User { id } ... on Client { id } }
        dialogue { id }
        ... on MessageEvent { message { id text origin } deliveryStatus }
        ... on ParticipantEvent { user { id } role }
        ... on TagEvent { tag { id name } }
        ... on CommentEvent { comment { id text } }
        ... on CardEvent {
            card { __typename ... on Contractor { id } ... on Deal { id } ... on Project { id } ... on Task { id } }
            changes { field from to }
        }
        ... on ClientEvent { client { id name isReachable isBlocked } }
        ... on ChannelEvent { channel { id } }
        ... on AccessEvent { dialogueId }
    }";

/// A subscription to events.
pub struct Feed {
    operation: Operation,
    /// Closes with the feed.
    _socket: Socket,
}

impl Feed {
    /// Follows everything that `api` may see, after a cursor or from now on.
    pub async fn follow(api: &Api, after: Option<&str>) -> Self {
        Self::follow_filtered(api, Value::Null, after).await
    }

    /// As [`follow`](Self::follow), only what passes an `EventFilter`.
    pub async fn follow_filtered(api: &Api, filter: Value, after: Option<&str>) -> Self {
        let socket = Socket::connect(&format!("{}/graphql", api.url), api.token.as_deref()).await;
        let document = format!(
            "subscription($filter: EventFilter, $after: String) {{ events(filter: $filter, after: $after) {{ ...Told }} }} {TOLD}"
        );
        // Where a subscription without a cursor begins is for the server to find out, while things happen.
        let now = if after.is_none() { Some(cursor(api).await) } else { None };
        let after = after.or(now.as_deref());
        let operation = socket.subscribe(&document, json!({ "filter": filter, "after": after }));
        Self { operation, _socket: socket }
    }

    /// The next event.
    pub async fn next(&mut self) -> Value {
        let mut payload = self.operation.next().await;
        assert!(payload["errors"].is_null(), "an event with errors: {payload:#}");
        payload["data"]["events"].take()
    }

    /// The next event; none where it came with errors, or the server could not go on. Then the feed has ended.
    pub async fn try_next(&mut self) -> Option<Value> {
        let mut message = self.operation.message().await;
        let payload = &mut message["payload"];
        let whole = payload["errors"].is_null() && !payload["data"]["events"].is_null();
        whole.then(|| payload["data"]["events"].take())
    }

    /// The events up to the first that is as wanted, it included.
    pub async fn until(&mut self, wanted: impl Fn(&Value) -> bool) -> Vec<Value> {
        let mut events = Vec::new();
        loop {
            let event = self.next().await;
            let found = wanted(&event);
            events.push(event);
            if found {
                return events;
            }
        }
    }

    /// The events up to the one at a cursor.
    pub async fn until_cursor(&mut self, cursor: &str) -> Vec<Value> {
        self.until(|event| event["cursor"] == cursor).await
    }

    /// The events up to the one in which a message's delivery became `status`.
    pub async fn until_delivery(&mut self, message: &str, status: &str) -> Vec<Value> {
        self.until(|event| event["message"]["id"] == message && event["deliveryStatus"] == status).await
    }
}

/// Where the log stands.
pub async fn cursor(api: &Api) -> String {
    api.run("{ eventCursor }", Value::Null).await.get("eventCursor")
}

/// Everything in the log after a cursor, or from its start, that `api` may see.
pub async fn events(api: &Api, after: Option<&str>) -> Vec<Value> {
    read(api, after, "...Told", TOLD).await
}

/// The same, with nothing but `fields`, for who reads it often.
pub async fn events_in_short(api: &Api, after: &str, fields: &str) -> Vec<Value> {
    read(api, Some(after), fields, "").await
}

async fn read(api: &Api, after: Option<&str>, fields: &str, fragments: &str) -> Vec<Value> {
    let document = format!(
        "query($after: String) {{ events(first: 100, after: $after) {{ nodes {{ {fields} }} pageInfo {{ hasNextPage endCursor }} }} }} {fragments}"
    );
    let mut after = after.map(str::to_owned);
    let mut all: Vec<Value> = Vec::new();
    loop {
        let answer = api.run(&document, json!({ "after": after })).await;
        all.extend(answer.get::<Vec<Value>>("events.nodes"));
        if !answer.get::<bool>("events.pageInfo.hasNextPage") {
            return all;
        }
        after = answer.get("events.pageInfo.endCursor");
    }
}

/// The kinds of events, in order.
pub fn kinds(events: &[Value]) -> Vec<&str> {
    events.iter().map(|event| event["kind"].as_str().expect("an event has a kind")).collect()
}

/// The cursors of events, in order.
pub fn cursors(events: &[Value]) -> Vec<&str> {
    events.iter().map(|event| event["cursor"].as_str().expect("an event has a cursor")).collect()
}
