//! The `lockgate` command: thin. It reads files, asks the engine, and shows what the engine said.
//!
//! Data goes to standard output, words about the work to standard error; the exit code says how it ended ([`exit`]).

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
use crate::options::Color;

/// Decisions are made of many small pieces: a quarter of what one costs went into the system's allocator.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> ExitCode {
    let cli = match Cli::try_parse() {
        Ok(cli) => cli,
        Err(error) => {
            let asked = matches!(error.kind(), ErrorKind::DisplayHelp | ErrorKind::DisplayVersion);
            // It repeats what was written on the command line.
            let said = error.render().ansi().to_string();
            let said = said.trim_end();
            return match asked {
                // A message that cannot be written has nobody left to be told about it.
                true => print::text(said).map_or(Exit::Failure, |()| Exit::Success),
                false => {
                    print::words(said);
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
                print::words(error.to_string());
            } else {
                let said = format!("{error:#}");
                print::words(format!("{}: {}", terminal::styled(terminal::BAD, "error"), print::plain(&said)));
            }
            if invalid { Exit::InvalidInput } else { Exit::Failure }.into()
        }
    }
}

/// Settles colour and the amount of words for the whole process.
fn set_up(cli: &Cli) {
    let global = &cli.global;
    let choice = match global.color {
        Color::Auto => anstream::ColorChoice::Auto,
        Color::Always => anstream::ColorChoice::Always,
        Color::Never => anstream::ColorChoice::Never,
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
        .with_writer(|| print::Shown)
        .with_ansi(!matches!(anstream::AutoStream::choice(&std::io::stderr()), anstream::ColorChoice::Never))
        .with_target(false)
        .init();
}
