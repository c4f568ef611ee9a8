//! What the faults strike: several real processes, PostgreSQL and Redis, or one process on a file.

use std::sync::Arc;
use std::time::Duration;

use futures_util::future::join_all;
use serde_json::json;
use tokio::sync::{Mutex, watch};
use tokio::time::{sleep, timeout};

use crate::harness::chance::Chance;
use crate::harness::postgres::PostgresServer;
use crate::harness::process::Program;
use crate::harness::updates::Person;
use crate::harness::world::{Channel, Someone, World};
use crate::harness::{Backend, provision, provision_on};

use super::plan::{Fault, Step};

/// Whoever gets no sign of life for so long goes to another process.
pub const PATIENCE: Duration = Duration::from_secs(2);
/// Whoever was refused comes again after so long, as clients do.
pub const PAUSE: Duration = Duration::from_millis(50);
/// Nothing holds everybody up for so long.
const STALLED: Duration = Duration::from_secs(20);

/// How far the story is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Stage {
    /// Things go wrong, and everybody writes.
    Storm,
    /// Nothing goes wrong any more, and nobody begins anything.
    Calm,
    /// The last message was written.
    Over,
}

/// The installation, and those who work in it.
pub struct Installation {
    /// First: processes end before what they stand on.
    places: Vec<Place>,
    /// How many servers are away
    away: watch::Sender<usize>,
    /// How many changes were acknowledged
    progress: watch::Sender<u64>,
    stage: watch::Sender<Stage>,
    cuts: watch::Sender<()>,
    pub employees: Vec<Someone>,
    /// Those who see the first dialogues only.
    pub observers: Vec<Someone>,
    pub channel: Channel,
    /// Those that are there when it begins; everybody sees the first.
    pub dialogues: Vec<String>,
    /// Who writes in the first dialogue
    pub anna: Person,
    /// Where the log stood before the dialogues
    pub beginning: String,
    /// Where the log stood when it began
    pub start: String,
    pub world: World,
    redis_outage: Mutex<()>,
    postgres: Option<Mutex<PostgresServer>>,
}

/// Where a process runs, or did: its address is known until another takes its place.
struct Place {
    program: watch::Sender<Arc<Program>>,
    /// Held while one process takes the place of another
    change: Mutex<()>,
    /// Kept for what they wrote, which a story that fails shows
    ended: Mutex<Vec<Arc<Program>>>,
}

impl Installation {
    pub async fn start(backend: Backend) -> Self {
        let (postgres, database) = match backend {
            Backend::Sqlite => (None, provision(backend).await),
            Backend::Postgres => {
                let server = PostgresServer::start_own().await;
                let database = provision_on(&server).await;
                (Some(Mutex::new(server)), database)
            }
        };
        let mut world = World::start_in(backend, database, |_| ()).await;
        let employees = vec![world.user("EMPLOYEE").await, world.user("EMPLOYEE").await];
        let observers = vec![world.user("OBSERVER").await, world.user("OBSERVER").await];
        let channel = world.connect_channel("Shop").await;
        let queue: Vec<&str> = employees.iter().map(|one| one.id.as_str()).collect();
        world.set_channel(&channel, json!({ "queueUserIds": queue, "welcomeText": "Welcome!" })).await;
        let beginning = world.cursor().await;
        let people: Vec<Person> = (8901..8907).map(Person::new).collect();
        let mut dialogues = Vec::new();
        for person in &people {
            dialogues.push(world.write(&channel, person, "Hello").await);
        }
        for (observer, role, part) in [(0, "OBSERVER", 1), (1, "RESPONSIBLE", 3)] {
            for dialogue in &dialogues[..part] {
                world.admin.set_participant(dialogue, &observers[observer].id, role).await;
            }
        }
        let start = world.cursor().await;
        world.server.stop().await;
        let mut places = Vec::new();
        for _ in 0..processes(backend) {
            let program = watch::Sender::new(Arc::new(world.program().await));
            places.push(Place { program, change: Mutex::default(), ended: Mutex::default() });
        }
        Self {
            places,
            away: watch::Sender::new(0),
            progress: watch::Sender::new(0),
            stage: watch::Sender::new(Stage::Storm),
            cuts: watch::Sender::new(()),
            employees,
            observers,
            channel,
            dialogues,
            anna: people[0].clone(),
            beginning,
            start,
            world,
            redis_outage: Mutex::default(),
            postgres,
        }
    }

    /// The addresses of all processes.
    pub fn doors(&self) -> Vec<String> {
        self.places.iter().map(|place| place.program.borrow().url().to_owned()).collect()
    }

    /// The address of a process, which may be frozen or gone.
    pub fn door(&self, chance: &mut Chance) -> String {
        chance.one_of(&self.doors()).clone()
    }

    /// The same for who writes. Few do at the last process: it hears of most by word and, with Redis away, by looking, so
    /// that whoever resumes there is often ahead of it.
    pub fn door_to_write(&self, chance: &mut Chance) -> String {
        let doors = self.doors();
        let busy = (doors.len() - 1).max(1);
        let doors = if chance.below(8) == 0 { &doors[..] } else { &doors[..busy] };
        chance.one_of(doors).clone()
    }

    /// The administrator, where all is well.
    pub fn admin(&self) -> Someone {
        self.world.admin.at(&self.doors()[0])
    }

    /// A change was acknowledged.
    pub fn acknowledge(&self) {
        self.progress.send_modify(|changes| *changes += 1);
    }

    pub fn changes(&self) -> u64 {
        *self.progress.borrow()
    }

    /// Ends when nothing was acknowledged for far too long.
    pub async fn stalled(&self) {
        let mut progress = self.progress.subscribe();
        while timeout(STALLED, progress.changed()).await.is_ok() {}
    }

    pub fn stage(&self) -> Stage {
        *self.stage.borrow()
    }

    pub fn enter(&self, stage: Stage) {
        self.stage.send_replace(stage);
    }

    /// Waits until the story is so far.
    pub async fn reached(&self, stage: Stage) {
        self.stage.subscribe().wait_for(|reached| *reached >= stage).await.expect("it lives as long as self");
    }

    /// Waits until all connections of subscribers are to be cut.
    pub async fn cut(&self) {
        self.cuts.subscribe().changed().await.expect("it lives as long as self");
    }

    /// Carries out a plan, and ends when all that went wrong is well again.
    pub async fn suffer(&self, plan: &[Step]) {
        let strike = |step: &Step| {
            let step = *step;
            async move {
                let mut progress = self.progress.subscribe();
                progress.wait_for(|changes| *changes >= step.after).await.expect("it lives as long as self");
                self.strike(step.fault).await;
            }
        };
        join_all(plan.iter().map(strike)).await;
    }

    async fn strike(&self, fault: Fault) {
        match fault {
            Fault::Cut => self.cuts.send_replace(()),
            Fault::Kill(number) => self.replace(number, async |program| program.kill9().await).await,
            Fault::Terminate(number) => {
                let end = async |program: &Program| {
                    let status = program.terminate().await;
                    assert!(status.success(), "asked to end, it ended with {status}");
                };
                self.replace(number, end).await;
            }
            Fault::Freeze(number, length) => {
                let place = &self.places[number];
                // Once it runs; it may still be ended while it is frozen.
                drop(place.change.lock().await);
                let program = Arc::clone(&place.program.borrow());
                program.signal(libc::SIGSTOP);
                sleep(length).await;
                program.signal(libc::SIGCONT);
            }
            Fault::LoseRedis(length) => {
                let _alone = self.redis_outage.lock().await;
                let redis = self.world.database.redis.as_ref().expect("PostgreSQL comes with it");
                self.outage(length, redis.stop(), redis.start()).await;
            }
            Fault::StopPostgres(length) => {
                let server = self.postgres().await;
                self.outage(length, server.stop(), server.start()).await;
            }
            Fault::CrashPostgres(length) => {
                let server = self.postgres().await;
                self.outage(length, server.crash(), server.start()).await;
            }
        }
    }

    async fn postgres(&self) -> tokio::sync::MutexGuard<'_, PostgresServer> {
        self.postgres.as_ref().expect("there is one on this backend").lock().await
    }

    /// A server is away for so long.
    async fn outage(&self, length: Duration, stop: impl Future<Output = ()>, start: impl Future<Output = ()>) {
        self.away.send_modify(|away| *away += 1);
        stop.await;
        sleep(length).await;
        start.await;
        self.away.send_modify(|away| *away -= 1);
    }

    async fn replace(&self, number: usize, end: impl AsyncFnOnce(&Program)) {
        let place = &self.places[number];
        let _alone = place.change.lock().await;
        let program = Arc::clone(&place.program.borrow());
        end(&program).await;
        place.ended.lock().await.push(program);
        place.program.send_replace(Arc::new(self.another().await));
    }

    /// A further process. One that cannot start because a server is away is started again when that is back.
    async fn another(&self) -> Program {
        loop {
            let mut away = self.away.subscribe();
            let was_well = *away.borrow_and_update() == 0;
            match self.world.try_program().await {
                Ok(program) => return program,
                Err(reason) => {
                    let is_excused = !was_well || away.has_changed().expect("it lives as long as self");
                    assert!(is_excused, "with all servers there: {reason}");
                    away.wait_for(|away| *away == 0).await.expect("it lives as long as self");
                }
            }
        }
    }
}

/// On a file there is one at a time.
pub fn processes(backend: Backend) -> usize {
    match backend {
        Backend::Sqlite => 1,
        Backend::Postgres => 3,
    }
}
