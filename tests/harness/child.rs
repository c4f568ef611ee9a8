//! Child processes that end when the test process does, however it ends.

use std::io;
use std::os::unix::process::CommandExt;
use std::process::{Command, ExitStatus};
use std::sync::{LazyLock, Mutex, MutexGuard, PoisonError, mpsc};
use std::thread;
use std::time::{Duration, Instant};

const POLL: Duration = Duration::from_millis(2);
/// How long a dropped child has to end after its signal before it is killed.
const GRACE: Duration = Duration::from_secs(5);

type Order = (Command, mpsc::Sender<io::Result<std::process::Child>>);

/// The kernel signals a child when the *thread* that made it ends, and a test's thread ends with the test: children
/// that outlive a test are made by a thread that lives as long as the process.
static SPAWNER: LazyLock<mpsc::Sender<Order>> = LazyLock::new(|| {
    let (orders, received) = mpsc::channel::<Order>();
    thread::Builder::new()
        .name("spawner".into())
        .spawn(move || {
            for (mut command, answer) in received {
                let _ = answer.send(command.spawn());
            }
        })
        .expect("a thread starts");
    orders
});

/// A running or ended child. Dropping it ends it and waits until it has ended.
#[derive(Debug)]
pub struct Child {
    process: Mutex<std::process::Child>,
    farewell: i32,
}

impl Child {
    /// Starts `command`. The child gets the signal `farewell` when it is dropped or when the test process ends.
    pub fn spawn(mut command: Command, farewell: i32) -> io::Result<Self> {
        end_with_this_process(&mut command, farewell);
        let (answer, answered) = mpsc::channel();
        SPAWNER.send((command, answer)).expect("the spawner runs");
        let process = answered.recv().expect("the spawner answers")?;
        Ok(Self { process: Mutex::new(process), farewell })
    }

    pub fn id(&self) -> u32 {
        self.process().id()
    }

    /// Sends a signal, unless the child has ended.
    pub fn signal(&self, signal: i32) {
        let mut process = self.process();
        // Under the lock nobody else takes the child's status, so its id cannot have passed to another process.
        if matches!(process.try_wait(), Ok(None)) {
            #[expect(unsafe_code, reason = "the standard library sends no signal but SIGKILL")]
            // SAFETY: kill takes two numbers and touches no memory of ours.
            unsafe {
                libc::kill(process.id() as libc::pid_t, signal);
            }
        }
    }

    /// The status with which the child ended, if it has.
    pub fn ended(&self) -> Option<ExitStatus> {
        self.process().try_wait().expect("the child is ours to wait for")
    }

    /// Waits until the child has ended.
    pub async fn exit(&self) -> ExitStatus {
        loop {
            match self.ended() {
                Some(status) => return status,
                None => tokio::time::sleep(POLL).await,
            }
        }
    }

    pub fn process(&self) -> MutexGuard<'_, std::process::Child> {
        self.process.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Child {
    fn drop(&mut self) {
        self.signal(self.farewell);
        let deadline = Instant::now() + GRACE;
        while self.ended().is_none() {
            if Instant::now() > deadline {
                self.signal(libc::SIGKILL);
            }
            thread::sleep(POLL);
        }
    }
}

#[cfg(target_os = "linux")]
fn end_with_this_process(command: &mut Command, signal: i32) {
    let parent = std::process::id();
    #[expect(unsafe_code, reason = "only the child itself can ask for the signal, between fork and exec")]
    // SAFETY: the closure makes two system calls that are safe after fork, and allocates nothing. It runs after the
    // change of user, which would cancel the request.
    unsafe {
        command.pre_exec(move || {
            if libc::prctl(libc::PR_SET_PDEATHSIG, signal as libc::c_ulong) != 0 {
                return Err(io::Error::last_os_error());
            }
            if libc::getppid() as u32 != parent {
                return Err(io::Error::from_raw_os_error(libc::ESRCH));
            }
            Ok(())
        });
    }
}

#[cfg(not(target_os = "linux"))]
fn end_with_this_process(_command: &mut Command, _signal: i32) {}
