//! What the sandbox's page needs beside what the stories do.

use std::time::Duration;

use tokio::sync::watch;

use super::{FakeViber, Fetched};
use crate::wire::Fault;

impl FakeViber {
    /// Every call goes wrong so, and every answer waits so long, from now on.
    pub fn misbehave(&self, fault: Option<Fault>, slow: Duration) {
        self.shared.change(|state| state.plans.stand(fault, slow));
    }

    /// What was fetched for a message, once it was.
    pub fn fetched(&self, message: u64) -> Option<Fetched> {
        self.shared.read(|state| state.fetched.get(&message).cloned())
    }

    /// Word of changes from now on.
    pub fn changes(&self) -> watch::Receiver<()> {
        self.shared.changes()
    }
}
