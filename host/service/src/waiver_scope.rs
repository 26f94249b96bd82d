//! Checks that a waiver's scope can apply at all: that the models, gates, bindings and codes that it names exist.

use std::collections::BTreeSet;

use lockgate_domain::{BindingOutcome, Decision, Gate, WaiverScope, closest};

use super::read::PageRequest;
use super::{DecisionRecord, DeploymentRef, DeploymentService, InputError, ServiceError};
use crate::authority::Actor;
use lockgate_engine::gate::codes_in_the_way;
use lockgate_engine::model::{GateModel, Model};

/// How many of the newest decisions are searched for a code.
const DECISIONS_SEARCHED: usize = 1_000;

/// The parts of a waiver's scope that none of these models has, or allows to be waived: the waiver would never count.
///
/// The pointers in the errors begin at the scope.
pub fn unknown_in_scope(scope: &WaiverScope, models: &[&Model]) -> Vec<InputError> {
    let of_model: Vec<&Model> = match &scope.model {
        None => models.to_vec(),
        Some(id) => {
            let same: Vec<&Model> = models.iter().copied().filter(|model| model.id == *id).collect();
            if same.is_empty() {
                let hint = proposal(id, models.iter().map(|model| model.id.as_str()));
                return vec![InputError::new("/model", format!("no loaded model is named `{id}`{hint}"))];
            }
            same
        }
    };
    let gates = || of_model.iter().flat_map(|model| &model.gates);
    let known: Vec<(Gate, &str)> = gates().flat_map(|gate| ids(gate).map(|id| (gate.gate, id))).collect();
    let waivable: BTreeSet<(Gate, &str)> =
        gates().flat_map(|gate| waivable_ids(gate).map(|id| (gate.gate, id))).collect();
    let unknown = scope.bindings.iter().enumerate().filter_map(|(index, id)| {
        let at: BTreeSet<Gate> = known.iter().filter(|(_, known)| known == id).map(|(gate, _)| *gate).collect();
        let message = match scope.gate {
            None if at.is_empty() => {
                let hint = proposal(id, known.iter().map(|(_, known)| *known));
                format!("no loaded model has a binding or group `{id}`{hint}")
            }
            Some(gate) if at.is_empty() => {
                let hint = proposal(id, known.iter().filter(|(at, _)| *at == gate).map(|(_, known)| *known));
                format!("no loaded model has a binding or group `{id}`{hint}")
            }
            Some(gate) if !at.contains(&gate) => {
                let at: Vec<String> = at.iter().map(|gate| format!("`{gate}`")).collect();
                format!("no loaded model has a binding or group `{id}` at `{gate}`, but at {}", at.join(", "))
            }
            at_gate => {
                let is_there = |gate: &Gate| waivable.contains(&(*gate, id.as_str()));
                if at.iter().any(|gate| at_gate.is_none_or(|wanted| wanted == *gate) && is_there(gate)) {
                    return None;
                }
                format!("no loaded model lets the answer of `{id}` be waived: its author has to set `waivable = true`")
            }
        };
        Some(InputError::new(format!("/bindings/{index}"), message))
    });
    unknown.collect()
}

/// The ids of a gate's bindings and groups.
fn ids(gate: &GateModel) -> impl Iterator<Item = &str> {
    let groups = gate.groups.iter().map(|group| group.id.as_str());
    gate.bindings.iter().map(|binding| binding.id.as_str()).chain(groups)
}

/// The ids of a gate's bindings and groups whose answers may be waived.
fn waivable_ids(gate: &GateModel) -> impl Iterator<Item = &str> {
    let groups = gate.groups.iter().filter(|group| group.exceptions.may_be_waived(group.enforcement));
    let bindings = gate.bindings.iter().filter(|binding| binding.exceptions.may_be_waived(binding.enforcement));
    bindings.map(|binding| binding.id.as_str()).chain(groups.map(|group| group.id.as_str()))
}

fn proposal<'a>(word: &str, right: impl Iterator<Item = &'a str>) -> String {
    let right: BTreeSet<&str> = right.collect();
    match closest(word, right.iter().copied()) {
        Some(close) => format!(": did you mean `{close}`?"),
        None if right.is_empty() => String::new(),
        None => {
            let right: Vec<String> = right.into_iter().map(|id| format!("`{id}`")).collect();
            format!("; there are {}", right.join(", "))
        }
    }
}

/// The codes that a binding, or a member of a group, gave against the deployment.
fn given(decision: &Decision, id: &str) -> Vec<String> {
    let of_it = |binding: &&BindingOutcome| binding.id == id || binding.group.as_deref() == Some(id);
    decision.bindings.iter().filter(of_it).flat_map(codes_in_the_way).collect()
}

impl DeploymentService {
    /// Refuses a scope that can never apply.
    pub(super) fn check_scope(&self, actor: &Actor, scope: &WaiverScope) -> Result<(), ServiceError> {
        let current = self.0.models.current();
        // An approved deployment stays bound to its model, even if another has replaced it.
        let approved = match &scope.deployment {
            None => None,
            Some(id) => match self.load(actor, DeploymentRef { id, team: scope.team.as_ref() }) {
                Ok(loaded) => loaded.state.approved.as_ref().and_then(|plan| self.0.models.by_digest(plan.model)),
                Err(ServiceError::NotFound { .. } | ServiceError::SeveralTeams { .. }) => None,
                Err(other) => return Err(other),
            },
        };
        let models: Vec<&Model> = current.iter().chain(&approved).map(lockgate_engine::LoadedModel::model).collect();
        let mut mistakes = unknown_in_scope(scope, &models);
        for mistake in &mut mistakes {
            mistake.pointer.insert_str(0, "/scope");
        }
        if mistakes.is_empty() { Ok(()) } else { Err(ServiceError::Invalid(mistakes)) }
    }

    /// The codes of a scope that none of its bindings gave lately, each in a sentence. The contract does not list the
    /// codes that a plugin can give, so an unknown code is no error.
    pub(super) fn codes_never_given(&self, actor: &Actor, scope: &WaiverScope) -> Result<Vec<String>, ServiceError> {
        if scope.codes.is_empty() {
            return Ok(Vec::new());
        }
        let (mut searched, mut given_codes) = (0, BTreeSet::new());
        let page = PageRequest { before: None, limit: DECISIONS_SEARCHED };
        self.paged::<()>(&actor.teams, None, "decision", page, |entry| {
            searched += 1;
            let decision = super::read::body::<DecisionRecord>(entry)?.decision;
            given_codes.extend(scope.bindings.iter().flat_map(|id| given(&decision, id)));
            Ok(None)
        })?;
        let bindings = scope.bindings.iter().map(|id| format!("`{id}`")).collect::<Vec<_>>().join(", ");
        let warning = |code: &String| {
            let hint = match closest(code, given_codes.iter().map(String::as_str)) {
                Some(close) => format!(": did you mean `{close}`?"),
                None => String::new(),
            };
            format!(
                "{bindings} did not give the code `{code}` in any of the newest decisions ({searched} searched){hint}"
            )
        };
        let never = scope.codes.iter().filter(|code| !given_codes.contains(*code));
        Ok(never.map(warning).collect())
    }
}
