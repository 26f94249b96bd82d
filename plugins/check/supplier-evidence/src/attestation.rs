//! Whether a supplier has attested what it has to.

use lockgate_plugin::time::Timestamp;
use lockgate_plugin::types::{Evidence, Phase, Stage};
use lockgate_plugin::{
    Attester, Evaluation, EvidenceCodes, EvidenceDemand, EvidenceTerms, Findings, MissingEvidence, PluginError, listed,
};

use crate::involved::{DemandedEvidence, InvolvedSupplier};
use crate::settings::Settings;

/// The codes of the findings.
const CODES: EvidenceCodes = EvidenceCodes {
    missing: MissingEvidence::Wrong("evidence-missing"),
    not_granted: "evidence-not-granted",
    other_attester: "evidence-attester-not-accepted",
    unknown_attester: "evidence-attester-unknown",
    wrong_signature: "evidence-signature-wrong",
    not_verified: "evidence-not-verified",
    expired: "evidence-expired",
    too_old: "evidence-too-old",
    undated: "evidence-age-unknown",
};

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
    let demand = EvidenceDemand {
        name,
        shows: &format!("which the supplier `{supplier}` has to attest"),
        about: supplier,
        remedy: "hand-in-evidence",
        hand_in: &format!("have the supplier `{supplier}` attest the evidence `{name}`: {}", how(supplier, terms)),
        owner: &Attester::Supplier(supplier.to_owned()).to_string(),
        terms,
        dated: demanded.is_of_result,
        codes: &CODES,
    };
    let head = demand.accepted(evaluation, findings)?;
    let of_result = head.filter(|_| demanded.is_of_result);
    if let Some(early) = of_result.and_then(|head| before_result(&head, evaluation)) {
        findings.wrong("evidence-before-result", |code| {
            let message = format!("the evidence `{name}` of the result is of {early}, before fulfill began");
            demand.finding(code, message)
        });
    }
    Ok(())
}

/// How a supplier attests: `signed with a key that the register \`suppliers\` has for it, or attached by \`service:acme\``.
fn how(supplier: &str, terms: &EvidenceTerms) -> String {
    let own = Attester::Supplier(supplier.to_owned());
    let others = listed(terms.attesters.iter().filter(|attester| **attester != own), "or");
    let others = if others.is_empty() { others } else { format!(", or attested by {others}") };
    format!("signed with a key that the register `suppliers` has for it{others}")
}

/// The time of the evidence, if that was before the deployment last entered fulfill: it cannot be of the result. The time is that
/// at which it was made or attached, whichever is earlier: somebody else may attach it long after the supplier signed it.
fn before_result(head: &Evidence, evaluation: &Evaluation) -> Option<Timestamp> {
    let dated = head.made.into_iter().chain(head.attested).min()?;
    let passages = evaluation.gates_passed();
    let entered = passages.iter().filter(|passage| (passage.stage, passage.phase) == (Stage::Fulfill, Phase::Entrance));
    let entered = entered.map(|passage| passage.at).max()?;
    (dated < entered).then(|| dated.into())
}
