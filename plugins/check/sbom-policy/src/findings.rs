//! What was found, and the report that it makes.

use lockgate_plugin::types::Severity;
use lockgate_plugin::{Finding, Pointer, Report};

use crate::settings::Unknown;

/// How many findings are told one by one. A report is for people: more of the same only hides what matters, and an
/// answer may not grow with the SBOM. Of each code, one is told at least: people waive findings by their codes, and may
/// not waive one that they were not shown.
const MOST: usize = 100;

/// What was found so far. Only what can be shown is put into words, the rest is counted.
#[derive(Debug)]
pub(crate) struct Findings {
    /// Where the SBOM lies in the snapshot.
    place: Pointer,
    wrong: Counted,
    unknown: Counted,
    noted: Counted,
}

/// Findings of one kind.
#[derive(Debug, Default)]
struct Counted {
    count: usize,
    codes: Vec<&'static str>,
    shown: Vec<Shown>,
}

/// A finding that can be told.
#[derive(Debug)]
struct Shown {
    /// Whether it is the first one of its code.
    is_first: bool,
    finding: Finding,
}

impl Counted {
    fn add(&mut self, code: &'static str, finding: impl FnOnce() -> Finding) {
        self.count += 1;
        let is_first = !self.codes.contains(&code);
        if is_first {
            self.codes.push(code);
        }
        if is_first || self.shown.len() < MOST {
            self.shown.push(Shown { is_first, finding: finding() });
        }
    }
}

impl Findings {
    pub(crate) fn new(place: Pointer) -> Self {
        Self { place, wrong: Counted::default(), unknown: Counted::default(), noted: Counted::default() }
    }

    /// Something is not allowed. The finding is made of its code.
    pub(crate) fn wrong(
        &mut self,
        severity: Severity,
        code: &'static str,
        finding: impl FnOnce(&'static str) -> Finding,
    ) {
        self.wrong.add(code, || finding(code).at(&self.place).severity(severity));
    }

    /// Something cannot be told.
    pub(crate) fn unknown(&mut self, code: &'static str, finding: impl FnOnce(&'static str) -> Finding) {
        self.unknown.add(code, || finding(code).at(&self.place).severity(Severity::Medium));
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
        self.noted.add(code, || finding(code).at(&self.place).severity(Severity::Info));
    }

    pub(crate) fn report(self, packages: usize) -> Report {
        let Self { place, wrong, unknown, noted } = self;
        let of = if packages == 1 { "1 package".to_owned() } else { format!("{packages} packages") };
        let things = |count: usize| if count == 1 { "1 thing".to_owned() } else { format!("{count} things") };
        let report = if wrong.count > 0 {
            let are = if wrong.count == 1 { "is" } else { "are" };
            Report::failed(format!("{} {are} not allowed in the SBOM's {of}", things(wrong.count)))
        } else if unknown.count > 0 {
            Report::inconclusive(format!("{} cannot be told about the SBOM's {of}", things(unknown.count)))
        } else {
            Report::passed(format!("nothing in the SBOM's {of} is forbidden"))
        };
        let all = wrong.count + unknown.count + noted.count;
        // The first finding of each code has its place, and the others have what is left.
        let codes = wrong.codes.len() + unknown.codes.len() + noted.codes.len();
        let mut left = MOST.saturating_sub(codes);
        let shown = wrong.shown.into_iter().chain(unknown.shown).chain(noted.shown).filter(|shown| {
            let is_told = shown.is_first || left > 0;
            left = left.saturating_sub(usize::from(is_told && !shown.is_first));
            is_told
        });
        let report = report.findings(shown.map(|shown| shown.finding));
        if all <= MOST {
            return report;
        }
        let message = match all - MOST {
            1 => "1 more finding is not shown here".to_owned(),
            more => format!("{more} more findings are not shown here"),
        };
        report.finding(Finding::new("more-findings", message).severity(Severity::Info).at(place))
    }
}
