//! Employees, signing in and out, and API tokens.

use std::sync::Arc;

use async_graphql::{Context, ID, InputObject, MaybeUndefined, Object, SimpleObject};
use colloquy_entity::{api_token, user};
use futures_util::future::try_join_all;

use crate::error::{Error, Result};
use crate::inbox::{sessions, users};
use crate::paging::PageArgs;

use super::connection::{connection, counting};
use super::node::{parse, required, show};
use super::scalars::DateTime;
use super::words::Role;
use super::{Ask, answer};

/// An employee
#[derive(Clone)]
pub struct User(pub Arc<user::Model>);

impl From<user::Model> for User {
    fn from(row: user::Model) -> Self {
        Self(Arc::new(row))
    }
}

/// An employee
#[Object]
impl User {
    /// Its id
    pub async fn id(&self) -> ID {
        show(self.0.id)
    }

    /// As colleagues see it
    async fn name(&self) -> &str {
        &self.0.name
    }

    /// They sign in with it; lower case
    async fn email(&self) -> &str {
        &self.0.email
    }

    /// What they may do everywhere
    async fn role(&self) -> Role {
        self.0.role.into()
    }

    /// False once deactivated: they cannot sign in, and are passed over in queues
    async fn is_active(&self) -> bool {
        self.0.is_active
    }

    /// When they were added; client messages before it count as read by them
    async fn created_at(&self) -> DateTime {
        self.0.created_at.into()
    }
}

connection!(User, UserConnection, UserEdge, "employees", nodes = nodes, counted = total);

/// A token with which a program acts as an employee
#[derive(Clone)]
pub struct ApiToken(pub api_token::Model);

/// A token with which a program acts as an employee
#[Object]
impl ApiToken {
    /// Its id
    pub async fn id(&self) -> ID {
        show(self.0.id)
    }

    /// What it is for
    async fn name(&self) -> &str {
        &self.0.name
    }

    /// As whom the program acts
    async fn user(&self, ctx: &Context<'_>) -> Result<User> {
        user_of(ctx, self.0.user_id).await
    }

    /// When it was made
    async fn created_at(&self) -> DateTime {
        self.0.created_at.into()
    }

    /// To the minute; null until it is used
    async fn last_used_at(&self) -> Option<DateTime> {
        self.0.last_used_at.map(Into::into)
    }

    /// From then on it is refused; null for one that does not expire
    async fn expires_at(&self) -> Option<DateTime> {
        self.0.expires_at.map(Into::into)
    }
}

/// A user who is known to be there.
pub async fn user_of(ctx: &Context<'_>, id: colloquy_entity::UserId) -> Result<User> {
    ctx.load(id).await?.map(User).ok_or_else(|| Error::internal("a user is gone"))
}

/// Several, in this order.
pub async fn users_of(ctx: &Context<'_>, ids: Vec<colloquy_entity::UserId>) -> Result<Vec<User>> {
    try_join_all(ids.into_iter().map(|id| user_of(ctx, id))).await
}

/// Reading employees and tokens.
#[derive(Default)]
pub struct UserQueries;

#[Object]
impl UserQueries {
    /// The signed-in employee or the owner of the API token
    async fn viewer(&self, ctx: &Context<'_>) -> Result<User> {
        user_of(ctx, ctx.viewer()?.id).await
    }

    /// The employees, in the order in which they were added
    async fn users(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "In the name or e-mail address")] text: Option<String>,
        #[graphql(desc = "Only with this role")] role: Option<Role>,
        #[graphql(desc = "So many from the start, or after `after`: 1 to 100")] first: Option<i32>,
        #[graphql(desc = "Only what comes after this cursor")] after: Option<String>,
    ) -> Result<UserConnection> {
        ctx.viewer()?;
        let filter = users::UserFilter { text, role: role.map(Into::into) };
        let args = PageArgs { first, after, ..PageArgs::default() };
        let page = users::page(ctx.app()?.db.read(), &filter, &args).await?;
        let total = counting!(app, viewer => {
            let filter = filter.clone();
            async move { users::count(app.db.read(), &filter).await }
        });
        Ok(UserConnection::new(page.map(User::from), |user| user.0.id, total))
    }

    /// The viewer's own; an administrator's answer has everyone's
    async fn api_tokens(&self, ctx: &Context<'_>) -> Result<Vec<ApiToken>> {
        let tokens = sessions::tokens(ctx.app()?.db.read(), &ctx.viewer()?).await?;
        Ok(tokens.into_iter().map(ApiToken).collect())
    }
}

/// Who signs in
#[derive(InputObject)]
pub struct SignInInput {
    /// Their e-mail address, whatever the case
    email: String,
    /// Their password
    password: String,
}

/// A fresh sign-in
#[derive(SimpleObject)]
pub struct SignInPayload {
    /// For the header `Authorization: Bearer …` and the `authorization` of connection_init
    token: String,
    /// From then on the token is refused
    expires_at: DateTime,
    /// Who signed in
    viewer: User,
}

/// The session is over
#[derive(SimpleObject)]
pub struct SignOutPayload {
    /// Always true: what fails answers an error
    signed_out: bool,
}

/// A new employee
#[derive(InputObject)]
pub struct CreateUserInput {
    /// As colleagues see it
    name: String,
    /// They sign in with it; one user each
    email: String,
    /// At least 8 characters
    password: String,
    /// What they may do
    role: Role,
}

/// What to change of an employee; what is absent stays
#[derive(InputObject)]
pub struct UpdateUserInput {
    /// Whom
    user_id: ID,
    /// As colleagues see it
    name: MaybeUndefined<String>,
    /// They sign in with it
    email: MaybeUndefined<String>,
    /// At least 8 characters; ends their other sessions
    password: MaybeUndefined<String>,
    /// What they may do
    role: MaybeUndefined<Role>,
    /// False deactivates: their connections are closed at once
    is_active: MaybeUndefined<bool>,
}

/// The employee
#[derive(SimpleObject)]
pub struct UserPayload {
    /// As they are now
    user: User,
}

/// A new API token
#[derive(InputObject)]
pub struct CreateApiTokenInput {
    /// What it is for
    name: String,
    /// The administrator may make one for another user
    user_id: Option<ID>,
    /// From then on it is refused; never, when absent
    expires_at: Option<DateTime>,
}

/// The token
#[derive(SimpleObject)]
pub struct ApiTokenPayload {
    /// As it is now, or was
    api_token: ApiToken,
    /// Shown once, when it is created; null ever after
    secret: Option<String>,
}

/// Changing employees, sessions and tokens.
#[derive(Default)]
pub struct UserMutations;

#[Object]
impl UserMutations {
    /// Signs in by e-mail address and password; also sets the page's session cookie. UNAUTHENTICATED where they are
    /// wrong, RATE_LIMITED after too many failures
    async fn sign_in(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "Who signs in")] input: SignInInput,
    ) -> Option<SignInPayload> {
        answer(ctx, sign_in(ctx, input).await)
    }

    /// Ends the session that asks, and its connections
    async fn sign_out(&self, ctx: &Context<'_>) -> Option<SignOutPayload> {
        answer(ctx, sign_out(ctx).await)
    }

    /// Adds an employee; for administrators
    async fn create_user(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "The new employee")] input: CreateUserInput,
    ) -> Option<UserPayload> {
        answer(ctx, create_user(ctx, input).await)
    }

    /// Changes an employee; for administrators. CONFLICT where the last active administrator would be gone
    async fn update_user(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "What to change")] input: UpdateUserInput,
    ) -> Option<UserPayload> {
        answer(ctx, update_user(ctx, input).await)
    }

    /// Makes a token for a program to act as the viewer, or, for administrators, as another user
    async fn create_api_token(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "The new token")] input: CreateApiTokenInput,
    ) -> Option<ApiTokenPayload> {
        answer(ctx, create_api_token(ctx, input).await)
    }

    /// Ends a token and closes the connections that use it
    async fn revoke_api_token(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "Which token")] api_token_id: ID,
    ) -> Option<ApiTokenPayload> {
        answer(ctx, revoke_api_token(ctx, api_token_id).await)
    }
}

async fn sign_in(ctx: &Context<'_>, input: SignInInput) -> Result<SignInPayload> {
    let signed_in = sessions::sign_in(ctx.app()?, &input.email, &input.password).await?;
    ctx.append_http_header("Set-Cookie", ctx.asking()?.cookie(&signed_in.token, sessions::SESSION / 1000));
    let viewer = User::from(signed_in.user);
    Ok(SignInPayload { token: signed_in.token, expires_at: signed_in.expires_at.into(), viewer })
}

async fn sign_out(ctx: &Context<'_>) -> Result<SignOutPayload> {
    sessions::sign_out(ctx.app()?, &ctx.viewer()?).await?;
    ctx.append_http_header("Set-Cookie", ctx.asking()?.cookie("", 0));
    Ok(SignOutPayload { signed_out: true })
}

async fn create_user(ctx: &Context<'_>, input: CreateUserInput) -> Result<UserPayload> {
    let CreateUserInput { name, email, password, role } = input;
    let new = users::NewUser { name, email, password, role: role.into() };
    let user = users::create(ctx.app()?, &ctx.viewer()?, new).await?;
    Ok(UserPayload { user: user.into() })
}

async fn update_user(ctx: &Context<'_>, input: UpdateUserInput) -> Result<UserPayload> {
    let change = users::UserChange {
        name: required("input.name", input.name)?,
        email: required("input.email", input.email)?,
        password: required("input.password", input.password)?,
        role: required("input.role", input.role)?.map(Into::into),
        is_active: required("input.isActive", input.is_active)?,
    };
    let user = users::update(ctx.app()?, &ctx.viewer()?, parse(&input.user_id), change).await?;
    Ok(UserPayload { user: user.into() })
}

async fn create_api_token(ctx: &Context<'_>, input: CreateApiTokenInput) -> Result<ApiTokenPayload> {
    let new = sessions::NewToken {
        name: input.name,
        user: input.user_id.as_ref().map(parse),
        expires_at: input.expires_at.map(|at| at.0),
    };
    let (token, secret) = sessions::create_token(ctx.app()?, &ctx.viewer()?, new).await?;
    Ok(ApiTokenPayload { api_token: ApiToken(token), secret: Some(secret) })
}

async fn revoke_api_token(ctx: &Context<'_>, id: ID) -> Result<ApiTokenPayload> {
    let token = sessions::revoke_token(ctx.app()?, &ctx.viewer()?, parse(&id)).await?;
    Ok(ApiTokenPayload { api_token: ApiToken(token), secret: None })
}
