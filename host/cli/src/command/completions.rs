//! `lockgate completions`: what a shell needs to complete the command line.

use clap::CommandFactory as _;

use crate::args::Cli;
use crate::exit::Exit;
use crate::print;

/// For which shell.
#[derive(Debug, clap::Args)]
pub(crate) struct Completions {
    /// The shell that shall complete.
    shell: clap_complete::Shell,
}

impl Completions {
    /// Prints the completions.
    pub(crate) fn run(self) -> anyhow::Result<Exit> {
        // It would panic if it could not write.
        let mut script = Vec::new();
        clap_complete::generate(self.shell, &mut Cli::command(), "lockgate", &mut script);
        print::data(String::from_utf8(script)?.trim_end())?;
        Ok(Exit::Success)
    }
}
