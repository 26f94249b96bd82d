//! Finds demands of a model that nobody can meet: none of those whose word counts may give it.

use std::collections::BTreeSet;

use lockgate_domain::{AttestRules, Attester, FactSource, Right, escaped_token, rights_of};

use super::{FactName, Model, ModelFinding, Read, Spans, listed};

/// Warns of demands for which no role in `by` has the right that it takes.
pub(super) fn without_right(model: &Model, spans: &Spans) -> Vec<ModelFinding> {
    let facts = model.demands.facts.iter().filter_map(|(fact, demand)| {
        let rights: &[Right] = match demand.from {
            FactSource::Evidence => &[Right::Register, Right::Attest],
            _ => &[Right::Register],
        };
        let does = format!("attest entries of the register `{}`", fact.register());
        without(&demand.by, rights, &does, || spans.at(&format!("/facts/{}/by", fact.as_str())))
    });
    let evidence = model.demands.evidence.iter().filter_map(|(name, demand)| {
        without(&demand.by, &[Right::Attest], "attach evidence", || {
            spans.at(&format!("/evidence/{}/by", escaped_token(name)))
        })
    });
    facts.chain(evidence).collect()
}

/// The finding that `by` has nothing but roles that grant none of these rights.
fn without(
    by: &BTreeSet<Attester>,
    rights: &[Right],
    does: &str,
    span: impl FnOnce() -> std::ops::Range<usize>,
) -> Option<ModelFinding> {
    let has_no_right = |attester: &Attester| matches!(attester, Attester::Role(role) if !rights_of(role).iter().any(|right| rights.contains(right)));
    if by.is_empty() || !by.iter().all(has_no_right) {
        return None;
    }
    let names: Vec<String> = by.iter().map(Attester::to_string).collect();
    let rights = listed(rights.iter().map(|right| right.as_str()));
    let message = format!("nobody may {does} as {}", listed(names.iter().map(String::as_str)));
    Some(
        ModelFinding::warning("attester-without-right", span(), message)
            .note(format!("the role does not grant the right {rights}"))
            .help("name another role, a service or a person"),
    )
}

/// Warns of facts that have to be attested by somebody whom the rules of a server do not let attest them.
pub fn attesters_without_rule(read: &Read, rules: &AttestRules) -> Vec<ModelFinding> {
    let facts = read.model.demands.facts.iter().filter(|(_, demand)| demand.from == FactSource::Register);
    facts
        .filter_map(|(fact, demand)| {
            let may = rules.attesters_for_any_team(fact.register());
            let is_unmet = !demand.by.is_empty() && !demand.by.iter().any(|wanted| can_be(wanted, &may));
            is_unmet.then(|| not_let(*fact, &demand.by, &may, &read.spans))
        })
        .collect()
}

/// Whether somebody who may attest can be the one whose word counts. Services and persons hold roles that only their credentials
/// tell.
fn can_be(wanted: &Attester, may: &BTreeSet<Attester>) -> bool {
    let is_role = |attester: &Attester| matches!(attester, Attester::Role(_));
    may.contains(wanted) || may.iter().any(|attester| is_role(attester) != is_role(wanted))
}

fn not_let(fact: FactName, by: &BTreeSet<Attester>, may: &BTreeSet<Attester>, spans: &Spans) -> ModelFinding {
    let names = |attesters: &BTreeSet<Attester>| {
        let names: Vec<String> = attesters.iter().map(Attester::to_string).collect();
        listed(names.iter().map(String::as_str))
    };
    let register = fact.register();
    let message = format!("the server lets nobody attest `{register}` as {}", names(by));
    let note = match may.is_empty() {
        true => format!("its `[[attest]]` rules let nobody attest `{register}`"),
        false => format!("it lets {} attest `{register}`", names(may)),
    };
    ModelFinding::warning("attester-without-rule", spans.at(&format!("/facts/{}/by", fact.as_str())), message)
        .note(note)
        .help(format!(
            "add an `[[attest]]` rule for `{register}` to the configuration of the server, or name others in `by`"
        ))
}
