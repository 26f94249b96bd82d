//! What was found, and the report that it makes.

use lockgate_plugin::types::Severity;
use lockgate_plugin::{Finding, Pointer, Report, Violation};

use crate::settings::Unknown;

/// How many findings are told one by one. A report is for people: more of the same only hides what matters, and an
/// answer may not grow with the SBOM.
const MOST: usize = 100;

/// What was found so far.
#[derive(Debug)]
pub(crate) struct Findings {
    /// Where the SBOM lies in the snapshot.
    place: Pointer,
    wrong: Vec<Finding>,
    unknown: Vec<Finding>,
    noted: Vec<Finding>,
}

impl Findings {
    pub(crate) fn new(place: Pointer) -> Self {
        Self { place, wrong: Vec::new(), unknown: Vec::new(), noted: Vec::new() }
    }

    /// Something is not allowed.
    pub(crate) fn wrong(&mut self, severity: Severity, violation: Violation) {
        self.wrong.push(Finding::new(severity, violation.at(&self.place)));
    }

    /// Something cannot be told.
    pub(crate) fn unknown(&mut self, violation: Violation) {
        self.unknown.push(Finding::new(Severity::Medium, violation.at(&self.place)));
    }

    /// Something cannot be told, and the settings say what follows.
    pub(crate) fn untold(&mut self, handling: Unknown, violation: Violation) {
        match handling {
            Unknown::Fail => self.wrong(Severity::Medium, violation),
            Unknown::Inconclusive => self.unknown(violation),
            Unknown::Ignore => {}
        }
    }

    /// Something is worth saying.
    pub(crate) fn noted(&mut self, violation: Violation) {
        self.noted.push(Finding::new(Severity::Info, violation.at(&self.place)));
    }

    pub(crate) fn report(self, packages: usize) -> Report {
        let Self { place, wrong, unknown, noted } = self;
        let of = if packages == 1 { "1 package".to_owned() } else { format!("{packages} packages") };
        let things = |count: usize| if count == 1 { "1 thing".to_owned() } else { format!("{count} things") };
        let report = if !wrong.is_empty() {
            let are = if wrong.len() == 1 { "is" } else { "are" };
            Report::failed(format!("{} {are} not allowed in the SBOM's {of}", things(wrong.len())))
        } else if !unknown.is_empty() {
            Report::inconclusive(format!("{} cannot be told about the SBOM's {of}", things(unknown.len())))
        } else {
            Report::passed(format!("nothing in the SBOM's {of} is forbidden"))
        };
        let all = wrong.len() + unknown.len() + noted.len();
        let report = report.findings(wrong.into_iter().chain(unknown).chain(noted).take(MOST));
        if all <= MOST {
            return report;
        }
        let message = format!("{} more findings are not shown here", all - MOST);
        report.finding(Severity::Info, Violation::new("more-findings", message).at(place))
    }
}
