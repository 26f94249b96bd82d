//! Whether a service contract is in force, and allows the slot.

use lockgate_plugin::registers::{ContractLapse, ServiceContract};
use lockgate_plugin::roles::{DEPLOYMENT_MANAGER, SERVICE_OWNER};
use lockgate_plugin::types::{Phase, Stage, TimeWindow};
use lockgate_plugin::{CorrectionNeeded, Evaluation, Finding, Findings, PluginError, Pointer, Requirement, listed};

use crate::settings::Settings;

/// A contract with its place in the snapshot.
type Placed<'a> = (Pointer, &'a ServiceContract);

/// Looks at the register of contracts.
pub(crate) fn check(settings: &Settings, evaluation: &Evaluation, findings: &mut Findings) -> Result<(), PluginError> {
    let Some(register) = settings.contract_register() else { return Ok(()) };
    let Some(contracts) = register.entries(evaluation.service_contracts(), findings)? else { return Ok(()) };
    let placed = |(index, contract)| (register.place().index(index), contract);
    let contracts: Vec<Placed<'_>> = contracts.iter().enumerate().map(placed).collect();
    if settings.contract {
        let during = evaluation.working_time();
        let missing = |what: String, findings: &mut Findings| {
            findings.wrong("contract-missing", |code| {
                let message = format!("the register `{}` has no service contract {what}", register.name);
                let remedy = register.fill(format!("make a service contract {what}, and enter it in the register"));
                Finding::new(code, message).at(register.place()).remedy(remedy)
            });
        };
        if settings.contracts.is_empty() {
            let kinds = settings.contract_kinds();
            let of_kind: Vec<&Placed<'_>> =
                contracts.iter().filter(|(_, contract)| kinds.contains(&contract.kind.as_str())).collect();
            if of_kind.is_empty() {
                missing(format!("of the kind {}", listed(kinds, "or")), findings);
            } else if of_kind.iter().all(|(_, contract)| contract.lapse(&during).is_some()) {
                // One is enough, and none of them is.
                of_kind.into_iter().for_each(|contract| in_force(contract, &during, findings));
            }
        }
        for id in &settings.contracts {
            match contracts.iter().find(|(_, contract)| contract.id == *id) {
                Some(contract) => in_force(contract, &during, findings),
                None => missing(format!("with the id `{id}`"), findings),
            }
        }
    }
    slot(settings, &contracts, evaluation, findings);
    Ok(())
}

/// The contract is in force during all of that time.
fn in_force((place, contract): &Placed<'_>, during: &TimeWindow, findings: &mut Findings) {
    let Some(lapse) = contract.lapse(during) else { return };
    let (code, key, expected, found) = match lapse {
        ContractLapse::NotActive => ("contract-not-active", "active", "`true`".to_owned(), "false".to_owned()),
        ContractLapse::NotBegun(_) | ContractLapse::Ended(_) => {
            let term = contract.term.map(|term| term.to_string()).unwrap_or_default();
            ("contract-outside-term", "term", format!("a term that holds {during}"), term)
        }
    };
    findings.wrong(code, |code| {
        let message = format!("the service contract `{}` ({}) {}", contract.id, contract.kind, lapse.in_words());
        let need = CorrectionNeeded::new(place.key(key), expected).found(found);
        Finding::new(code, message).about(&contract.id).correct("correct-contract", need, SERVICE_OWNER)
    });
}

/// The slot meets no blackout, and lies within a maintenance window, of each contract that is active.
fn slot(settings: &Settings, contracts: &[Placed<'_>], evaluation: &Evaluation, findings: &mut Findings) {
    let has_times = |contract: &ServiceContract| {
        settings.blackouts && !contract.blackouts.is_empty() || settings.maintenance && !contract.maintenance.is_empty()
    };
    let mut limiting = contracts.iter().filter(|(_, contract)| contract.active && has_times(contract)).peekable();
    if limiting.peek().is_none() {
        return;
    }
    let place = Pointer::root().key("plan").key("slot");
    let book = |expected: &str, found: String| {
        let need = CorrectionNeeded::new(&place, expected).found(found);
        Requirement::correction("book-slot", need).owner(DEPLOYMENT_MANAGER)
    };
    let Some(slot) = evaluation.slot() else {
        // A slot is due from the exit of plan-and-approve on.
        if evaluation.has_reached(Stage::PlanAndApprove, Phase::Exit) {
            findings.unknown("slot-missing", |code| {
                let message = "the plan has booked no slot, so nobody can tell whether a service contract forbids it";
                Finding::new(code, message).at(&place).remedy(book("a slot", "nothing".to_owned()))
            });
        }
        return;
    };
    for (place, contract) in limiting.filter(|(_, contract)| contract.term.is_none_or(|term| term.overlaps(&slot))) {
        let id = contract.id.as_str();
        let blackouts = contract.blackouts.iter().enumerate();
        for (index, blackout) in blackouts.filter(|(_, blackout)| settings.blackouts && blackout.overlaps(&slot)) {
            findings.wrong("slot-in-blackout", |code| {
                let message = format!(
                    "the slot of the plan, {slot}, meets a blackout of the service contract `{id}`, {blackout}"
                );
                let remedy = book("a slot outside of the blackouts", slot.to_string());
                Finding::new(code, message).about(id).at(place.key("blackouts").index(index)).remedy(remedy)
            });
        }
        let windows = &contract.maintenance;
        let is_outside = !windows.is_empty() && !windows.iter().any(|window| window.encloses(&slot));
        if settings.maintenance && is_outside {
            findings.wrong("slot-outside-maintenance", |code| {
                let message = format!(
                    "the slot of the plan, {slot}, is not within a maintenance window of the service contract `{id}`"
                );
                let remedy = book("a slot within a maintenance window", slot.to_string());
                Finding::new(code, message).about(id).at(place.key("maintenance")).remedy(remedy)
            });
        }
    }
}
