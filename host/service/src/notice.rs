//! Notices: what an entry of the ledger tells people, whether they look or not. A server sends them on.

use std::collections::BTreeSet;

use lockgate_domain::{
    ApprovalAnswer, DeploymentResult, Digest, Gate, Phase, Scenario, Stage, TeamName, Timestamp, Verdict,
};
use lockgate_ledger::{Entry, EntryQuery, StoredEntry};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::decision::DecisionRecord;
use super::read::{LoadedDeployment, body};
use super::write::RecordedEvent;
use super::{DeploymentService, DeploymentSummary, ServiceError};
use crate::due::{DueKind, DueMark};
use crate::lifecycle::{DeploymentEvent, EventActor};
use crate::stops::{PlacedStop, STOPPED, STOPS};

/// How many earlier decisions about a deployment are looked at for the last one at the same gate.
const LOOKED_BACK: usize = 50;

/// What a notice is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum NoticeKind {
    /// A deployment is in plan-and-approve: people are asked to approve it.
    ApprovalCreated,
    /// A person approved or rejected, or took an answer back.
    ApprovalUpdated,
    /// The approval is closed: the deployment has passed plan-and-approve, or was rejected.
    ApprovalClosed,
    /// A first release is deployed.
    ServiceDeployed,
    /// A new version is deployed.
    ServiceUpgraded,
    /// A deployment was rolled back.
    ServiceRolledback,
    /// A product was removed from an environment.
    ServiceRemoved,
    /// A gate gives another answer about a deployment than the last time.
    GateTurned,
    /// Something has fallen due.
    FellDue,
    /// Somebody has stopped the line.
    LineStopped,
    /// The line runs again: a stop was lifted, or has ended.
    LineReleased,
}

impl NoticeKind {
    /// All kinds.
    pub const ALL: [Self; 11] = [
        Self::ApprovalCreated,
        Self::ApprovalUpdated,
        Self::ApprovalClosed,
        Self::ServiceDeployed,
        Self::ServiceUpgraded,
        Self::ServiceRolledback,
        Self::ServiceRemoved,
        Self::GateTurned,
        Self::FellDue,
        Self::LineStopped,
        Self::LineReleased,
    ];

    /// The name that files and events use.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::ApprovalCreated => "approval-created",
            Self::ApprovalUpdated => "approval-updated",
            Self::ApprovalClosed => "approval-closed",
            Self::ServiceDeployed => "service-deployed",
            Self::ServiceUpgraded => "service-upgraded",
            Self::ServiceRolledback => "service-rolledback",
            Self::ServiceRemoved => "service-removed",
            Self::GateTurned => "gate-turned",
            Self::FellDue => "fell-due",
            Self::LineStopped => "line-stopped",
            Self::LineReleased => "line-released",
        }
    }
}

/// The deployment that a notice is about.
#[derive(Clone, Debug, PartialEq)]
pub struct NoticedDeployment {
    pub summary: DeploymentSummary,
    pub scenario: Scenario,
    /// The digest of the release as a whole.
    pub digest: Option<Digest>,
}

/// What an entry of the ledger tells people.
#[derive(Clone, Debug, PartialEq)]
pub struct Notice {
    pub what: NoticeKind,
    /// The index of the entry in the audit log.
    pub index: u64,
    pub at: Timestamp,
    /// The team that it concerns. None: all teams.
    pub team: Option<TeamName>,
    pub by: EventActor,
    /// The deployment as it is now. None for stops and grants.
    pub deployment: Option<NoticedDeployment>,
    /// For `approval-updated` and `approval-closed`: whether it was approved. None: the answer was taken back.
    pub approved: Option<bool>,
    /// One sentence for people.
    pub message: String,
    /// What else programs want to know: ids of the approval, the decision, what fell due, and so on.
    pub details: Value,
}

/// The end of a grant or a stop by itself, as far as a notice needs it.
#[derive(Deserialize)]
struct RecordedEnd {
    by: EventActor,
}

impl DeploymentService {
    /// What an entry tells people, if it is one of `wanted`.
    ///
    /// # Errors
    /// If the ledger cannot be read.
    pub fn notice(&self, stored: &StoredEntry, wanted: &BTreeSet<NoticeKind>) -> Result<Option<Notice>, ServiceError> {
        let kind = stored.kind.as_str();
        let read = || stored.read().map_err(ServiceError::Damaged);
        let found = match stored.stream.split('/').next() {
            Some("deployment") => self.notice_of_event(&read()?)?,
            Some("decisions") if wanted.contains(&NoticeKind::GateTurned) => self.notice_of_decision(&read()?)?,
            Some(STOPS) => Some(notice_of_stop(&read()?)?),
            Some("waiver" | "delegation") if kind.ends_with("-expired") => Some(notice_of_expiry(&read()?)?),
            _ => None,
        };
        Ok(found.filter(|found| wanted.contains(&found.what)))
    }

    fn notice_of_event(&self, entry: &Entry) -> Result<Option<Notice>, ServiceError> {
        let RecordedEvent { by, event } = body(entry)?;
        let Some((what, approved, said, details)) = of_event(&event) else { return Ok(None) };
        let loaded = self.of_entry(entry)?;
        let what = what.unwrap_or_else(|| match loaded.document.scenario {
            Scenario::FirstRelease => NoticeKind::ServiceDeployed,
            Scenario::NewVersion => NoticeKind::ServiceUpgraded,
            Scenario::Removal => NoticeKind::ServiceRemoved,
        });
        // A deployment that is given up while it is planned closes its approval; later, nothing was asked any more.
        if matches!(event, DeploymentEvent::Aborted { .. }) && loaded.state.approved.is_some() {
            return Ok(None);
        }
        let message = match what {
            NoticeKind::FellDue => said,
            _ => format!("deployment `{}` of `{}`: {said}", loaded.id, loaded.document.product.id),
        };
        Ok(Some(Notice {
            what,
            index: entry.index,
            at: entry.at,
            team: Some(loaded.state.team.clone()),
            by,
            deployment: Some(noticed(&loaded)),
            approved,
            message,
            details,
        }))
    }

    /// A notice if the decision has another verdict than the last one at the same gate.
    fn notice_of_decision(&self, entry: &Entry) -> Result<Option<Notice>, ServiceError> {
        let record: DecisionRecord = body(entry)?;
        let query = EntryQuery {
            stream: Some(entry.stream.clone()),
            kind: Some("decision".to_owned()),
            before: Some(entry.index),
            newest_first: true,
            limit: LOOKED_BACK,
            ..EntryQuery::default()
        };
        let (gate, verdict) = (record.decision.gate, record.decision.verdict);
        let mut before = None;
        for stored in self.0.storage.entries(&query)? {
            let earlier: DecisionRecord = body(&stored.read().map_err(ServiceError::Damaged)?)?;
            if earlier.decision.gate == gate {
                before = Some(earlier.decision.verdict);
                break;
            }
        }
        let Some(before) = before.filter(|before| *before != verdict) else { return Ok(None) };
        let stream = super::locate::deployment_stream(&record.team, &record.decision.deployment);
        let version = self.0.storage.version(&stream)?;
        let loaded = self.read_deployment(&stream, &record.decision.deployment, version)?;
        let blocking: Vec<&str> = record
            .decision
            .reasons
            .iter()
            .filter(|reason| reason.blocking)
            .map(|reason| reason.code.as_str())
            .collect();
        let (was, is) = (word(before), word(verdict));
        Ok(Some(Notice {
            what: NoticeKind::GateTurned,
            index: entry.index,
            at: entry.at,
            team: Some(record.team.clone()),
            by: record.actor.clone(),
            deployment: Some(noticed(&loaded)),
            approved: None,
            message: format!("deployment `{}`: {gate} turned from {was} to {is}", record.decision.deployment),
            details: json!({
                "gate": gate, "decision": record.decision.id, "from": was, "to": is, "codes": blocking,
            }),
        }))
    }
}

fn word(verdict: Verdict) -> &'static str {
    match verdict {
        Verdict::Allow => "allow",
        Verdict::Deny => "deny",
        Verdict::Pending => "pending",
        Verdict::Error => "error",
    }
}

fn noticed(loaded: &LoadedDeployment) -> NoticedDeployment {
    let document = &loaded.document;
    NoticedDeployment { summary: loaded.summary(), scenario: document.scenario, digest: document.release.digest }
}

/// What an event tells: its kind (none: that of the scenario), whether it approves, a half sentence, and details.
fn of_event(event: &DeploymentEvent) -> Option<(Option<NoticeKind>, Option<bool>, String, Value)> {
    use NoticeKind::{ApprovalClosed, ApprovalCreated, ApprovalUpdated, FellDue, ServiceRolledback};
    let entrance = Gate { stage: Stage::PlanAndApprove, phase: Phase::Entrance };
    let exit = Gate { stage: Stage::PlanAndApprove, phase: Phase::Exit };
    let deployed = Gate { stage: Stage::Fulfill, phase: Phase::Exit };
    Some(match event {
        DeploymentEvent::GatePassed { gate, decision, .. } if *gate == entrance => {
            (Some(ApprovalCreated), None, "approvals are asked for".to_owned(), json!({ "decision": decision }))
        }
        DeploymentEvent::GatePassed { gate, decision, .. } if *gate == exit => {
            (Some(ApprovalClosed), Some(true), "it is approved".to_owned(), json!({ "decision": decision }))
        }
        DeploymentEvent::GatePassed { gate, decision, .. } if *gate == deployed => {
            (None, None, "it is carried out".to_owned(), json!({ "decision": decision }))
        }
        DeploymentEvent::ApprovalGiven { approval } => {
            let given = &approval.approval;
            let approved = given.answer == ApprovalAnswer::Approved;
            let said = if approved { "approved" } else { "rejected" };
            let said = format!("`{}` {said} as `{}`", given.person.id, given.role);
            (Some(ApprovalUpdated), Some(approved), said, json!({ "approval": given.id, "role": given.role }))
        }
        DeploymentEvent::ApprovalRevoked { approval, reason } => {
            let said = format!("the answer `{approval}` was taken back: {reason}");
            (Some(ApprovalUpdated), None, said, json!({ "approval": approval, "reason": reason }))
        }
        DeploymentEvent::Rejected { reason } => {
            (Some(ApprovalClosed), Some(false), format!("it is rejected: {reason}"), json!({ "reason": reason }))
        }
        DeploymentEvent::Aborted { reason } => {
            (Some(ApprovalClosed), Some(false), format!("it is given up: {reason}"), json!({ "reason": reason }))
        }
        DeploymentEvent::RolledBack { reason } => {
            let outcome = DeploymentResult::RolledBack.as_str();
            (Some(ServiceRolledback), None, format!("it is {outcome}: {reason}"), json!({ "reason": reason }))
        }
        DeploymentEvent::FellDue { mark } => (Some(FellDue), None, due_in_words(mark), json!({ "due": mark })),
        _ => return None,
    })
}

fn due_in_words(DueMark { due, what, about }: &DueMark) -> String {
    format!("`{}` of `{about}` was due at {due}", what.as_str())
}

fn notice_of_stop(entry: &Entry) -> Result<Notice, ServiceError> {
    let team = entry.team.as_deref().and_then(|team| team.parse().ok());
    let notice = |what, by, message, details| Notice {
        what,
        index: entry.index,
        at: entry.at,
        team,
        by,
        deployment: None,
        approved: None,
        message,
        details,
    };
    if entry.kind == STOPPED {
        let PlacedStop { stop, by } = body(entry)?;
        let message = format!(
            "`{}` has stopped the line for {} until {}: {}",
            stop.by,
            stop.scope.in_words(),
            stop.until,
            stop.reason
        );
        return Ok(notice(NoticeKind::LineStopped, by, message, json!({ "stop": stop })));
    }
    let RecordedEnd { by } = body(entry)?;
    let id = entry.id.clone().unwrap_or_default();
    let message = format!("the stop `{id}` is over: the line runs again");
    Ok(notice(NoticeKind::LineReleased, by, message, json!({ "stop": { "id": id } })))
}

fn notice_of_expiry(entry: &Entry) -> Result<Notice, ServiceError> {
    let RecordedEnd { by } = body(entry)?;
    let what =
        if entry.kind == DueKind::WaiverExpired.as_str() { DueKind::WaiverExpired } else { DueKind::DelegationExpired };
    let about = entry.id.clone().unwrap_or_default();
    Ok(Notice {
        what: NoticeKind::FellDue,
        index: entry.index,
        at: entry.at,
        team: entry.team.as_deref().and_then(|team| team.parse().ok()),
        by,
        deployment: None,
        approved: None,
        message: format!("`{}`: `{about}` no longer counts", what.as_str()),
        details: json!({ "due": { "what": what, "about": about } }),
    })
}
