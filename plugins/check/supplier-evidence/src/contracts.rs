//! Whether each supplier has a contract that is in force.

use lockgate_plugin::registers::{ContractLapse, ServiceContract};
use lockgate_plugin::{CorrectionNeeded, Evaluation, Finding, Findings, PluginError, Requirement};

use crate::involved::InvolvedSupplier;
use crate::settings::CONTRACTS;

/// The kind of contract with a supplier.
const UNDERPINNING: &str = "uc";

/// Looks at the register of contracts. `names` are the names that the register of suppliers has for them, in their order.
pub(crate) fn check(
    suppliers: &[InvolvedSupplier],
    names: &[Option<String>],
    evaluation: &Evaluation,
    findings: &mut Findings,
) -> Result<(), PluginError> {
    let Some(contracts) = CONTRACTS.entries(evaluation.service_contracts(), findings)? else { return Ok(()) };
    let during = evaluation.working_time();
    for (supplier, name) in suppliers.iter().zip(names) {
        let id = supplier.id.as_str();
        let is_its = |contract: &ServiceContract| {
            let is_provider = contract.provider == id || Some(&contract.provider) == name.as_ref();
            contract.kind == UNDERPINNING && is_provider
        };
        let its = contracts.iter().enumerate().filter(|(_, contract)| is_its(contract));
        let its: Vec<(usize, &ServiceContract, Option<ContractLapse>)> =
            its.map(|(index, contract)| (index, contract, contract.lapse(&during))).collect();
        if its.is_empty() {
            findings.wrong("contract-missing", |code| {
                let message =
                    format!("the register has no contract of the kind `{UNDERPINNING}` with the supplier `{id}`");
                let remedy =
                    CONTRACTS.fill(format!("make a contract with the supplier `{id}`, and enter it in the register"));
                Finding::new(code, message).about(id).at(CONTRACTS.place()).remedy(remedy)
            });
        }
        // One contract in force is enough.
        if its.iter().any(|(_, _, lapse)| lapse.is_none()) {
            continue;
        }
        for (index, contract, lapse) in its {
            let place = CONTRACTS.place().index(index);
            let (code, key, expected, found) = match lapse {
                None => continue,
                Some(ContractLapse::NotActive) => {
                    ("contract-not-active", "active", "`true`".to_owned(), "false".to_owned())
                }
                Some(ContractLapse::NotBegun(_) | ContractLapse::Ended(_)) => {
                    let term = contract.term.map(|term| term.to_string()).unwrap_or_default();
                    ("contract-outside-term", "term", format!("a term that holds {during}"), term)
                }
            };
            findings.wrong(code, |code| {
                let why = lapse.map(ContractLapse::in_words).unwrap_or_default();
                let message = format!("the contract `{}` with the supplier `{id}` {why}", contract.id);
                let need = CorrectionNeeded::new(place.key(key), expected).found(found);
                let remedy = Requirement::correction("correct-contract", need).owner(CONTRACTS.keeper);
                Finding::new(code, message).about(id).at(place.key(key)).remedy(remedy)
            });
        }
    }
    Ok(())
}
