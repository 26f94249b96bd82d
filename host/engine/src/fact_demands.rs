//! Checks what a model demands of facts and evidence: who says them, how fresh they are, and whether they are there at
//! all.

use std::collections::BTreeSet;

use lockgate_domain::{
    Attester, Duration, Evidence, EvidenceNeeded, FactNeeded, FactSource, Finding, LapsedEntry, Need, PersonId,
    Provenance, Requirement, Right, Severity, Snapshot, Timestamp, Verification, escaped_token, roles_with,
    usual_attesters,
};
use serde_json::{Value, json};

use crate::gate::EngineCode;
use crate::model::{EvidenceDemand, FactDemand, FactName, Model};

/// Adds a finding for each demand that the snapshot does not meet.
pub(crate) fn check(model: &Model, snapshot: &Snapshot, findings: &mut Vec<Finding>) {
    let demand_of = |fact| {
        let usual = || model.live_demand(fact, Some(snapshot.gate)).filter(|_| is_live(snapshot));
        model.demands.facts.get(&fact).cloned().or_else(usual)
    };
    for fact in FactName::all() {
        match demand_of(fact) {
            Some(demand) => check_fact(fact, &demand, snapshot, findings),
            // They are a part of the release, whoever attested them.
            None if fact == FactName::KNOWLEDGE_ITEMS => {
                if let Some(demand) = demand_of(FactName::RELEASE).filter(|demand| demand.from != FactSource::Told) {
                    check_own_items(fact, &demand, snapshot, findings);
                }
            }
            None => {}
        }
    }
    for (name, demand) in &model.demands.evidence {
        if snapshot.gate >= demand.from_gate {
            check_evidence(name, demand, snapshot, findings);
        }
    }
}

/// Those who have to attest the fact at a place of the snapshot, as the model says. Empty if it says nothing.
pub(crate) fn attesters_at(model: &Model, pointer: &str) -> Vec<String> {
    let of = |fact: FactName| model.demands.facts.get(&fact);
    let items = FactName::KNOWLEDGE_ITEMS;
    let is_item = pointer.starts_with(&items.pointer());
    let demand = of(items).filter(|_| is_item).or_else(|| FactName::at(pointer).and_then(of));
    demand.into_iter().flat_map(|demand| &demand.by).map(Attester::to_string).collect()
}

/// Whether the environment is one that consumers depend on, as far as its owner says so: an environment that a register of
/// environments lacks may be any.
fn is_live(snapshot: &Snapshot) -> bool {
    let deployment = &snapshot.deployment;
    let is_unknown = deployment.provenance.get("/environment").is_some_and(|known| known.source == FactSource::Told);
    deployment.environment.live || is_unknown
}

fn check_fact(fact: FactName, demand: &FactDemand, snapshot: &Snapshot, findings: &mut Vec<Finding>) {
    if demand.from == FactSource::Told {
        return;
    }
    let pointer = fact.pointer();
    let whole = provenance_of(fact, snapshot);
    if whole.source < demand.from {
        findings.push(not_attested(fact, demand, snapshot));
        return;
    }
    if !fact.is_list() {
        check_said(fact, demand, &whole, &pointer, snapshot, findings);
        return;
    }
    for lapsed in snapshot.deployment.lapsed.iter().filter(|lapsed| lapsed.register == fact.register()) {
        let place = FactPlace { fact, demand, pointer: &pointer, lapsed: Some(lapsed), snapshot };
        match lapsed.withdrawn {
            true => findings.extend(place.withdrawn(lapsed)),
            false => findings.push(place.expired(&lapsed.said)),
        }
    }
    for index in 0..entries(fact, snapshot) {
        let place = format!("{pointer}/{index}");
        let provenance = Provenance::at(&snapshot.deployment.provenance, &place);
        check_said(fact, demand, &provenance, &place, snapshot, findings);
    }
}

/// Checks the entries of a list that somebody attested by themselves.
fn check_own_items(fact: FactName, demand: &FactDemand, snapshot: &Snapshot, findings: &mut Vec<Finding>) {
    for index in 0..entries(fact, snapshot) {
        let place = format!("{}/{index}", fact.pointer());
        if let Some(said) = snapshot.deployment.provenance.get(&place) {
            check_said(fact, demand, said, &place, snapshot, findings);
        }
    }
}

/// The number of entries of a list.
fn entries(fact: FactName, snapshot: &Snapshot) -> usize {
    let deployment = &snapshot.deployment;
    if fact == FactName::KNOWLEDGE_ITEMS {
        return deployment.release.knowledge_items.len();
    }
    if fact.pointer() == "/actual_instances" {
        return deployment.actual_instances.len();
    }
    let register = deployment.registers.json(fact.as_str()).ok().flatten();
    register.as_ref().and_then(Value::as_array).map_or(0, Vec::len)
}

/// The provenance of a fact: that of its register, or of a piece of evidence that has the name of the fact and says the same.
fn provenance_of(fact: FactName, snapshot: &Snapshot) -> Provenance {
    let known = Provenance::at(&snapshot.deployment.provenance, &fact.pointer());
    if known.source != FactSource::Told || fact.is_list() {
        return known;
    }
    match snapshot.evidence.get(fact.as_str()) {
        Some(evidence) if says(evidence, fact, snapshot) => evidence.provenance(),
        _ => known,
    }
}

/// Whether a piece of evidence says the same as the snapshot of a fact.
fn says(evidence: &Evidence, fact: FactName, snapshot: &Snapshot) -> bool {
    let deployment = json!(*snapshot.deployment);
    told_by(evidence, fact).is_some_and(|value| deployment.pointer(&fact.pointer()) == Some(&value))
}

/// The value of a fact that a piece of evidence tells.
fn told_by(evidence: &Evidence, fact: FactName) -> Option<Value> {
    let value: Value = serde_json::from_slice(&evidence.content).ok()?;
    fact.register().normalized(&value).ok()
}

/// Checks who said a fact, and when.
fn check_said(
    fact: FactName,
    demand: &FactDemand,
    said: &Provenance,
    pointer: &str,
    snapshot: &Snapshot,
    findings: &mut Vec<Finding>,
) {
    let now = snapshot.now;
    let name = fact.as_str();
    let by = || speaker(said);
    let place = FactPlace { fact, demand, pointer, lapsed: None, snapshot };
    let evidence = snapshot.evidence.get(name).filter(|_| said.source == FactSource::Evidence);
    let (attested, attest) = match evidence {
        Some(_) => ("attached the evidence", "attach"),
        None => ("attested", "attest"),
    };
    if !is_one_of(&demand.by, said, evidence) {
        let message = format!("{} {attested} `{name}`, and it counts if {} attests it", by(), one_of(&place.owners()));
        findings.push(place.finding(EngineCode::FactAttesterNotAllowed, message));
    } else if place.is_involved(said) {
        let message = format!(
            "{} {attested} `{name}`, and also {}: somebody else has to {attest} it",
            by(),
            place.involvement(said)
        );
        findings.push(place.finding(EngineCode::FactAttesterInvolved, message));
    }
    if said.valid_until.is_some_and(|until| until <= now) {
        findings.push(place.expired(said));
    } else if let Some(age) = too_old(demand.max_age, said.as_of, now) {
        let message = format!("{} attested `{name}` as of {}: {age}", by(), shown(said.as_of));
        findings.push(place.finding(EngineCode::FactTooOld, message));
    }
}

/// Who says something.
fn speaker(said: &Provenance) -> String {
    said.attester.as_ref().map_or_else(|| "somebody unknown".to_owned(), |who| format!("`{who}`"))
}

/// Nobody attested the fact as the demand wants it.
fn not_attested(fact: FactName, demand: &FactDemand, snapshot: &Snapshot) -> Finding {
    let (name, pointer) = (fact.as_str(), fact.pointer());
    let place = FactPlace { fact, demand, pointer: &pointer, lapsed: None, snapshot };
    let told = match (demand.from, fact.is_list()) {
        (FactSource::Evidence, _) => match snapshot.evidence.get(name) {
            None => format!("there is no evidence `{name}`, and only the requester tells it"),
            Some(evidence) if told_by(evidence, fact).is_none() => {
                format!("the evidence `{name}` is not the JSON of an entry of the register `{}`", fact.register())
            }
            Some(_) => format!("the evidence `{name}` says something else than the deployment at `{pointer}`"),
        },
        (_, true) if fact == FactName::KNOWLEDGE_ITEMS => {
            "the register `releases` does not have the release, and only the requester tells it".to_owned()
        }
        (_, true) => format!("nobody keeps the register `{}`", fact.register()),
        (_, false) => format!("the register `{}` does not have it, and only the requester tells it", fact.register()),
    };
    place.finding(EngineCode::FactMissing, format!("`{name}` is not attested: {told}"))
}

/// A fact, and where it stands.
struct FactPlace<'a> {
    fact: FactName,
    demand: &'a FactDemand,
    pointer: &'a str,
    /// The entry that the list lacks, if it is about one.
    lapsed: Option<&'a LapsedEntry>,
    snapshot: &'a Snapshot,
}

impl FactPlace<'_> {
    /// Those who can supply the fact.
    fn owners(&self) -> Vec<String> {
        if !self.demand.by.is_empty() {
            return self.demand.by.iter().map(Attester::to_string).collect();
        }
        let usual: Vec<&str> = match self.demand.from {
            FactSource::Evidence => roles_with(Right::Attest).collect(),
            _ => usual_attesters(self.fact.register()).to_vec(),
        };
        usual.into_iter().map(str::to_owned).collect()
    }

    /// What its owners have to do, and the same for programs. Evidence is enough where the model says so.
    fn what_is_needed(&self, owners: &[String]) -> (String, Need) {
        let (fact, id, max_age) = (self.fact, self.id(), self.demand.max_age);
        let register = fact.register();
        let attest = match &id {
            Some(id) if self.lapsed.is_some() => {
                format!("attest `{id}` in the register `{register}` again, or withdraw it")
            }
            Some(id) => format!("attest `{id}` in the register `{register}`"),
            None => format!("attest the register `{register}`"),
        };
        if self.demand.from == FactSource::Evidence {
            let name = fact.as_str();
            let needed = EvidenceNeeded {
                name: name.to_owned(),
                media_type: Some("application/json".to_owned()),
                attesters: owners.to_vec(),
                max_age,
                verified: false,
            };
            let what =
                format!("attach the evidence `{name}`, the JSON of what stands at `{}`, or {attest}", self.pointer);
            return (what, Need::Evidence(needed));
        }
        let kind = Some(register.as_str().to_owned());
        (attest, Need::Fact(FactNeeded { pointer: self.pointer.to_owned(), kind, id, max_age }))
    }

    /// The id of the entry that the deployment names, or that stands there.
    fn id(&self) -> Option<String> {
        if let Some(lapsed) = self.lapsed {
            return Some(lapsed.id.clone());
        }
        let deployment = &self.snapshot.deployment;
        match self.fact.pointer().as_str() {
            "/change" => Some(deployment.change.id.clone()),
            "/environment" => Some(deployment.environment.name.clone()),
            "/product" => Some(deployment.product.id.clone()),
            "/release" => Some(deployment.release.id.clone()),
            _ => {
                let value = json!(**deployment);
                let id = value.pointer(self.pointer)?.get(self.fact.register().key())?;
                id.as_str().map(str::to_owned)
            }
        }
    }

    /// Whether somebody says it who must not: they requested the deployment, contributed to it, or asked for the change that it is
    /// about.
    fn is_involved(&self, said: &Provenance) -> bool {
        let deployment = &self.snapshot.deployment;
        let is_involved = |who: &PersonId| deployment.involves(who) || self.asked_for_change(who);
        self.demand.independent && said.attester.as_ref().is_some_and(is_involved)
    }

    /// Whether the fact is the change, and this person asked for it.
    fn asked_for_change(&self, who: &PersonId) -> bool {
        self.pointer == "/change" && self.snapshot.deployment.change.requested_by.as_ref() == Some(who)
    }

    /// How somebody is involved, as a part of a sentence.
    fn involvement(&self, said: &Provenance) -> &'static str {
        let is_deployer = said.attester.as_ref().is_some_and(|who| self.snapshot.deployment.involves(who));
        if is_deployer { "requested the deployment or contributed to it" } else { "asked for the change" }
    }

    /// Somebody whose word does not count withdrew an entry, and the last of those whose word counts had attested it.
    fn withdrawn(&self, lapsed: &LapsedEntry) -> Option<Finding> {
        let demand = self.demand;
        let is_named = |said: &Provenance| is_one_of(&demand.by, said, None);
        let counts = |said: &Provenance| is_named(said) && !self.is_involved(said);
        if counts(&lapsed.said) {
            return None;
        }
        let last = lapsed.before.iter().rev().find(|before| counts(&before.said)).filter(|before| !before.withdrew)?;
        let (name, id) = (self.fact.as_str(), &lapsed.id);
        let (who, attester) = (speaker(&lapsed.said), speaker(&last.said));
        let done = format!("{who} withdrew `{id}` from `{name}`, or had it concern something else");
        Some(if is_named(&lapsed.said) {
            let message = format!(
                "{done}, and also {}: somebody else has to do that, because {attester} attested it",
                self.involvement(&lapsed.said)
            );
            self.finding(EngineCode::FactAttesterInvolved, message)
        } else {
            let owners = one_of(&self.owners());
            let message = format!("{done}, and {attester} attested it: a withdrawal counts if it is made by {owners}");
            self.finding(EngineCode::FactAttesterNotAllowed, message)
        })
    }

    /// What somebody said is no longer valid.
    fn expired(&self, said: &Provenance) -> Finding {
        let (by, name) = (speaker(said), self.fact.as_str());
        let which = self.lapsed.map_or_else(String::new, |lapsed| format!(" `{}`", lapsed.id));
        let message = format!("what {by} attested as `{name}`{which} was valid until {}", shown(said.valid_until));
        self.finding(EngineCode::FactExpired, message)
    }

    fn finding(&self, code: EngineCode, message: String) -> Finding {
        let (owners, id) = (self.owners(), self.id());
        let (what, need) = self.what_is_needed(&owners);
        let fresh = self.demand.max_age.map_or(String::new(), |age| format!(", at most {age} old"));
        let remedy = Requirement {
            owner: Some(owners.join(", ")).filter(|owners| !owners.is_empty()),
            ..Requirement::new(code.as_str(), format!("{} has to {what}{fresh}", one_of(&owners)), need)
        };
        Finding {
            about: id,
            pointers: vec![self.pointer.to_owned()],
            remedies: vec![remedy],
            ..Finding::new(Severity::High, code.as_str(), message)
        }
    }
}

fn check_evidence(name: &str, demand: &EvidenceDemand, snapshot: &Snapshot, findings: &mut Vec<Finding>) {
    let now = snapshot.now;
    let finding = |code: EngineCode, message: String| {
        let attesters: Vec<String> = demand.by.iter().map(Attester::to_string).collect();
        let owner = Some(attesters.join(", ")).filter(|owners| !owners.is_empty());
        // A supplier has no credential: somebody attaches what it signed.
        let is_of_suppliers = demand.by.iter().all(|attester| matches!(attester, Attester::Supplier(_)));
        let (who, signed) = match (is_of_suppliers && !attesters.is_empty(), demand.signed) {
            (true, _) => ("somebody".to_owned(), format!(", with a signature of {}", one_of(&attesters))),
            (false, true) => (who(&attesters), ", with a signature that can be verified".to_owned()),
            (false, false) => (who(&attesters), String::new()),
        };
        let fresh = demand.max_age.map_or(String::new(), |age| format!(", at most {age} old"));
        let need = Need::Evidence(EvidenceNeeded {
            name: name.to_owned(),
            media_type: None,
            attesters,
            max_age: demand.max_age,
            verified: demand.signed,
        });
        let remedy = format!("{who} has to attach the evidence `{name}`{fresh}{signed}");
        Finding {
            about: Some(name.to_owned()),
            pointers: vec![format!("/evidence/{}", escaped_token(name))],
            remedies: vec![Requirement { owner, ..Requirement::new(code.as_str(), remedy, need) }],
            ..Finding::new(Severity::High, code.as_str(), message)
        }
    };
    let Some(evidence) = snapshot.evidence.get(name) else {
        findings.push(finding(EngineCode::EvidenceMissing, format!("the evidence `{name}` is missing")));
        return;
    };
    let said = evidence.provenance();
    let by = || said.attester.as_ref().map_or_else(|| "somebody unknown".to_owned(), |who| format!("`{who}`"));
    if !is_one_of(&demand.by, &said, Some(evidence)) {
        let attesters: Vec<String> = demand.by.iter().map(Attester::to_string).collect();
        let signers: Vec<String> = evidence.signers().map(|signer| format!("`{signer}`")).collect();
        let signers = if signers.is_empty() { String::new() } else { format!(", signed by {}", signers.join(" and ")) };
        let message = format!(
            "{} attached the evidence `{name}`{signers}, and it counts if {} attests it",
            by(),
            one_of(&attesters)
        );
        findings.push(finding(EngineCode::EvidenceAttesterNotAllowed, message));
    }
    if demand.signed && evidence.verification != Verification::Verified {
        let why = match evidence.verification {
            Verification::Failed => "its signature is wrong, or made with a key that no register has",
            Verification::Unchecked => "the registers have no valid key for its signature",
            Verification::Absent | Verification::Verified => "it is not signed",
        };
        let message = format!("the evidence `{name}` needs a verified signature: {why}");
        findings.push(finding(EngineCode::EvidenceNotVerified, message));
    }
    if let Some(until) = evidence.valid_until.filter(|until| *until <= now) {
        findings.push(finding(EngineCode::EvidenceExpired, format!("the evidence `{name}` was valid until {until}")));
    }
    match (demand.max_age, evidence.made) {
        (Some(age), None) => {
            let message = format!("the evidence `{name}` does not say when it was made, and may be at most {age} old");
            findings.push(finding(EngineCode::EvidenceUndated, message));
        }
        (max_age, made) => {
            if let Some(age) = too_old(max_age, made, now) {
                let message = format!("the evidence `{name}` was made at {}: {age}", shown(made));
                findings.push(finding(EngineCode::EvidenceTooOld, message));
            }
        }
    }
}

/// Whether the attester is one of those who have to attest, or one of them signed the evidence that says it.
fn is_one_of(by: &BTreeSet<Attester>, said: &Provenance, evidence: Option<&Evidence>) -> bool {
    let is = |who: &PersonId, kind| by.iter().any(|attester| attester.is(who, kind, &said.roles));
    let mut signers = evidence.into_iter().flat_map(Evidence::signers);
    by.is_empty()
        || said.attester.as_ref().zip(said.kind).is_some_and(|(who, kind)| is(who, kind))
        || signers.any(|signer| by.iter().any(|attester| attester.is_signer(signer)))
}

/// Those who have to act, for the beginning of a sentence.
fn who(attesters: &[String]) -> String {
    if attesters.is_empty() { "somebody".to_owned() } else { one_of(attesters) }
}

/// How much too old a fact is, as the end of a sentence.
fn too_old(max_age: Option<Duration>, as_of: Option<Timestamp>, now: Timestamp) -> Option<String> {
    let max_age = max_age?;
    match as_of {
        Some(as_of) if as_of.saturating_add(max_age) >= now => None,
        Some(as_of) => {
            let age = u64::try_from(now.as_millis().saturating_sub(as_of.as_millis())).unwrap_or_default();
            Some(format!("that is {} ago, and at most {max_age} is allowed", Duration::from_millis(age)))
        }
        None => Some(format!("nobody knows how old it is, and at most {max_age} is allowed")),
    }
}

fn shown(at: Option<Timestamp>) -> String {
    at.map_or_else(|| "an unknown time".to_owned(), |at| at.to_string())
}

/// Alternatives for a sentence.
fn one_of(names: &[String]) -> String {
    match names {
        [] => "its owner".to_owned(),
        names => names.iter().map(|name| format!("`{name}`")).collect::<Vec<_>>().join(" or "),
    }
}
