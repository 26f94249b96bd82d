//! `lockgate access`: the people who may act at the gates of models, and the actions that nobody can take.

use std::path::{Path, PathBuf};

use lockgate_client::RequestPath;
use lockgate_domain::api::access::{AccessHolder, AccessReview, AccessRow};
use lockgate_domain::{AttestRules, Gate, TeamName, Teams};
use lockgate_engine::LoadedModel;
use lockgate_ledger::Storage as _;
use lockgate_server::auth::access::{self, AccessSources};
use lockgate_server::auth::token::Tokens;

use crate::data_folder::{LEDGER, USUAL_DATA, open_to_read};
use crate::diagnostic::{Diagnostic, InvalidInput};
use crate::exit::Exit;
use crate::host;
use crate::layout::{OutputFormat, grid};
use crate::models;
use crate::options::GlobalOptions;
use crate::print;
use crate::server::ServerArguments;
use crate::terminal::{BAD, FAINT, STRONG, WAITING, styled};

#[derive(Debug, clap::Args)]
pub(crate) struct AccessCommand {
    /// A deployment model, to be reviewed with the tokens of a data folder. Repeatable.
    #[arg(short, long = "model", value_name = "FILE", conflicts_with_all = ["server", "token_file"])]
    models: Vec<PathBuf>,
    /// The data folder with the tokens; a server may be running [default: lockgate-data].
    #[arg(long, value_name = "FOLDER", requires = "models", conflicts_with_all = ["server", "token_file"])]
    data: Option<PathBuf>,
    #[command(flatten)]
    server: ServerArguments,
    /// Only tokens that can access deployments of this team.
    #[arg(long, value_name = "TEAM")]
    team: Option<TeamName>,
    /// Output format.
    #[arg(short, long, value_enum, default_value_t)]
    output: OutputFormat,
}

impl AccessCommand {
    pub(crate) fn run(self, global: &GlobalOptions) -> anyhow::Result<Exit> {
        let review = if self.models.is_empty() { self.of_server()? } else { self.of_models(global)? };
        match self.output {
            OutputFormat::Json => print::data(print::json(&review)?)?,
            OutputFormat::Table => {
                print::text(table(&review.items))?;
                for warning in &review.warnings {
                    let message = print::plain(&warning.message);
                    print::message(format!("{}: {message}", styled(WAITING, "warning")));
                }
                if review.items.iter().any(|row| row.rules.is_none()) && !global.quiet {
                    let note = "only API tokens are shown; for identity tokens and client certificates, ask a server with `--server`";
                    print::message(format!("{}: {note}", styled(FAINT, "note")));
                }
            }
        }
        Ok(Exit::Success)
    }

    fn of_server(&self) -> anyhow::Result<AccessReview> {
        let Some(client) = self.server.client()? else {
            let diagnostic = Diagnostic::error("no models to review");
            let help = "give deployment models with `--model <file>`, or a running server with `--server <url>`";
            return Err(InvalidInput::from(diagnostic.help(help)).into());
        };
        let mut path = RequestPath::new("/api/v1/access");
        if let Some(team) = &self.team {
            path = path.query("team", team);
        }
        Ok(client.get(&path)?)
    }

    fn of_models(&self, global: &GlobalOptions) -> anyhow::Result<AccessReview> {
        let storage = open_to_read(&self.data.as_deref().unwrap_or(Path::new(USUAL_DATA)).join(LEDGER))?;
        let tokens = Tokens::read(&storage)?;
        let runtime = host::runtime(global)?;
        let mut invalid = InvalidInput::default();
        let loaded: Vec<Option<LoadedModel>> =
            self.models.iter().map(|path| invalid.collect(models::load(&runtime, path, global.quiet))).collect();
        if !invalid.is_empty() {
            return Err(invalid.into());
        }
        let teams = self.team.iter().cloned().collect();
        let teams = if self.team.is_none() { Teams::All } else { Teams::Named(teams) };
        let attest = &AttestRules::default();
        let sources = AccessSources { tokens: &tokens, rules: None, attest, teams: &teams, now: storage.now() };
        Ok(access::review(loaded.iter().flatten(), sources))
    }
}

/// A table for each model, below its name.
fn table(rows: &[AccessRow]) -> String {
    if rows.is_empty() {
        return "No model has gates.".to_owned();
    }
    let of_models = rows.chunk_by(|one, next| one.model == next.model).map(|rows| {
        let name = rows.first().map(|row| row.model.to_string()).unwrap_or_default();
        let mut last = None;
        let cells = rows.iter().flat_map(|row| cells(row, &mut last)).collect();
        format!("{}\n{}", styled(STRONG, name), grid(&["gate", "action", "role", "person", "teams", "expires"], cells))
    });
    of_models.collect::<Vec<_>>().join("\n\n")
}

/// The table rows for an action: one for each person and rule.
fn cells(row: &AccessRow, last: &mut Option<Gate>) -> Vec<Vec<String>> {
    let gate = if *last == Some(row.need.gate) { String::new() } else { row.need.gate.to_string() };
    *last = Some(row.need.gate);
    let is_any = row.need.roles.is_empty();
    let any_role = || if is_any { "any".to_owned() } else { listed(&row.need.roles) };
    let action = match (row.need.needed, &row.need.about) {
        (1, None) => row.need.action.as_str().to_owned(),
        (1, Some(about)) => format!("{} {}", row.need.action.as_str(), print::plain(about)),
        (people, _) => format!("{} ({people} people)", row.need.action.as_str()),
    };
    let people = row.people.iter().map(|holder| {
        let AccessHolder { id, roles, teams, expires, .. } = holder;
        let teams = match teams {
            Teams::All => "all".to_owned(),
            Teams::Named(teams) => listed(teams),
        };
        let expires = expires.map_or_else(|| "never".to_owned(), |at| at.to_string());
        let roles = if is_any { format!("any: {}", listed(roles)) } else { listed(roles) };
        [roles, print::plain(id.written()).into_owned(), teams, expires]
    });
    let rules = row.rules.iter().flatten();
    let rules =
        rules.map(|rule| [any_role(), format!("everyone admitted by rule `{rule}`"), String::new(), String::new()]);
    let mut found: Vec<[String; 4]> = people.chain(rules).collect();
    if found.is_empty() {
        found.push([any_role(), styled(BAD, "nobody"), String::new(), String::new()]);
    }
    let shown = found.into_iter().enumerate().map(|(place, rest)| {
        let first = if place == 0 { [gate.clone(), action.clone()] } else { Default::default() };
        first.into_iter().chain(rest).collect()
    });
    shown.collect()
}

fn listed(names: impl IntoIterator<Item = impl ToString>) -> String {
    let names: Vec<String> = names.into_iter().map(|name| name.to_string()).collect();
    print::plain(&names.join(", ")).into_owned()
}
