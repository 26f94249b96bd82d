//! The entrance and exit criteria of the Deploy value stream: what has to be so at each gate, the fact that proves it, and
//! who owns that fact. A model turns them on; then the host checks them, whatever the plugins say.

use crate::{
    ApprovalAnswer, ChangeApproval, Component, ComponentKind, DefectStatus, DifferenceKind, FactNeeded, Finding, Gate,
    InstanceStatus, KnowledgeStatus, Need, Phase, ReleaseStatus, Requirement, Scenario, Severity, Snapshot, Stage,
};

const fn gate(stage: Stage, phase: Phase) -> Gate {
    Gate { stage, phase }
}

const PLAN_ENTRANCE: Gate = gate(Stage::PlanAndApprove, Phase::Entrance);
const PLAN_EXIT: Gate = gate(Stage::PlanAndApprove, Phase::Exit);
const FULFILL_ENTRANCE: Gate = Gate::FULFILL_ENTRANCE;
const FULFILL_EXIT: Gate = gate(Stage::Fulfill, Phase::Exit);
const VALIDATE_ENTRANCE: Gate = gate(Stage::Validate, Phase::Entrance);
const VALIDATE_EXIT: Gate = gate(Stage::Validate, Phase::Exit);
const OBSERVE_ENTRANCE: Gate = gate(Stage::Observe, Phase::Entrance);
const OBSERVE_EXIT: Gate = gate(Stage::Observe, Phase::Exit);

/// A criterion: what has to be so at its gates.
#[derive(Clone, Copy, Debug)]
pub struct Criterion {
    /// The stable code of a finding that it is not met.
    pub code: &'static str,
    /// The gates at which it is checked.
    pub gates: &'static [Gate],
    /// What has to be so, in one clause.
    pub title: &'static str,
    /// The place of the fact that proves it, as a JSON Pointer into the snapshot.
    pub fact: &'static str,
    /// The methods of the plugin contract that read the fact, beside `json`, which reads all.
    pub readers: &'static [&'static str],
    /// The role or the practice that owns the fact.
    pub owner: &'static str,
    /// Says what is wrong, in one sentence, if it is not met.
    unmet: fn(&Snapshot) -> Option<String>,
}

/// All criteria, in the order in which a deployment meets them.
pub const CRITERIA: &[Criterion] = &[
    Criterion {
        code: "release-not-published",
        gates: &[PLAN_ENTRANCE],
        title: "the release is accepted and published",
        fact: "/release/status",
        readers: &["release"],
        owner: "release-manager",
        unmet: release_not_published,
    },
    Criterion {
        code: "release-not-protected",
        gates: &[PLAN_ENTRANCE],
        title: "the release and its components that have bytes are protected by digests",
        fact: "/release/digest",
        readers: &["release", "components"],
        owner: "release-manager",
        unmet: release_not_protected,
    },
    Criterion {
        code: "release-notes-incomplete",
        gates: &[PLAN_ENTRANCE],
        title: "the release notes list the open defects",
        fact: "/release/notes",
        readers: &["release-notes", "defects"],
        owner: "release-manager",
        unmet: release_notes_incomplete,
    },
    Criterion {
        code: "component-facts-missing",
        gates: &[PLAN_ENTRANCE],
        title: "each component says what its kind needs",
        fact: "/release/components",
        readers: &["release", "components"],
        owner: "release-manager",
        unmet: component_facts_missing,
    },
    Criterion {
        code: "trigger-without-reference",
        gates: &[PLAN_ENTRANCE],
        title: "the trigger of the change has a reference",
        fact: "/change/trigger_reference",
        readers: &["change"],
        owner: "change-authority",
        unmet: trigger_without_reference,
    },
    Criterion {
        code: "plan-not-signed-off",
        gates: &[PLAN_EXIT],
        title: "the plan is signed off, and nobody rejects it",
        fact: "/approvals",
        readers: &["approvals"],
        owner: "change-authority",
        unmet: plan_not_signed_off,
    },
    Criterion {
        code: "change-not-authorized",
        gates: &[PLAN_EXIT, FULFILL_ENTRANCE],
        title: "the change is approved",
        fact: "/change/approval",
        readers: &["change"],
        owner: "change-authority",
        unmet: change_not_authorized,
    },
    Criterion {
        code: "knowledge-not-validated",
        gates: &[PLAN_EXIT, FULFILL_ENTRANCE],
        title: "the knowledge items of the release are validated",
        fact: "/release/knowledge_items",
        readers: &["knowledge-items"],
        owner: "release-manager",
        unmet: knowledge_not_validated,
    },
    Criterion {
        code: "change-window-not-open",
        gates: &[FULFILL_ENTRANCE],
        title: "the change window is open",
        fact: "/change/window",
        readers: &["change"],
        owner: "change-authority",
        unmet: change_window_not_open,
    },
    Criterion {
        code: "environment-differs-from-definition",
        gates: &[FULFILL_ENTRANCE, VALIDATE_EXIT],
        title: "the environment was built from its definition",
        fact: "/environment/applied",
        readers: &["environment"],
        owner: "operations-manager",
        unmet: environment_differs,
    },
    Criterion {
        code: "instance-not-deployed",
        gates: &[FULFILL_EXIT, VALIDATE_ENTRANCE],
        title: "the instances are deployed in the environment",
        fact: "/actual_instances",
        readers: &["actual-instances", "differences", "instance-components"],
        owner: "operations-manager",
        unmet: instance_not_deployed,
    },
    Criterion {
        code: "instance-not-running",
        gates: &[VALIDATE_EXIT, OBSERVE_ENTRANCE],
        title: "the instances run",
        fact: "/actual_instances",
        readers: &["actual-instances", "differences", "instance-components"],
        owner: "operations-manager",
        unmet: instance_not_running,
    },
    Criterion {
        code: "instance-differs-from-plan",
        gates: &[VALIDATE_EXIT],
        title: "the instances are as they were planned",
        fact: "/actual_instances",
        readers: &["actual-instances", "differences", "instance-components"],
        owner: "operations-manager",
        unmet: instance_differs,
    },
    Criterion {
        code: "instance-not-monitored",
        gates: &[VALIDATE_EXIT],
        title: "the instances are monitored and documented",
        fact: "/actual_instances",
        readers: &["actual-instances", "differences", "instance-components"],
        owner: "operations-manager",
        unmet: instance_not_monitored,
    },
    Criterion {
        code: "service-not-stable",
        gates: &[OBSERVE_EXIT],
        title: "the service is stable: no serious incident is open, and no monitor reports a failure",
        fact: "/registers/incidents",
        readers: &["incidents", "monitors"],
        owner: "operations-manager",
        unmet: service_not_stable,
    },
];

/// A finding for each criterion of the gate that the snapshot does not meet.
pub fn unmet_criteria(snapshot: &Snapshot) -> Vec<Finding> {
    let of_gate = CRITERIA.iter().filter(|criterion| criterion.gates.contains(&snapshot.gate));
    of_gate.filter_map(|criterion| Some(criterion.finding((criterion.unmet)(snapshot)?))).collect()
}

impl Criterion {
    fn finding(&self, message: String) -> Finding {
        let need = FactNeeded { pointer: self.fact.to_owned(), kind: None, id: None, max_age: None };
        let remedy = format!("`{}` has to see to it that {}", self.owner, self.title);
        Finding {
            pointers: vec![self.fact.to_owned()],
            remedies: vec![Requirement {
                owner: Some(self.owner.to_owned()),
                ..Requirement::new(self.code, remedy, Need::Fact(need))
            }],
            ..Finding::new(Severity::High, self.code, message)
        }
    }
}

fn listed<'a>(names: impl IntoIterator<Item = &'a str>) -> String {
    names.into_iter().map(|name| format!("`{name}`")).collect::<Vec<_>>().join(", ")
}

/// The word for a value, as files write it.
fn said(value: &impl serde::Serialize) -> String {
    serde_json::to_value(value).ok().and_then(|value| value.as_str().map(str::to_owned)).unwrap_or_default()
}

fn release_not_published(snapshot: &Snapshot) -> Option<String> {
    let release = &snapshot.deployment.release;
    (release.status != ReleaseStatus::Published)
        .then(|| format!("the release `{}` is {}, and has to be published", release.id, said(&release.status)))
}

fn release_not_protected(snapshot: &Snapshot) -> Option<String> {
    let release = &snapshot.deployment.release;
    let open: Vec<&str> = release.unprotected_components().map(|component| component.name.as_str()).collect();
    match (release.digest, open.is_empty()) {
        (_, false) => Some(format!("components of the release have no digest: {}", listed(open))),
        (None, true) => Some(format!("the release `{}` has no digest", release.id)),
        (Some(_), true) => None,
    }
}

fn release_notes_incomplete(snapshot: &Snapshot) -> Option<String> {
    let release = &snapshot.deployment.release;
    let Some(notes) = &release.notes else {
        return Some(format!("the release `{}` has no release notes", release.id));
    };
    let open = release.defects.iter().filter(|defect| defect.status == DefectStatus::Open);
    let missing: Vec<&str> =
        open.map(|defect| defect.id.as_str()).filter(|id| !notes.defects.iter().any(|listed| listed == id)).collect();
    (!missing.is_empty()).then(|| format!("the release notes do not list open defects: {}", listed(missing)))
}

/// The facts that a component of its kind lacks.
fn missing_facts(component: &Component) -> Vec<&'static str> {
    let facts = match component.kind {
        ComponentKind::Hardware => {
            vec![(component.serial.is_none(), "its serial number"), (component.order.is_none(), "its order")]
        }
        ComponentKind::Licence => vec![(component.entitlement.is_none(), "its entitlement")],
        ComponentKind::Data => {
            vec![(component.migration.is_none() && component.retention.is_none(), "its migration or its retention")]
        }
        ComponentKind::Documentation => vec![(component.reviewer.is_none(), "its reviewer")],
        ComponentKind::Software | ComponentKind::Process | ComponentKind::Other => Vec::new(),
    };
    facts.into_iter().filter(|(is_missing, _)| *is_missing).map(|(_, fact)| fact).collect()
}

fn component_facts_missing(snapshot: &Snapshot) -> Option<String> {
    let deployment = &snapshot.deployment;
    if deployment.scenario == Scenario::Removal {
        return None;
    }
    let lacks = |component: &Component| {
        let facts = missing_facts(component);
        (!facts.is_empty()).then(|| format!("`{}` lacks {}", component.name, facts.join(" and ")))
    };
    let lacking: Vec<String> = deployment.release.components.iter().filter_map(lacks).collect();
    (!lacking.is_empty()).then(|| format!("components do not say what they are: {}", lacking.join(", ")))
}

fn trigger_without_reference(snapshot: &Snapshot) -> Option<String> {
    let change = &snapshot.deployment.change;
    let trigger = change.trigger.filter(|_| change.trigger_reference.is_none())?;
    Some(format!("the change `{}` has the trigger `{}`, and does not say which one", change.id, trigger.as_str()))
}

fn environment_differs(snapshot: &Snapshot) -> Option<String> {
    let environment = &snapshot.deployment.environment;
    let version = environment.version?;
    let name = &environment.name;
    match environment.applied {
        Some(applied) if applied == version => None,
        Some(applied) => {
            Some(format!("`{name}` was built from the definition `{applied}`, and its version is `{version}`"))
        }
        None => Some(format!("nobody says from which definition `{name}` was built, and its version is `{version}`")),
    }
}

fn plan_not_signed_off(snapshot: &Snapshot) -> Option<String> {
    let counts = |answer| {
        snapshot.deployment.independent_approvals().filter(move |approval| {
            approval.answer == answer
                && (answer == ApprovalAnswer::Rejected || approval.subject == snapshot.subject)
                && approval.expires.is_none_or(|expires| snapshot.now < expires)
        })
    };
    if let Some(rejection) = counts(ApprovalAnswer::Rejected).next() {
        return Some(format!("`{}` rejects the deployment as `{}`", rejection.person.id, rejection.role));
    }
    counts(ApprovalAnswer::Approved).next().is_none().then(|| "nobody has signed the plan off".to_owned())
}

fn change_not_authorized(snapshot: &Snapshot) -> Option<String> {
    let change = &snapshot.deployment.change;
    (change.approval != ChangeApproval::Approved)
        .then(|| format!("the change `{}` is {}, and has to be approved", change.id, said(&change.approval)))
}

fn knowledge_not_validated(snapshot: &Snapshot) -> Option<String> {
    let deployment = &snapshot.deployment;
    let items = &deployment.release.knowledge_items;
    if deployment.scenario == Scenario::Removal {
        return None;
    }
    if items.is_empty() {
        return Some(format!("the release `{}` has no knowledge item", deployment.release.id));
    }
    let is_valid = |status| matches!(status, KnowledgeStatus::Validated | KnowledgeStatus::Published);
    let open = items
        .iter()
        .filter(|item| !is_valid(item.status) || item.expires.is_some_and(|expires| expires <= snapshot.now));
    let open: Vec<&str> = open.map(|item| item.id.as_str()).collect();
    (!open.is_empty()).then(|| format!("knowledge items are not validated, or no longer valid: {}", listed(open)))
}

fn change_window_not_open(snapshot: &Snapshot) -> Option<String> {
    let change = &snapshot.deployment.change;
    match &change.window {
        None => Some(format!("the change `{}` has no window", change.id)),
        Some(window) if !window.contains(snapshot.now) => Some(format!(
            "the change window of `{}` is from {} to {}, and it is {}",
            change.id, window.start, window.end, snapshot.now
        )),
        Some(_) => None,
    }
}

/// The instances of the inventory in the target environment that exist.
fn instances(snapshot: &Snapshot) -> impl Iterator<Item = &crate::Instance> {
    let deployment = &snapshot.deployment;
    let here = move |instance: &&crate::Instance| {
        instance.environment == deployment.environment.name && instance.status.exists()
    };
    deployment.actual_instances.iter().filter(here)
}

fn instance_not_deployed(snapshot: &Snapshot) -> Option<String> {
    let deployment = &snapshot.deployment;
    let environment = &deployment.environment.name;
    if deployment.scenario == Scenario::Removal {
        let targets = deployment.plan.iter().flat_map(|plan| &plan.targets);
        let left: Vec<&str> = targets
            .filter(|target| instances(snapshot).any(|instance| instance.id == **target))
            .map(String::as_str)
            .collect();
        return (!left.is_empty()).then(|| format!("instances that are removed still exist: {}", listed(left)));
    }
    let release = &deployment.release.id;
    let is_there = instances(snapshot).any(|instance| instance.release.as_ref() == Some(release));
    (!is_there).then(|| format!("the inventory has no instance of the release `{release}` in `{environment}`"))
}

fn instance_not_running(snapshot: &Snapshot) -> Option<String> {
    if snapshot.deployment.scenario == Scenario::Removal {
        return instance_not_deployed(snapshot);
    }
    let still: Vec<&str> = instances(snapshot)
        .filter(|instance| instance.status != InstanceStatus::Running)
        .map(|instance| instance.id.as_str())
        .collect();
    match still.is_empty() {
        true => instance_not_deployed(snapshot),
        false => Some(format!("instances do not run: {}", listed(still))),
    }
}

fn instance_differs(snapshot: &Snapshot) -> Option<String> {
    let deployment = &snapshot.deployment;
    if deployment.desired_instances.is_empty() && deployment.scenario != Scenario::Removal {
        return Some("the deployment has no desired instances to compare the inventory with".to_owned());
    }
    let found = deployment.differences();
    let first = found.first()?;
    let more = match found.len() {
        1 => String::new(),
        count => format!(", and {} more", count - 1),
    };
    let what = match first.kind {
        DifferenceKind::Instance => format!("the instance `{}`", first.instance),
        DifferenceKind::Component | DifferenceKind::Configuration => {
            format!("the {} `{}` of `{}`", first.kind.as_str(), first.name, first.instance)
        }
        kind => format!("the {} of `{}`", kind.as_str(), first.instance),
    };
    Some(format!("{what} is not as it was planned{more}"))
}

fn instance_not_monitored(snapshot: &Snapshot) -> Option<String> {
    let open = instances(snapshot).filter(|instance| !instance.monitored || !instance.documented);
    let open: Vec<&str> = open.map(|instance| instance.id.as_str()).collect();
    let is_removal = snapshot.deployment.scenario == Scenario::Removal;
    (!open.is_empty() && !is_removal)
        .then(|| format!("instances are not monitored, or not documented: {}", listed(open)))
}

fn service_not_stable(snapshot: &Snapshot) -> Option<String> {
    let registers = &snapshot.deployment.registers;
    let Some(incidents) = &registers.incidents else {
        return Some(
            "nobody keeps the register of incidents, so nobody knows whether the service is stable".to_owned(),
        );
    };
    let open = incidents.iter().filter(|incident| incident.open && incident.severity >= Severity::High);
    let open: Vec<&str> = open.map(|incident| incident.id.as_str()).collect();
    if !open.is_empty() {
        return Some(format!("incidents are open: {}", listed(open)));
    }
    let monitors = registers.monitors.iter().flatten();
    let failing: Vec<&str> =
        monitors.filter(|monitor| monitor.healthy == Some(false)).map(|monitor| monitor.id.as_str()).collect();
    (!failing.is_empty()).then(|| format!("monitors report failures: {}", listed(failing)))
}
