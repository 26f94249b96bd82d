//! `lockgate due`: what is due next on a running server, and what is overdue.

use lockgate_client::RequestPath;
use lockgate_domain::{TeamName, Timestamp};
use lockgate_service::{DueItem, DueKind, DuePage};

use crate::exit::Exit;
use crate::layout::{OutputFormat, grid};
use crate::print;
use crate::server::ServerArguments;
use crate::terminal::{BAD, styled};

#[derive(Debug, clap::Args)]
pub(crate) struct DueCommand {
    #[command(flatten)]
    server: ServerArguments,
    /// Only items of this team.
    #[arg(long, value_name = "TEAM")]
    team: Option<TeamName>,
    /// Only items of the product with this id.
    #[arg(long, value_name = "ID")]
    product: Option<String>,
    /// Only items in this environment.
    #[arg(long, value_name = "NAME")]
    environment: Option<String>,
    /// Only items of the deployment with this id.
    #[arg(long, value_name = "ID")]
    deployment: Option<String>,
    /// Only items of this kind, for example `approval-expired`.
    #[arg(long, value_name = "KIND", value_parser = parse_kind)]
    what: Option<DueKind>,
    /// Only items whose time has come, and about which somebody has to do something.
    #[arg(long)]
    overdue: bool,
    /// Only items that are due before this moment (RFC 3339).
    #[arg(long, value_name = "TIME")]
    before: Option<Timestamp>,
    /// Output format.
    #[arg(short, long, value_enum, default_value_t)]
    output: OutputFormat,
}

fn parse_kind(text: &str) -> Result<DueKind, String> {
    let found = DueKind::ALL.into_iter().find(|kind| kind.as_str() == text);
    found.ok_or_else(|| format!("expected one of `{}`", DueKind::ALL.map(DueKind::as_str).join("`, `")))
}

impl DueCommand {
    /// Lists what is due. Exits with 2 if something is overdue.
    pub(crate) fn run(self) -> anyhow::Result<Exit> {
        let client = self.server.required_client()?;
        let (mut items, mut cursor) = (Vec::new(), None);
        loop {
            let page: DuePage = client.get(&self.path(cursor.as_deref()))?;
            items.extend(page.items);
            cursor = page.next;
            if cursor.is_none() {
                break;
            }
        }
        let is_late = items.iter().any(|item| item.overdue);
        match self.output {
            OutputFormat::Json => print::data(print::json(&DuePage { items, next: None })?)?,
            OutputFormat::Table if items.is_empty() => print::text("Nothing is due.")?,
            OutputFormat::Table => print::text(table(&items))?,
        }
        Ok(if is_late { Exit::Differs } else { Exit::Success })
    }

    fn path(&self, cursor: Option<&str>) -> RequestPath {
        let given = [
            ("team", self.team.as_ref().map(ToString::to_string)),
            ("product", self.product.clone()),
            ("environment", self.environment.clone()),
            ("deployment", self.deployment.clone()),
            ("what", self.what.map(|what| what.as_str().to_owned())),
            ("overdue", self.overdue.then(|| "true".to_owned())),
            ("before", self.before.map(|before| before.to_string())),
            ("cursor", cursor.map(str::to_owned)),
        ];
        let path = RequestPath::new("/api/v1/due").query("limit", 200);
        given.into_iter().fold(path, |path, (name, value)| match value {
            Some(value) => path.query(name, value),
            None => path,
        })
    }
}

fn table(items: &[DueItem]) -> String {
    let plain = |text: &str| print::plain(text).into_owned();
    let row = |item: &DueItem| {
        let due = item.mark.due.to_string();
        let what = item.mark.what.as_str();
        vec![
            if item.overdue { styled(BAD, due) } else { due },
            what.to_owned(),
            item.deployment.as_deref().map_or_else(|| "–".to_owned(), plain),
            plain(&item.mark.about),
            plain(&item.message),
        ]
    };
    grid(&["due", "what", "deployment", "about", ""], items.iter().map(row).collect())
}
