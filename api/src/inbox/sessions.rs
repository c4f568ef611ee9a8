//! Signing in and out, API tokens, and who a token stands for.

use std::collections::HashMap;
use std::sync::Mutex;
use std::time::{Duration, Instant};

use colloquy_entity::*;
use sea_orm::sea_query::{Expr, ExprTrait, SimpleExpr};
use sea_orm::{
    ActiveModelTrait, ActiveValue::Set, ColumnTrait, ConnectionTrait, EntityTrait, IntoActiveModel, ModelTrait,
    QueryFilter, QueryOrder, QuerySelect, QueryTrait, SelectGetableTuple, Selector, TryGetableMany,
};

use crate::app::App;
use crate::db::Tx;
use crate::error::{Error, Result};
use crate::log::{Entry, Kind};
use crate::policy::{self, Power};
use crate::ranked;
use crate::secrets::{new_token, token_hash};
use crate::viewer::{Credential, Viewer};

use super::text;

/// How long a sign-in lasts, in milliseconds.
pub const SESSION: i64 = 30 * 24 * 60 * 60 * 1000;
/// `lastUsedAt` is to the minute: not every request writes.
const TOUCH: i64 = 60 * 1000;
/// Failed sign-ins to one address before it has to wait, and for how long they count.
const FAILURES: u32 = 10;
const FAILURES_COUNT: Duration = Duration::from_secs(60);
/// A look at the database that failed is repeated after so long.
const LOOK_AGAIN: Duration = Duration::from_secs(2);
/// In front of a session's token.
const SESSION_PREFIX: &str = "cqs";
/// In front of an API token.
const API_TOKEN_PREFIX: &str = "cqt";
/// The same words for an unknown user, a wrong password and a deactivated user: nobody learns who is here.
const REFUSED: Error = Error::Unauthenticated("The e-mail address or the password is wrong");

/// A fresh sign-in.
pub struct SignedIn {
    /// Shown once.
    pub token: String,
    /// From then on it is refused.
    pub expires_at: Time,
    /// Who signed in.
    pub user: user::Model,
    /// As who they ask from now on.
    pub viewer: Viewer,
}

/// Failed sign-ins by address, in this process.
#[derive(Default)]
pub struct Failures(Mutex<HashMap<String, (u32, Instant)>>);

impl Failures {
    fn check(&self, email: &str) -> Result<()> {
        let mut all = self.0.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
        all.retain(|_, (_, since)| since.elapsed() < FAILURES_COUNT);
        match all.get(email) {
            Some((count, since)) if *count >= FAILURES => {
                let left = FAILURES_COUNT.saturating_sub(since.elapsed());
                Err(Error::RateLimited(left.as_secs() + 1))
            }
            _ => Ok(()),
        }
    }

    fn count(&self, email: &str) {
        let mut all = self.0.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
        all.entry(email.to_owned()).or_insert((0, Instant::now())).0 += 1;
    }

    fn forget(&self, email: &str) {
        self.0.lock().unwrap_or_else(std::sync::PoisonError::into_inner).remove(email);
    }
}

/// Signs in. The answer to an unknown user, a wrong password and a deactivated user is one, and takes as long.
pub async fn sign_in(app: &App, email: &str, password: &str) -> Result<SignedIn> {
    let email = email.trim().to_lowercase();
    app.failures.check(&email)?;
    // PostgreSQL takes no U+0000, and nobody's address has one.
    let known = email.replace('\0', " ");
    let user = user::Entity::find().filter(user::Column::Email.eq(known)).one(app.db.read()).await?;
    let hash = user.as_ref().filter(|user| user.is_active).map(|user| user.password_hash.as_str());
    let right = app.secrets.verify_password(password, hash).await?;
    let Some(user) = user.filter(|_| right) else {
        app.failures.count(&email);
        return Err(REFUSED);
    };
    app.failures.forget(&email);
    let token = new_token(SESSION_PREFIX)?;
    let now = Time::now();
    let session = session::Model {
        id: SessionId::new(),
        user_id: user.id,
        token_hash: token_hash(&token),
        created_at: now,
        expires_at: now.plus(SESSION),
    };
    session::Entity::insert(session.clone().into_active_model().reset_all())
        .exec_without_returning(app.db.write())
        .await?;
    let viewer = Viewer {
        id: user.id,
        role: user.role,
        since: user.created_at,
        credential: Credential::Session(session.id),
        expires_at: Some(session.expires_at),
    };
    Ok(SignedIn { token, expires_at: session.expires_at, user, viewer })
}

/// Ends the session that asks. An API token is revoked, not signed out.
pub async fn sign_out(app: &App, viewer: &Viewer) -> Result<()> {
    let Credential::Session(id) = viewer.credential else {
        return Err(Error::conflict("An API token is ended by revokeApiToken"));
    };
    let mut tx = app.begin().await?;
    session::Entity::delete_by_id(id).exec(&*tx).await?;
    tx.emit(ended(Kind::SessionEnded, viewer, viewer.id, id.0));
    tx.commit().await
}

/// Ends all sessions of a user but the viewer's own one.
pub(super) async fn end_all(tx: &mut Tx<'_>, viewer: &Viewer, user: UserId) -> Result<()> {
    let sessions = session::Entity::find().filter(session::Column::UserId.eq(user)).all(&**tx).await?;
    for session in sessions {
        if viewer.credential != Credential::Session(session.id) {
            tx.emit(ended(Kind::SessionEnded, viewer, user, session.id.0));
            session.delete(&**tx).await?;
        }
    }
    Ok(())
}

fn ended(kind: Kind, viewer: &Viewer, user: UserId, credential: uuid::Uuid) -> Entry {
    Entry::new(kind, viewer.actor()).for_user(user).with(|detail| {
        detail.user = Some(user);
        detail.credential = Some(credential);
    })
}

/// Who a token stands for. UNAUTHENTICATED where it is not one of ours, has expired or was ended, and for deactivated
/// users.
pub async fn viewer(app: &App, token: &str) -> Result<Viewer> {
    let refused = Error::Unauthenticated("The token is not valid (any more): sign in again");
    let db = app.db.read();
    let hash = token_hash(token);
    let now = Time::now();
    // One statement each: every request begins with it.
    let (credential, expires_at, (id, role, is_active, since)) = if token.starts_with(SESSION_PREFIX) {
        use session::Column::{ExpiresAt, Id, TokenHash, UserId as Holder};
        let session = held::<session::Entity, (_, Time, _, _, bool, _)>([Id, ExpiresAt], Holder, TokenHash.eq(hash));
        let session = session.one(db).await?;
        let (session, expires_at, id, role, is_active, since) = session.ok_or(refused.clone())?;
        (Credential::Session(session), Some(expires_at), (id, role, is_active, since))
    } else {
        use api_token::Column::{ExpiresAt, Id, LastUsedAt, TokenHash, UserId as Holder};
        let columns = [Id, ExpiresAt, LastUsedAt];
        let token = held::<api_token::Entity, (_, _, _, _, _, bool, _)>(columns, Holder, TokenHash.eq(hash));
        let token = token.one(db).await?;
        let (token, expires_at, last_used_at, id, role, is_active, since) = token.ok_or(refused.clone())?;
        touch(app, token, last_used_at, now).await;
        (Credential::ApiToken(token), expires_at, (id, role, is_active, since))
    };
    if !is_active || expires_at.is_some_and(|at| at <= now) {
        return Err(refused);
    }
    Ok(Viewer { id, role, since, credential, expires_at })
}

/// What is held by a user, and of them who they are, their role, whether they are active and since when they are here.
fn held<E: EntityTrait, T: TryGetableMany>(
    columns: impl IntoIterator<Item = E::Column>,
    holder: E::Column,
    which: SimpleExpr,
) -> Selector<SelectGetableTuple<T>> {
    let mut query = E::find().select_only().columns(columns).columns([
        user::Column::Id,
        user::Column::Role,
        user::Column::IsActive,
        user::Column::CreatedAt,
    ]);
    let is_theirs = Expr::col((user::Entity, user::Column::Id)).eq(Expr::col((E::default(), holder)));
    QueryTrait::query(&mut query).inner_join(user::Entity, is_theirs);
    query.filter(which).into_tuple()
}

/// Notes that a token was used; that this fails is no reason to refuse it.
async fn touch(app: &App, token: ApiTokenId, last_used_at: Option<Time>, now: Time) {
    if last_used_at.is_some_and(|at| now.0 - at.0 < TOUCH) {
        return;
    }
    let row = api_token::ActiveModel { last_used_at: Set(Some(now)), ..Default::default() };
    let update = api_token::Entity::update_many().set(row).filter(api_token::Column::Id.eq(token));
    if let Err(error) = update.exec(app.db.write()).await {
        tracing::debug!(%error, "the use of a token was not noted");
    }
}

/// A token for a program.
pub struct NewToken {
    /// What it is for.
    pub name: String,
    /// As whom it acts: another user's is for administrators to make.
    pub user: Option<Option<UserId>>,
    /// From then on it is refused; never, when none.
    pub expires_at: Option<Time>,
}

/// Makes a token and answers it, this once.
pub async fn create_token(app: &App, viewer: &Viewer, new: NewToken) -> Result<(api_token::Model, String)> {
    let user = match new.user {
        None => viewer.id,
        Some(other) => {
            if other != Some(viewer.id) {
                policy::require(viewer, Power::Administer)?;
            }
            other.ok_or_else(|| Error::bad("input.userId", "There is no such user"))?
        }
    };
    add_token(app, user, &new.name, new.expires_at).await
}

/// Makes a token for a user, for who runs the server.
pub async fn add_token(
    app: &App,
    user: UserId,
    name: &str,
    expires_at: Option<Time>,
) -> Result<(api_token::Model, String)> {
    let name = text::name("input.name", name)?;
    let found = user::Entity::find_by_id(user).one(app.db.read()).await?;
    let found = found.ok_or_else(|| Error::bad("input.userId", "There is no such user"))?;
    if !found.is_active {
        return Err(Error::bad("input.userId", "This user is deactivated"));
    }
    let now = Time::now();
    if expires_at.is_some_and(|at| at <= now) {
        return Err(Error::bad("input.expiresAt", "A token cannot expire in the past"));
    }
    let secret = new_token(API_TOKEN_PREFIX)?;
    let token = api_token::Model {
        id: ApiTokenId::new(),
        user_id: user,
        name,
        token_hash: token_hash(&secret),
        created_at: now,
        last_used_at: None,
        expires_at,
    };
    api_token::Entity::insert(token.clone().into_active_model().reset_all())
        .exec_without_returning(app.db.write())
        .await?;
    Ok((token, secret))
}

/// Ends a token and the connections that use it. One's own; others' are for administrators, and not there for anybody
/// else.
pub async fn revoke_token(app: &App, viewer: &Viewer, id: Option<ApiTokenId>) -> Result<api_token::Model> {
    let id = id.ok_or(Error::NotFound("token"))?;
    let mut tx = app.begin().await?;
    let token = api_token::Entity::find_by_id(id).filter(own_tokens(viewer)).one(&*tx).await?;
    let token = token.ok_or(Error::NotFound("token"))?;
    token.clone().delete(&*tx).await?;
    tx.emit(ended(Kind::TokenRevoked, viewer, token.user_id, token.id.0));
    tx.commit().await?;
    Ok(token)
}

/// The latest of the viewer's own tokens, in the order in which they were made; an administrator's answer has everyone's.
pub async fn tokens(db: &impl ConnectionTrait, viewer: &Viewer) -> Result<Vec<api_token::Model>> {
    let query = api_token::Entity::find().filter(own_tokens(viewer));
    let mut latest = query.order_by_desc(api_token::Column::Id).limit(ranked::LATEST).all(db).await?;
    latest.reverse();
    Ok(latest)
}

/// One of them.
pub async fn token(db: &impl ConnectionTrait, viewer: &Viewer, id: ApiTokenId) -> Result<Option<api_token::Model>> {
    Ok(api_token::Entity::find_by_id(id).filter(own_tokens(viewer)).one(db).await?)
}

fn own_tokens(viewer: &Viewer) -> sea_orm::Condition {
    let all = sea_orm::Condition::all();
    if policy::has(viewer.role, Power::Administer) {
        return all;
    }
    all.add(api_token::Column::UserId.eq(viewer.id).and(api_token::Column::Id.is_not_null()))
}

/// Resolves, with the reason in words, when the viewer may be connected no longer: their session or token was ended or
/// has expired, or they were deactivated, by whichever process.
pub async fn until_ended(app: &App, viewer: &Viewer) -> &'static str {
    use tokio::sync::broadcast::error::RecvError;
    let mut endings = app.log.endings();
    let expiry = async {
        match viewer.expires_at {
            Some(at) => {
                let left = u64::try_from(at.0 - Time::now().0).unwrap_or_default();
                tokio::time::sleep(Duration::from_millis(left)).await;
            }
            None => std::future::pending().await,
        }
    };
    tokio::pin!(expiry);
    // What happened between the check of the token and this is found by looking once.
    let mut look = true;
    loop {
        // Apart: what it takes is not held while a connection waits.
        if look {
            match Box::pin(still_holds(app, viewer)).await {
                Ok(true) => look = false,
                Ok(false) => return "The session or token was ended",
                Err(error) => tracing::debug!(%error, "whether a session still holds is looked up again"),
            }
        }
        tokio::select! {
            () = &mut expiry => return "The session or token has expired",
            () = tokio::time::sleep(LOOK_AGAIN), if look => {}
            ending = endings.recv() => match ending {
                Ok(endings) => {
                    if let Some(reason) = endings.iter().find_map(|event| ends(event, viewer)) {
                        return reason;
                    }
                }
                Err(RecvError::Lagged(_)) => look = true,
                Err(RecvError::Closed) => return "The server stops",
            },
        }
    }
}

fn ends(event: &crate::log::Event, viewer: &Viewer) -> Option<&'static str> {
    match event.kind {
        Kind::UserChanged if event.detail.user == Some(viewer.id) && event.detail.active == Some(false) => {
            Some("The user was deactivated")
        }
        Kind::SessionEnded | Kind::TokenRevoked if event.detail.credential == Some(viewer.credential.uuid()) => {
            Some("The session or token was ended")
        }
        _ => None,
    }
}

/// A viewer who has been connected for a while, with the role that they have by now.
pub async fn anew(app: &App, viewer: &Viewer) -> Result<Viewer> {
    let user = user::Entity::find_by_id(viewer.id).one(app.db.read()).await?;
    let user = user.filter(|user| user.is_active).ok_or(Error::Unauthenticated("The user was deactivated"))?;
    Ok(Viewer { role: user.role, ..*viewer })
}

/// Whether the credential is there and its user active.
pub(super) async fn still_holds(app: &App, viewer: &Viewer) -> Result<bool> {
    let db = app.db.read();
    let user = user::Entity::find_by_id(viewer.id).one(db).await?;
    let has_credential = match viewer.credential {
        Credential::Session(id) => session::Entity::find_by_id(id).one(db).await?.is_some(),
        Credential::ApiToken(id) => api_token::Entity::find_by_id(id).one(db).await?.is_some(),
    };
    Ok(has_credential && user.is_some_and(|user| user.is_active))
}
