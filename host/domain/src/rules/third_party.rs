//! Rule 8: who does not control an environment needs the word of the third party that does.

use super::Rule;
use crate::{
    CredentialKind, EnvironmentControl, Evidence, EvidenceNeeded, Finding, Gate, Need, PersonId, Phase, Release,
    Requirement, Severity, Snapshot, Stage,
};

/// The name of the evidence that the part of the third party is ready.
const READINESS: &str = "third-party-readiness";
/// The name of the evidence that the deployment has the result that it should have.
const RESULT: &str = "third-party-result";

/// The gates at which the part of the third party has to be ready, from this one on.
const FROM_FULFILL: Gate = Gate { stage: Stage::Fulfill, phase: Phase::Entrance };
/// The gates at which the result has to be attested, from this one on.
const FROM_VALIDATED: Gate = Gate { stage: Stage::Validate, phase: Phase::Exit };

pub(super) fn check(snapshot: &Snapshot, breaches: &mut Vec<Finding>) {
    let environment = &snapshot.deployment.environment;
    let (rule, name, what) = match environment.control {
        EnvironmentControl::Limited if snapshot.gate >= FROM_FULFILL => {
            (Rule::ThirdPartyEvidenceMissing, READINESS, "a part of")
        }
        EnvironmentControl::None if snapshot.gate >= FROM_VALIDATED => (Rule::ThirdPartyResultMissing, RESULT, ""),
        // Who it is has to be known before anybody approves the environment.
        EnvironmentControl::Limited if environment.third_party.is_none() => {
            (Rule::ThirdPartyEvidenceMissing, READINESS, "a part of")
        }
        EnvironmentControl::None if environment.third_party.is_none() => (Rule::ThirdPartyResultMissing, RESULT, ""),
        _ => return,
    };
    let evidence = snapshot.evidence.get(name);
    let who = environment.third_party.as_deref();
    let release = &snapshot.deployment.release;
    // A result is attested after fulfillment has begun.
    let began = snapshot.deployment.gates_passed.iter().find(|passed| passed.gate() == FROM_FULFILL);
    let since = began.filter(|_| name == RESULT).map(|passed| passed.at);
    let is_too_early = |evidence: &Evidence| {
        let dated = [evidence.attested, evidence.made].into_iter().flatten();
        since.is_some_and(|since| dated.into_iter().any(|at| at < since))
    };
    let said = |who: &str| match evidence {
        None => ThirdPartyWord::Missing,
        Some(evidence) if is_too_early(evidence) => ThirdPartyWord::TooEarly,
        Some(evidence) => word_of(evidence, who, release),
    };
    if who.map(said) == Some(ThirdPartyWord::Given) {
        return;
    }
    let what = format!("{what} the environment `{}`", environment.name).trim_start().to_owned();
    let attests = if name == READINESS { "that its part is ready" } else { "the result of the deployment" };
    let why = match (who, evidence) {
        (None, _) => format!("a third party controls {what}, and the environment does not say which"),
        (Some(who), None) => format!("`{who}` controls {what}, and has not attested {attests}"),
        (Some(who), Some(evidence)) if is_too_early(evidence) => format!(
            "`{who}` controls {what}, and the evidence `{name}` is older than the begin of fulfillment: it cannot tell the result"
        ),
        (Some(who), Some(evidence)) if word_of(evidence, who, release) == ThirdPartyWord::AboutSomethingElse => {
            format!(
                "`{who}` controls {what}, and signed the evidence `{name}`, which is not about this release: its subjects have \
             none of the digests of the release and its components"
            )
        }
        (Some(who), Some(evidence)) => {
            let by = said_by(evidence);
            format!("`{who}` controls {what}, and {by} attached the evidence `{name}`")
        }
    };
    let remedy = match who {
        Some(who) => format!(
            "attach the evidence `{name}`, in which `{who}` attests {attests}: an in-toto statement about the digest of the \
             release, signed with a key that the register of suppliers has for `{who}`, or any file that `{who}` attaches with its \
             own service credential"
        ),
        None => "name the third party in the register of environments, as `third_party`".to_owned(),
    };
    let need = EvidenceNeeded {
        name: name.to_owned(),
        media_type: None,
        attesters: who.into_iter().map(|who| format!("supplier:{who}")).collect(),
        max_age: None,
        verified: false,
    };
    breaches.push(Finding {
        about: who.map(str::to_owned),
        pointers: vec![format!("/evidence/{name}")],
        remedies: vec![Requirement {
            owner: Some(who.map_or("operations-manager".to_owned(), |who| format!("supplier:{who}"))),
            ..Requirement::new(rule.code(), remedy, Need::Evidence(need))
        }],
        ..Finding::new(Severity::High, rule.code(), why)
    });
}

/// What a supplier says by a piece of evidence.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum ThirdPartyWord {
    /// It attests this deployment.
    Given,
    /// It signed something that is not about this release: everybody could attach it again.
    AboutSomethingElse,
    /// It was made or attached before there could be a result.
    TooEarly,
    /// It did not sign or attach it.
    Missing,
}

/// A supplier attests a deployment with its own service credential, or with a signature of its key on a statement about the
/// release or one of its components.
fn word_of(evidence: &Evidence, supplier: &str, release: &Release) -> ThirdPartyWord {
    let is_service = evidence.attester_kind == Some(CredentialKind::Service)
        && PersonId::new(supplier).is_ok_and(|id| evidence.attester == Some(id));
    let signer = format!("supplier:{supplier}");
    let is_signed = evidence.signers().any(|known| known == signer);
    let digests = release.components.iter().filter_map(|component| component.digest).chain(release.digest);
    let is_about_release = digests.into_iter().any(|digest| evidence.subjects.contains(&digest));
    match (is_service, is_signed, is_about_release) {
        (true, ..) | (_, true, true) => ThirdPartyWord::Given,
        (false, true, false) => ThirdPartyWord::AboutSomethingElse,
        (false, false, _) => ThirdPartyWord::Missing,
    }
}

fn said_by(evidence: &Evidence) -> String {
    evidence.attester.as_ref().map_or_else(|| "somebody unknown".to_owned(), |who| format!("`{who}`"))
}
