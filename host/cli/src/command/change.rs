//! `lockgate change` and `lockgate drift`: the way of a change on a running server, and what went round its gates.

use anyhow::ensure;
use clap::Subcommand;
use lockgate_client::RequestPath;
use lockgate_domain::{RegisterEntry, TeamName};
use lockgate_service::{ChangeDeployment, ChangeView, DriftFinding, Page};

use crate::exit::Exit;
use crate::layout::{OutputFormat, fields, grid};
use crate::print;
use crate::server::ServerArguments;
use crate::terminal::{BAD, GOOD, STRONG, styled};

#[derive(Debug, Subcommand)]
pub(crate) enum ChangeCommand {
    /// Show a change and its deployments, from environment to environment.
    Show(ShowCommand),
}

#[derive(Debug, clap::Args)]
pub(crate) struct ShowCommand {
    /// The id of the change.
    id: String,
    #[command(flatten)]
    server: ServerArguments,
    /// Output format.
    #[arg(short, long, value_enum, default_value_t)]
    output: OutputFormat,
}

impl ChangeCommand {
    pub(crate) fn run(self) -> anyhow::Result<Exit> {
        let Self::Show(ShowCommand { id, server, output }) = self;
        let path = RequestPath::new("/api/v1/changes").segment(&id);
        let view: ChangeView = server.required_client()?.get(&path)?;
        match output {
            OutputFormat::Json => print::data(print::json(&view)?)?,
            OutputFormat::Table => print::text(of_change(&view))?,
        }
        Ok(Exit::Success)
    }
}

/// A change, with what its owner says of it, and a row for each deployment.
fn of_change(view: &ChangeView) -> String {
    let plain = |text: &str| print::plain(text).into_owned();
    let mut head = vec![("change", styled(STRONG, plain(&view.id)))];
    match &view.entry {
        Some(entry) => {
            let said = |name: &str| entry.value.as_ref()?.get(name)?.as_str().map(plain);
            head.extend(
                [("title", said("title")), ("approval", said("approval")), ("risk", said("risk"))]
                    .into_iter()
                    .filter_map(|(name, value)| Some((name, value?))),
            );
            let by = plain(entry.attested.by.written());
            head.push(("attested", format!("by {by}, as of {}", entry.as_of)));
        }
        None => head.push(("attested", "by nobody: no register that you see has it".to_owned())),
    }
    if !view.environments.is_empty() {
        let hops: Vec<String> = view.environments.iter().map(ToString::to_string).collect();
        head.push(("way", plain(&hops.join(" → "))));
    }
    let row = |hop: &ChangeDeployment| {
        let summary = &hop.summary;
        let status = summary.position.status();
        let status = match status {
            "operational" => styled(GOOD, status),
            "failed" | "aborted" | "rejected" | "rolled-back" => styled(BAD, status),
            other => other.to_owned(),
        };
        let round = if hop.iteration > 1 { format!("{} (rework)", hop.iteration) } else { hop.iteration.to_string() };
        let began = hop.began.map_or_else(|| "–".to_owned(), |at| at.to_string());
        vec![
            plain(&summary.environment),
            plain(&summary.id),
            plain(&summary.release),
            status,
            round,
            began,
            summary.position.stage().as_str().to_owned(),
        ]
    };
    let titles = ["environment", "deployment", "release", "status", "round", "began", "stage"];
    let rows: Vec<Vec<String>> = view.deployments.iter().map(row).collect();
    match rows.is_empty() {
        true => format!("{}\n\nNo deployment that you see names it.", fields(head)),
        false => format!("{}\n\n{}", fields(head), grid(&titles, rows)),
    }
}

#[derive(Debug, clap::Args)]
pub(crate) struct DriftCommand {
    #[command(flatten)]
    server: ServerArguments,
    /// Only instances of this team.
    #[arg(long, value_name = "TEAM")]
    team: Option<TeamName>,
    /// Only instances of the product with this id.
    #[arg(long, value_name = "ID")]
    product: Option<String>,
    /// Only instances in this environment.
    #[arg(long, value_name = "NAME")]
    environment: Option<String>,
    /// Output format.
    #[arg(short, long, value_enum, default_value_t)]
    output: OutputFormat,
}

impl DriftCommand {
    /// Shows the drift. Exits with 2 if there is some, and fails if there is no instance to compare.
    pub(crate) fn run(self) -> anyhow::Result<Exit> {
        let client = self.server.required_client()?;
        let (mut items, mut cursor) = (Vec::new(), None);
        loop {
            let page: Page<DriftFinding> = client.get(&self.path("/api/v1/drift", 200, cursor))?;
            items.extend(page.items);
            cursor = page.next;
            if cursor.is_none() {
                break;
            }
        }
        let found = !items.is_empty();
        if !found {
            let instances: Page<RegisterEntry> = client.get(&self.path("/api/v1/registers/instances", 1, None))?;
            ensure!(
                !instances.items.is_empty(),
                "nothing was compared: the register `instances` has no such entry that you see. Have what runs attested: \
                 `lockgate register put instances <file>`"
            );
        }
        match self.output {
            OutputFormat::Json => print::data(print::json(&Page { items, next: None })?)?,
            OutputFormat::Table => print::text(of_drift(&items))?,
        }
        Ok(if found { Exit::Differs } else { Exit::Success })
    }

    fn path(&self, path: &'static str, limit: usize, cursor: Option<u64>) -> RequestPath {
        let given = [
            ("team", self.team.as_ref().map(ToString::to_string)),
            ("product", self.product.clone()),
            ("environment", self.environment.clone()),
            ("cursor", cursor.map(|cursor| cursor.to_string())),
        ];
        let path = RequestPath::new(path).query("limit", limit);
        given.into_iter().fold(path, |path, (name, value)| match value {
            Some(value) => path.query(name, value),
            None => path,
        })
    }
}

/// A row for each instance that went round the gates.
fn of_drift(items: &[DriftFinding]) -> String {
    if items.is_empty() {
        return "No drift: every instance that the inventory names is what the gates let in.".to_owned();
    }
    let plain = |text: &str| print::plain(text).into_owned();
    let row = |finding: &DriftFinding| {
        vec![
            plain(&finding.environment),
            plain(&finding.product),
            plain(&finding.drift.instance),
            styled(BAD, finding.drift.code.as_str()),
            plain(&finding.drift.message),
        ]
    };
    grid(&["environment", "product", "instance", "code", ""], items.iter().map(row).collect())
}
