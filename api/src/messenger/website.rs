//! A website's chat: our own messenger. Its visitors come to us, so that nothing has to be carried anywhere: what is in
//! the log has arrived where they follow it.

use async_trait::async_trait;
use colloquy_entity::ChannelKind;
use serde_json::Value;

use super::{Download, Fault, Identity, Incoming, Messenger, Outgoing, Polled, Posted, Rate, Rates, Secret, Sent};

/// The longest text in UTF-16 units.
pub(super) const TEXT: usize = 10_000;

/// A website's chat.
pub struct Website;

/// Nothing is ever asked of it from outside.
fn no_door() -> Fault {
    Fault::fatal("A website's chat has no messenger behind it")
}

#[async_trait]
impl Messenger for Website {
    fn kind(&self) -> ChannelKind {
        ChannelKind::Website
    }

    fn rates(&self) -> Rates {
        Rates { channel: Rate { per_second: 1000, burst: 1000 }, chat: Rate { per_second: 50, burst: 50 } }
    }

    fn verify(&self, _: &Secret, _: Posted<'_>) -> bool {
        false
    }

    fn read(&self, _: &Value) -> Incoming {
        Incoming::Ignored { reason: "a website's chat has no webhook" }
    }

    async fn identify(&self) -> Result<Identity, Fault> {
        Err(no_door())
    }

    async fn subscribe(&self, _: &str, _: &Secret) -> Result<(), Fault> {
        Ok(())
    }

    async fn unsubscribe(&self, _: Option<&str>) -> Result<(), Fault> {
        Ok(())
    }

    async fn poll(&self, _: Option<&str>) -> Result<Polled, Fault> {
        Err(no_door())
    }

    async fn send(&self, _: &Outgoing, _: &mut Sent) -> Result<(), Fault> {
        Ok(())
    }

    async fn edit(&self, _: &Outgoing, _: &Sent) -> Result<(), Fault> {
        Ok(())
    }

    async fn delete(&self, _: &Outgoing, _: &Sent) -> Result<(), Fault> {
        Ok(())
    }

    async fn typing(&self, _: &str) -> Result<(), Fault> {
        Ok(())
    }

    async fn acknowledge(&self, _: &str) -> Result<(), Fault> {
        Ok(())
    }

    async fn download(&self, _: &str) -> Result<Download, Fault> {
        Err(no_door())
    }
}
