//! The suppliers that are involved in the deployment, and why.

use lockgate_plugin::roles::{GOVERNANCE, OPERATIONS_MANAGER, RELEASE_MANAGER};
use lockgate_plugin::strategy::{Step, StepAction};
use lockgate_plugin::types::{Environment, EnvironmentControl, Phase, Release, Stage};
use lockgate_plugin::{
    Attester, CorrectionNeeded, Evaluation, EvidenceNeeded, Finding, Findings, Pointer, Requirement, joined,
};

use crate::settings::Settings;

/// A supplier that is involved.
#[derive(Debug)]
pub(crate) struct InvolvedSupplier {
    pub(crate) id: String,
    /// The reasons, each in words for the supplier: `the supplier of the release`.
    reasons: Vec<&'static str>,
    /// The places in the snapshot that name it.
    pub(crate) places: Vec<Pointer>,
    /// Whether the release or the environment names it. Then its entry is in the snapshot if the register has one.
    pub(crate) is_mentioned: bool,
    /// The evidence that it has to attest, each piece once.
    pub(crate) evidence: Vec<DemandedEvidence>,
}

/// A piece of evidence that a supplier has to attest.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct DemandedEvidence {
    pub(crate) name: String,
    /// Whether it is about the result, so that it cannot be older than the beginning of fulfill.
    pub(crate) is_of_result: bool,
}

impl InvolvedSupplier {
    /// Why it is involved: `the supplier of the release and the third party of the environment`.
    pub(crate) fn why(&self) -> String {
        joined(&self.reasons, "and")
    }

    /// Adds a reason, and the evidence that follows from it.
    fn add(&mut self, reason: Reason<'_>) {
        let Reason { why, place, is_mention, evidence, is_of_result } = reason;
        self.is_mentioned |= is_mention;
        if !self.reasons.contains(&why) {
            self.reasons.push(why);
        }
        self.places.extend(place);
        for name in evidence {
            match self.evidence.iter_mut().find(|demanded| demanded.name == *name) {
                Some(demanded) => demanded.is_of_result |= is_of_result,
                None => self.evidence.push(DemandedEvidence { name: name.clone(), is_of_result }),
            }
        }
    }
}

/// A reason why a supplier is involved.
struct Reason<'a> {
    /// The supplier in words: `the supplier of the release`.
    why: &'static str,
    /// The place in the snapshot that names the supplier.
    place: Option<Pointer>,
    /// Whether the host looks up the supplier of that place in the register.
    is_mention: bool,
    /// The names of the evidence that the supplier has to attest.
    evidence: &'a [String],
    /// Whether the evidence is about the result.
    is_of_result: bool,
}

impl Reason<'_> {
    /// A reason from which no evidence follows.
    fn new(why: &'static str, place: Pointer) -> Self {
        Self { why, place: Some(place), is_mention: false, evidence: &[], is_of_result: false }
    }
}

/// The suppliers, in the order in which they are first named.
#[derive(Default)]
struct Involved(Vec<InvolvedSupplier>);

impl Involved {
    fn get_mut(&mut self, id: &str) -> Option<&mut InvolvedSupplier> {
        self.0.iter_mut().find(|supplier| supplier.id == id)
    }

    /// Adds a reason why the supplier is involved.
    fn add(&mut self, id: &str, reason: Reason<'_>) {
        if let Some(supplier) = self.get_mut(id) {
            return supplier.add(reason);
        }
        let (reasons, places, evidence) = (Vec::new(), Vec::new(), Vec::new());
        let mut supplier = InvolvedSupplier { id: id.to_owned(), reasons, places, is_mentioned: false, evidence };
        supplier.add(reason);
        self.0.push(supplier);
    }
}

/// Finds the suppliers that are involved, and what each has to attest.
pub(crate) fn suppliers(
    settings: &Settings,
    evaluation: &Evaluation,
    findings: &mut Findings,
) -> Vec<InvolvedSupplier> {
    let mut involved = Involved::default();
    of_release(settings, &evaluation.release(), &mut involved, findings);
    of_environment(settings, &evaluation.environment(), evaluation, &mut involved, findings);
    if settings.rollout {
        of_rollout(evaluation, &mut involved);
    }
    for rule in &settings.suppliers {
        if rule.always || involved.get_mut(&rule.id).is_some() {
            let why = "a supplier that the settings name";
            let reason = Reason { why, place: None, is_mention: false, evidence: &rule.evidence, is_of_result: false };
            involved.add(&rule.id, reason);
        }
    }
    involved.0
}

fn of_release(settings: &Settings, release: &Release, involved: &mut Involved, findings: &mut Findings) {
    let place = Pointer::root().key("release").key("supplier");
    match release.supplier.as_deref() {
        Some(id) => {
            let reason = Reason::new("the supplier of the release", place);
            involved.add(id, Reason { is_mention: true, evidence: &settings.release_evidence, ..reason });
        }
        None if release.sourcing.as_deref() == Some("supplier") => findings.wrong("release-supplier-missing", |code| {
            let message = format!("{} comes from a supplier, and nobody says from which", release.name);
            let need = CorrectionNeeded::new(&place, "the id of the supplier").found("nothing");
            let remedy = Requirement::correction("name-supplier", need).owner(RELEASE_MANAGER);
            Finding::new(code, message).about(&release.id).at(&place).remedy(remedy)
        }),
        None => {}
    }
}

/// Limited control needs evidence of the third party. Without control, only the third party can attest the result, from the
/// exit of fulfill on.
fn of_environment(
    settings: &Settings,
    environment: &Environment,
    evaluation: &Evaluation,
    involved: &mut Involved,
    findings: &mut Findings,
) {
    let place = Pointer::root().key("environment").key("third_party");
    let (demanded, key, is_of_result) = match environment.control {
        EnvironmentControl::Full => ([].as_slice(), "", false),
        EnvironmentControl::Limited => (settings.readiness_evidence.as_slice(), "readiness-evidence", false),
        EnvironmentControl::None => (settings.result_evidence.as_slice(), "result-evidence", true),
    };
    let is_controlled = environment.control == EnvironmentControl::Full;
    let (name, control) = (environment.name.as_str(), environment.control.word());
    let Some(id) = environment.third_party.as_deref() else {
        if !is_controlled {
            findings.wrong("third-party-missing", |code| {
                let message =
                    format!("the control of the environment `{name}` is {control}, and it names no third party");
                let need =
                    CorrectionNeeded::new(&place, "the id of the supplier who controls the rest").found("nothing");
                let remedy = Requirement::correction("name-supplier", need).owner(OPERATIONS_MANAGER);
                Finding::new(code, message).about(name).at(&place).remedy(remedy)
            });
        }
        return;
    };
    let reason = Reason::new("the third party of the environment", place);
    // There is no result before the release is deployed.
    let is_due = !is_of_result || evaluation.has_reached(Stage::Fulfill, Phase::Exit);
    let evidence = if is_due { demanded } else { &[] };
    involved.add(id, Reason { is_mention: true, evidence, is_of_result, ..reason });
    if !is_controlled && demanded.is_empty() {
        findings.wrong("third-party-evidence-not-named", |code| {
            let message = format!(
                "the control of the environment `{name}` is {control}, and the settings name no evidence that its third party \
                 `{id}` has to attest"
            );
            let remedy = format!("name the evidence in `{key}` of the settings");
            let need = EvidenceNeeded::named(key).attested_by([&Attester::Supplier(id.to_owned())]);
            let remedy = Requirement::new("name-evidence", remedy, need).owner(GOVERNANCE);
            Finding::new(code, message).about(name).at(Pointer::root().key("environment").key("control")).remedy(remedy)
        });
    }
}

/// The suppliers who do steps of the rollout, forward or back.
fn of_rollout(evaluation: &Evaluation, involved: &mut Involved) {
    let Some(rollout) = evaluation.rollout() else { return };
    let place = Pointer::root().key("rollout");
    let forward = rollout.steps.iter().enumerate().map(|(index, step)| (place.key("steps").index(index), step));
    let back = rollout.back.iter().enumerate();
    let back = back.map(|(index, back)| (place.key("back").index(index).key("step"), &back.step));
    for (place, Step { action, .. }) in forward.chain(back) {
        if let StepAction::Work(work) = action
            && let Some(id) = work.supplier.as_deref()
        {
            let place = place.key("action").key("work").key("supplier");
            involved.add(id, Reason::new("a supplier in the rollout", place));
        }
    }
}
