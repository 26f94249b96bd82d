//! `lockgate stop`: stops the line on a running server, lists stops, and lifts them.

use clap::Subcommand;
use lockgate_client::RequestPath;
use lockgate_domain::{Duration, StopScope, TeamName, Timestamp, check_id};
use lockgate_service::{NewStop, Page, StopState};

use crate::exit::Exit;
use crate::input::time_of_this_machine;
use crate::layout::{OutputFormat, fields, grid};
use crate::print;
use crate::server::ServerArguments;
use crate::terminal::{BAD, FAINT, STRONG, styled};

/// The path of the stops.
const STOPS: &str = "/api/v1/stops";

#[derive(Debug, Subcommand)]
pub(crate) enum StopCommand {
    /// Stop the line for everything, a team, an environment or a product.
    Add(AddCommand),
    /// List the stops that hold now.
    List(ListCommand),
    /// Lift a stop before its time.
    Lift(LiftCommand),
}

impl StopCommand {
    pub(crate) fn run(self) -> anyhow::Result<Exit> {
        match self {
            Self::Add(command) => command.run(),
            Self::List(command) => command.run(),
            Self::Lift(command) => command.run(),
        }
    }
}

#[derive(Debug, clap::Args)]
pub(crate) struct AddCommand {
    /// Why the line is stopped: everybody who is held up reads it.
    #[arg(long, value_name = "TEXT")]
    reason: String,
    /// How long the line is stopped, for example `2h`.
    #[arg(long = "for", value_name = "DURATION", required_unless_present = "until", conflicts_with = "until")]
    length: Option<Duration>,
    /// When the line runs again by itself (RFC 3339).
    #[arg(long, value_name = "TIME")]
    until: Option<Timestamp>,
    /// Only deployments of this team [default: your team, or every team if you see all of them].
    #[arg(long, value_name = "TEAM")]
    team: Option<TeamName>,
    /// Only deployments to this environment.
    #[arg(long, value_name = "NAME", value_parser = parse_id)]
    environment: Option<String>,
    /// Only deployments of the product with this id.
    #[arg(long, value_name = "ID", value_parser = parse_id)]
    product: Option<String>,
    #[command(flatten)]
    server: ServerArguments,
    /// Output format.
    #[arg(short, long, value_enum, default_value_t)]
    output: OutputFormat,
}

fn parse_id(text: &str) -> Result<String, String> {
    check_id(text).map(|()| text.to_owned()).map_err(|error| error.to_string())
}

impl AddCommand {
    fn run(self) -> anyhow::Result<Exit> {
        let Self { reason, length, until, team, environment, product, server, output } = self;
        let client = server.required_client()?;
        // The server checks by its own clock that it lies in the future.
        let until = until.unwrap_or_else(|| time_of_this_machine().saturating_add(length.unwrap_or_default()));
        let new = NewStop { reason, scope: StopScope { team, environment, product }, until };
        let placed: StopState = client.post(&RequestPath::new(STOPS), &new)?;
        show(&placed, output)
    }
}

#[derive(Debug, clap::Args)]
pub(crate) struct ListCommand {
    /// Include stops that were lifted or have ended.
    #[arg(short, long)]
    all: bool,
    #[command(flatten)]
    server: ServerArguments,
    /// Output format.
    #[arg(short, long, value_enum, default_value_t)]
    output: OutputFormat,
}

impl ListCommand {
    fn run(self) -> anyhow::Result<Exit> {
        let page: Page<StopState> = self.server.required_client()?.get(&RequestPath::new(STOPS))?;
        let stops: Vec<StopState> = page.items.into_iter().filter(|known| self.all || known.holds).collect();
        match self.output {
            OutputFormat::Json => print::data(print::json(&Page { items: stops, next: None })?)?,
            OutputFormat::Table if stops.is_empty() => print::text("No stop holds: the line runs.")?,
            OutputFormat::Table => print::text(table(&stops))?,
        }
        Ok(Exit::Success)
    }
}

#[derive(Debug, clap::Args)]
pub(crate) struct LiftCommand {
    /// The id of the stop.
    id: String,
    #[command(flatten)]
    server: ServerArguments,
    /// Output format.
    #[arg(short, long, value_enum, default_value_t)]
    output: OutputFormat,
}

impl LiftCommand {
    fn run(self) -> anyhow::Result<Exit> {
        let path = RequestPath::new(STOPS).segment(&self.id);
        let lifted: StopState = self.server.required_client()?.delete(&path, None)?;
        show(&lifted, self.output)
    }
}

fn show(known: &StopState, output: OutputFormat) -> anyhow::Result<Exit> {
    match output {
        OutputFormat::Json => print::data(print::json(known)?)?,
        OutputFormat::Table => {
            let StopState { stop, lifted, .. } = known;
            let mut rows = vec![
                ("stop", styled(STRONG, plain(&stop.id))),
                ("for", plain(&stop.scope.in_words())),
                ("by", plain(stop.by.written())),
                ("reason", plain(&stop.reason)),
                ("placed", stop.placed.to_string()),
                ("until", stop.until.to_string()),
            ];
            if let Some(lift) = lifted {
                rows.push(("lifted", format!("by {}, {}", plain(lift.by.person.written()), lift.at)));
            }
            print::text(fields(rows))?;
        }
    }
    Ok(Exit::Success)
}

fn plain(text: &str) -> String {
    print::plain(text).into_owned()
}

fn table(stops: &[StopState]) -> String {
    let row = |known: &StopState| {
        let StopState { stop, lifted, holds, .. } = known;
        let state = match (holds, lifted) {
            (true, _) => styled(BAD, "holds"),
            (false, Some(_)) => styled(FAINT, "lifted"),
            (false, None) => styled(FAINT, "over"),
        };
        vec![
            plain(&stop.id),
            state,
            plain(&stop.scope.in_words()),
            stop.until.to_string(),
            plain(stop.by.written()),
            plain(&stop.reason),
        ]
    };
    grid(&["stop", "state", "for", "until", "by", "reason"], stops.iter().map(row).collect())
}
