//! `lockgate token`: for those who hand out credentials. What is done here is in the ledger when the command ends, and
//! counts on a server that runs within a second.

mod show;

use clap::Subcommand;
use lockgate_domain::{
    CredentialKind, Duration, Person, PersonId, Right, TeamName, Teams, Timestamp, closest, role_names,
};
use lockgate_ledger::Storage as _;
use lockgate_server::auth::token::{NewToken, TokenError, TokenState, Tokens, issue, revoke, rotate};
use lockgate_service::lifecycle::EventActor;

use crate::data_folder::DataArguments;
use crate::diagnostic::{Diagnostic, InvalidInput};
use crate::exit::Exit;
use crate::layout::Form;
use crate::options::Global;
use crate::print;
use crate::terminal::{WAITING, styled};

/// What to do with API tokens.
#[derive(Debug, Subcommand)]
pub(crate) enum Token {
    /// Issues a token, and prints it: the only time that it can be seen.
    Create(Create),
    /// Shows all tokens, but not their secrets: nobody has these.
    List(List),
    /// Revokes a token at once.
    Revoke(Revoke),
    /// Replaces the secret of a token, and prints the new one.
    Rotate(Rotate),
}

impl Token {
    /// Does it.
    pub(crate) fn run(self, global: &Global) -> anyhow::Result<Exit> {
        match self {
            Self::Create(command) => command.run(global),
            Self::List(command) => command.run(),
            Self::Revoke(command) => command.run(),
            Self::Rotate(command) => command.run(global),
        }
    }
}

/// For whom, and what for.
#[derive(Debug, clap::Args)]
pub(crate) struct Create {
    #[command(flatten)]
    data: DataArguments,
    /// The person or pipeline that uses the token: unique and stable, for example an e-mail address, or the name of a pipeline.
    #[arg(long = "for", value_name = "ID")]
    person: PersonId,
    /// A name to show to people.
    #[arg(long, value_name = "NAME", default_value = "", hide_default_value = true)]
    name: String,
    /// A role that the token grants, for example `pipeline` or `change-authority`; may be given several times.
    #[arg(long = "role", value_name = "ROLE", required = true)]
    roles: Vec<String>,
    /// The kind of user: `person`, `service` or `agent` (a program that decides by itself what it does). Without it:
    /// `service` for the roles `pipeline` and `supplier`, else `person`.
    #[arg(long, value_name = "KIND")]
    kind: Option<CredentialKind>,
    /// A team whose deployments the token can see; may be given several times.
    #[arg(long = "team", value_name = "TEAM", required_unless_present = "all_teams", conflicts_with = "all_teams")]
    teams: Vec<TeamName>,
    /// The token can see the deployments of all teams.
    #[arg(long)]
    all_teams: bool,
    /// Limits the token to this right, for example `decide`; may be given several times. Without it: all that the roles grant.
    #[arg(long = "scope", value_name = "RIGHT")]
    scopes: Vec<Right>,
    /// How long the token is valid, for example `90d`. Without it: until it is revoked.
    #[arg(long, value_name = "DURATION")]
    expires_in: Option<Duration>,
    /// A note: what the token is for.
    #[arg(long, value_name = "TEXT")]
    note: Option<String>,
    #[command(flatten)]
    by: ByArguments,
    /// The format of the output.
    #[arg(short, long, value_enum, default_value_t)]
    output: Form,
}

impl Create {
    /// Issues it.
    pub(crate) fn run(self, global: &Global) -> anyhow::Result<Exit> {
        let (storage, _) = self.data.to_write()?;
        let now = storage.now();
        let unknown: Vec<String> = self.roles.iter().filter_map(|role| unknown(role)).collect();
        let new = NewToken {
            person: Person { id: self.person, name: self.name, roles: self.roles },
            kind: self.kind,
            teams: if self.all_teams { Teams::All } else { Teams::Named(self.teams.into_iter().collect()) },
            scopes: (!self.scopes.is_empty()).then(|| self.scopes.into_iter().collect()),
            expires: in_that_time(self.expires_in, now),
            note: self.note,
            by: self.by.who(),
        };
        let issued = issue(&storage, new, now).map_err(|error| refused(error, &Tokens::default()))?;
        show::issued(&issued, now, self.output, global)?;
        // Also where little is to be said: a role that was meant to be another one shows when it is needed.
        for role in unknown {
            print::words(format!("{}: {role}", styled(WAITING, "warning")));
        }
        if issued.token.expires.is_none() && !global.quiet {
            let warning = styled(WAITING, "warning");
            print::words(format!("{warning}: the token never expires: create it with `--expires-in 90d`, for example"));
        }
        Ok(Exit::Success)
    }
}

/// What there is to say of a role that Lockgate does not know. It is none that is wrong: a model may ask for approvals in it.
fn unknown(role: &str) -> Option<String> {
    let known = role_names();
    if known.contains(&role) {
        return None;
    }
    let meant = match closest(role, known) {
        Some(meant) => format!("did you mean `{meant}`? Then revoke this token and create another"),
        None => format!("Lockgate knows the roles {}", known.join(", ")),
    };
    let may = "A person with it can only read, and approve or resume where a model names this role";
    Some(format!("Lockgate does not know the role `{}`. {may}. {meant}", print::plain(role)))
}

/// Which tokens.
#[derive(Debug, clap::Args)]
pub(crate) struct List {
    #[command(flatten)]
    data: DataArguments,
    /// Shows also those that have expired or were revoked.
    #[arg(short, long)]
    all: bool,
    /// The format of the output.
    #[arg(short, long, value_enum, default_value_t)]
    output: Form,
}

impl List {
    /// Shows them.
    pub(crate) fn run(self) -> anyhow::Result<Exit> {
        let storage = self.data.read_only()?;
        let now = storage.now();
        let tokens = Tokens::read(&storage)?;
        let shown: Vec<_> = tokens.iter().filter(|token| self.all || token.state(now) == TokenState::Valid).collect();
        show::list(&shown, now, self.output)?;
        Ok(Exit::Success)
    }
}

/// Which token, and why.
#[derive(Debug, clap::Args)]
pub(crate) struct Revoke {
    #[command(flatten)]
    data: DataArguments,
    /// The token: the second part of its text, `lgt_<id>_…`, as `lockgate token list` shows it.
    id: String,
    /// Why, for the record.
    #[arg(long, value_name = "TEXT")]
    reason: Option<String>,
    #[command(flatten)]
    by: ByArguments,
    /// The format of the output.
    #[arg(short, long, value_enum, default_value_t)]
    output: Form,
}

impl Revoke {
    /// Revokes it.
    pub(crate) fn run(self) -> anyhow::Result<Exit> {
        let (storage, _) = self.data.to_write()?;
        let now = storage.now();
        match revoke(&storage, &self.id, &self.by.who(), self.reason.as_deref(), now) {
            Ok(token) => show::token(&token, now, self.output)?,
            Err(error) => return Err(refused(error, &Tokens::read(&storage)?)),
        }
        Ok(Exit::Success)
    }
}

/// Which token, and how.
#[derive(Debug, clap::Args)]
pub(crate) struct Rotate {
    #[command(flatten)]
    data: DataArguments,
    /// The token: the second part of its text, `lgt_<id>_…`, as `lockgate token list` shows it.
    id: String,
    /// For how long the old secret is still taken, for example `1h`. After a leak, none.
    #[arg(long, value_name = "DURATION", default_value = "0s")]
    overlap: Duration,
    /// For how long the token is taken from now on, for example `90d`. Without it: as long as before.
    #[arg(long, value_name = "DURATION")]
    expires_in: Option<Duration>,
    #[command(flatten)]
    by: ByArguments,
    /// The format of the output.
    #[arg(short, long, value_enum, default_value_t)]
    output: Form,
}

impl Rotate {
    /// Rotates it.
    pub(crate) fn run(self, global: &Global) -> anyhow::Result<Exit> {
        let (storage, _) = self.data.to_write()?;
        let now = storage.now();
        let expires = in_that_time(self.expires_in, now);
        let rotated = match rotate(&storage, &self.id, &self.by.who(), self.overlap, expires, now) {
            Ok(rotated) => rotated,
            Err(error) => return Err(refused(error, &Tokens::read(&storage)?)),
        };
        show::issued(&rotated, now, self.output, global)?;
        if !global.quiet {
            print::words(match rotated.token.overlap(now) {
                Some(until) => format!("the old secret is taken until {until}"),
                None => "the old secret is no longer taken".to_owned(),
            });
        }
        Ok(Exit::Success)
    }
}

/// Who gives the order, for the record.
#[derive(Debug, clap::Args)]
struct ByArguments {
    /// Who does it, as the ledger shall say. Without it: the account on this machine.
    #[arg(long, value_name = "WHO")]
    by: Option<PersonId>,
}

impl ByArguments {
    /// The record of who does it. The command line has no credential of Lockgate: what opens the ledger to it is the
    /// account on this machine, so the record names the account beside whoever `--by` names.
    fn who(self) -> EventActor {
        let names = ["USER", "LOGNAME", "USERNAME"].into_iter().filter_map(|name| std::env::var(name).ok());
        let account = names.into_iter().find_map(|name| PersonId::new(&name).ok());
        let account = account.unwrap_or_else(|| PersonId::of_host("somebody"));
        let credential = format!("account:{account}");
        EventActor { person: self.by.unwrap_or(account), credential, kind: CredentialKind::Person }
    }
}

/// The moment that much from now.
fn in_that_time(length: Option<Duration>, now: Timestamp) -> Option<Timestamp> {
    length.map(|length| now.saturating_add(length))
}

/// What the ledger or the rules said, as a person is told it.
fn refused(error: TokenError, tokens: &Tokens) -> anyhow::Error {
    let diagnostic = match &error {
        TokenError::NotFound(id) => {
            let diagnostic = Diagnostic::error(error.to_string());
            match closest(id, tokens.iter().map(|token| token.id.as_str())) {
                Some(near) => diagnostic.help(format!("did you mean `{near}`?")),
                None => diagnostic.help("`lockgate token list` shows which there are"),
            }
        }
        TokenError::Invalid(_) | TokenError::Revoked { .. } => Diagnostic::error(error.to_string()),
        _ => return error.into(),
    };
    InvalidInput::from(diagnostic).into()
}
