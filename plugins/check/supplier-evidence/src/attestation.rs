//! Whether a supplier has attested what it has to.

use lockgate_plugin::time::Timestamp;
use lockgate_plugin::types::{Evidence, Phase, Stage};
use lockgate_plugin::{
    Evaluation, EvidenceFlaw, EvidenceTerms, Finding, Findings, PluginError, Pointer, ReadError, Requirement,
};

use crate::involved::{DemandedEvidence, InvolvedSupplier};
use crate::settings::Settings;

/// Looks at all evidence that the supplier has to attest.
pub(crate) fn check(
    settings: &Settings,
    supplier: &InvolvedSupplier,
    evaluation: &Evaluation,
    findings: &mut Findings,
) -> Result<(), PluginError> {
    let terms = settings.terms(&supplier.id);
    for demanded in &supplier.evidence {
        one(demanded, &supplier.id, &terms, evaluation, findings)?;
    }
    Ok(())
}

fn one(
    demanded: &DemandedEvidence,
    supplier: &str,
    terms: &EvidenceTerms,
    evaluation: &Evaluation,
    findings: &mut Findings,
) -> Result<(), PluginError> {
    let name = demanded.name.as_str();
    let place = Pointer::root().key("evidence").key(name);
    let finding = |code, message: String| {
        let remedy = format!("have the supplier `{supplier}` hand in the evidence `{name}`");
        let remedy = Requirement::new("hand-in-evidence", remedy, terms.need(name)).owner(supplier);
        Finding::new(code, message).about(supplier).at(&place).remedy(remedy)
    };
    let head = match evaluation.evidence(name) {
        Ok(head) => head,
        Err(ReadError::Unknown(_)) => {
            findings.wrong("evidence-missing", |code| {
                finding(
                    code,
                    format!("the supplier `{supplier}` has to attest the evidence `{name}`, and nobody handed it in"),
                )
            });
            return Ok(());
        }
        Err(ReadError::NotGranted(_)) => {
            findings.unknown("evidence-not-granted", |code| {
                let message = format!(
                    "the operator did not grant the evidence `{name}`, which the supplier `{supplier}` has to attest"
                );
                let remedy = format!("grant the evidence to the binding: `grants.evidence = [\"{name}\"]`");
                let remedy = Requirement::new("grant-evidence", remedy, terms.need(name)).owner("governance");
                Finding::new(code, message).about(supplier).at(&place).remedy(remedy)
            });
            return Ok(());
        }
        Err(unreadable) => return Err(unreadable.into()),
    };
    let mut flaws = terms.flaws(&head, evaluation);
    if demanded.is_of_result && head.attested.is_none() && !flaws.contains(&EvidenceFlaw::Undated) {
        flaws.push(EvidenceFlaw::Undated);
    }
    for flaw in flaws {
        let code = match flaw {
            EvidenceFlaw::OtherAttester(_) => "evidence-attester-not-accepted",
            EvidenceFlaw::UnknownAttester => "evidence-attester-unknown",
            EvidenceFlaw::WrongSignature => "evidence-signature-wrong",
            EvidenceFlaw::NotVerified => "evidence-not-verified",
            EvidenceFlaw::Expired(_) => "evidence-expired",
            EvidenceFlaw::TooOld(_) => "evidence-too-old",
            EvidenceFlaw::Undated => "evidence-age-unknown",
        };
        let finding = |code| {
            finding(
                code,
                format!("the evidence `{name}`, which the supplier `{supplier}` has to attest, {}", flaw.in_words()),
            )
        };
        if flaw.is_ignorance() {
            findings.unknown(code, finding);
        } else {
            findings.wrong(code, finding);
        }
    }
    if demanded.is_of_result
        && let Some(early) = before_result(&head, evaluation)
    {
        findings.wrong("evidence-before-result", |code| {
            let message = format!("the evidence `{name}` of the result was attested at {early}, before fulfill began");
            finding(code, message)
        });
    }
    Ok(())
}

/// When the evidence was attested, if that was before the deployment last entered fulfill: it cannot be of the result.
fn before_result(head: &Evidence, evaluation: &Evaluation) -> Option<Timestamp> {
    let attested = head.attested?;
    let passages = evaluation.gates_passed();
    let entered = passages.iter().filter(|passage| (passage.stage, passage.phase) == (Stage::Fulfill, Phase::Entrance));
    let entered = entered.map(|passage| passage.at).max()?;
    (attested < entered).then(|| attested.into())
}
