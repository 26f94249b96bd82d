//! `lockgate token create`: a credential for a pipeline or a person.

use lockgate_domain::{CredentialKind, Duration, Person, PersonId, Right, TeamName, Teams, closest, role_names};
use lockgate_ledger::Storage as _;
use lockgate_server::auth::token::{NewToken, Tokens, issue};

use super::{ByArguments, in_that_time, refused, show};
use crate::args::Global;
use crate::command::ledger::DataArguments;
use crate::exit::Exit;
use crate::print;
use crate::report::Form;
use crate::terminal::{WAITING, styled};

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
