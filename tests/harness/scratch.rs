//! Temporary directories that are gone when the test process is, however it ended.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::LazyLock;

use uuid::Uuid;

/// Waits for the end of its standard input, which is the end of the test process, and removes the directory. Servers
/// may take a moment longer to end and to stop writing: it tries again for ten seconds.
const CLEANER: &str = r#"
    trap '' HUP INT TERM
    cat >/dev/null
    tries=0
    while [ -e "$1" ] && [ "$tries" -lt 100 ]; do
        rm -rf "$1" || sleep 0.1
        tries=$((tries + 1))
    done
"#;

struct Root {
    path: PathBuf,
    /// Holds the pipe whose closing the cleaner waits for.
    _cleaner: Child,
}

static ROOT: LazyLock<Root> = LazyLock::new(|| {
    let path = std::env::temp_dir().join(format!("colloquy-stories-{}", Uuid::new_v4()));
    create(&path);
    let cleaner = Command::new("sh")
        .args(["-c", CLEANER, "sh"])
        .arg(&path)
        .current_dir("/")
        .stdin(Stdio::piped())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .process_group(0)
        .spawn()
        .expect("sh runs");
    Root { path, _cleaner: cleaner }
});

/// A directory that is removed when this is dropped or, at the latest, when the test process has ended.
#[derive(Debug)]
pub struct Scratch(PathBuf);

impl Scratch {
    pub fn new() -> Self {
        let path = ROOT.path.join(Uuid::new_v4().to_string());
        create(&path);
        Self(path)
    }

    pub fn path(&self) -> &Path {
        &self.0
    }
}

impl Drop for Scratch {
    fn drop(&mut self) {
        // What is still being written to is left to the cleaner.
        let _ = fs::remove_dir_all(&self.0);
    }
}

/// Others may pass through: PostgreSQL runs as another user when the tests run as root.
fn create(path: &Path) {
    fs::create_dir(path).unwrap_or_else(|error| panic!("cannot make {}: {error}", path.display()));
    fs::set_permissions(path, fs::Permissions::from_mode(0o711)).expect("the directory is ours");
}
