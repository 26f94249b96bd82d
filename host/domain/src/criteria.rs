//! The entrance and exit criteria of the Deploy value stream: what has to be so at each gate, the fact that proves it, and
//! who owns that fact. A model turns them on; then the host checks them, whatever the plugins say.

use crate::{
    ApprovalAnswer, ChangeApproval, Component, ComponentKind, DefectStatus, Deployment, DifferenceKind, FactNeeded,
    Finding, Gate, InstanceStatus, KnowledgeStatus, Need, Phase, RegisterKind, ReleaseStatus, Requirement, Scenario,
    Severity, Snapshot, Stage,
};

const fn gate(stage: Stage, phase: Phase) -> Gate {
    Gate { stage, phase }
}

const PLAN_ENTRANCE: Gate = gate(Stage::PlanAndApprove, Phase::Entrance);
const PLAN_EXIT: Gate = Gate::PLAN_EXIT;
const FULFILL_ENTRANCE: Gate = Gate::FULFILL_ENTRANCE;
const FULFILL_EXIT: Gate = Gate::FULFILL_EXIT;
const VALIDATE_ENTRANCE: Gate = gate(Stage::Validate, Phase::Entrance);
const VALIDATE_EXIT: Gate = gate(Stage::Validate, Phase::Exit);
const OBSERVE_ENTRANCE: Gate = gate(Stage::Observe, Phase::Entrance);
const OBSERVE_EXIT: Gate = gate(Stage::Observe, Phase::Exit);

/// All gates.
const EVERY_GATE: &[Gate] = &[
    PLAN_ENTRANCE,
    PLAN_EXIT,
    FULFILL_ENTRANCE,
    FULFILL_EXIT,
    VALIDATE_ENTRANCE,
    VALIDATE_EXIT,
    OBSERVE_ENTRANCE,
    OBSERVE_EXIT,
];

/// The gates from the exit of plan-and-approve on.
const FROM_PLAN_EXIT: &[Gate] =
    &[PLAN_EXIT, FULFILL_ENTRANCE, FULFILL_EXIT, VALIDATE_ENTRANCE, VALIDATE_EXIT, OBSERVE_ENTRANCE, OBSERVE_EXIT];

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
    /// The role or the practice that usually owns the fact.
    pub owner: &'static str,
    /// Says what is wrong if it is not met.
    unmet: fn(&Snapshot) -> Option<Unmet>,
}

/// The most items that a finding names.
const MOST_ITEMS: usize = 20;

/// What is wrong with a criterion that is not met.
struct Unmet {
    /// One sentence.
    message: String,
    /// The facts, each with its place as a JSON Pointer, and its id. Empty: the one that proves the criterion.
    facts: Vec<(String, Option<String>)>,
}

impl Unmet {
    /// Something is wrong with the fact that proves the criterion.
    fn new(message: impl Into<String>) -> Self {
        Self { message: message.into(), facts: Vec::new() }
    }

    /// Something is wrong with the fact at a place, of something with this id.
    fn at(pointer: impl Into<String>, id: impl Into<String>, message: impl Into<String>) -> Self {
        Self { message: message.into(), facts: vec![(pointer.into(), Some(id.into()))] }
    }

    /// Something is wrong with items, of which `found` has the places and the ids. None if there are none. The message ends with the
    /// ids of the first ones.
    fn of_items(message: &str, mut found: Vec<(String, &str)>) -> Option<Self> {
        let more = found.len().saturating_sub(MOST_ITEMS);
        found.truncate(MOST_ITEMS);
        let ids = listed(found.iter().map(|(_, id)| *id));
        let more = if more > 0 { format!(", and {more} more") } else { String::new() };
        (!found.is_empty()).then(|| Self {
            message: format!("{message}: {ids}{more}"),
            facts: found.into_iter().map(|(place, id)| (place, Some(id.to_owned()))).collect(),
        })
    }
}

/// All criteria, in the order in which a deployment meets them.
pub const CRITERIA: &[Criterion] = &[
    Criterion {
        code: "release-not-published",
        gates: EVERY_GATE,
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
        // Defects that are found later are raised, and the release that was approved stays what it is.
        gates: &[PLAN_ENTRANCE, PLAN_EXIT, FULFILL_ENTRANCE],
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
        gates: FROM_PLAN_EXIT,
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
        gates: &[VALIDATE_EXIT, OBSERVE_ENTRANCE, OBSERVE_EXIT],
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

/// A finding for each criterion of the gate that the snapshot does not meet. `owners` tells who has to attest the fact at a place of
/// the snapshot, if that is not the usual owner.
pub fn unmet_criteria(snapshot: &Snapshot, owners: &dyn Fn(&str) -> Vec<String>) -> Vec<Finding> {
    let of_gate = CRITERIA.iter().filter(|criterion| criterion.gates.contains(&snapshot.gate));
    of_gate.filter_map(|criterion| Some(criterion.finding((criterion.unmet)(snapshot)?, owners))).collect()
}

impl Criterion {
    fn finding(&self, unmet: Unmet, owners: &dyn Fn(&str) -> Vec<String>) -> Finding {
        let Unmet { message, mut facts } = unmet;
        if facts.is_empty() {
            facts.push((self.fact.to_owned(), None));
        }
        let mut pointers: Vec<String> = facts.iter().map(|(pointer, _)| pointer.clone()).collect();
        pointers.dedup();
        let mut remedies: Vec<Requirement> = Vec::new();
        let is_one = facts.len() == 1;
        for (pointer, id) in facts {
            let kind = RegisterKind::at(&pointer).map(|register| register.as_str().to_owned());
            let need = Need::Fact(FactNeeded { pointer: pointer.clone(), kind, id: id.clone(), max_age: None });
            let owners = Some(owners(&pointer)).filter(|owners| !owners.is_empty());
            let owners = owners.unwrap_or_else(|| vec![self.owner.to_owned()]);
            let who = owners.iter().map(|owner| format!("`{owner}`")).collect::<Vec<_>>().join(" or ");
            let of = id.filter(|_| !is_one).map_or_else(String::new, |id| format!(": `{id}`"));
            let remedy = format!("{who} has to see to it that {}{of}", self.title);
            let remedy = Requirement { owner: Some(owners.join(", ")), ..Requirement::new(self.code, remedy, need) };
            if !remedies.contains(&remedy) {
                remedies.push(remedy);
            }
        }
        Finding { pointers, remedies, ..Finding::new(Severity::High, self.code, message) }
    }
}

fn listed<'a>(names: impl IntoIterator<Item = &'a str>) -> String {
    names.into_iter().map(|name| format!("`{name}`")).collect::<Vec<_>>().join(", ")
}

/// The word for a value, as files write it.
fn said(value: &impl serde::Serialize) -> String {
    serde_json::to_value(value).ok().and_then(|value| value.as_str().map(str::to_owned)).unwrap_or_default()
}

fn release_not_published(snapshot: &Snapshot) -> Option<Unmet> {
    let Deployment { release, scenario, .. } = &*snapshot.deployment;
    // What is removed may have been withdrawn.
    let is_removed = *scenario == Scenario::Removal && release.status == ReleaseStatus::Withdrawn;
    (release.status != ReleaseStatus::Published && !is_removed).then(|| {
        let message = format!("the release `{}` is {}, and has to be published", release.id, said(&release.status));
        Unmet::at("/release/status", &release.id, message)
    })
}

fn release_not_protected(snapshot: &Snapshot) -> Option<Unmet> {
    let release = &snapshot.deployment.release;
    let place_of = |name: &str| {
        let index = release.components.iter().position(|component| component.name == name)?;
        Some(format!("/release/components/{index}/digest"))
    };
    let open = release.unprotected_components().filter_map(|component| {
        let name = component.name.as_str();
        Some((place_of(name)?, name))
    });
    let open = Unmet::of_items("components of the release have no digest", open.collect());
    let without = || Unmet::at("/release/digest", &release.id, format!("the release `{}` has no digest", release.id));
    open.or_else(|| release.digest.is_none().then(without))
}

fn release_notes_incomplete(snapshot: &Snapshot) -> Option<Unmet> {
    let release = &snapshot.deployment.release;
    let Some(notes) = &release.notes else {
        let message = format!("the release `{}` has no release notes", release.id);
        return Some(Unmet::at("/release/notes", &release.id, message));
    };
    let open = release.defects.iter().filter(|defect| defect.status == DefectStatus::Open);
    let missing: Vec<&str> =
        open.map(|defect| defect.id.as_str()).filter(|id| !notes.defects.iter().any(|listed| listed == id)).collect();
    (!missing.is_empty()).then(|| {
        let message = format!("the release notes do not list open defects: {}", listed(missing));
        Unmet::at("/release/notes/defects", &release.id, message)
    })
}

/// The facts that a component of its kind lacks: for each the member that would have it, and what it is.
fn missing_facts(component: &Component) -> Vec<(&'static str, &'static str)> {
    let facts = match component.kind {
        ComponentKind::Hardware => vec![
            (component.serial.is_none(), ("serial", "its serial number")),
            (component.order.is_none(), ("order", "its order")),
        ],
        ComponentKind::Licence => vec![(component.entitlement.is_none(), ("entitlement", "its entitlement"))],
        ComponentKind::Data => {
            let lacks = component.migration.is_none() && component.retention.is_none();
            vec![(lacks, ("migration", "its migration or its retention"))]
        }
        ComponentKind::Documentation => vec![(component.reviewer.is_none(), ("reviewer", "its reviewer"))],
        ComponentKind::Software | ComponentKind::Process | ComponentKind::Other => Vec::new(),
    };
    facts.into_iter().filter(|(is_missing, _)| *is_missing).map(|(_, fact)| fact).collect()
}

fn component_facts_missing(snapshot: &Snapshot) -> Option<Unmet> {
    let deployment = &snapshot.deployment;
    if deployment.scenario == Scenario::Removal {
        return None;
    }
    let (mut lacking, mut facts) = (Vec::new(), Vec::new());
    for (index, component) in deployment.release.components.iter().enumerate() {
        let missing = missing_facts(component);
        let what: Vec<&str> = missing.iter().map(|(_, what)| *what).collect();
        if !what.is_empty() && lacking.len() < MOST_ITEMS {
            lacking.push(format!("`{}` lacks {}", component.name, what.join(" and ")));
            let place = |member: &str| format!("/release/components/{index}/{member}");
            facts.extend(missing.iter().map(|(member, _)| (place(member), Some(component.name.clone()))));
        }
    }
    (!lacking.is_empty())
        .then(|| Unmet { message: format!("components do not say what they are: {}", lacking.join(", ")), facts })
}

fn trigger_without_reference(snapshot: &Snapshot) -> Option<Unmet> {
    let change = &snapshot.deployment.change;
    let trigger = change.trigger.filter(|_| change.trigger_reference.is_none())?;
    let message =
        format!("the change `{}` has the trigger `{}`, and does not say which one", change.id, trigger.as_str());
    Some(Unmet::at("/change/trigger_reference", &change.id, message))
}

fn environment_differs(snapshot: &Snapshot) -> Option<Unmet> {
    let environment = &snapshot.deployment.environment;
    let version = environment.version?;
    let name = &environment.name;
    let message = match environment.applied {
        Some(applied) if applied == version => return None,
        Some(applied) => {
            format!("`{name}` was built from the definition `{applied}`, and its version is `{version}`")
        }
        None => format!("nobody says from which definition `{name}` was built, and its version is `{version}`"),
    };
    Some(Unmet::at("/environment/applied", name, message))
}

fn plan_not_signed_off(snapshot: &Snapshot) -> Option<Unmet> {
    let deployment = &snapshot.deployment;
    let counts = |answer| {
        deployment.independent_approvals().filter(move |approval| {
            approval.answer == answer
                && (answer == ApprovalAnswer::Rejected || approval.subject == snapshot.subject)
                && approval.expires.is_none_or(|expires| snapshot.now < expires)
        })
    };
    if let Some(rejection) = counts(ApprovalAnswer::Rejected).next() {
        let index = deployment.approvals.iter().position(|known| known.id == rejection.id);
        let place = index.map_or_else(|| "/approvals".to_owned(), |index| format!("/approvals/{index}"));
        let message = format!("`{}` rejects the deployment as `{}`", rejection.person.id, rejection.role);
        return Some(Unmet::at(place, &rejection.id, message));
    }
    counts(ApprovalAnswer::Approved).next().is_none().then(|| Unmet::new("nobody has signed the plan off"))
}

fn change_not_authorized(snapshot: &Snapshot) -> Option<Unmet> {
    let change = &snapshot.deployment.change;
    // A change that was carried out may be closed once the instances are validated.
    let is_closed = change.approval == ChangeApproval::Closed && snapshot.gate >= VALIDATE_EXIT;
    (change.approval != ChangeApproval::Approved && !is_closed).then(|| {
        let message = format!("the change `{}` is {}, and has to be approved", change.id, said(&change.approval));
        Unmet::at("/change/approval", &change.id, message)
    })
}

fn knowledge_not_validated(snapshot: &Snapshot) -> Option<Unmet> {
    let deployment = &snapshot.deployment;
    let items = &deployment.release.knowledge_items;
    if deployment.scenario == Scenario::Removal {
        return None;
    }
    if items.is_empty() {
        let message = format!("the release `{}` has no knowledge item", deployment.release.id);
        return Some(Unmet::new(message));
    }
    let is_valid = |status| matches!(status, KnowledgeStatus::Validated | KnowledgeStatus::Published);
    let open = items.iter().enumerate().filter_map(|(index, item)| {
        let member = match is_valid(item.status) {
            false => "status",
            true if item.expires.is_some_and(|expires| expires <= snapshot.now) => "expires",
            true => return None,
        };
        Some((format!("/release/knowledge_items/{index}/{member}"), item.id.as_str()))
    });
    Unmet::of_items("knowledge items are not validated, or no longer valid", open.collect())
}

fn change_window_not_open(snapshot: &Snapshot) -> Option<Unmet> {
    let change = &snapshot.deployment.change;
    let message = match &change.window {
        None => format!("the change `{}` has no window", change.id),
        Some(window) if !window.contains(snapshot.now) => format!(
            "the change window of `{}` is from {} to {}, and it is {}",
            change.id, window.start, window.end, snapshot.now
        ),
        Some(_) => return None,
    };
    Some(Unmet::at("/change/window", &change.id, message))
}

/// The instances of the inventory in the target environment that exist, each with its place.
fn instances(snapshot: &Snapshot) -> impl Iterator<Item = (String, &crate::Instance)> {
    let deployment = &snapshot.deployment;
    let here = move |instance: &crate::Instance| {
        instance.environment == deployment.environment.name && instance.status.exists()
    };
    let all = deployment.actual_instances.iter().enumerate().filter(move |(_, instance)| here(instance));
    all.map(|(index, instance)| (format!("/actual_instances/{index}"), instance))
}

fn instance_not_deployed(snapshot: &Snapshot) -> Option<Unmet> {
    let deployment = &snapshot.deployment;
    let environment = &deployment.environment.name;
    if deployment.scenario == Scenario::Removal {
        let targets: Vec<&String> = deployment.plan.iter().flat_map(|plan| &plan.targets).collect();
        let left = instances(snapshot).filter(|(_, instance)| targets.contains(&&instance.id));
        let left = left.map(|(place, instance)| (format!("{place}/status"), instance.id.as_str()));
        return Unmet::of_items("instances that are removed still exist", left.collect());
    }
    let release = &deployment.release.id;
    let is_there = instances(snapshot).any(|(_, instance)| instance.release.as_ref() == Some(release));
    (!is_there)
        .then(|| Unmet::new(format!("the inventory has no instance of the release `{release}` in `{environment}`")))
}

fn instance_not_running(snapshot: &Snapshot) -> Option<Unmet> {
    if snapshot.deployment.scenario == Scenario::Removal {
        return instance_not_deployed(snapshot);
    }
    let still = instances(snapshot).filter(|(_, instance)| instance.status != InstanceStatus::Running);
    let still = still.map(|(place, instance)| (format!("{place}/status"), instance.id.as_str()));
    Unmet::of_items("instances do not run", still.collect()).or_else(|| instance_not_deployed(snapshot))
}

fn instance_differs(snapshot: &Snapshot) -> Option<Unmet> {
    let deployment = &snapshot.deployment;
    if deployment.desired_instances.is_empty() && deployment.scenario != Scenario::Removal {
        let message = "the deployment has no desired instances to compare the inventory with".to_owned();
        return Some(Unmet { message, facts: vec![("/desired_instances".to_owned(), None)] });
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
    let mut facts = Vec::new();
    for instance in found.iter().map(|difference| &difference.instance) {
        // An instance that is missing has no place of its own.
        let index = deployment.actual_instances.iter().position(|actual| actual.id == *instance);
        let place = index.map_or_else(|| "/actual_instances".to_owned(), |index| format!("/actual_instances/{index}"));
        let fact = (place, Some(instance.clone()));
        if facts.len() < MOST_ITEMS && !facts.contains(&fact) {
            facts.push(fact);
        }
    }
    Some(Unmet { message: format!("{what} is not as it was planned{more}"), facts })
}

fn instance_not_monitored(snapshot: &Snapshot) -> Option<Unmet> {
    if snapshot.deployment.scenario == Scenario::Removal {
        return None;
    }
    let open = instances(snapshot).filter(|(_, instance)| !instance.monitored || !instance.documented);
    let open = open.map(|(place, instance)| {
        let member = if instance.monitored { "documented" } else { "monitored" };
        (format!("{place}/{member}"), instance.id.as_str())
    });
    Unmet::of_items("instances are not monitored, or not documented", open.collect())
}

fn service_not_stable(snapshot: &Snapshot) -> Option<Unmet> {
    let registers = &snapshot.deployment.registers;
    let Some(incidents) = &registers.incidents else {
        return Some(Unmet::new(
            "nobody keeps the register of incidents, so nobody knows whether the service is stable",
        ));
    };
    let open = incidents.iter().enumerate();
    let open = open.filter(|(_, incident)| incident.open && incident.severity >= Severity::High);
    let open = open.map(|(index, incident)| (format!("/registers/incidents/{index}/open"), incident.id.as_str()));
    Unmet::of_items("incidents are open", open.collect()).or_else(|| {
        let monitors = registers.monitors.iter().flatten().enumerate();
        let failing = monitors.filter(|(_, monitor)| monitor.healthy == Some(false));
        let failing =
            failing.map(|(index, monitor)| (format!("/registers/monitors/{index}/healthy"), monitor.id.as_str()));
        Unmet::of_items("monitors report failures", failing.collect())
    })
}
