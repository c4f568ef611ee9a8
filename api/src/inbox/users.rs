//! Users: the employees, their roles, and what a change of those does to what they may see.

use std::collections::HashSet;

use colloquy_entity::*;
use sea_orm::sea_query::{ExprTrait, LockType};
use sea_orm::{
    ActiveModelTrait, ColumnTrait, ConnectionTrait, EntityTrait, IntoActiveModel, PaginatorTrait, QueryFilter,
    QueryOrder, QuerySelect, SqlErr,
};

use crate::app::App;
use crate::db::Tx;
use crate::error::{Error, Result};
use crate::log::{Actor, Entry, Kind};
use crate::paging::{Page, PageArgs, Window};
use crate::policy::{self, Power};
use crate::viewer::Viewer;

use super::{participants, sessions, text};

/// Shortest password, in characters, as NIST SP 800-63B has it.
const SHORTEST_PASSWORD: usize = 8;
/// Longest password, in bytes: hashing takes time with each.
const LONGEST_PASSWORD: usize = 1024;
/// A new employee.
pub struct NewUser {
    /// As colleagues see it.
    pub name: String,
    /// They sign in with it.
    pub email: String,
    /// Not kept.
    pub password: String,
    /// What they may do.
    pub role: Role,
}

/// Makes a user; for administrators.
pub async fn create(app: &App, viewer: &Viewer, new: NewUser) -> Result<user::Model> {
    policy::require(viewer, Power::Administer)?;
    add(app, viewer.actor(), new).await
}

/// Makes a user, for who runs the server: how the first administrator comes to be.
pub async fn add(app: &App, actor: Option<Actor>, new: NewUser) -> Result<user::Model> {
    let name = text::name("input.name", &new.name)?;
    let email = email(&new.email)?;
    check_password(&new.password)?;
    let password_hash = app.secrets.hash_password(&new.password).await?;
    let mut tx = app.begin().await?;
    let user = user::Model {
        id: UserId::new(),
        lookup: text::lookup([&name, &email]),
        name,
        email,
        password_hash,
        role: new.role,
        is_active: true,
        created_at: tx.now(),
    };
    let inserted =
        user::Entity::insert(user.clone().into_active_model().reset_all()).exec_without_returning(&*tx).await;
    inserted.map_err(taken)?;
    tx.emit(standing(actor, &user));
    tx.commit().await?;
    Ok(user)
}

/// What is to change; what is absent stays.
#[derive(Default)]
pub struct UserChange {
    /// As colleagues see it.
    pub name: Option<String>,
    /// They sign in with it.
    pub email: Option<String>,
    /// All other sessions of theirs end with the old one.
    pub password: Option<String>,
    /// What they may do.
    pub role: Option<Role>,
    /// A deactivated user's connections are closed at once.
    pub is_active: Option<bool>,
}

/// Changes a user; for administrators. The last active administrator stays one: CONFLICT.
pub async fn update(app: &App, viewer: &Viewer, id: Option<UserId>, change: UserChange) -> Result<user::Model> {
    policy::require(viewer, Power::Administer)?;
    let name = change.name.as_deref().map(|name| text::name("input.name", name)).transpose()?;
    let email = change.email.as_deref().map(email).transpose()?;
    let password_hash = match &change.password {
        Some(password) => {
            check_password(password)?;
            Some(app.secrets.hash_password(password).await?)
        }
        None => None,
    };
    let id = id.ok_or(Error::NotFound("user"))?;
    let change = Checked { name, email, password_hash, role: change.role, is_active: change.is_active };
    loop {
        if let Some(user) = update_once(app, viewer, id, &change).await? {
            return Ok(user);
        }
    }
}

/// What is changed of a user, as it is stored.
struct Checked {
    name: Option<String>,
    email: Option<String>,
    password_hash: Option<String>,
    role: Option<Role>,
    is_active: Option<bool>,
}

/// None where the user came to answer for another dialogue meanwhile.
async fn update_once(app: &App, viewer: &Viewer, id: UserId, change: &Checked) -> Result<Option<user::Model>> {
    let mut tx = app.begin().await?;
    let open = match change.is_active {
        Some(_) => participants::lock_open_of(&tx, id).await?,
        None => HashSet::new(),
    };
    // With all administrators, by their ids as everywhere: of two that demote each other, one is told so.
    let mut admins = user::Entity::find()
        .filter(user::Column::Role.eq(Role::Admin).or(user::Column::Id.eq(id)))
        .order_by_asc(user::Column::Id)
        .lock(LockType::NoKeyUpdate)
        .all(&*tx)
        .await?;
    let before = admins.iter().find(|user| user.id == id).cloned().ok_or(Error::NotFound("user"))?;
    admins.retain(|user| user.role == Role::Admin);
    let mut after = before.clone();
    after.name = change.name.clone().unwrap_or(after.name);
    after.email = change.email.clone().unwrap_or(after.email);
    after.lookup = text::lookup([&after.name, &after.email]);
    after.role = change.role.unwrap_or(after.role);
    after.is_active = change.is_active.unwrap_or(after.is_active);
    let new_password = change.password_hash.is_some();
    after.password_hash = change.password_hash.clone().unwrap_or(after.password_hash);
    let was_admin = before.role == Role::Admin && before.is_active;
    let stays_admin = after.role == Role::Admin && after.is_active;
    if was_admin && !stays_admin && !admins.iter().any(|admin| admin.id != id && admin.is_active) {
        return Err(Error::conflict("The last active administrator can be neither demoted nor deactivated"));
    }
    if after == before {
        return Ok(Some(before));
    }
    let updated = after.clone().into_active_model().reset_all().update(&*tx).await;
    updated.map_err(taken)?;
    if before.is_active != after.is_active && !participants::follow_user(&tx, id, &open).await? {
        return Ok(None);
    }
    if before.role != after.role || before.is_active != after.is_active {
        tx.emit(standing(viewer.actor(), &after));
        tell_of_access(&mut tx, viewer, &before, &after);
    }
    if new_password || !after.is_active {
        sessions::end_all(&mut tx, viewer, id).await?;
    }
    tx.commit().await?;
    Ok(Some(after))
}

/// A change of role from or to observer changes everything that the user may see.
fn tell_of_access(tx: &mut Tx<'_>, viewer: &Viewer, before: &user::Model, after: &user::Model) {
    let kind = match (before.role == Role::Observer, after.role == Role::Observer) {
        (true, false) => Kind::AccessGranted,
        (false, true) => Kind::AccessRevoked,
        _ => return,
    };
    tx.emit(Entry::new(kind, viewer.actor()).for_user(after.id));
}

/// Word to every process of what the user may do from now on.
pub(super) fn standing(actor: Option<Actor>, user: &user::Model) -> Entry {
    Entry::new(Kind::UserChanged, actor).with(|detail| {
        detail.user = Some(user.id);
        detail.role = Some(user.role);
        detail.active = Some(user.is_active);
    })
}

fn taken(error: sea_orm::DbErr) -> Error {
    match error.sql_err() {
        Some(SqlErr::UniqueConstraintViolation(_)) => {
            Error::bad("input.email", "Another user has this e-mail address already")
        }
        _ => error.into(),
    }
}

fn email(text: &str) -> Result<String> {
    let text = text.trim().to_lowercase();
    let wrong = || Error::bad("input.email", "This is no e-mail address");
    let (local, domain) = text.rsplit_once('@').ok_or_else(wrong)?;
    let odd = text.chars().any(|c| c.is_control() || c.is_whitespace());
    if local.is_empty() || domain.is_empty() || local.contains('@') || odd || text.chars().count() > text::LONGEST_NAME
    {
        return Err(wrong());
    }
    Ok(text)
}

fn check_password(password: &str) -> Result<()> {
    if password.chars().count() < SHORTEST_PASSWORD {
        let words = format!("A password has {SHORTEST_PASSWORD} characters at least");
        return Err(Error::bad("input.password", words));
    }
    if password.len() > LONGEST_PASSWORD {
        let words = format!("A password has {LONGEST_PASSWORD} bytes at most");
        return Err(Error::bad("input.password", words));
    }
    Ok(())
}

/// The users of these ids. Every active user may see the users.
pub async fn by_ids(db: &impl ConnectionTrait, ids: &[UserId]) -> Result<Vec<user::Model>> {
    Ok(user::Entity::find().filter(user::Column::Id.is_in(ids.iter().copied())).all(db).await?)
}

/// Which users are wanted.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub struct UserFilter {
    /// In the name or the address.
    pub text: Option<String>,
    /// With this role.
    pub role: Option<Role>,
}

impl UserFilter {
    fn query(&self) -> sea_orm::Select<user::Entity> {
        let mut query = user::Entity::find();
        if let Some(text) = &self.text {
            query = query.filter(text::contains(user::Column::Lookup, text));
        }
        if let Some(role) = self.role {
            query = query.filter(user::Column::Role.eq(role));
        }
        query
    }
}

/// Users in the order in which they were made.
pub async fn page(db: &impl ConnectionTrait, filter: &UserFilter, args: &PageArgs) -> Result<Page<user::Model>> {
    let window: Window<UserId> = args.window()?;
    let mut query = filter.query();
    if let Some(after) = window.after {
        query = query.filter(user::Column::Id.gt(after));
    }
    Ok(Page::cut(query.order_by_asc(user::Column::Id).limit(window.size + 1).all(db).await?, &window))
}

/// How many there are.
pub async fn count(db: &impl ConnectionTrait, filter: &UserFilter) -> Result<u64> {
    Ok(filter.query().count(db).await?)
}

/// The user with this e-mail address, for who runs the server.
pub async fn by_email(db: &impl ConnectionTrait, email: &str) -> Result<Option<user::Model>> {
    let email = email.trim().to_lowercase();
    Ok(user::Entity::find().filter(user::Column::Email.eq(email)).one(db).await?)
}
