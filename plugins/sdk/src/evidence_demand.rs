//! A piece of evidence that a check demands, and what it says if the evidence is missing or is not accepted.

use crate::roles::GOVERNANCE;
use crate::types::Evidence;
use crate::{Evaluation, EvidenceFlaw, EvidenceTerms, Finding, Findings, PluginError, Pointer, ReadError, Requirement};

/// A piece of evidence that a check demands.
///
/// Three cases differ, and none of them passes: nobody handed it in, the operator did not grant it, or it has a flaw. Each
/// finding names who can supply the evidence, or grant it.
///
/// ```
/// use lockgate_plugin::testing::Fixture;
/// use lockgate_plugin::{EvidenceCodes, EvidenceDemand, EvidenceTerms, Findings, MissingEvidence, Outcome};
///
/// const CODES: EvidenceCodes = EvidenceCodes {
///     missing: MissingEvidence::Unknown("report-missing"),
///     not_granted: "report-not-granted",
///     other_attester: "report-attester-not-accepted",
///     unknown_attester: "report-attester-unknown",
///     wrong_signature: "report-signature-wrong",
///     not_verified: "report-not-verified",
///     expired: "report-expired",
///     too_old: "report-too-old",
///     undated: "report-age-unknown",
/// };
///
/// let terms = EvidenceTerms::default();
/// let demand = EvidenceDemand {
///     name: "report",
///     shows: "which shows that the tests passed",
///     about: "report",
///     remedy: "hand-in-report",
///     hand_in: "hand in the report of the tests as `report`",
///     owner: "release-manager",
///     terms: &terms,
///     dated: false,
///     codes: &CODES,
/// };
/// let mut findings = Findings::default();
/// assert!(demand.accepted(&Fixture::new().evaluation(), &mut findings).unwrap().is_none());
/// let report = findings.report(|_, _| "looked".to_owned());
/// assert_eq!(report.outcome, Outcome::Inconclusive);
/// let finding = &report.findings[0];
/// assert_eq!(finding.message, "nobody handed in the evidence `report`, which shows that the tests passed");
/// assert_eq!(finding.remedies[0].owner.as_deref(), Some("release-manager"));
/// ```
#[derive(Clone, Copy, Debug)]
pub struct EvidenceDemand<'a> {
    /// The name of the evidence.
    pub name: &'a str,
    /// What the evidence is for, as a clause: `which shows that the specialists are trained`.
    pub shows: &'a str,
    /// What a finding is about: the evidence, or the supplier who attests it.
    pub about: &'a str,
    /// The code of the requirement to hand it in.
    pub remedy: &'a str,
    /// What has to be done to supply it, as a sentence without its end.
    pub hand_in: &'a str,
    /// The role, person or supplier who can supply it.
    pub owner: &'a str,
    /// The terms on which it is accepted.
    pub terms: &'a EvidenceTerms,
    /// Whether a time at which it was attested is needed even if it may have any age.
    pub dated: bool,
    /// The codes of the findings.
    pub codes: &'a EvidenceCodes,
}

/// The codes of the findings about a piece of evidence.
#[derive(Clone, Copy, Debug)]
pub struct EvidenceCodes {
    /// Nobody handed it in.
    pub missing: MissingEvidence,
    /// The operator did not grant it.
    pub not_granted: &'static str,
    /// [`EvidenceFlaw::OtherAttester`].
    pub other_attester: &'static str,
    /// [`EvidenceFlaw::UnknownAttester`].
    pub unknown_attester: &'static str,
    /// [`EvidenceFlaw::WrongSignature`].
    pub wrong_signature: &'static str,
    /// [`EvidenceFlaw::NotVerified`].
    pub not_verified: &'static str,
    /// [`EvidenceFlaw::Expired`].
    pub expired: &'static str,
    /// [`EvidenceFlaw::TooOld`].
    pub too_old: &'static str,
    /// [`EvidenceFlaw::Undated`].
    pub undated: &'static str,
}

/// What it means that nobody handed the evidence in, with the code of the finding.
#[derive(Clone, Copy, Debug)]
pub enum MissingEvidence {
    /// It should be there.
    Wrong(&'static str),
    /// Nobody can tell what it would show.
    Unknown(&'static str),
}

impl EvidenceCodes {
    fn of(&self, flaw: &EvidenceFlaw) -> &'static str {
        match flaw {
            EvidenceFlaw::OtherAttester { .. } => self.other_attester,
            EvidenceFlaw::UnknownAttester => self.unknown_attester,
            EvidenceFlaw::WrongSignature => self.wrong_signature,
            EvidenceFlaw::NotVerified => self.not_verified,
            EvidenceFlaw::Expired(_) => self.expired,
            EvidenceFlaw::TooOld(_) => self.too_old,
            EvidenceFlaw::Undated => self.undated,
        }
    }
}

impl EvidenceDemand<'_> {
    /// The place of the evidence in the snapshot.
    pub fn place(&self) -> Pointer {
        Pointer::root().key("evidence").key(self.name)
    }

    /// A finding about the evidence, with the remedy to hand it in.
    pub fn finding(&self, code: &str, message: impl Into<String>) -> Finding {
        let remedy = Requirement::new(self.remedy, self.hand_in, self.terms.need(self.name)).owner(self.owner);
        Finding::new(code, message).about(self.about).at(self.place()).remedy(remedy)
    }

    /// The head of the evidence, after a finding for each of its flaws. None if nobody handed it in or it is not granted,
    /// which a finding then says.
    ///
    /// # Errors
    /// If the evidence is there and cannot be read.
    pub fn accepted(
        &self,
        evaluation: &Evaluation<'_>,
        findings: &mut Findings,
    ) -> Result<Option<Evidence>, PluginError> {
        let Self { name, shows, terms, codes, .. } = *self;
        let head = match evaluation.evidence(name) {
            Ok(head) => head,
            Err(ReadError::Unknown(_)) => {
                let finding = |code| self.finding(code, format!("nobody handed in the evidence `{name}`, {shows}"));
                match codes.missing {
                    MissingEvidence::Wrong(code) => findings.wrong(code, finding),
                    MissingEvidence::Unknown(code) => findings.unknown(code, finding),
                }
                return Ok(None);
            }
            Err(ReadError::NotGranted(_)) => {
                findings.unknown(codes.not_granted, |code| {
                    let message = format!("the operator did not grant the evidence `{name}`, {shows}");
                    let remedy = format!("grant the evidence to the binding: `grants.evidence = [\"{name}\"]`");
                    let remedy = Requirement::new("grant-evidence", remedy, terms.need(name)).owner(GOVERNANCE);
                    Finding::new(code, message).about(self.about).at(self.place()).remedy(remedy)
                });
                return Ok(None);
            }
            Err(unreadable) => return Err(unreadable.into()),
        };
        let mut flaws = terms.flaws(&head, evaluation);
        if self.dated && head.attested.is_none() && !flaws.contains(&EvidenceFlaw::Undated) {
            flaws.push(EvidenceFlaw::Undated);
        }
        for flaw in flaws {
            let finding = |code| self.finding(code, format!("the evidence `{name}`, {shows}, {}", flaw.in_words()));
            if flaw.is_ignorance() {
                findings.unknown(codes.of(&flaw), finding);
            } else {
                findings.wrong(codes.of(&flaw), finding);
            }
        }
        Ok(Some(head))
    }
}
