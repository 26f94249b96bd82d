//! `lockgate register`: the registers of a running server. Their entries are what the owners of facts attest.

mod import;
mod list;
mod samples;
mod show;
mod write;

use clap::Subcommand;
use clap::builder::{PossibleValuesParser, TypedValueParser};
use lockgate_client::{Client, RequestPath};
use lockgate_domain::{RegisterKind, TeamName};

use crate::diagnostic::InvalidInput;
use crate::exit::Exit;
use crate::options::GlobalOptions;
use crate::server::ServerArguments;

#[derive(Debug, Subcommand)]
pub(crate) enum RegisterCommand {
    /// Attest an entry: write its first version, or the next one.
    Put(write::PutCommand),
    /// Show an entry as it is now.
    Get(list::GetCommand),
    /// Show the versions of an entry, the newest first.
    History(list::HistoryCommand),
    /// List entries, the last attested first.
    List(list::ListCommand),
    /// Withdraw an entry: it no longer says anything. Its history stays.
    Withdraw(write::WithdrawCommand),
    /// Attest many entries: those of a file with one in each line.
    Import(import::ImportCommand),
    /// Show the samples of a key performance indicator, in order of time.
    Samples(samples::SamplesCommand),
    /// Record samples of a key performance indicator.
    RecordSamples(samples::RecordCommand),
}

impl RegisterCommand {
    pub(crate) fn run(self, global: &GlobalOptions) -> anyhow::Result<Exit> {
        match self {
            Self::Put(command) => command.run(),
            Self::Get(command) => command.run(),
            Self::History(command) => command.run(),
            Self::List(command) => command.run(),
            Self::Withdraw(command) => command.run(),
            Self::Import(command) => command.run(global),
            Self::Samples(command) => command.run(),
            Self::RecordSamples(command) => command.run(),
        }
    }
}

/// Reads the name of a register, and suggests one for a slip.
fn register_name() -> impl TypedValueParser<Value = RegisterKind> {
    PossibleValuesParser::new(RegisterKind::ALL.iter().map(|kind| kind.as_str()))
        .try_map(|name| name.parse::<RegisterKind>())
}

/// Whose entries, on which server.
#[derive(Debug, clap::Args)]
struct OwnerArguments {
    #[command(flatten)]
    server: ServerArguments,
    /// The team that the entry belongs to [default: your only team, or the one that has such an entry].
    #[arg(long, value_name = "TEAM", conflicts_with = "shared")]
    team: Option<TeamName>,
    /// An entry that all teams share.
    #[arg(long)]
    shared: bool,
}

impl OwnerArguments {
    fn client(&self) -> Result<Client, InvalidInput> {
        self.server.required_client()
    }

    /// The path of a register, below [`RegisterKind`]'s name, with the owner in its query.
    fn path(&self, register: RegisterKind) -> RequestPath {
        self.within(RequestPath::new("/api/v1/registers").segment(register))
    }

    /// The path with the owner in its query.
    fn within(&self, path: RequestPath) -> RequestPath {
        let path = match &self.team {
            Some(team) => path.query("team", team),
            None => path,
        };
        if self.shared { path.query("shared", true) } else { path }
    }

    /// The path of an entry.
    fn entry(&self, register: RegisterKind, id: &str) -> RequestPath {
        self.within(entry_path(register, id))
    }
}

/// The path of an entry, without its owner.
fn entry_path(register: RegisterKind, id: &str) -> RequestPath {
    RequestPath::new("/api/v1/registers").segment(register).segment(id)
}
