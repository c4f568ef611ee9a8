//! The sandbox: pretend Telegram, VK and Viber with a page on which a person is a client, alone or beside the server.

use std::net::SocketAddr;

use colloquy_entity::Role;
use colloquy_sandbox::phones::{self, Sandbox};
use tokio::net::TcpListener;

use crate::app::App;
use crate::http;
use crate::inbox::connecting::{self, Offer};
use crate::inbox::users;
use crate::viewer::{Credential, Viewer};

/// Starts the messengers and the page; the words of an error name the address that is taken.
///
/// `colloquy` is where the page says that colloquy is.
pub async fn start(page: SocketAddr, colloquy: Option<String>) -> Result<(Sandbox, SocketAddr), String> {
    let taken = |error: std::io::Error| {
        format!("the sandbox: {page} and the three ports after it cannot all be listened on: {error}")
    };
    let listener = TcpListener::bind(page).await.map_err(taken)?;
    let address = listener.local_addr().map_err(taken)?;
    let sandbox = Sandbox::start(page, colloquy).await.map_err(taken)?;
    let router = phones::router(sandbox.clone()).merge(http::sandbox_pages());
    tokio::spawn(async move {
        if let Err(error) = axum::serve(listener, router).await {
            tracing::error!(%error, "the sandbox's page is served no more");
        }
    });
    Ok((sandbox, address))
}

/// Connects a channel to each of the sandbox's bots, as its first administrator. One that is connected is registered anew:
/// the sandbox forgets when it ends.
pub async fn connect(app: &App, sandbox: &Sandbox, email: &str) -> Result<(), String> {
    let failed = |error: crate::error::Error| format!("the sandbox's bots could not be connected: {error}");
    let user = users::by_email(app.db.read(), email).await.map_err(failed)?;
    let Some(user) = user.filter(|user| user.role == Role::Admin) else {
        return Err(format!(
            "there is no administrator with the address {email}: make one first (`colloquy user add --email {email} --role admin …`)"
        ));
    };
    let credential = Credential::Session(colloquy_entity::SessionId::new());
    let viewer = Viewer { id: user.id, role: user.role, since: user.created_at, credential, expires_at: None };
    for bot in sandbox.bots() {
        let (messenger, credentials) = bot.credentials();
        let text = |key: &str| credentials[key].as_str().unwrap_or_default().to_owned();
        let (offer, name) = match messenger {
            "telegram" => (Offer::Telegram(text("botToken")), "Telegram (sandbox)"),
            "vk" => (Offer::Vk(text("groupId"), text("accessToken")), "VK (sandbox)"),
            _ => (Offer::Viber(text("authToken")), "Viber (sandbox)"),
        };
        connecting::connect_again(app, &viewer, name, offer).await.map_err(failed)?;
    }
    Ok(())
}
