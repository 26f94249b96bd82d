//! The findings of a check while it looks, and the report that they make.
//!
//! A report is for people: more of the same hides what matters, and an answer must not grow with the snapshot. So only the
//! first findings are put into words, and the others are counted. The first finding of each code is always told, because
//! people waive findings by code, and nobody should have to waive one that was not shown.

use crate::time::Timestamp;
use crate::types::Severity;
use crate::{Finding, Outcome, Pointer, Report};

/// The number of findings that a report tells one by one.
const MOST: usize = 100;

/// The findings of a check while it looks, and the report that they make.
///
/// Four methods add a finding. The outcome of the report is that of the weightiest one:
///
/// | method | what it says | outcome |
/// |---|---|---|
/// | [`wrong`](Self::wrong) | something is not as it should be | failed |
/// | [`unknown`](Self::unknown) | there is too little data to tell | inconclusive |
/// | [`awaited`](Self::awaited) | nothing is wrong so far, and something is due | pending |
/// | [`noted`](Self::noted) | something is worth saying | passed |
///
/// Each takes the code and a function that makes the finding of the code, which is only called if the finding is told.
///
/// ```
/// use lockgate_plugin::time::Duration;
/// use lockgate_plugin::{FactNeeded, Finding, Findings, Outcome, Requirement};
///
/// let mut findings = Findings::default();
/// findings.unknown("kpi-without-data", |code| Finding::new(code, "KPI `errors` has no data").at("/registers/kpis/0"));
/// findings.awaited("order-open", |code| {
///     let need = FactNeeded::at("/registers/orders/0").register("orders").id("O-1");
///     Finding::new(code, "order `O-1` is open").remedy(Requirement::new(code, "fulfil order `O-1`", need))
/// });
/// let report = findings.report(|_, count| format!("{count} KPI cannot be judged"));
/// assert_eq!((report.outcome, report.summary.as_str()), (Outcome::Inconclusive, "1 KPI cannot be judged"));
/// ```
#[derive(Debug, Default)]
pub struct Findings {
    place: Option<Pointer>,
    wrong: FindingList,
    unknown: FindingList,
    awaited: FindingList,
    noted: FindingList,
    again: Option<Timestamp>,
}

/// The findings of one weight.
#[derive(Debug, Default)]
struct FindingList {
    count: usize,
    codes: Vec<&'static str>,
    told: Vec<ToldFinding>,
}

/// A finding that can be told.
#[derive(Debug)]
struct ToldFinding {
    is_first_of_code: bool,
    finding: Finding,
}

impl FindingList {
    fn add(&mut self, code: &'static str, finding: impl FnOnce() -> Finding) {
        self.count += 1;
        let is_first_of_code = !self.codes.contains(&code);
        if is_first_of_code {
            self.codes.push(code);
        }
        if is_first_of_code || self.told.len() < MOST {
            self.told.push(ToldFinding { is_first_of_code, finding: finding() });
        }
    }
}

impl Findings {
    /// No findings yet. A finding without a place of its own gets this one.
    pub fn about(place: Pointer) -> Self {
        Self { place: Some(place), ..Self::default() }
    }

    /// Something is not as it should be. The finding keeps its severity.
    pub fn wrong(&mut self, code: &'static str, finding: impl FnOnce(&'static str) -> Finding) {
        let place = self.place.as_ref();
        self.wrong.add(code, || placed(finding(code), place));
    }

    /// There is too little data to tell. The severity is medium.
    pub fn unknown(&mut self, code: &'static str, finding: impl FnOnce(&'static str) -> Finding) {
        let place = self.place.as_ref();
        self.unknown.add(code, || placed(finding(code), place).severity(Severity::Medium));
    }

    /// Nothing is wrong so far, and something is due, which the remedies of the finding name. The severity is medium. In a
    /// pending report the remedies are its requirements. If no finding has any, the report is inconclusive.
    pub fn awaited(&mut self, code: &'static str, finding: impl FnOnce(&'static str) -> Finding) {
        let place = self.place.as_ref();
        self.awaited.add(code, || placed(finding(code), place).severity(Severity::Medium));
    }

    /// Something is worth saying, and stands in nobody's way. The severity is info.
    pub fn noted(&mut self, code: &'static str, finding: impl FnOnce(&'static str) -> Finding) {
        let place = self.place.as_ref();
        self.noted.add(code, || placed(finding(code), place).severity(Severity::Info));
    }

    /// A new run can give another outcome from this moment on. The earliest such moment counts.
    pub fn again(&mut self, moment: Timestamp) {
        self.again = Some(self.again.map_or(moment, |earlier| earlier.min(moment)));
    }

    /// The outcome so far.
    pub fn outcome(&self) -> Outcome {
        let names_what_is_due = |list: &FindingList| list.told.iter().any(|told| !told.finding.remedies.is_empty());
        match self {
            Self { wrong, .. } if wrong.count > 0 => Outcome::Failed,
            Self { unknown, .. } if unknown.count > 0 => Outcome::Inconclusive,
            Self { awaited, .. } if awaited.count == 0 => Outcome::Passed,
            Self { awaited, .. } if names_what_is_due(awaited) => Outcome::Pending,
            Self { .. } => Outcome::Inconclusive,
        }
    }

    /// The report. `summary` makes its sentence of the outcome and the number of findings that led to it.
    pub fn report(self, summary: impl FnOnce(Outcome, usize) -> String) -> Report {
        let outcome = self.outcome();
        let Self { place, wrong, unknown, awaited, noted, again } = self;
        let count = match outcome {
            Outcome::Failed => wrong.count,
            Outcome::Inconclusive if unknown.count > 0 => unknown.count,
            Outcome::Inconclusive | Outcome::Pending => awaited.count,
            Outcome::Passed | Outcome::Skipped => noted.count,
        };
        let summary = summary(outcome, count);
        let mut report = match outcome {
            Outcome::Failed => Report::failed(summary),
            Outcome::Inconclusive => Report::inconclusive(summary),
            Outcome::Pending => Report::pending(summary),
            Outcome::Passed | Outcome::Skipped => Report::passed(summary),
        };
        report.again = again.map(Timestamp::as_millis);
        let lists = [wrong, unknown, awaited, noted];
        let all: usize = lists.iter().map(|list| list.count).sum();
        // The first finding of each code has its place, and the others have what is left.
        let codes: usize = lists.iter().map(|list| list.codes.len()).sum();
        let mut left = MOST.saturating_sub(codes);
        for ToldFinding { is_first_of_code, finding } in lists.into_iter().flat_map(|list| list.told) {
            if is_first_of_code || left > 0 {
                left = left.saturating_sub(usize::from(!is_first_of_code));
                report.findings.push(finding);
            }
        }
        if outcome == Outcome::Pending {
            let due = report.findings.iter_mut().flat_map(|finding| std::mem::take(&mut finding.remedies));
            report.requirements = due.collect();
        }
        if all <= MOST {
            return report;
        }
        let message = match all - MOST {
            1 => "1 more finding is not shown here".to_owned(),
            more => format!("{more} more findings are not shown here"),
        };
        let more = Finding::new("more-findings", message).severity(Severity::Info);
        report.finding(placed(more, place.as_ref()))
    }
}

/// The finding, at that place if it has none.
fn placed(finding: Finding, place: Option<&Pointer>) -> Finding {
    match place {
        Some(place) if finding.pointers.is_empty() => finding.at(place),
        _ => finding,
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::indexing_slicing, reason = "a test fails by panicking")]

    use super::*;
    use crate::{FactNeeded, Requirement};

    /// Adds one finding.
    type Add = fn(&mut Findings);

    /// The methods that add a finding, by weight, with the outcome that they lead to.
    const WEIGHTS: [(Outcome, Add); 4] = [
        (Outcome::Failed, |findings| findings.wrong("a", plain)),
        (Outcome::Inconclusive, |findings| findings.unknown("b", plain)),
        (Outcome::Pending, |findings| findings.awaited("c", due)),
        (Outcome::Passed, |findings| findings.noted("d", plain)),
    ];

    fn plain(code: &str) -> Finding {
        Finding::new(code, "a finding")
    }

    fn due(code: &str) -> Finding {
        plain(code).remedy(Requirement::new(code, "wait", FactNeeded::at("/registers/orders")))
    }

    fn reported(findings: Findings) -> Report {
        findings.report(|_, count| count.to_string())
    }

    /// Every selection of up to three findings of each weight.
    #[test]
    fn the_weightiest_finding_decides_the_outcome_and_all_are_told() {
        for selection in 0..4_usize.pow(4) {
            let counts = [selection % 4, selection / 4 % 4, selection / 16 % 4, selection / 64 % 4];
            let mut findings = Findings::default();
            // The lightest first: the order in which they are found does not matter.
            for ((_, add), count) in WEIGHTS.iter().zip(counts).rev() {
                (0..count).for_each(|_| add(&mut findings));
            }
            let expected = WEIGHTS.iter().zip(counts).find(|(_, count)| *count > 0);
            let (outcome, count) = expected.map_or((Outcome::Passed, 0), |((outcome, _), count)| (*outcome, count));
            let report = reported(findings);
            assert_eq!((report.outcome, report.summary), (outcome, count.to_string()), "{counts:?}");
            assert_eq!(report.findings.len(), counts.iter().sum::<usize>(), "{counts:?}");
            let requirements = if outcome == Outcome::Pending { counts[2] } else { 0 };
            assert_eq!(report.requirements.len(), requirements, "{counts:?}");
        }
    }

    #[test]
    fn a_pending_report_requires_what_is_due() {
        let mut findings = Findings::default();
        findings.awaited("order-open", due);
        findings.again(Timestamp::from_millis(7));
        findings.again(Timestamp::from_millis(3));
        findings.again(Timestamp::from_millis(5));
        let report = reported(findings);
        assert_eq!((report.outcome, report.again), (Outcome::Pending, Some(3)));
        assert_eq!(report.findings[0].remedies, []);
        assert_eq!(report.requirements[0].code, "order-open");
    }

    #[test]
    fn what_is_awaited_and_cannot_be_named_is_inconclusive() {
        let mut findings = Findings::default();
        findings.awaited("order-open", plain);
        assert_eq!(reported(findings).outcome, Outcome::Inconclusive);
    }

    #[test]
    fn a_finding_without_a_place_gets_that_of_all() {
        let mut findings = Findings::about(Pointer::root().key("change"));
        findings.wrong("a", plain);
        findings.unknown("b", |code| plain(code).at("/plan"));
        let report = reported(findings);
        assert_eq!(
            (&report.findings[0].pointers[..], &report.findings[1].pointers[..]),
            (&["/change".to_owned()][..], &["/plan".to_owned()][..])
        );
    }

    #[test]
    fn a_hundred_findings_are_told_and_each_code_among_them() {
        let mut findings = Findings::default();
        (0..150).for_each(|_| findings.wrong("often", plain));
        findings.noted("seldom", plain);
        let report = reported(findings);
        assert_eq!((report.findings.len(), report.summary.as_str()), (101, "150"));
        assert!(report.findings.iter().any(|finding| finding.code == "seldom"));
        assert_eq!(report.findings[100].message, "51 more findings are not shown here");
    }
}
