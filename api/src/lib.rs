pub mod graphql {
    pub mod guard;
}
pub mod live;
