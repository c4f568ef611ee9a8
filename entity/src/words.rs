//! The product's words as enums: stored as the text that the API shows, so that a table reads like the rules.

use sea_orm::{DeriveActiveEnum, EnumIter};
use serde::{Deserialize, Serialize};

macro_rules! words {
    ($($(#[$doc:meta])* $name:ident { $($(#[$vdoc:meta])* $variant:ident = $text:literal,)* })*) => {$(
        $(#[$doc])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize, EnumIter, DeriveActiveEnum)]
        #[sea_orm(rs_type = "String", db_type = "Text")]
        pub enum $name {
            $($(#[$vdoc])* #[sea_orm(string_value = $text)] #[serde(rename = $text)] $variant,)*
        }

        impl $name {
            /// The word as stored and as the API writes it.
            pub fn as_str(self) -> &'static str {
                match self { $(Self::$variant => $text,)* }
            }
        }
    )*};
}

words! {
    /// What an employee may do everywhere; rules.md, Rights.
    Role {
        /// Everything, channels and users included.
        Admin = "ADMIN",
        /// Sees and answers every dialogue.
        Employee = "EMPLOYEE",
        /// Only the dialogues they take part in.
        Observer = "OBSERVER",
    }
    /// What a participant of a dialogue is.
    ParticipantRole {
        /// Answers for the dialogue.
        Responsible = "RESPONSIBLE",
        /// Looks on.
        Observer = "OBSERVER",
    }
    /// Which messenger a channel or client belongs to.
    ChannelKind {
        /// A Telegram bot.
        Telegram = "TELEGRAM",
        /// A VK community.
        Vk = "VK",
        /// A Viber bot.
        Viber = "VIBER",
        /// A chat on a website.
        Website = "WEBSITE",
    }
    /// Whether a channel works.
    ChannelState {
        /// Works.
        Connected = "CONNECTED",
        /// Is connected, but the messenger refuses us or cannot be reached.
        Failing = "FAILING",
        /// Was disconnected; its history stays.
        Disconnected = "DISCONNECTED",
    }
    /// Whether a dialogue is in work.
    DialogueState {
        /// In work.
        Open = "OPEN",
        /// Done, until somebody writes again.
        Closed = "CLOSED",
    }
    /// Who a message comes from.
    MessageOrigin {
        /// The client.
        Client = "CLIENT",
        /// An employee, through us.
        Operator = "OPERATOR",
        /// The channel's welcome text.
        Welcome = "WELCOME",
        /// The channel's auto-reply.
        AutoReply = "AUTO_REPLY",
        /// The company, in the messenger's own app.
        Messenger = "MESSENGER",
    }
    /// How far a message to a client has come; the order is the one in which it moves.
    DeliveryStatus {
        /// Waits for the sender.
        Queued = "QUEUED",
        /// The messenger has it.
        Sent = "SENT",
        /// The messenger refused it, or ten tries failed.
        Failed = "FAILED",
        /// The client's device has it.
        Delivered = "DELIVERED",
        /// The client has seen it.
        Read = "READ",
    }
    /// What an attachment is.
    AttachmentKind {
        /// A file.
        File = "FILE",
        /// A place.
        Location = "LOCATION",
        /// A person's phone number.
        Contact = "CONTACT",
    }
    /// What kind of file it is.
    FileKind {
        /// A picture.
        Image = "IMAGE",
        /// A film.
        Video = "VIDEO",
        /// Music or another recording.
        Audio = "AUDIO",
        /// A voice message.
        Voice = "VOICE",
        /// A sticker.
        Sticker = "STICKER",
        /// Anything else.
        Document = "DOCUMENT",
    }
    /// Whether a file can be had.
    FileState {
        /// On its way from the messenger.
        Pending = "PENDING",
        /// In the store.
        Ready = "READY",
        /// Could not be had.
        Failed = "FAILED",
    }
    /// Whether a contractor is a person or a company.
    ContractorKind {
        /// A person.
        Person = "PERSON",
        /// A company.
        Company = "COMPANY",
    }
    /// What a stage means for its deal.
    StageKind {
        /// In work.
        Open = "OPEN",
        /// Won.
        Won = "WON",
        /// Lost.
        Lost = "LOST",
    }
    /// Whether a task is done.
    TaskState {
        /// To do.
        Open = "OPEN",
        /// Done.
        Done = "DONE",
    }
}
