//! How events leave: posted to callback servers as VK does, and handed to who polls.

use std::sync::Arc;
use std::time::Duration;

use axum::extract::{ConnectInfo, Path, Query, State as Shares};
use serde_json::{Map, Value, json};
use tokio::time::Instant;
use url::Url;

use super::FakeVk;
use super::api::{self, refusal};
use super::state::{CallbackServer, Echoes};
use crate::socket::Cut;
use crate::wire::{Answer, Fault};

/// When VK tries again what was not taken: dev.vk.com/en/api/callback/getting-started.
const AGAIN: [u64; 5] = [10, 180, 600, 1800, 3600];

/// What became of a delivery.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Delivery {
    /// The HTTP status; 0 where nobody answered.
    pub status: u16,
    /// The answer's words.
    pub body: String,
}

impl Delivery {
    /// Whether VK counts it as taken.
    pub fn is_taken(&self) -> bool {
        self.status == 200 && self.body == "ok"
    }
}

impl FakeVk {
    /// Posts an event to the community's callback server, once, and gives what came back; waits for a server to be
    /// confirmed. Community, version, id and secret become those of the server.
    ///
    /// # Panics
    /// When the event is none of those chosen for the server: VK would never post it.
    pub async fn deliver(&self, group: i64, event: &Value) -> Delivery {
        let server = self.wait_for_server(group).await;
        assert!(server.chose(event), "VK posts no {} there", event["type"]);
        self.post(group, event, &server, &server.url, 0).await
    }

    /// As [`deliver`](Self::deliver), where a balancer leads to another server (`http://127.0.0.1:port`).
    pub async fn deliver_at(&self, at: &str, group: i64, event: &Value) -> Delivery {
        let server = self.wait_for_server(group).await;
        let path = Url::parse(&server.url).map(|url| url.path().to_owned()).unwrap_or_default();
        self.post(group, event, &server, &format!("{at}{path}"), 0).await
    }

    /// Posts an event as a repeat: with the header `X-Retry-Counter`.
    pub async fn deliver_again(&self, group: i64, event: &Value, times: u32) -> Delivery {
        let server = self.wait_for_server(group).await;
        self.post(group, event, &server, &server.url, times).await
    }

    /// Posts a body as it is, by whomever.
    pub async fn deliver_raw(&self, url: &str, body: &Value) -> Delivery {
        answer(self.http.post(url).header("Content-Type", "application/json").body(body.to_string())).await
    }

    async fn post(&self, group: i64, event: &Value, server: &CallbackServer, url: &str, times: u32) -> Delivery {
        let mut event = event.clone();
        event["group_id"] = json!(group);
        if server.secret.is_empty() {
            event.as_object_mut().map(|event| event.remove("secret"));
        } else {
            event["secret"] = json!(server.secret);
        }
        let mut request = self.http.post(url).header("Content-Type", "application/json");
        if times > 0 {
            request = request.header("X-Retry-Counter", times);
        }
        answer(request.body(event.to_string())).await
    }

    /// Lets an event happen: it goes to who polls, and to every callback server that chose it.
    pub async fn happen(&self, group: i64, event: &Value) {
        self.shared.change(|state| state.group(group).push(event));
        let servers = self.servers(group).into_iter().filter(|server| server.status == "ok" && server.chose(event));
        for server in servers {
            let delivery = self.post(group, event, &server, &server.url, 0).await;
            if !delivery.is_taken() {
                self.try_again(group, event.clone(), server);
            }
        }
    }

    /// Repeats a delivery on the waits of VK, where time is hastened; else never.
    fn try_again(&self, group: i64, event: Value, server: CallbackServer) {
        let haste = self.shared.read(|state| state.haste);
        if haste == 0 {
            return;
        }
        let fake = self.clone();
        tokio::spawn(async move {
            for (times, wait) in (1..).zip(AGAIN) {
                tokio::time::sleep(Duration::from_secs(wait) / haste).await;
                if fake.post(group, &event, &server, &server.url, times).await.is_taken() {
                    return;
                }
            }
        });
    }

    /// What a call leads to: addresses are tried out, and what the community wrote is echoed.
    pub(super) async fn after(&self, group: i64) {
        let fresh: Vec<CallbackServer> = self.shared.change(|state| {
            let servers = state.group(group).servers.iter_mut().filter(|server| server.status == "unconfigured");
            servers
                .map(|server| {
                    server.status = "wait";
                    server.clone()
                })
                .collect()
        });
        for server in fresh {
            let fake = self.clone();
            tokio::spawn(async move { fake.confirm(group, server).await });
        }
        let (echoes, held) = self.shared.change(|state| match state.echoes {
            Echoes::Held => (Echoes::Held, Vec::new()),
            when => (when, std::mem::take(&mut state.held)),
        });
        for (group, event) in held {
            if echoes == Echoes::First {
                self.happen(group, &event).await;
            } else {
                let fake = self.clone();
                tokio::spawn(async move { fake.happen(group, &event).await });
            }
        }
    }

    /// Asks an address for the code.
    async fn confirm(&self, group: i64, server: CallbackServer) {
        let question = json!({ "type": "confirmation", "group_id": group });
        let answer = self.deliver_raw(&server.url, &question).await;
        self.shared.change(|state| {
            let group = state.group(group);
            let is_right = answer.status == 200 && answer.body == group.code;
            let same = group.servers.iter_mut().find(|known| known.id == server.id && known.url == server.url);
            if let Some(server) = same {
                server.status = if is_right { "ok" } else { "failed" };
            }
        });
    }

    /// Delivers the echoes that were held back, in order.
    pub async fn release_echoes(&self) {
        for (group, event) in self.shared.change(|state| std::mem::take(&mut state.held)) {
            self.happen(group, &event).await;
        }
    }
}

impl CallbackServer {
    /// Whether the event is one of those chosen.
    pub fn chose(&self, event: &Value) -> bool {
        event["type"].as_str().is_some_and(|kind| self.events.contains(kind) || kind == "confirmation")
    }
}

async fn answer(request: reqwest::RequestBuilder) -> Delivery {
    let Ok(response) = request.send().await else { return Delivery { status: 0, body: String::new() } };
    let status = response.status().as_u16();
    Delivery { status, body: response.text().await.unwrap_or_default() }
}

/// `GET /whp/<group>?act=a_check&key=…&ts=…&wait=…`.
pub async fn long_poll(
    Shares(fake): Shares<Arc<FakeVk>>,
    ConnectInfo(connection): ConnectInfo<Cut>,
    Path(group): Path<i64>,
    Query(query): Query<Map<String, Value>>,
) -> Answer {
    let text = |key: &str| query.get(key).and_then(Value::as_str).unwrap_or_default().to_owned();
    let wait: u64 = text("wait").parse().unwrap_or(25);
    let deadline = Instant::now() + Duration::from_secs(wait.min(90));
    let call = api::call(group, "longpoll", query.clone());
    let mut changes = fake.shared.changes();
    // In one: who sees the call knows that what is planned from then on is for the next.
    let (fault, planned) = fake.shared.change(|state| {
        state.calls.push(call.clone());
        match state.plans.next("longpoll", None).0 {
            Some(fault) => (Some(fault), None),
            None => (None, state.group(group).long_poll.failures.pop_front()),
        }
    });
    Fault::strike(fault, &connection).await;
    if let Some(fault) = fault {
        return refusal(fault, &call);
    }
    if let Some(planned) = planned {
        return ended(&planned);
    }
    loop {
        changes.mark_unchanged();
        let answer = fake.shared.read(|state| {
            let poll = &state.groups.get(&group)?.long_poll;
            let asked: i64 = text("ts").parse().unwrap_or(i64::MAX);
            let oldest = poll.history.front().map_or(poll.ts, |(number, _)| number - 1);
            if text("key") != poll.key {
                return Some(json!({ "failed": 2 }));
            }
            if asked > poll.ts {
                return Some(json!({ "failed": 3 }));
            }
            if asked < oldest {
                return Some(json!({ "failed": 1, "ts": poll.ts }));
            }
            let new: Vec<&Value> = poll.history.iter().filter(|(n, _)| *n > asked).map(|(_, event)| event).collect();
            (!new.is_empty()).then(|| json!({ "ts": poll.ts.to_string(), "updates": new }))
        });
        if let Some(answer) = answer {
            return ended(&answer);
        }
        if tokio::time::timeout_at(deadline, changes.changed()).await.is_err() {
            return ended(&json!({ "ts": text("ts"), "updates": [] }));
        }
    }
}

/// The real one ends its answers so.
fn ended(answer: &Value) -> Answer {
    Answer::bytes("application/json; charset=utf-8", format!("{answer}\r\n").into())
}
