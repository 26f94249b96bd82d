//! The roles that a model needs: people must hold them so that deployments can pass its gates.

use std::collections::BTreeSet;

use lockgate_domain::{Attester, Enforcement, FactSource, Gate, GateAction, GateNeed, Kind, Phase, ROLES, Stage};
use lockgate_runtime::MarkedValue;

use super::{LoadedGate, LoadedModel};
use crate::model::FactName;

impl LoadedModel {
    /// The approvers that the guarded gates need, in the order of the gates.
    ///
    /// The settings of policies name the approvers: their schema marks the names of roles, and the numbers of people of
    /// any role. A policy that marks neither may need approvals, too: only the policy itself knows.
    ///
    /// Also those who have to supply what the model demands, or a live environment by itself. Facts are demanded at every gate, so
    /// they are needed at the first one.
    pub fn needs(&self) -> Vec<GateNeed> {
        let mut needs = BTreeSet::new();
        for gate in &self.0.gates {
            gate.needs(&mut needs);
        }
        if let Some(strategy) = &self.0.model.strategy {
            let gate = Gate { stage: Stage::Fulfill, phase: Phase::Exit };
            needs.insert(GateNeed::new(gate, GateAction::Resume, strategy.resume_by.clone()));
        }
        needs.extend(self.demanded());
        needs.into_iter().collect()
    }
}

impl LoadedModel {
    /// Those who have to attest the demanded facts and attach the demanded evidence.
    fn demanded(&self) -> Vec<GateNeed> {
        let demands = &self.0.model.demands;
        let mut needs = Vec::new();
        for fact in FactName::all() {
            let usual = || self.0.model.live_demand(fact, None);
            let Some(demand) = demands.facts.get(&fact).cloned().or_else(usual) else { continue };
            let (action, about) = match demand.from {
                FactSource::Told => continue,
                FactSource::Evidence => (GateAction::AttachEvidence, fact.as_str()),
                _ => (GateAction::AttestFact, fact.register().as_str()),
            };
            let gate = Gate { stage: Stage::PlanAndApprove, phase: Phase::Entrance };
            needs.push(supplied(gate, action, about, &demand.by));
        }
        for (name, demand) in &demands.evidence {
            needs.push(supplied(demand.from_gate, GateAction::AttachEvidence, name, &demand.by));
        }
        needs
    }
}

/// The need for one of those whose word counts. Anybody may attach what a supplier signed.
fn supplied(gate: Gate, action: GateAction, about: &str, by: &BTreeSet<Attester>) -> GateNeed {
    let is_signed = by.iter().any(|attester| matches!(attester, Attester::Supplier(_)));
    let roles = if is_signed { BTreeSet::new() } else { by.iter().map(Attester::to_string).collect() };
    GateNeed { about: Some(about.to_owned()), ..GateNeed::new(gate, action, roles) }
}

impl LoadedGate {
    fn needs(&self, needs: &mut BTreeSet<GateNeed>) {
        let gate = self.gate;
        if gate == (Gate { stage: Stage::Observe, phase: Phase::Exit }) {
            // A rule of the host, which asks for no role by name: whoever takes over is named when it is handed over.
            needs.insert(GateNeed::new(gate, GateAction::TakeOver, BTreeSet::new()));
        }
        let mut granted = |action: GateAction| {
            let known = ROLES.iter().filter(|known| known.rights.contains(&action.right()));
            let roles = known.map(|known| known.name.to_owned()).collect();
            needs.insert(GateNeed::new(gate, action, roles));
        };
        granted(GateAction::Pass);
        let alone = self.bindings.iter().filter(|binding| binding.model.group.is_none());
        let alone = alone.map(|binding| (binding.model.enforcement, binding.model.exceptions));
        let grouped = self.groups.iter().map(|group| (group.model.enforcement, group.model.exceptions));
        for (enforcement, exceptions) in alone.chain(grouped) {
            if enforcement != Enforcement::Advisory && exceptions.may_be_waived(enforcement) {
                granted(GateAction::Waive);
            }
            if enforcement == Enforcement::SoftMandatory {
                granted(GateAction::Override);
                granted(GateAction::Review);
                if exceptions.needs_two_people() {
                    granted(GateAction::ConfirmOverride);
                }
            }
        }
        let policies = self.bindings.iter().filter(|binding| binding.kind == Kind::ApprovalPolicy);
        let mut most_people = 0;
        for setting in policies.flat_map(|binding| binding.plugin.plugin.marked_settings()) {
            match &setting.value {
                MarkedValue::Role(role) => {
                    needs.insert(GateNeed::new(gate, GateAction::Approve, BTreeSet::from([role.clone()])));
                }
                MarkedValue::People(people) => most_people = most_people.max(*people),
                _ => {}
            }
        }
        if most_people > 0 {
            let need = GateNeed::new(gate, GateAction::Approve, BTreeSet::new());
            needs.insert(GateNeed { needed: most_people, ..need });
        }
    }
}
