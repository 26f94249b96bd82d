//! `lockgate deployment`: a deployment of a running server, what else is booked around it, and the answer of a person who has
//! seen both.

use clap::Subcommand;
use lockgate_client::{Client, RequestPath};
use lockgate_domain::{ApprovalAnswer, Digest, OverlapRelation, PersonId, TeamName, TimeWindow, Timestamp};
use lockgate_service::{ApprovalView, Booking, DeploymentView, NewApproval, Page};
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
}

impl DeploymentCommand {
    pub(crate) fn run(self) -> anyhow::Result<Exit> {
        match self {
            Self::Show(command) => command.run(),
            Self::Approve(command) => command.run(),
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
        let path = RequestPath::new("/api/v1/deployments").segment(&self.id);
        let path = below.into_iter().fold(path, |path, below| path.segment(below));
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
