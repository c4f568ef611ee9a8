//! What the sandbox's page needs beside what the stories do.

use std::time::Duration;

use tokio::sync::watch;

use super::FakeVk;
use crate::wire::Fault;

impl FakeVk {
    /// Every call goes wrong so, and every answer waits so long, from now on.
    pub fn misbehave(&self, fault: Option<Fault>, slow: Duration) {
        self.shared.change(|state| state.plans.stand(fault, slow));
    }

    /// Word of changes from now on.
    pub fn changes(&self) -> watch::Receiver<()> {
        self.shared.changes()
    }
}
