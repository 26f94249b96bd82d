//! Whether evidence shows that the specialists are trained.

use lockgate_plugin::{Evaluation, EvidenceFlaw, Finding, Findings, PluginError, Pointer, ReadError, Requirement};

use crate::settings::Settings;

/// Looks at the evidence of the training, if the settings name it.
pub(crate) fn check(settings: &Settings, evaluation: &Evaluation, findings: &mut Findings) -> Result<(), PluginError> {
    let Some(training) = &settings.training else { return Ok(()) };
    let (name, terms) = (training.evidence.as_str(), training.terms());
    let place = Pointer::root().key("evidence").key(name);
    let hand_in = || {
        let remedy = format!("hand in evidence of the training of the specialists as `{name}`");
        Requirement::new("hand-in-training", remedy, terms.need(name)).owner("deployment-manager")
    };
    let finding = |code, message: String| Finding::new(code, message).about(name).at(&place).remedy(hand_in());
    let head = match evaluation.evidence(name) {
        Ok(head) => head,
        Err(ReadError::Unknown(_)) => {
            findings.unknown("training-missing", |code| {
                finding(
                    code,
                    format!("nobody handed in the evidence `{name}`, which shows that the specialists are trained"),
                )
            });
            return Ok(());
        }
        Err(ReadError::NotGranted(_)) => {
            findings.unknown("training-not-granted", |code| {
                let message = format!(
                    "the operator did not grant the evidence `{name}`, which shows that the specialists are trained"
                );
                let remedy = format!("grant the evidence to the binding: `grants.evidence = [\"{name}\"]`");
                let remedy = Requirement::new("grant-evidence", remedy, terms.need(name)).owner("governance");
                Finding::new(code, message).about(name).at(&place).remedy(remedy)
            });
            return Ok(());
        }
        Err(unreadable) => return Err(unreadable.into()),
    };
    for flaw in terms.flaws(&head, evaluation) {
        let code = match flaw {
            EvidenceFlaw::OtherAttester(_) => "training-attester-not-accepted",
            EvidenceFlaw::UnknownAttester => "training-attester-unknown",
            EvidenceFlaw::WrongSignature => "training-signature-wrong",
            EvidenceFlaw::NotVerified => "training-not-verified",
            EvidenceFlaw::Expired(_) => "training-expired",
            EvidenceFlaw::TooOld(_) => "training-too-old",
            EvidenceFlaw::Undated => "training-age-unknown",
        };
        let finding = |code| finding(code, format!("the evidence of the training, `{name}`, {}", flaw.in_words()));
        if flaw.is_ignorance() {
            findings.unknown(code, finding);
        } else {
            findings.wrong(code, finding);
        }
    }
    Ok(())
}
