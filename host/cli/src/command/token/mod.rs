//! `lockgate token`: API tokens. A change is in the ledger when the command ends; a running server applies it within a second.

mod show;

use clap::Subcommand;
use lockgate_domain::{
    CredentialKind, Duration, PersonId, Principal, Right, TeamName, Teams, Timestamp, closest, role_names,
};
use lockgate_ledger::Storage as _;
use lockgate_server::auth::token::{NewToken, TokenError, TokenState, Tokens, issue, revoke, rotate};
use lockgate_service::lifecycle::EventActor;

use crate::data_folder::DataArguments;
use crate::diagnostic::{Diagnostic, InvalidInput};
use crate::exit::Exit;
use crate::layout::OutputFormat;
use crate::options::GlobalOptions;
use crate::print;
use crate::terminal::{WAITING, styled};

#[derive(Debug, Subcommand)]
pub(crate) enum TokenCommand {
    /// Create a token and print it. It is shown only once.
    Create(CreateCommand),
    /// List tokens, without their secrets.
    List(ListCommand),
    /// Revoke a token immediately.
    Revoke(RevokeCommand),
    /// Replace the secret of a token and print the new token.
    Rotate(RotateCommand),
}

impl TokenCommand {
    pub(crate) fn run(self, global: &GlobalOptions) -> anyhow::Result<Exit> {
        match self {
            Self::Create(command) => command.run(global),
            Self::List(command) => command.run(),
            Self::Revoke(command) => command.run(),
            Self::Rotate(command) => command.run(global),
        }
    }
}

#[derive(Debug, clap::Args)]
pub(crate) struct CreateCommand {
    #[command(flatten)]
    data: DataArguments,
    /// The user of the token: a unique and permanent id, for example an e-mail address or the name of a pipeline.
    #[arg(long = "for", value_name = "ID")]
    person: PersonId,
    /// The display name of the user.
    #[arg(long, value_name = "NAME", default_value = "", hide_default_value = true)]
    name: String,
    /// A role, for example `pipeline` or `change-authority`. Repeatable.
    #[arg(long = "role", value_name = "ROLE", required = true)]
    roles: Vec<String>,
    /// The kind of user: `person`, `service` or `agent` (a program that decides by itself what it does) [default: `service`
    /// for the roles `pipeline` and `supplier`, otherwise `person`].
    #[arg(long, value_name = "KIND")]
    kind: Option<CredentialKind>,
    /// A team whose deployments the token can access. Repeatable.
    #[arg(long = "team", value_name = "TEAM", required_unless_present = "all_teams", conflicts_with = "all_teams")]
    teams: Vec<TeamName>,
    /// The token can access the deployments of all teams.
    #[arg(long)]
    all_teams: bool,
    /// Limit the token to this right, for example `decide`. Repeatable [default: all rights of its roles].
    #[arg(long = "scope", value_name = "RIGHT")]
    scopes: Vec<Right>,
    /// How long the token is valid, for example `90d` [default: until it is revoked].
    #[arg(long, value_name = "DURATION")]
    expires_in: Option<Duration>,
    /// A note, for example what the token is for.
    #[arg(long, value_name = "TEXT")]
    note: Option<String>,
    #[command(flatten)]
    by: ActorArguments,
    /// Output format.
    #[arg(short, long, value_enum, default_value_t)]
    output: OutputFormat,
}

impl CreateCommand {
    pub(crate) fn run(self, global: &GlobalOptions) -> anyhow::Result<Exit> {
        let (storage, _) = self.data.to_write()?;
        let now = storage.now();
        let warnings: Vec<String> = self.roles.iter().filter_map(|role| custom_role_warning(role)).collect();
        let new = NewToken {
            person: Principal { id: self.person, name: self.name, roles: self.roles },
            kind: self.kind,
            teams: if self.all_teams { Teams::All } else { Teams::Named(self.teams.into_iter().collect()) },
            scopes: (!self.scopes.is_empty()).then(|| self.scopes.into_iter().collect()),
            expires: later(self.expires_in, now),
            note: self.note,
            by: self.by.recorded(),
        };
        let issued = issue(&storage, new, now).map_err(|error| refused(error, &Tokens::default()))?;
        show::issued(&issued, now, self.output, global)?;
        // Also with `--quiet`: a misspelt role would only show when it is needed.
        for message in warnings {
            print::message(format!("{}: {message}", styled(WAITING, "warning")));
        }
        if issued.token.expires.is_none() && !global.quiet {
            let warning = styled(WAITING, "warning");
            print::message(format!("{warning}: the token never expires; consider `--expires-in 90d`"));
        }
        Ok(Exit::Success)
    }
}

/// A warning about a role that is not one of Lockgate's. It is allowed: models may require approvals in it.
fn custom_role_warning(role: &str) -> Option<String> {
    let known = role_names();
    if known.contains(&role) {
        return None;
    }
    let meant = match closest(role, known) {
        Some(meant) => format!("If you meant `{meant}`, revoke this token and create another"),
        None => format!("The built-in roles are {}", known.join(", ")),
    };
    let role = print::plain(role);
    Some(format!("`{role}` is a custom role: it may read, and approve and resume as `{role}` only. {meant}"))
}

#[derive(Debug, clap::Args)]
pub(crate) struct ListCommand {
    #[command(flatten)]
    data: DataArguments,
    /// Include expired and revoked tokens.
    #[arg(short, long)]
    all: bool,
    /// Output format.
    #[arg(short, long, value_enum, default_value_t)]
    output: OutputFormat,
}

impl ListCommand {
    pub(crate) fn run(self) -> anyhow::Result<Exit> {
        let storage = self.data.read_only()?;
        let now = storage.now();
        let tokens = Tokens::read(&storage)?;
        let shown: Vec<_> = tokens.iter().filter(|token| self.all || token.state(now) == TokenState::Valid).collect();
        show::list(&shown, now, self.output)?;
        Ok(Exit::Success)
    }
}

#[derive(Debug, clap::Args)]
pub(crate) struct RevokeCommand {
    #[command(flatten)]
    data: DataArguments,
    /// The id of the token: the middle part of `lgt_<id>_…` (see `lockgate token list`).
    id: String,
    /// The reason, for the log.
    #[arg(long, value_name = "TEXT")]
    reason: Option<String>,
    #[command(flatten)]
    by: ActorArguments,
    /// Output format.
    #[arg(short, long, value_enum, default_value_t)]
    output: OutputFormat,
}

impl RevokeCommand {
    pub(crate) fn run(self) -> anyhow::Result<Exit> {
        let (storage, _) = self.data.to_write()?;
        let now = storage.now();
        match revoke(&storage, &self.id, &self.by.recorded(), self.reason.as_deref(), now) {
            Ok(token) => show::token(&token, now, self.output)?,
            Err(error) => return Err(refused(error, &Tokens::read(&storage)?)),
        }
        Ok(Exit::Success)
    }
}

#[derive(Debug, clap::Args)]
pub(crate) struct RotateCommand {
    #[command(flatten)]
    data: DataArguments,
    /// The id of the token: the middle part of `lgt_<id>_…` (see `lockgate token list`).
    id: String,
    /// How long the old secret stays valid, for example `1h`. Keep the default after a leak.
    #[arg(long, value_name = "DURATION", default_value = "0s")]
    overlap: Duration,
    /// How long the token is valid from now on, for example `90d` [default: unchanged].
    #[arg(long, value_name = "DURATION")]
    expires_in: Option<Duration>,
    #[command(flatten)]
    by: ActorArguments,
    /// Output format.
    #[arg(short, long, value_enum, default_value_t)]
    output: OutputFormat,
}

impl RotateCommand {
    pub(crate) fn run(self, global: &GlobalOptions) -> anyhow::Result<Exit> {
        let (storage, _) = self.data.to_write()?;
        let now = storage.now();
        let expires = later(self.expires_in, now);
        let rotated = match rotate(&storage, &self.id, &self.by.recorded(), self.overlap, expires, now) {
            Ok(rotated) => rotated,
            Err(error) => return Err(refused(error, &Tokens::read(&storage)?)),
        };
        show::issued(&rotated, now, self.output, global)?;
        if !global.quiet {
            print::message(match rotated.token.overlap(now) {
                Some(until) => format!("the old secret is valid until {until}"),
                None => "the old secret is no longer valid".to_owned(),
            });
        }
        Ok(Exit::Success)
    }
}

#[derive(Debug, clap::Args)]
struct ActorArguments {
    /// The person to record in the ledger [default: your account on this machine].
    #[arg(long, value_name = "ID")]
    by: Option<PersonId>,
}

impl ActorArguments {
    /// The person and the credential to record. The command line has no credential of Lockgate: the account on this machine gives
    /// access to the ledger, so it is recorded too.
    fn recorded(self) -> EventActor {
        let names = ["USER", "LOGNAME", "USERNAME"].into_iter().filter_map(|name| std::env::var(name).ok());
        let account = names.into_iter().find_map(|name| PersonId::new(&name).ok());
        let account = account.unwrap_or_else(|| PersonId::of_host("somebody"));
        let credential = format!("account:{account}");
        EventActor { person: self.by.unwrap_or(account), credential, kind: CredentialKind::Person }
    }
}

/// The time that much after `now`.
fn later(duration: Option<Duration>, now: Timestamp) -> Option<Timestamp> {
    duration.map(|duration| now.saturating_add(duration))
}

/// The error of a change to a token: invalid input, if another input would help.
fn refused(error: TokenError, tokens: &Tokens) -> anyhow::Error {
    let diagnostic = match &error {
        TokenError::NotFound(id) => {
            let diagnostic = Diagnostic::error(error.to_string());
            match closest(id, tokens.iter().map(|token| token.id.as_str())) {
                Some(near) => diagnostic.help(format!("did you mean `{near}`?")),
                None => diagnostic.help("list the tokens with `lockgate token list`"),
            }
        }
        TokenError::Invalid(_) | TokenError::Revoked { .. } => Diagnostic::error(error.to_string()),
        _ => return error.into(),
    };
    InvalidInput::from(diagnostic).into()
}
