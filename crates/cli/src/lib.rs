//! The command line `framehub`: one module for each subcommand, with its arguments and what it does.
//!
//! Starting the hub is `server`'s work, speaking to one from outside `client`'s; what is here reads arguments, shows
//! progress and prints results.

mod address;
mod analyze;
mod banner;
mod bench;
mod command_line;
mod completions;
mod config;
mod doctor;
mod inputs;
mod publish;
mod referee;
mod serve;
mod share;
mod terminal;
mod watch;

pub use command_line::run;
