//! What goes wrong and when, drawn from the seed before anything begins.

use std::time::Duration;

use crate::harness::Backend;
use crate::harness::chance::Chance;

/// Changes between two faults.
const LEAST: u64 = 8;
const MORE: u64 = 25;

/// A fault, and how many changes are acknowledged before it. Faults take their time and do not wait for one another: several
/// may be under way at once.
#[derive(Clone, Copy, Debug)]
pub struct Step {
    pub after: u64,
    pub fault: Fault,
}

/// What can go wrong. Processes are numbered.
#[derive(Clone, Copy, Debug)]
pub enum Fault {
    /// All connections of subscribers are cut.
    Cut,
    /// A process is killed (SIGKILL), and another takes its place.
    Kill(usize),
    /// A process is asked to end (SIGTERM), and another takes its place.
    Terminate(usize),
    /// A process is stopped (SIGSTOP) and goes on later. It may be killed meanwhile.
    Freeze(usize, Duration),
    /// Redis is killed, and starts again empty.
    LoseRedis(Duration),
    /// PostgreSQL is stopped in order, and starts again.
    StopPostgres(Duration),
    /// PostgreSQL ends as in a crash, and starts again.
    CrashPostgres(Duration),
}

/// Every kind of fault that there is on a backend, and some more, in an order that chance gives.
pub fn draw(backend: Backend, processes: usize, chance: &mut Chance) -> Vec<Step> {
    let mut faults: Vec<Fault> = match backend {
        Backend::Sqlite => {
            let faults = [Fault::Cut, Fault::Cut, Fault::Kill(0), Fault::Kill(0), Fault::Kill(0), Fault::Terminate(0)];
            faults.into_iter().chain((0..3).map(|_| *chance.one_of(&faults))).collect()
        }
        Backend::Postgres => {
            let redis = Fault::LoseRedis(Duration::from_secs(5));
            let mut each: Vec<Fault> = (0..6).map(|kind| one(kind, processes, chance)).collect();
            each.push(redis);
            each.extend((0..4).map(|_| one(chance.below(6), processes, chance)).collect::<Vec<_>>());
            each
        }
    };
    for place in (1..faults.len()).rev() {
        faults.swap(place, chance.below(place as u64 + 1) as usize);
    }
    let mut after = 0;
    let mut step = |fault| {
        after += LEAST + chance.below(MORE);
        Step { after, fault }
    };
    faults.into_iter().map(&mut step).collect()
}

/// A fault of one of six kinds.
fn one(kind: u64, processes: usize, chance: &mut Chance) -> Fault {
    let process = chance.below(processes as u64) as usize;
    let mut at_most = |milliseconds| Duration::from_millis(chance.below(milliseconds));
    match kind {
        0 => Fault::Cut,
        1 => Fault::Kill(process),
        2 => Fault::Terminate(process),
        3 => Fault::Freeze(process, Duration::from_secs(2) + at_most(2_000)),
        4 => Fault::StopPostgres(at_most(1_500)),
        _ => Fault::CrashPostgres(at_most(1_500)),
    }
}
