//! What was found, and the report that it makes.

use lockgate_plugin::roles::DEPLOYMENT_MANAGER;
use lockgate_plugin::types::{Severity, Stage};
use lockgate_plugin::{CorrectionNeeded, Finding, Pointer, Report};

/// The code of what would turn a finding.
const CORRECT: &str = "correct-component";

/// A place in the snapshot, and who can correct what lies there.
#[derive(Clone, Debug)]
pub(crate) struct Place {
    pointer: Pointer,
    owner: &'static str,
}

impl Place {
    /// The part of the snapshot with this name, which is kept by people in that role.
    pub(crate) fn new(part: &str, owner: &'static str) -> Self {
        Self { pointer: Pointer::root().key(part), owner }
    }

    /// A part that the deployment itself says.
    pub(crate) fn of_request(part: &str) -> Self {
        Self::new(part, DEPLOYMENT_MANAGER)
    }

    /// A member of it.
    pub(crate) fn key(&self, key: &str) -> Self {
        Self { pointer: self.pointer.key(key), owner: self.owner }
    }

    /// An element of it.
    pub(crate) fn index(&self, index: usize) -> Self {
        Self { pointer: self.pointer.index(index), owner: self.owner }
    }
}

/// What was found so far.
#[derive(Debug, Default)]
pub(crate) struct Found {
    wrong: Vec<Finding>,
    unknown: Vec<Finding>,
}

impl Found {
    /// Something is wrong at that place.
    pub(crate) fn wrong(&mut self, severity: Severity, wrong: Finding, at: &Place, expected: &str, found: &str) {
        let need = CorrectionNeeded::new(&at.pointer, expected).found(found);
        self.wrong.push(wrong.correct(CORRECT, need, at.owner).severity(severity));
    }

    /// Something cannot be told, because what is expected at that place is not there.
    pub(crate) fn unknown(&mut self, finding: Finding, at: &Place, expected: &str) {
        let need = CorrectionNeeded::new(&at.pointer, expected).found("nothing");
        self.unknown.push(finding.correct(CORRECT, need, at.owner).severity(Severity::Medium));
    }

    pub(crate) fn approved_list_missing(&mut self, stage: Stage) {
        let message =
            format!("the deployment has no approved plan, so nothing can be compared with it at {}", stage.word());
        let finding = Finding::new("approved-list-missing", message);
        self.unknown(finding, &Place::of_request("approved"), "what the exit of plan-and-approve approved");
    }

    pub(crate) fn report(self, release: &str, components: usize, stage: Stage) -> Report {
        let count = |count: usize, one: &str, many: &str| match count {
            1 => format!("1 {one}"),
            count => format!("{count} {many}"),
        };
        let looked_at = count(components, "component", "components");
        let report = if !self.wrong.is_empty() {
            let wrong = count(self.wrong.len(), "thing is", "things are");
            Report::failed(format!("{wrong} not as it should be with the {looked_at} of {release}"))
        } else if !self.unknown.is_empty() {
            Report::inconclusive(format!("there is not enough to compare the {looked_at} of {release} with"))
        } else if stage == Stage::PlanAndApprove {
            Report::passed(format!("the {looked_at} of {release} can be told apart from any others"))
        } else {
            let are = if components == 1 { "is" } else { "are" };
            Report::passed(format!("the {looked_at} of {release} {are} what was approved"))
        };
        report.findings(self.wrong).findings(self.unknown)
    }
}
