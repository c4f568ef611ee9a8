//! Serving: starting everything in its order, and stopping it in good order.

use std::fs::File;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use axum::serve::ListenerExt;
use tokio::net::TcpListener;
use tokio::task::JoinHandle;
use tokio::time::{sleep, timeout};

use crate::app::App;
use crate::config::{Config, Database};
use crate::http::{self, Doors};
use crate::inbox::{chat, demo, files, leases, search, tally};

/// Looks for the lock of a SQLite file, 50 ms apart.
const ENDING: usize = 20;
/// What is under way at a stop has so long to end. Whoever stops us kills us after 10 s.
const GRACE: Duration = Duration::from_secs(8);

/// A server that runs.
pub struct Running {
    /// Where it listens.
    pub address: SocketAddr,
    /// Its parts.
    pub app: Arc<App>,
    doors: Doors,
    server: JoinHandle<()>,
    /// Held as long as it runs.
    _alone: Option<File>,
}

/// Binds `LISTEN` and starts. The words of an error name the setting that is wrong.
pub async fn start(config: Config) -> Result<Running, String> {
    let listener = TcpListener::bind(config.listen).await;
    let listener = listener.map_err(|error| format!("LISTEN: {} cannot be listened on: {error}", config.listen))?;
    start_on(listener, config).await
}

/// Starts on a listener that is bound already.
pub async fn start_on(listener: TcpListener, config: Config) -> Result<Running, String> {
    let alone = alone(&config).await?;
    let address = listener.local_addr().map_err(|error| format!("LISTEN: {error}"))?;
    let metrics = match config.metrics_listen {
        Some(at) => Some(TcpListener::bind(at).await.map_err(|error| format!("METRICS_LISTEN: {at}: {error}"))?),
        None => None,
    };
    let with_demo = config.demo;
    let app = App::start(config).await?;
    if with_demo {
        // Before anybody works for its channel.
        demo::fill(&app).await.map_err(|error| format!("--demo: {error:?}"))?;
    }
    // The first who asks; a second start on one App there is none.
    let _ = app.address.set(address);
    let doors = Doors::new(&app);
    if let Some(listener) = metrics {
        let served =
            axum::serve(listener, http::metrics(&doors)).with_graceful_shutdown(app.stop.clone().cancelled_owned());
        app.tasks.spawn(async move {
            if let Err(error) = served.await {
                tracing::error!(%error, "/metrics is served no more");
            }
        });
    }
    app.tasks.spawn(leases::run(Arc::clone(&app)));
    app.tasks.spawn(tally::run(Arc::clone(&app)));
    app.tasks.spawn(search::catch_up(Arc::clone(&app)));
    app.tasks.spawn(files::run(Arc::clone(&app)));
    let tended = Arc::clone(&app);
    app.tasks.spawn(async move {
        tended.stop.run_until_cancelled(tended.db.tend()).await;
    });
    app.tasks.spawn(chat::run(Arc::clone(&app)));
    let listener = listener.tap_io(|stream| {
        // Small answers leave at once.
        let _ = stream.set_nodelay(true);
    });
    let served =
        axum::serve(listener, http::service(&doors)).with_graceful_shutdown(app.stop.clone().cancelled_owned());
    let server = tokio::spawn(async move {
        if let Err(error) = served.await {
            tracing::error!(%error, "the server ended");
        }
    });
    Ok(Running { address, app, doors, server, _alone: alone })
}

impl Running {
    /// Takes no more work, closes connections that stay with 1001, finishes what is under way.
    pub async fn stop(self) {
        self.app.stop.cancel();
        self.app.tasks.close();
        let ended = timeout(GRACE, async {
            self.doors.live().drained().await;
            let _ = self.server.await;
            self.app.tasks.wait().await;
            self.app.db.close().await
        });
        match ended.await {
            Ok(Ok(())) => {}
            Ok(Err(error)) => tracing::warn!(%error, "the database could not be closed"),
            Err(_) => tracing::warn!("not everything ended in time"),
        }
    }
}

/// A SQLite file is served by one process: positions in the log are given on the strength of it.
async fn alone(config: &Config) -> Result<Option<File>, String> {
    let Database::Sqlite(database) = &config.database else { return Ok(None) };
    let path = PathBuf::from(format!("{}.lock", database.display()));
    if let Some(folder) = path.parent() {
        std::fs::create_dir_all(folder).map_err(|error| format!("DATABASE_URL: {}: {error}", folder.display()))?;
    }
    let file = File::options().create(true).write(true).truncate(false).open(&path);
    let file = file.map_err(|error| format!("DATABASE_URL: {}: {error}", path.display()))?;
    // One that is just ending may have it for a moment yet.
    for _ in 0..ENDING {
        if file.try_lock().is_ok() {
            return Ok(Some(file));
        }
        sleep(Duration::from_millis(50)).await;
    }
    let database = database.display();
    Err(format!("DATABASE_URL: another process serves {database} already; several need PostgreSQL and Redis"))
}
