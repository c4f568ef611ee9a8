//! The product's words as the schema shows them: each enum of `entity`, with a sentence for each value.

use async_graphql::Enum;

/// What an employee may do everywhere
#[derive(Clone, Copy, Debug, PartialEq, Eq, Enum)]
#[graphql(remote = "colloquy_entity::Role")]
pub enum Role {
    /// Everything, channels and users included
    Admin,
    /// Sees and answers every dialogue, manages participants
    Employee,
    /// Only the dialogues they take part in: as a responsible they answer, close and manage participants; as an observer they only look
    Observer,
}

/// What a participant of a dialogue is
#[derive(Clone, Copy, Debug, PartialEq, Eq, Enum)]
#[graphql(remote = "colloquy_entity::ParticipantRole")]
pub enum ParticipantRole {
    /// Answers for the dialogue
    Responsible,
    /// Looks on
    Observer,
}

/// Which messenger
#[derive(Clone, Copy, Debug, PartialEq, Eq, Enum)]
#[graphql(remote = "colloquy_entity::ChannelKind")]
pub enum ChannelKind {
    /// A Telegram bot
    Telegram,
    /// A VK community
    Vk,
    /// A Viber bot
    Viber,
    /// A chat on a website
    Website,
}

/// Whether a channel works
#[derive(Clone, Copy, Debug, PartialEq, Eq, Enum)]
#[graphql(remote = "colloquy_entity::ChannelState")]
pub enum ChannelState {
    /// It works
    Connected,
    /// The messenger refuses us or cannot be reached; stateReason says why
    Failing,
    /// It was disconnected; its history stays
    Disconnected,
}

/// Whether a dialogue is in work
#[derive(Clone, Copy, Debug, PartialEq, Eq, Enum)]
#[graphql(remote = "colloquy_entity::DialogueState")]
pub enum DialogueState {
    /// In work
    Open,
    /// Done, until somebody writes again
    Closed,
}

/// Who a message comes from
#[derive(Clone, Copy, Debug, PartialEq, Eq, Enum)]
#[graphql(remote = "colloquy_entity::MessageOrigin")]
pub enum MessageOrigin {
    /// The client
    Client,
    /// An employee, through colloquy
    Operator,
    /// The channel's welcome text
    Welcome,
    /// The channel's auto-reply
    AutoReply,
    /// Written by the company in the messenger's own app
    Messenger,
}

/// How far a message to a client has come; it only moves forward
#[derive(Clone, Copy, Debug, PartialEq, Eq, Enum)]
#[graphql(remote = "colloquy_entity::DeliveryStatus")]
pub enum DeliveryStatus {
    /// Waits to be sent
    Queued,
    /// The messenger has it; the last there is where the messenger reports no more (Telegram)
    Sent,
    /// The client's device has it
    Delivered,
    /// The client has seen it
    Read,
    /// It could not be sent; retryMessage queues it again
    Failed,
}

/// Whether a file can be had
#[derive(Clone, Copy, Debug, PartialEq, Eq, Enum)]
#[graphql(remote = "colloquy_entity::FileState")]
pub enum FileState {
    /// On its way from the messenger
    Pending,
    /// It can be had at its url
    Ready,
    /// Too large for the messenger to hand over, or gone
    Failed,
}

/// What kind of file it is
#[derive(Clone, Copy, Debug, PartialEq, Eq, Enum)]
#[graphql(remote = "colloquy_entity::FileKind")]
pub enum FileKind {
    /// A picture
    Image,
    /// A film
    Video,
    /// Music or another recording
    Audio,
    /// A voice message
    Voice,
    /// A sticker
    Sticker,
    /// Any other file
    Document,
}

/// Whether a contractor is a person or a company
#[derive(Clone, Copy, Debug, PartialEq, Eq, Enum)]
#[graphql(remote = "colloquy_entity::ContractorKind")]
pub enum ContractorKind {
    /// A person
    Person,
    /// A company
    Company,
}

/// What a stage means for its deal
#[derive(Clone, Copy, Debug, PartialEq, Eq, Enum)]
#[graphql(remote = "colloquy_entity::StageKind")]
pub enum StageKind {
    /// In work
    Open,
    /// Won
    Won,
    /// Lost
    Lost,
}

/// Whether a task is done
#[derive(Clone, Copy, Debug, PartialEq, Eq, Enum)]
#[graphql(remote = "colloquy_entity::TaskState")]
pub enum TaskState {
    /// To do
    Open,
    /// Done
    Done,
}
