//! `lockgate deployment`: a deployment of a running server, what else is booked around it, the answer of a person who has
//! seen both, and the hand-over to those who operate it.

use clap::Subcommand;
use lockgate_client::{Client, RequestPath};
use lockgate_domain::{
    ApprovalAnswer, Digest, HandOver, OverlapRelation, PersonId, Receiver, TeamName, TimeWindow, Timestamp,
};
use lockgate_service::{ApprovalView, Booking, DeploymentView, NewApproval, NewHandOver, OpenExposure, Page};
use serde::Serialize;

use crate::exit::Exit;
use crate::layout::{OutputFormat, fields, grid};
use crate::print;
use crate::server::ServerArguments;
use crate::terminal::{BAD, GOOD, STRONG, WAITING, styled};

#[derive(Debug, Subcommand)]
pub(crate) enum DeploymentCommand {
    /// Show a deployment, and what else is booked in its change window.
    Show(DeploymentShowCommand),
    /// Approve or reject a deployment that you have looked at.
    Approve(ApproveCommand),
    /// Propose to hand a deployment over to those who operate it.
    HandOver(HandOverCommand),
    /// Accept what is handed over to you or to your team.
    AcceptHandOver(AcceptHandOverCommand),
    /// List what became operational in a live environment, and can be released to its users.
    Exposures(ExposuresCommand),
}

impl DeploymentCommand {
    pub(crate) fn run(self) -> anyhow::Result<Exit> {
        match self {
            Self::Show(command) => command.run(),
            Self::Approve(command) => command.run(),
            Self::HandOver(command) => command.run(),
            Self::AcceptHandOver(command) => command.run(),
            Self::Exposures(command) => command.run(),
        }
    }
}

/// A deployment of a server.
#[derive(Debug, clap::Args)]
struct DeploymentArguments {
    /// The id of the deployment.
    id: String,
    /// The team that owns it, where several of your teams have a deployment with this id.
    #[arg(long, value_name = "TEAM")]
    team: Option<TeamName>,
    #[command(flatten)]
    server: ServerArguments,
    /// Output format.
    #[arg(short, long, value_enum, default_value_t)]
    output: OutputFormat,
}

impl DeploymentArguments {
    fn path(&self, below: Option<&str>) -> RequestPath {
        self.path_of(below.as_slice())
    }

    fn path_of(&self, below: &[&str]) -> RequestPath {
        let path = RequestPath::new("/api/v1/deployments").segment(&self.id);
        let path = below.iter().fold(path, |path, below| path.segment(below));
        self.team.iter().fold(path, |path, team| path.query("team", team.as_str()))
    }

    fn read(&self, client: &Client) -> Result<DeploymentWithBookings, lockgate_client::Error> {
        let deployment: DeploymentView = client.get(&self.path(None))?;
        let bookings: Page<Booking> = client.get(&self.path(Some("bookings")))?;
        Ok(DeploymentWithBookings { deployment, bookings: bookings.items })
    }
}

/// What a person sees before they answer.
#[derive(Debug, Serialize)]
struct DeploymentWithBookings {
    deployment: DeploymentView,
    /// The other deployments that are booked around it.
    bookings: Vec<Booking>,
}

#[derive(Debug, clap::Args)]
pub(crate) struct DeploymentShowCommand {
    #[command(flatten)]
    deployment: DeploymentArguments,
}

impl DeploymentShowCommand {
    fn run(self) -> anyhow::Result<Exit> {
        let seen = self.deployment.read(&self.deployment.server.required_client()?)?;
        match self.deployment.output {
            OutputFormat::Json => print::data(print::json(&seen)?)?,
            OutputFormat::Table => print::text(of_deployment(&seen))?,
        }
        Ok(Exit::Success)
    }
}

#[derive(Debug, clap::Args)]
pub(crate) struct ApproveCommand {
    #[command(flatten)]
    deployment: DeploymentArguments,
    /// The role in which you answer.
    #[arg(long, value_name = "ROLE")]
    role: String,
    /// The subject that `deployment show` printed: what you answer for. The server refuses the answer if something has changed
    /// since.
    #[arg(long, value_name = "DIGEST")]
    subject: Digest,
    /// Reject instead of approving.
    #[arg(long)]
    reject: bool,
    /// A comment on the answer.
    #[arg(long, value_name = "TEXT")]
    comment: Option<String>,
    /// From when on the answer no longer counts (RFC 3339).
    #[arg(long, value_name = "TIME")]
    expires: Option<Timestamp>,
    /// The person in whose place you answer, who has delegated the role to you.
    #[arg(long, value_name = "PERSON")]
    on_behalf_of: Option<PersonId>,
}

impl ApproveCommand {
    /// Prints what else is booked, then sends the answer.
    fn run(self) -> anyhow::Result<Exit> {
        let Self { deployment, role, subject, reject, comment, expires, on_behalf_of } = self;
        let client = deployment.server.required_client()?;
        let seen = deployment.read(&client)?;
        if let OutputFormat::Table = deployment.output {
            print::text(of_bookings(&seen.bookings))?;
        }
        let answer = if reject { ApprovalAnswer::Rejected } else { ApprovalAnswer::Approved };
        let new = NewApproval { role, answer, subject, expires, comment, on_behalf_of };
        let given: ApprovalView = client.post(&deployment.path(Some("approvals")), &new)?;
        match deployment.output {
            OutputFormat::Json => print::data(print::json(&given)?)?,
            OutputFormat::Table => print::text(of_answer(&seen.deployment, &given))?,
        }
        Ok(Exit::Success)
    }
}

#[derive(Debug, clap::Args)]
pub(crate) struct HandOverCommand {
    #[command(flatten)]
    deployment: DeploymentArguments,
    /// The person who takes over.
    #[arg(long, value_name = "PERSON", required_unless_present = "to_team", conflicts_with = "to_team")]
    to_person: Option<PersonId>,
    /// The team that takes over. One of its members accepts.
    #[arg(long, value_name = "TEAM")]
    to_team: Option<TeamName>,
    /// A runbook that they get, by its id. Can be given several times, like the other things.
    #[arg(long = "runbook", value_name = "ID")]
    runbooks: Vec<String>,
    /// A knowledge item of the release that they get.
    #[arg(long = "knowledge-item", value_name = "ID")]
    knowledge_items: Vec<String>,
    /// A service contract that they keep from now on.
    #[arg(long = "service-contract", value_name = "ID")]
    service_contracts: Vec<String>,
    /// A monitor that they watch from now on.
    #[arg(long = "monitor", value_name = "ID")]
    monitors: Vec<String>,
    /// A note for those who take over.
    #[arg(long, value_name = "TEXT")]
    note: Option<String>,
}

impl HandOverCommand {
    fn run(self) -> anyhow::Result<Exit> {
        let Self { deployment, to_person, to_team, runbooks, knowledge_items, service_contracts, monitors, note } =
            self;
        let receiver = Receiver { person: to_person, team: to_team };
        let new = NewHandOver { receiver, runbooks, knowledge_items, service_contracts, monitors, note };
        let client = deployment.server.required_client()?;
        let view: DeploymentView = client.post(&deployment.path(Some("hand-over")), &new)?;
        print_hand_over(&view, deployment.output)
    }
}

#[derive(Debug, clap::Args)]
pub(crate) struct AcceptHandOverCommand {
    #[command(flatten)]
    deployment: DeploymentArguments,
}

impl AcceptHandOverCommand {
    fn run(self) -> anyhow::Result<Exit> {
        let client = self.deployment.server.required_client()?;
        let path = self.deployment.path_of(&["hand-over", "acceptance"]);
        let view: DeploymentView = client.post_empty(&path)?;
        print_hand_over(&view, self.deployment.output)
    }
}

#[derive(Debug, clap::Args)]
pub(crate) struct ExposuresCommand {
    #[command(flatten)]
    server: ServerArguments,
    /// The most exposures that are listed, the newest first.
    #[arg(long, value_name = "NUMBER", default_value_t = 50, value_parser = clap::value_parser!(u64).range(1..=200))]
    limit: u64,
    /// Output format.
    #[arg(short, long, value_enum, default_value_t)]
    output: OutputFormat,
}

impl ExposuresCommand {
    fn run(self) -> anyhow::Result<Exit> {
        let path = RequestPath::new("/api/v1/exposures").query("limit", self.limit.to_string());
        let page: Page<OpenExposure> = self.server.required_client()?.get(&path)?;
        match self.output {
            OutputFormat::Json => print::data(print::json(&page)?)?,
            OutputFormat::Table if page.items.is_empty() => {
                print::text("Nothing has become operational in a live environment yet.")?;
            }
            OutputFormat::Table => {
                let row = |open: &OpenExposure| {
                    vec![
                        open.exposure.opened.to_string(),
                        plain(&open.product),
                        plain(&open.release),
                        plain(&open.environment),
                        plain(&open.deployment),
                        plain(open.exposure.opened_by.written()),
                    ]
                };
                let titles = ["open since", "product", "release", "environment", "deployment", "opened by"];
                print::text(grid(&titles, page.items.iter().map(row).collect()))?;
            }
        }
        Ok(Exit::Success)
    }
}

/// Prints the hand-over of a deployment.
fn print_hand_over(view: &DeploymentView, output: OutputFormat) -> anyhow::Result<Exit> {
    match output {
        OutputFormat::Json => print::data(print::json(view)?)?,
        OutputFormat::Table => {
            let said = view.hand_over.as_ref().map_or_else(|| "nothing is handed over".to_owned(), of_hand_over);
            print::text(format!("`{}`: {said}", plain(&view.summary.id)))?;
        }
    }
    Ok(Exit::Success)
}

/// Who takes over, and whether they accepted.
fn of_hand_over(hand_over: &HandOver) -> String {
    let HandOver { receiver, accepted_by, accepted, proposed_by, proposed, .. } = hand_over;
    match (accepted_by, accepted) {
        (Some(by), Some(at)) => {
            format!(
                "{} to {}, by {}, {at}",
                styled(GOOD, "accepted"),
                plain(&receiver.to_string()),
                plain(by.written())
            )
        }
        _ => format!(
            "{} by {}, {proposed}; {} has not accepted it",
            styled(WAITING, "proposed"),
            plain(proposed_by.written()),
            plain(&receiver.to_string())
        ),
    }
}

fn plain(text: &str) -> String {
    print::plain(text).into_owned()
}

fn of_answer(view: &DeploymentView, given: &ApprovalView) -> String {
    let approval = &given.approval.approval;
    let word = match approval.answer {
        ApprovalAnswer::Approved => styled(GOOD, "approved"),
        ApprovalAnswer::Rejected => styled(BAD, "rejected"),
    };
    let (id, role) = (plain(&view.summary.id), plain(&approval.role));
    let by = plain(approval.person.id.written());
    format!("\n`{id}` is {word} by {by} as {role} ({})", plain(&approval.id))
}

fn of_window(window: Option<TimeWindow>) -> String {
    window.map_or_else(|| "–".to_owned(), |window| format!("{} – {}", window.start, window.end))
}

/// A deployment, and a row for each other one that is booked around it.
fn of_deployment(seen: &DeploymentWithBookings) -> String {
    let view = &seen.deployment;
    let (summary, deployment) = (&view.summary, &view.deployment);
    let mut head = vec![
        ("deployment", styled(STRONG, plain(&summary.id))),
        ("team", plain(summary.team.as_str())),
        ("product", plain(&summary.product)),
        ("release", plain(&summary.release)),
        ("environment", plain(&summary.environment)),
        ("status", format!("{} ({})", summary.position.status(), summary.position.stage().as_str())),
        ("requested", format!("by {}, {}", plain(summary.requester.written()), summary.requested)),
        ("change", plain(&deployment.change.id)),
        ("change window", of_window(deployment.change.window)),
    ];
    if let Some(plan) = &deployment.plan {
        head.push(("slot", of_window(plan.slot)));
        if !plan.resources.is_empty() {
            head.push(("resources", plain(&plan.resources.join(", "))));
        }
    }
    match (&view.model, &view.model_problem) {
        (Some(model), _) => head.push(("model", plain(&format!("{}@{}", model.id, model.version)))),
        (None, Some(problem)) => head.push(("model", styled(BAD, plain(problem)))),
        (None, None) => {}
    }
    if let Some(hand_over) = &view.hand_over {
        head.push(("hand-over", of_hand_over(hand_over)));
    }
    if let Some(exposure) = &view.exposure {
        let by = plain(exposure.opened_by.written());
        head.push(("exposure", format!("{} since {}, by {by}", styled(WAITING, "open"), exposure.opened)));
    }
    if let Some(subject) = view.subject {
        head.push(("subject", subject.to_string()));
    }
    format!("{}\n\n{}", fields(head), of_bookings(&seen.bookings))
}

fn of_bookings(bookings: &[Booking]) -> String {
    if bookings.is_empty() {
        return "Nothing else is booked that concerns this deployment.".to_owned();
    }
    let row = |booking: &Booking| {
        let named = booking.deployment.as_deref().map_or_else(|| "of another team".to_owned(), plain);
        let when = if booking.under_way { styled(WAITING, "under way") } else { "planned".to_owned() };
        let slot = if booking.meets_slot { styled(WAITING, "meets the slot") } else { "in the window".to_owned() };
        vec![
            of_window(booking.window),
            plain(&booking.environment),
            named,
            when,
            if booking.under_way { "now".to_owned() } else { slot },
            in_words(booking),
        ]
    };
    let titles = ["booked", "environment", "deployment", "state", "time", "relation"];
    grid(&titles, bookings.iter().map(row).collect())
}

/// How a booking concerns the deployment.
fn in_words(booking: &Booking) -> String {
    let product = booking.product.as_deref().map_or_else(|| "its product".to_owned(), |product| format!("`{product}`"));
    let words = match booking.relation {
        OverlapRelation::SameProduct => "the same product".to_owned(),
        OverlapRelation::DependedOn => format!("this product depends on {product}"),
        OverlapRelation::Dependent => format!("{product} depends on this product"),
        OverlapRelation::Conflicting => "the products must not be changed at the same time".to_owned(),
        OverlapRelation::SameEnvironment => "the same environment".to_owned(),
        OverlapRelation::SharedResource => {
            format!("needs `{}` too", booking.shared.as_deref().unwrap_or("a resource"))
        }
        OverlapRelation::Related => "the same product, or one that depends on the other; neither waits".to_owned(),
    };
    plain(&words)
}
