#![doc = include_str!("../README.md")]

mod books;
mod capacities;
mod orders;
mod settings;

#[cfg(test)]
mod tests;

use lockgate_plugin::roles::DEPLOYMENT_MANAGER;
use lockgate_plugin::types::{Phase, Scenario, Stage, TimeWindow};
use lockgate_plugin::{
    Capability, CorrectionNeeded, Evaluation, Finding, Findings, Outcome, Plugin, PluginError, Pointer, Report,
    Requirement, SettingsFinding, ValidationCheck, counted,
};

use settings::Settings;

/// Looks whether fulfillment can begin.
#[derive(Debug)]
struct FulfillmentReady {
    settings: Settings,
}

impl Plugin for FulfillmentReady {
    type Settings = Settings;

    fn configure(settings: Settings) -> Result<Self, Vec<SettingsFinding>> {
        SettingsFinding::refuse_any(settings.findings())?;
        Ok(Self { settings })
    }

    fn needs(&self) -> Vec<Capability> {
        self.settings.needs()
    }
}

impl ValidationCheck for FulfillmentReady {
    fn run(&self, evaluation: &Evaluation) -> Result<Report, PluginError> {
        let settings = &self.settings;
        // A removal takes capacity from nobody.
        let capacities = settings.capacities && evaluation.scenario() != Scenario::Removal;
        if !(settings.books || settings.orders || capacities) {
            return Ok(Report::skipped("a removal needs no capacity"));
        }
        let mut findings = Findings::default();
        let slot = evaluation.slot();
        let books_need_slot = settings.books && books::check(settings, slot, evaluation, &mut findings)?;
        let orders_need_slot = settings.orders && orders::check(slot, evaluation, &mut findings)?;
        // A slot is due from the exit of plan-and-approve on.
        if slot.is_none()
            && (books_need_slot || orders_need_slot)
            && evaluation.has_reached(Stage::PlanAndApprove, Phase::Exit)
        {
            slot_missing(&mut findings);
        }
        let measurements =
            if capacities { capacities::check(settings, evaluation, &mut findings)? } else { Vec::new() };
        let release = evaluation.release().name;
        let report = findings.report(|outcome, count| {
            let things = counted(count, "thing is", "things are");
            match outcome {
                Outcome::Passed | Outcome::Skipped => {
                    format!("the fulfillment of {release} can begin: all that the settings ask for is there")
                }
                Outcome::Failed => {
                    format!(
                        "the fulfillment of {release} cannot begin: {things} not as {} should be",
                        if count == 1 { "it" } else { "they" }
                    )
                }
                Outcome::Inconclusive => {
                    format!("nobody can tell whether the fulfillment of {release} can begin: {things} not known")
                }
                Outcome::Pending => format!("the fulfillment of {release} cannot begin yet: {things} awaited"),
            }
        });
        Ok(measurements.into_iter().fold(report, Report::measurement))
    }
}

fn slot_missing(findings: &mut Findings) {
    findings.unknown("slot-missing", |code| {
        let message = "the plan has booked no slot, so nobody can tell whether books and orders are in time for it";
        Finding::new(code, message).at(slot_place()).remedy(book_slot("a slot", None))
    });
}

/// The place of the slot in the snapshot.
fn slot_place() -> Pointer {
    Pointer::root().key("plan").key("slot")
}

/// The requirement of a slot that would be accepted.
fn book_slot(expected: &str, found: Option<TimeWindow>) -> Requirement {
    let found = found.map_or("nothing".to_owned(), |slot| slot.to_string());
    let need = CorrectionNeeded::new(slot_place(), expected).found(found);
    Requirement::correction("book-slot", need).owner(DEPLOYMENT_MANAGER)
}

lockgate_plugin::export!(FulfillmentReady: validation_check);
