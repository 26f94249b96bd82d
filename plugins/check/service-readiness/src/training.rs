//! Whether evidence shows that the specialists are trained.

use lockgate_plugin::roles::DEPLOYMENT_MANAGER;
use lockgate_plugin::{Evaluation, EvidenceCodes, EvidenceDemand, Findings, MissingEvidence, PluginError};

use crate::settings::Settings;

/// The codes of the findings.
const CODES: EvidenceCodes = EvidenceCodes {
    missing: MissingEvidence::Unknown("training-missing"),
    not_granted: "training-not-granted",
    other_attester: "training-attester-not-accepted",
    unknown_attester: "training-attester-unknown",
    wrong_signature: "training-signature-wrong",
    not_verified: "training-not-verified",
    expired: "training-expired",
    too_old: "training-too-old",
    undated: "training-age-unknown",
};

/// Looks at the evidence of the training, if the settings name it.
pub(crate) fn check(settings: &Settings, evaluation: &Evaluation, findings: &mut Findings) -> Result<(), PluginError> {
    let Some(training) = &settings.training else { return Ok(()) };
    let (name, terms) = (training.evidence.as_str(), training.terms());
    let demand = EvidenceDemand {
        name,
        shows: "which shows that the specialists are trained",
        about: name,
        remedy: "hand-in-training",
        hand_in: &format!("hand in evidence of the training of the specialists as `{name}`"),
        owner: DEPLOYMENT_MANAGER,
        terms: &terms,
        dated: false,
        codes: &CODES,
    };
    demand.accepted(evaluation, findings).map(drop)
}
