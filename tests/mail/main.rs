//! The example `mail`: its screens and keys without a terminal, itself in a real one, and what it
//! does without a screen.

#[allow(dead_code, reason = "the program uses the rest")]
#[path = "../../examples/mail/app/mod.rs"]
mod app;
#[allow(dead_code, unused_imports, reason = "the program uses the rest")]
#[path = "../../examples/mail/draw/mod.rs"]
mod draw;
#[path = "../../examples/mail/work/reply.rs"]
mod reply;
#[path = "../support/mod.rs"]
mod support;

mod dialogs;
mod drafts;
mod keys;
mod once;
mod screen;
mod screens;
mod session;
mod tmux;
