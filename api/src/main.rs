//! The commands.

mod commands;

use std::io::{BufRead, IsTerminal as _, Write};
use std::net::SocketAddr;
use std::process::ExitCode;

use clap::{Parser, Subcommand, ValueEnum};
use colloquy::app::App;
use colloquy::config::{Config, Settings};
use colloquy::inbox::{demo, sessions, users};
use colloquy::{graphql, sandbox, serve};
use tracing_subscriber::EnvFilter;

/// mimalloc takes 11 to 15 % less CPU than the system's allocator on GraphQL answers.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

/// The customer-messaging inbox that other people build on.
#[derive(Parser)]
#[command(name = "colloquy", version, about)]
struct Arguments {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// Migrates, then serves.
    Serve {
        #[command(flatten)]
        settings: Box<Settings>,
        /// Fills an empty database with demo data first.
        #[arg(long)]
        demo: bool,
        /// With --demo: starts the sandbox beside it, its page at this address and its messengers at the three ports after
        /// it, and connects a channel to each.
        #[arg(long, value_name = "ADDRESS", num_args = 0..=1, default_missing_value = "127.0.0.1:8090", requires = "demo")]
        sandbox: Option<SocketAddr>,
    },
    /// Brings the database's tables up to date and ends.
    Migrate {
        #[command(flatten)]
        settings: Box<Settings>,
    },
    /// Fills a database without dialogues with a made-up archive.
    Demo {
        #[command(flatten)]
        settings: Box<Settings>,
        #[command(flatten)]
        options: commands::demo::Options,
    },
    /// Pretend Telegram, VK and Viber with a page to write from as a client: for trying channels out, without accounts.
    Sandbox {
        /// The page's address; the messengers take the three ports after it. Port 0 takes free ones and prints them.
        #[arg(long, default_value = "127.0.0.1:8090")]
        listen: SocketAddr,
        /// Where colloquy is, for the page's link to it.
        #[arg(long, value_name = "URL")]
        colloquy: Option<String>,
    },
    /// Writes the archive to standard output, as it is at the start, a line each.
    Export {
        #[command(flatten)]
        settings: Box<Settings>,
        #[command(flatten)]
        options: commands::export::Options,
    },
    /// Employees.
    #[command(subcommand)]
    User(UserCommand),
    /// API tokens.
    #[command(subcommand)]
    Token(TokenCommand),
    /// Prints the GraphQL schema.
    Schema {
        /// That of the website's chat, which visitors speak.
        #[arg(long)]
        chat: bool,
    },
}

#[derive(Subcommand)]
enum UserCommand {
    /// Adds an employee; the password is one line of standard input.
    Add {
        #[command(flatten)]
        settings: Box<Settings>,
        /// As colleagues see it.
        #[arg(long)]
        name: String,
        /// They sign in with it.
        #[arg(long)]
        email: String,
        /// What they may do.
        #[arg(long)]
        role: Role,
    },
}

#[derive(Subcommand)]
enum TokenCommand {
    /// Makes an API token for an employee and prints it, this once.
    Create {
        #[command(flatten)]
        settings: Box<Settings>,
        /// The employee's e-mail address.
        #[arg(long)]
        email: String,
        /// What the token is for.
        #[arg(long)]
        name: String,
    },
}

#[derive(Clone, Copy, ValueEnum)]
enum Role {
    Admin,
    Employee,
    Observer,
}

impl From<Role> for colloquy_entity::Role {
    fn from(role: Role) -> Self {
        match role {
            Role::Admin => Self::Admin,
            Role::Employee => Self::Employee,
            Role::Observer => Self::Observer,
        }
    }
}

/// A wrong setting.
const WRONG: u8 = 2;

fn main() -> ExitCode {
    // Before anything reads the environment, and before there are threads.
    match dotenvy::dotenv() {
        Ok(_) => {}
        Err(error) if error.not_found() => {}
        Err(error) => return fail(WRONG, &format!(".env cannot be read: {error}")),
    }
    let arguments = Arguments::parse();
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build();
    match runtime {
        Ok(runtime) => runtime.block_on(run(arguments.command)),
        Err(error) => fail(1, &format!("the runtime cannot be started: {error}")),
    }
}

/// One line on standard error.
fn fail(status: u8, words: &str) -> ExitCode {
    eprintln!("colloquy: {}", words.lines().next().unwrap_or_default());
    ExitCode::from(status)
}

async fn run(command: Command) -> ExitCode {
    match command {
        Command::Serve { settings, demo, sandbox } => match check(&settings) {
            Ok(config) => serve(Config { demo, ..config }, sandbox).await,
            Err(words) => fail(WRONG, &words),
        },
        Command::Demo { settings, options } => commands::demo::run(&settings, &options).await,
        Command::Sandbox { listen, colloquy } => pretend(listen, colloquy).await,
        Command::Schema { chat } => {
            print!("{}", if chat { graphql::chat::sdl() } else { graphql::sdl() });
            ExitCode::SUCCESS
        }
        Command::Migrate { settings } => with_app(&settings, async |_| Ok(())).await,
        Command::Export { settings, options } => commands::export::run(&settings, &options).await,
        Command::User(UserCommand::Add { settings, name, email, role }) => {
            let mut password = String::new();
            if std::io::stdin().is_terminal() {
                eprint!("Password, one line (it is shown as you type): ");
            }
            if std::io::stdin().lock().read_line(&mut password).is_err() {
                return fail(1, "the password could not be read from standard input");
            }
            let password = password.trim_end_matches(['\r', '\n']).to_owned();
            let new = users::NewUser { name, email, password, role: role.into() };
            with_app(&settings, async |app| {
                let user = users::add(app, None, new).await.map_err(|error| error.to_string())?;
                println!("{}", user.id);
                Ok(())
            })
            .await
        }
        Command::Token(TokenCommand::Create { settings, email, name }) => {
            with_app(&settings, async |app| {
                let user = users::by_email(app.db.read(), &email).await.map_err(|error| error.to_string())?;
                let user = user.ok_or_else(|| format!("there is no user with the address {email}"))?;
                let made = sessions::add_token(app, user.id, &name, None).await;
                let (_, token) = made.map_err(|error| error.to_string())?;
                println!("{token}");
                Ok(())
            })
            .await
        }
    }
}

/// What libraries say of every start, unless it is asked for.
const QUIET: &str = "sea_orm_migration=warn,sqlx::postgres::notice=warn";
/// Libraries that log what goes over the wire.
const TELLTALES: [&str; 2] = ["tungstenite=info", "tokio_tungstenite=info"];

fn check(settings: &Settings) -> Result<Config, String> {
    let config = settings.check()?;
    let filter = EnvFilter::try_new(format!("{QUIET},{}", config.log)).map_err(|error| format!("LOG: {error}"))?;
    // Whatever is asked for: these log what was sent, tokens included.
    let filter = TELLTALES.iter().fold(filter, |filter, telltale| match telltale.parse() {
        Ok(directive) => filter.add_directive(directive),
        Err(_) => filter,
    });
    let is_terminal = std::io::IsTerminal::is_terminal(&std::io::stderr());
    let log = tracing_subscriber::fmt().with_env_filter(filter).with_ansi(is_terminal).with_writer(std::io::stderr);
    if config.log_json {
        log.json().init();
    } else {
        log.init();
    }
    Ok(config)
}

/// Does one thing with the database, migrated, and ends.
async fn with_app(settings: &Settings, work: impl AsyncFnOnce(&App) -> Result<(), String>) -> ExitCode {
    let app = match check(settings) {
        Ok(config) => App::start(config).await,
        Err(words) => return fail(WRONG, &words),
    };
    match app {
        Ok(app) => {
            let done = work(&app).await;
            app.stop.cancel();
            app.tasks.close();
            app.tasks.wait().await;
            let closed = app.db.close().await.map_err(|error| error.to_string());
            match done.and(closed) {
                Ok(()) => ExitCode::SUCCESS,
                Err(words) => fail(1, &words),
            }
        }
        Err(words) => fail(WRONG, &words),
    }
}

async fn serve(config: Config, sandbox: Option<SocketAddr>) -> ExitCode {
    let with_demo = config.demo;
    let stop = match Signals::new() {
        Ok(stop) => stop,
        Err(error) => return fail(1, &format!("signals cannot be heard: {error}")),
    };
    let started = match sandbox {
        None => serve::start(config).await.map(|running| (running, None)),
        Some(page) => serve_with_sandbox(config, page).await.map(|(running, page)| (running, Some(page))),
    };
    let (running, page) = match started {
        Ok(started) => started,
        Err(words) => return fail(WRONG, &words),
    };
    // On standard output, for people and for programs that start us on port 0.
    println!("colloquy listens on http://{}", running.address);
    if with_demo && demo::is_there(&running.app).await {
        println!("Open http://{}/graphql and sign in as {} with {}", running.address, demo::EMAIL, demo::PASSWORD);
    }
    if let Some(page) = page {
        println!("Write as a client of Telegram, VK and Viber at http://{page}/");
    }
    let _ = std::io::stdout().flush();
    stop.heard().await;
    tracing::info!("stopping");
    running.stop().await;
    ExitCode::SUCCESS
}

/// Serves with the sandbox's messengers instead of the real ones, which reach us where we listen.
async fn serve_with_sandbox(config: Config, page: SocketAddr) -> Result<(serve::Running, SocketAddr), String> {
    let listener = tokio::net::TcpListener::bind(config.listen).await;
    let listener = listener.map_err(|error| format!("LISTEN: {} cannot be listened on: {error}", config.listen))?;
    let address = listener.local_addr().map_err(|error| format!("LISTEN: {error}"))?;
    let url = format!("http://{address}");
    let (pretended, page) = sandbox::start(page, Some(url.clone())).await?;
    let [telegram, vk, viber] = pretended.urls().map(|(_, url)| url.to_owned());
    let public_url = config.public_url.clone().or(Some(url));
    let config = Config { public_url, telegram_api_url: telegram, vk_api_url: vk, viber_api_url: viber, ..config };
    let running = serve::start_on(listener, config).await?;
    sandbox::connect(&running.app, &pretended, demo::EMAIL).await?;
    Ok((running, page))
}

/// `colloquy sandbox`
async fn pretend(listen: SocketAddr, colloquy: Option<String>) -> ExitCode {
    let stop = match Signals::new() {
        Ok(stop) => stop,
        Err(error) => return fail(1, &format!("signals cannot be heard: {error}")),
    };
    let (sandbox, page) = match sandbox::start(listen, colloquy).await {
        Ok(started) => started,
        Err(words) => return fail(WRONG, &words),
    };
    println!("Write as a client at http://{page}/");
    println!("Start colloquy with");
    for (name, url) in sandbox.urls() {
        println!("  {name}={url}");
    }
    let _ = std::io::stdout().flush();
    stop.heard().await;
    ExitCode::SUCCESS
}

/// SIGTERM and SIGINT.
struct Signals {
    terminate: tokio::signal::unix::Signal,
}

impl Signals {
    fn new() -> std::io::Result<Self> {
        let terminate = tokio::signal::unix::signal(tokio::signal::unix::SignalKind::terminate())?;
        Ok(Self { terminate })
    }

    async fn heard(mut self) {
        tokio::select! {
            _ = self.terminate.recv() => {}
            _ = tokio::signal::ctrl_c() => {}
        }
    }
}
