//! The stories: what the product does, told through its public doors. One binary, a file a feature.

mod harness;

mod stories {
    mod agreement;
    mod alike;
    mod away;
    mod bulk;
    mod cards;
    mod changing;
    mod channels;
    mod chaos;
    mod comments;
    mod contract;
    mod counters;
    mod editing;
    mod export;
    mod faults;
    mod files;
    mod greeting;
    mod groups;
    mod harness;
    mod http;
    mod intake;
    mod layers;
    mod lists;
    mod live;
    mod log;
    mod payloads;
    mod people;
    mod processes;
    mod program;
    mod reading;
    mod receiving;
    mod redis;
    mod resume;
    mod rights;
    mod routing;
    mod search;
    mod sending;
    mod settings;
    mod storage;
    mod telegram;
    mod viber;
    mod vk;
    mod website;
}
