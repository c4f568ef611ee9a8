//! Viber.

use std::time::Duration;

use async_trait::async_trait;
use colloquy_entity::ChannelKind;
use serde_json::Value;

use super::web::Web;
use super::{Download, Fault, Identity, Incoming, Messenger, Outgoing, Polled, Posted, Rate, Rates, Secret, Sent};

/// The longest text in UTF-16 units.
pub(super) const TEXT: usize = 7000;

/// Viber.
#[derive(Clone, Debug)]
pub struct Viber;

fn not_yet() -> Fault {
    Fault::fatal("not yet")
}

impl Viber {
    /// Over these.
    pub fn new(_: reqwest::Client, _: Web, _: &str, _: Secret) -> Result<Self, url::ParseError> {
        Ok(Self)
    }

    /// Waits so long for an answer.
    #[must_use]
    pub fn with_patience(self, _: Duration) -> Self {
        self
    }
}

#[async_trait]
impl Messenger for Viber {
    fn kind(&self) -> ChannelKind {
        ChannelKind::Viber
    }

    fn rates(&self) -> Rates {
        Rates { channel: Rate { per_second: 20, burst: 2 }, chat: Rate { per_second: 1, burst: 3 } }
    }

    fn verify(&self, _: &Secret, _: Posted<'_>) -> bool {
        false
    }

    fn read(&self, _: &Value) -> Incoming {
        Incoming::Ignored { reason: "not yet" }
    }

    async fn identify(&self) -> Result<Identity, Fault> {
        Err(not_yet())
    }

    async fn subscribe(&self, _: &str, _: &Secret) -> Result<(), Fault> {
        Err(not_yet())
    }

    async fn unsubscribe(&self, _: Option<&str>) -> Result<(), Fault> {
        Err(not_yet())
    }

    async fn poll(&self, _: Option<&str>) -> Result<Polled, Fault> {
        Err(not_yet())
    }

    async fn send(&self, _: &Outgoing, _: &mut Sent) -> Result<(), Fault> {
        Err(not_yet())
    }

    async fn edit(&self, _: &Outgoing, _: &Sent) -> Result<(), Fault> {
        Err(not_yet())
    }

    async fn delete(&self, _: &Outgoing, _: &Sent) -> Result<(), Fault> {
        Err(not_yet())
    }

    async fn typing(&self, _: &str) -> Result<(), Fault> {
        Err(not_yet())
    }

    async fn acknowledge(&self, _: &str) -> Result<(), Fault> {
        Err(not_yet())
    }

    async fn download(&self, _: &str) -> Result<Download, Fault> {
        Err(not_yet())
    }
}
