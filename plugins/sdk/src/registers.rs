//! The records of the registers of the organisation, and how a check reads a register.
//!
//! The contract documents the records. [`Evaluation`](crate::Evaluation) has a method for each register, for example
//! [`incidents`](crate::Evaluation::incidents). A plugin reads those that its operator grants.

pub use crate::bindings::lockgate::types::registers::{
    AuditFinding, Capacity, Competence, Event, FulfillmentBook, Incident, Interaction, Kpi, Monitor, Order, Runbook,
    Sample, SampleInterval, ServiceContract, Supplier,
};

use crate::time::Timestamp;
use crate::types::TimeWindow;
use crate::{Capability, FactNeeded, Finding, Findings, PluginError, Pointer, ReadError, Requirement};

/// A register that a check reads, and what it says if there is nothing to read.
///
/// Three cases differ, and none of them passes: nobody keeps the register, the operator did not grant it, or it is empty.
///
/// ```
/// use lockgate_plugin::registers::{EmptyRegister, RegisterNeed};
/// use lockgate_plugin::testing::Fixture;
/// use lockgate_plugin::{Findings, Outcome};
///
/// const MONITORS: RegisterNeed = RegisterNeed {
///     name: "monitors",
///     question: "whether the instances are watched",
///     nothing: "no monitor watches an instance",
///     keeper: "operations-manager",
///     not_kept: "monitors-not-kept",
///     not_granted: "monitors-not-granted",
///     empty: EmptyRegister::Wrong("monitors-empty"),
/// };
///
/// let outcome = |fixture: &Fixture| {
///     let mut findings = Findings::default();
///     let monitors = MONITORS.entries(fixture.evaluation().monitors(), &mut findings).unwrap();
///     assert!(monitors.is_none());
///     let report = findings.report(|_, _| "looked".to_owned());
///     (report.outcome, report.findings[0].code.clone())
/// };
/// let mut fixture = Fixture::new();
/// assert_eq!(outcome(&fixture), (Outcome::Inconclusive, "monitors-not-kept".to_owned()));
/// fixture.registers.monitors = Some(Vec::new());
/// assert_eq!(outcome(&fixture), (Outcome::Failed, "monitors-empty".to_owned()));
/// fixture.withheld.push("monitors".to_owned());
/// assert_eq!(outcome(&fixture), (Outcome::Inconclusive, "monitors-not-granted".to_owned()));
/// ```
#[derive(Clone, Copy, Debug)]
pub struct RegisterNeed {
    /// The name of the register, as operators grant it: `service-contracts`.
    pub name: &'static str,
    /// What the check wants to know, as the end of a sentence: `whether the instances are watched`.
    pub question: &'static str,
    /// The role of the people who keep the register.
    pub keeper: &'static str,
    /// What follows if the register is empty, as a sentence without its end: `no monitor watches an instance`.
    pub nothing: &'static str,
    /// The code of the finding that nobody keeps the register.
    pub not_kept: &'static str,
    /// The code of the finding that the operator did not grant the register.
    pub not_granted: &'static str,
    /// What an empty register means.
    pub empty: EmptyRegister,
}

/// What an empty register means, with the code of the finding.
#[derive(Clone, Copy, Debug)]
pub enum EmptyRegister {
    /// Something that should be there is missing.
    Wrong(&'static str),
    /// There is no data.
    Unknown(&'static str),
    /// Nothing is there, and that is as it should be.
    Noted(&'static str),
}

impl RegisterNeed {
    /// The place of the register in the snapshot.
    pub fn place(&self) -> Pointer {
        Pointer::root().key("registers").key(&self.name.replace('-', "_"))
    }

    /// The capability with which a plugin asks for the register.
    pub fn capability(&self) -> Capability {
        Capability::facts([self.name], format!("to tell {}", self.question))
    }

    /// The entries, from the answer of the method of [`Evaluation`](crate::Evaluation) for this register. None if there is
    /// nothing to look at, which a finding then says. An empty register that is as it should be has no entries.
    ///
    /// # Errors
    /// If the register is there and cannot be read.
    pub fn entries<T>(
        &self,
        answer: Result<Vec<T>, ReadError>,
        findings: &mut Findings,
    ) -> Result<Option<Vec<T>>, PluginError> {
        let Self { name, question, nothing, .. } = self;
        match answer {
            Ok(entries) if entries.is_empty() => {
                let has_none = |code: &'static str| {
                    Finding::new(code, format!("the register `{name}` is empty: {nothing}")).at(self.place())
                };
                let lacks =
                    |code| has_none(code).remedy(self.fill(format!("enter what is missing in the register `{name}`")));
                match self.empty {
                    EmptyRegister::Wrong(code) => findings.wrong(code, lacks),
                    EmptyRegister::Unknown(code) => findings.unknown(code, lacks),
                    EmptyRegister::Noted(code) => findings.noted(code, has_none),
                }
                Ok(matches!(self.empty, EmptyRegister::Noted(_)).then_some(entries))
            }
            Ok(entries) => Ok(Some(entries)),
            Err(ReadError::Unknown(_)) => {
                findings.unknown(self.not_kept, |code| {
                    let message = format!("nobody keeps the register `{name}`, so nobody can tell {question}");
                    let remedy = self.fill(format!("keep the register `{name}`"));
                    Finding::new(code, message).at(self.place()).remedy(remedy)
                });
                Ok(None)
            }
            Err(ReadError::NotGranted(_)) => {
                findings.unknown(self.not_granted, |code| {
                    let message = format!(
                        "the operator did not grant the register `{name}`, so the check cannot tell {question}"
                    );
                    let need = FactNeeded::at(self.place()).register(*name);
                    let remedy = format!("grant the register to the binding: `grants.facts = [\"{name}\"]`");
                    let remedy = Requirement::new("grant-register", remedy, need).owner("governance");
                    Finding::new(code, message).at(self.place()).remedy(remedy)
                });
                Ok(None)
            }
            Err(unreadable) => Err(unreadable.into()),
        }
    }

    /// The requirement that the keepers of the register enter something in it: the remedy `keep-register`.
    pub fn fill(&self, message: impl Into<String>) -> Requirement {
        let need = FactNeeded::at(self.place()).register(self.name);
        Requirement::new("keep-register", message, need).owner(self.keeper)
    }
}

/// Why a contract is not in force during some time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ContractLapse {
    /// The contract is not active.
    NotActive,
    /// The term begins at this moment, which is later than the beginning of that time.
    NotBegun(Timestamp),
    /// The term ends at this moment, which is earlier than the end of that time.
    Ended(Timestamp),
}

impl ServiceContract {
    /// Why the contract is not in force during all of that time, which may be a single moment. None if it is. A contract
    /// without a term is in force while it is active.
    pub fn lapse(&self, during: &TimeWindow) -> Option<ContractLapse> {
        if !self.active {
            return Some(ContractLapse::NotActive);
        }
        let term = self.term?;
        if during.start < term.start {
            return Some(ContractLapse::NotBegun(term.start.into()));
        }
        let ends_too_early = during.start >= term.end || during.end > term.end;
        ends_too_early.then(|| ContractLapse::Ended(term.end.into()))
    }
}

impl ContractLapse {
    /// The reason as the end of a sentence: `is not active`.
    pub fn in_words(self) -> String {
        match self {
            Self::NotActive => "is not active".to_owned(),
            Self::NotBegun(start) => format!("begins at {start}, which is too late"),
            Self::Ended(end) => format!("ends at {end}, which is too early"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn contract(active: bool, term: Option<TimeWindow>) -> ServiceContract {
        ServiceContract {
            id: "C-1".to_owned(),
            kind: "sla".to_owned(),
            provider: "shop-team".to_owned(),
            consumer: "customers".to_owned(),
            active,
            term,
            maintenance: Vec::new(),
            blackouts: Vec::new(),
            objectives: Vec::new(),
        }
    }

    /// Every term and every time with ends among a few moments.
    #[test]
    fn a_contract_is_in_force_if_its_term_holds_each_moment() {
        let windows = || (0..6).flat_map(|start| (0..6).map(move |end| TimeWindow { start, end }));
        for (term, during) in windows().flat_map(|term| windows().map(move |during| (term, during))) {
            if during.end < during.start {
                continue;
            }
            // A single moment counts as one.
            let moments = during.start..during.end.max(during.start + 1);
            let holds = moments.into_iter().all(|moment| term.contains(Timestamp::from_millis(moment)));
            assert_eq!(contract(true, Some(term)).lapse(&during).is_none(), holds, "{term:?} {during:?}");
            assert_eq!(contract(false, Some(term)).lapse(&during), Some(ContractLapse::NotActive));
        }
    }

    #[test]
    fn a_contract_without_a_term_is_in_force_while_it_is_active() {
        let during = TimeWindow { start: 0, end: i64::MAX };
        assert_eq!(contract(true, None).lapse(&during), None);
        assert_eq!(contract(false, None).lapse(&during), Some(ContractLapse::NotActive));
    }

    #[test]
    fn a_register_that_cannot_be_read_is_an_error() {
        let need = RegisterNeed {
            name: "kpis",
            question: "whether data flows",
            nothing: "no data flows",
            keeper: "operations-manager",
            not_kept: "kpis-not-kept",
            not_granted: "kpis-not-granted",
            empty: EmptyRegister::Noted("kpis-empty"),
        };
        let mut findings = Findings::default();
        let answer: Result<Vec<Kpi>, ReadError> = Err(ReadError::Failed("broken".to_owned()));
        assert_eq!(need.entries(answer, &mut findings), Err(PluginError::new("snapshot-unreadable", "broken")));
        assert_eq!(need.entries(Ok(Vec::<Kpi>::new()), &mut findings), Ok(Some(Vec::new())));
        assert_eq!(need.place().as_str(), "/registers/kpis");
    }
}
