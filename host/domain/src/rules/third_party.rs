//! Rule 8: who does not control an environment needs the word of the third party that does.

use super::Rule;
use crate::{
    CredentialKind, EnvironmentControl, Evidence, EvidenceNeeded, Finding, Gate, GatePassage, Need, PersonId, Phase,
    Release, Requirement, Severity, Snapshot, Stage, Timestamp,
};

/// The name of the evidence that the part of the third party is ready.
const READINESS: &str = "third-party-readiness";
/// The name of the evidence that the deployment has the result that it should have.
const RESULT: &str = "third-party-result";

/// The gate from which on the result has to be attested.
const FROM_VALIDATED: Gate = Gate { stage: Stage::Validate, phase: Phase::Exit };

pub(super) fn check(snapshot: &Snapshot, breaches: &mut Vec<Finding>) {
    let environment = &snapshot.deployment.environment;
    let (rule, name, what, attests, from) = match environment.control {
        EnvironmentControl::Full => return,
        EnvironmentControl::Limited => (
            Rule::ThirdPartyEvidenceMissing,
            READINESS,
            format!("a part of the environment `{}`", environment.name),
            "that its part is ready",
            Gate::FULFILL_ENTRANCE,
        ),
        EnvironmentControl::None => (
            Rule::ThirdPartyResultMissing,
            RESULT,
            format!("the environment `{}`", environment.name),
            "the result of the deployment",
            FROM_VALIDATED,
        ),
    };
    let who = environment.third_party.as_deref();
    // Who it is has to be known before anybody approves the environment.
    if snapshot.gate < from && who.is_some() {
        return;
    }
    // A result is attested after fulfillment has begun.
    let began = GatePassage::fulfillment_began(&snapshot.deployment.gates_passed);
    let since = began.filter(|_| rule == Rule::ThirdPartyResultMissing);
    let evidence = snapshot.evidence.get(name);
    let statement = who.map(|who| (who, ThirdPartyStatement::of(evidence, who, &snapshot.deployment.release, since)));
    let why = match statement {
        Some((_, ThirdPartyStatement::Given)) => return,
        None => format!("a third party controls {what}, and the environment does not say which"),
        Some((who, ThirdPartyStatement::Missing)) => {
            format!("`{who}` controls {what}, and has not attested {attests}")
        }
        Some((who, ThirdPartyStatement::TooEarly)) => format!(
            "`{who}` controls {what}, and the evidence `{name}` is older than the begin of fulfillment: it cannot tell the result"
        ),
        Some((who, ThirdPartyStatement::AboutSomethingElse)) => format!(
            "`{who}` controls {what}, and signed the evidence `{name}`, which is not about this release: its subjects have \
             none of the digests of the release and its components"
        ),
        Some((who, ThirdPartyStatement::OfSomebodyElse(attester))) => {
            let by = attester.map_or_else(|| "somebody unknown".to_owned(), |attester| format!("`{attester}`"));
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
            owner: Some(who.map_or_else(|| rule.owner().to_owned(), |who| format!("supplier:{who}"))),
            ..Requirement::new(rule.code(), remedy, Need::Evidence(need))
        }],
        ..Finding::new(Severity::High, rule.code(), why)
    });
}

/// What a third party says by a piece of evidence.
#[derive(Clone, Copy, Debug)]
enum ThirdPartyStatement<'a> {
    /// It attests this deployment.
    Given,
    /// It signed something that is not about this release: everybody could attach it again.
    AboutSomethingElse,
    /// The evidence was made or attached before there could be a result.
    TooEarly,
    /// Somebody else attached the evidence, and the third party did not sign it.
    OfSomebodyElse(Option<&'a PersonId>),
    /// Nobody attached the evidence.
    Missing,
}

impl<'a> ThirdPartyStatement<'a> {
    /// A supplier attests a deployment with its own service credential, or with a signature of its key on a statement about the
    /// release or one of its components; not before `since`.
    fn of(evidence: Option<&'a Evidence>, supplier: &str, release: &Release, since: Option<Timestamp>) -> Self {
        let Some(evidence) = evidence else { return Self::Missing };
        let dated = [evidence.attested, evidence.made].into_iter().flatten();
        if since.is_some_and(|since| dated.into_iter().any(|at| at < since)) {
            return Self::TooEarly;
        }
        let is_service = evidence.attester_kind == Some(CredentialKind::Service)
            && PersonId::new(supplier).is_ok_and(|id| evidence.attester == Some(id));
        let signer = format!("supplier:{supplier}");
        let is_signed = evidence.signers().any(|known| known == signer);
        let mut digests = release.components.iter().filter_map(|component| component.digest).chain(release.digest);
        let is_about_release = digests.any(|digest| evidence.subjects.contains(&digest));
        match (is_service, is_signed, is_about_release) {
            (true, ..) | (_, true, true) => Self::Given,
            (false, true, false) => Self::AboutSomethingElse,
            (false, false, _) => Self::OfSomebodyElse(evidence.attester.as_ref()),
        }
    }
}
