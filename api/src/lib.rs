pub mod messenger;
