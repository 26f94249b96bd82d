//! The `lockgate` command: it reads files, calls the engine, and prints the result.
//!
//! Results go to standard output, messages to standard error. [`exit`] defines the exit codes.
//!
//! The modules, in the order in which a command passes them:
//!
//! 1. `cli`: the command line; `options`: options that several commands share.
//! 2. `command`: one module for each command.
//! 3. `input` and `models`: read documents and deployment models from files; `diagnostic`: what is wrong with them, and how to
//!    mend it.
//! 4. `host`: the plugin runtime with its caches; `server`: the connection to a server; `data_folder`: the ledger of a server and
//!    its key; `recordings`: folders of recordings.
//! 5. `report`: prints decisions; `layout`: tables and JSON; `terminal`: width, styles and progress; `print`: writes the output.

#![allow(missing_docs, reason = "nobody outside builds on the command")]

mod cli;
mod command;
mod data_folder;
mod diagnostic;
mod exit;
mod host;
mod input;
mod layout;
mod models;
mod options;
mod print;
mod recordings;
mod report;
mod server;
mod terminal;

use std::process::ExitCode;

use clap::Parser as _;
use clap::error::ErrorKind;

use crate::cli::Cli;
use crate::diagnostic::InvalidInput;
use crate::exit::Exit;
use crate::options::ColorChoice;

/// Decisions allocate many small objects: with the system's allocator, a quarter of their time is spent in it.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> ExitCode {
    let cli = match Cli::try_parse() {
        Ok(cli) => cli,
        Err(error) => {
            let is_requested = matches!(error.kind(), ErrorKind::DisplayHelp | ErrorKind::DisplayVersion);
            let text = error.render().ansi().to_string();
            let text = text.trim_end();
            return match is_requested {
                // If the help cannot be written, an error message could not be either.
                true => print::text(text).map_or(Exit::Failure, |()| Exit::Success),
                false => {
                    print::message(text);
                    Exit::InvalidInput
                }
            }
            .into();
        }
    };
    set_up(&cli);
    match cli.run() {
        Ok(exit) => exit.into(),
        Err(error) => {
            let invalid = error.downcast_ref::<InvalidInput>().is_some();
            if invalid {
                print::message(error.to_string());
            } else {
                let message = format!("{error:#}");
                print::message(format!("{}: {}", terminal::styled(terminal::BAD, "error"), print::plain(&message)));
            }
            if invalid { Exit::InvalidInput } else { Exit::Failure }.into()
        }
    }
}

/// Sets colour and the log level for the whole process.
fn set_up(cli: &Cli) {
    let global = &cli.global;
    let choice = match global.color {
        ColorChoice::Auto => anstream::ColorChoice::Auto,
        ColorChoice::Always => anstream::ColorChoice::Always,
        ColorChoice::Never => anstream::ColorChoice::Never,
    };
    choice.write_global();
    if cli.has_own_log() {
        return;
    }
    let level = match global.verbose {
        _ if global.quiet => tracing::Level::ERROR,
        0 => tracing::Level::WARN,
        1 => tracing::Level::DEBUG,
        _ => tracing::Level::TRACE,
    };
    tracing_subscriber::fmt()
        .with_max_level(level)
        .with_writer(|| print::EscapingStderr)
        .with_ansi(!matches!(anstream::AutoStream::choice(&std::io::stderr()), anstream::ColorChoice::Never))
        .with_target(false)
        .init();
}
