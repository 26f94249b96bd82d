#![doc = include_str!("../README.md")]

mod attestation;
mod contracts;
mod involved;
mod settings;

#[cfg(test)]
mod tests;

use lockgate_plugin::{
    Capability, Evaluation, Finding, Findings, Outcome, Plugin, PluginError, Report, SettingsFinding, ValidationCheck,
    counted, listed,
};

use involved::InvolvedSupplier;
use settings::{SUPPLIERS, Settings};

/// Looks whether the suppliers involved are known, under contract, and have attested what they have to.
#[derive(Debug)]
struct SupplierEvidence {
    settings: Settings,
}

impl Plugin for SupplierEvidence {
    type Settings = Settings;

    fn configure(settings: Settings) -> Result<Self, Vec<SettingsFinding>> {
        SettingsFinding::refuse_any(settings.findings())?;
        Ok(Self { settings })
    }

    fn needs(&self) -> Vec<Capability> {
        self.settings.needs()
    }
}

impl ValidationCheck for SupplierEvidence {
    fn run(&self, evaluation: &Evaluation) -> Result<Report, PluginError> {
        let settings = &self.settings;
        let mut findings = Findings::default();
        let suppliers = involved::suppliers(settings, evaluation, &mut findings);
        if suppliers.is_empty() && findings.outcome() == Outcome::Passed {
            return Ok(Report::skipped("no supplier is involved"));
        }
        if !suppliers.is_empty() {
            let names = registered(&suppliers, evaluation, &mut findings)?;
            if settings.contract {
                contracts::check(&suppliers, &names, evaluation, &mut findings)?;
            }
            for supplier in &suppliers {
                attestation::check(settings, supplier, evaluation, &mut findings)?;
            }
        }
        let who = match suppliers.as_slice() {
            [] => "a supplier".to_owned(),
            [_] => "the supplier involved".to_owned(),
            several => format!("the {} suppliers involved", several.len()),
        };
        let ids = match suppliers.as_slice() {
            [] => String::new(),
            some => format!(" ({})", listed(some.iter().map(|supplier| &supplier.id), "and")),
        };
        Ok(findings.report(|outcome, count| {
            let things = counted(count, "thing is", "things are");
            match outcome {
                Outcome::Passed | Outcome::Skipped => {
                    let contract = if settings.contract { ", under contract," } else { "" };
                    let is = if suppliers.len() == 1 { "is known" } else { "are known" };
                    let have = if suppliers.len() == 1 {
                        "has attested what it has to"
                    } else {
                        "have attested what they have to"
                    };
                    format!("{who}{ids} {is}{contract} and {have}")
                }
                Outcome::Failed => format!("{things} missing or wrong with {who}{ids}"),
                Outcome::Inconclusive | Outcome::Pending => format!("{things} not known about {who}{ids}"),
            }
        }))
    }
}

/// Looks for each supplier in the register, and returns the names that the register has for them, in the same order.
fn registered(
    suppliers: &[InvolvedSupplier],
    evaluation: &Evaluation,
    findings: &mut Findings,
) -> Result<Vec<Option<String>>, PluginError> {
    let register = match evaluation.suppliers() {
        // The host joins the suppliers that the deployment mentions, and no others: an empty list is no empty register.
        Ok(joined) if joined.is_empty() => joined,
        answer => match SUPPLIERS.entries(answer, findings)? {
            Some(joined) => joined,
            None => return Ok(vec![None; suppliers.len()]),
        },
    };
    let mut names = Vec::new();
    for supplier in suppliers {
        let id = supplier.id.as_str();
        let known = register.iter().find(|known| known.id == id);
        if known.is_none() {
            findings.wrong("supplier-unknown", |code| {
                let why = supplier.why();
                let (message, remedy) = if supplier.is_mentioned {
                    (
                        format!("the supplier `{id}` is not in the register of suppliers; it is {why}"),
                        format!("enter the supplier `{id}` in the register `suppliers`"),
                    )
                } else {
                    (
                        format!(
                            "the supplier `{id}` is not among the suppliers of this deployment; it is {why}. Either the register \
                             has no such supplier, or nothing about the deployment mentions it"
                        ),
                        format!(
                            "enter the supplier `{id}` in the register `suppliers`, and have the deployment mention it: as the \
                             provider of an entry of `service-contracts`, in an order, in the release or in the environment"
                        ),
                    )
                };
                let remedy = SUPPLIERS.fill(remedy);
                let places = supplier.places.iter().cloned().chain([SUPPLIERS.place()]);
                places.fold(Finding::new(code, message).about(id), Finding::at).remedy(remedy)
            });
        }
        names.push(known.map(|known| known.name.clone()));
    }
    Ok(names)
}

lockgate_plugin::export!(SupplierEvidence: validation_check);
