//! What was found in an SBOM, and the report that it makes.

use lockgate_plugin::types::Severity;
use lockgate_plugin::{Finding, Outcome, Pointer, Report, counted};

use crate::settings::Unknown;

/// What was found so far. All of it is about one place: that of the SBOM in the snapshot.
#[derive(Debug)]
pub(crate) struct Findings(lockgate_plugin::Findings);

impl Findings {
    pub(crate) fn new(place: Pointer) -> Self {
        Self(lockgate_plugin::Findings::about(place))
    }

    /// Something is not allowed. The finding is made of its code.
    pub(crate) fn wrong(
        &mut self,
        severity: Severity,
        code: &'static str,
        finding: impl FnOnce(&'static str) -> Finding,
    ) {
        self.0.wrong(code, |code| finding(code).severity(severity));
    }

    /// Something cannot be told.
    pub(crate) fn unknown(&mut self, code: &'static str, finding: impl FnOnce(&'static str) -> Finding) {
        self.0.unknown(code, finding);
    }

    /// Something cannot be told, and the settings say what follows.
    pub(crate) fn untold(
        &mut self,
        handling: Unknown,
        code: &'static str,
        finding: impl FnOnce(&'static str) -> Finding,
    ) {
        match handling {
            Unknown::Fail => self.wrong(Severity::Medium, code, finding),
            Unknown::Inconclusive => self.unknown(code, finding),
            Unknown::Ignore => {}
        }
    }

    /// Something is worth saying.
    pub(crate) fn noted(&mut self, code: &'static str, finding: impl FnOnce(&'static str) -> Finding) {
        self.0.noted(code, finding);
    }

    pub(crate) fn report(self, packages: usize) -> Report {
        let of = counted(packages, "package", "packages");
        self.0.report(|outcome, count| match outcome {
            Outcome::Failed => {
                format!("{} not allowed in the SBOM's {of}", counted(count, "thing is", "things are"))
            }
            Outcome::Passed | Outcome::Skipped => format!("nothing in the SBOM's {of} is forbidden"),
            Outcome::Inconclusive | Outcome::Pending => {
                format!("{} cannot be told about the SBOM's {of}", counted(count, "thing", "things"))
            }
        })
    }
}
