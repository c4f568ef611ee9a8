//! What is asked and answered in English.

use super::names::{FIRST, LAST};
use super::{Language, Topic};

/// All of it.
pub(super) const ENGLISH: Language = Language {
    hello: "Hi!",
    topics: TOPICS,
    aside: Topic {
        asked: &["Thanks, that works for me", "ok", "Any news?", "Great, thank you!"],
        answered: &["You are welcome!", "Let me check", "We are running late today, sorry", "Have a nice day"],
    },
    goods: &[
        "armchair", "lamp", "desk", "kettle", "jacket", "backpack", "bicycle", "carpet", "mirror", "shelf", "sofa",
        "blanket", "watch", "tent", "mattress", "ring", "vase",
    ],
    cities: &["to Kazan", "to Perm", "to Tomsk", "to Ufa", "to Samara", "to Tver", "to Sochi", "to Omsk"],
    notes: &["Ask the warehouse about order {order}", "A regular, a discount is fine", "Call back after lunch"],
    first: &[FIRST],
    last: &[LAST],
};

const TOPICS: &[Topic] = &[
    Topic {
        asked: &["How much is shipping {city}?", "Do you deliver a {good} {city}?"],
        answered: &["Delivery {city} takes three days and is {price} ₽", "Yes, we ship {city} every day"],
    },
    Topic {
        asked: &["Is the blue {good} back in stock?", "How much is the {good}?"],
        answered: &["Yes, it is in stock: {price} ₽", "The {good} will be here next week, shall we keep one for you?"],
    },
    Topic {
        asked: &["Where is my order {order}?", "My order {order} has not arrived yet"],
        answered: &["Order {order} is on its way", "The courier brings order {order} tomorrow"],
    },
    Topic {
        asked: &["Can I change the delivery address of order {order}?", "Please deliver order {order} a day later"],
        answered: &["Sure, where should it go?", "Done, order {order} is changed"],
    },
    Topic {
        asked: &["I would like to return the {good}", "The {good} is broken, what can I do?"],
        answered: &["You can return it within 14 days", "Please send a photo, we will refund {price} ₽"],
    },
    Topic {
        asked: &["Please call me: {phone}", "My number is {phone}, the courier could not reach me"],
        answered: &["We will call {phone} within the hour", "The courier has {phone} now"],
    },
];
