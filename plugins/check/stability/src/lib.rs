#![doc = include_str!("../README.md")]

mod contacts;
mod events;
mod incidents;
mod monitors;
mod objectives;
mod settings;
mod window;

#[cfg(test)]
mod tests;

use lockgate_plugin::roles::{DEPLOYMENT_MANAGER, OPERATIONS_MANAGER};
use lockgate_plugin::types::Scenario;
use lockgate_plugin::{
    Advice, Capability, CorrectionNeeded, Evaluation, Finding, Findings, Outcome, Plugin, PluginError, Pointer, Report,
    Requirement, SettingsFinding, TargetInstances, TimeNeeded, ValidationCheck, counted,
};

use settings::{Settings, WayOn};
use window::Window;

/// Looks whether the service has been stable long enough since the deployment.
#[derive(Debug)]
struct Stability {
    settings: Settings,
}

impl Plugin for Stability {
    type Settings = Settings;

    fn configure(settings: Settings) -> Result<Self, Vec<SettingsFinding>> {
        SettingsFinding::refuse_any(settings.findings())?;
        Ok(Self { settings })
    }

    fn needs(&self) -> Vec<Capability> {
        self.settings.needs()
    }
}

impl ValidationCheck for Stability {
    fn run(&self, evaluation: &Evaluation) -> Result<Report, PluginError> {
        let settings = &self.settings;
        if evaluation.scenario() == Scenario::Removal {
            return Ok(Report::skipped("after a removal there is no service that has to be stable"));
        }
        let product = evaluation.product().name;
        let mut findings = Findings::default();
        let Some(window) = Window::of(settings.stable_for, evaluation) else {
            not_deployed(&mut findings);
            return Ok(findings
                .report(|_, _| format!("nobody can tell whether the service {product} is stable: it is not deployed"))
                .advice(Advice::Wait));
        };
        let instances = TargetInstances::of(evaluation);
        let objectives = objectives::check(settings, &window, evaluation, &mut findings)?;
        monitors::check(settings, evaluation, &mut findings)?;
        incidents::check(settings, &window, &instances, evaluation, &mut findings)?;
        events::check(settings, &window, &instances, evaluation, &mut findings)?;
        contacts::check(settings, &window, &instances, evaluation, &mut findings)?;
        if findings.outcome() == Outcome::Passed && !window.is_complete() {
            not_yet(&window, &mut findings);
        }
        let advice = advise(settings, evaluation, &mut findings);
        let report = findings.report(|outcome, count| {
            let (length, budget) = (window.in_words(), objectives.used_in_words());
            let things = counted(count, "thing", "things");
            match outcome {
                Outcome::Passed | Outcome::Skipped => format!("the service {product} is stable for {length}{budget}"),
                Outcome::Pending => {
                    format!("the service {product} is stable for {length}{budget}; next look at {}", window.end())
                }
                Outcome::Failed => format!("the service {product} is not stable: {things} broke it{budget}"),
                Outcome::Inconclusive => {
                    format!("nobody can tell whether the service {product} is stable: {things} not known{budget}")
                }
            }
        });
        Ok(objectives.measurements.into_iter().fold(report.advice(advice), Report::measurement))
    }
}

/// The finding that nothing is deployed yet.
fn not_deployed(findings: &mut Findings) {
    findings.unknown("not-deployed", |code| {
        let message = "the exit of fulfill was not passed, so there is no service yet that could be stable";
        let need = CorrectionNeeded::new(Pointer::root().key("gates_passed"), "the passage of the exit of fulfill");
        Finding::new(code, message).correct("deploy-first", need, DEPLOYMENT_MANAGER)
    });
}

/// The finding that the time is not over yet.
fn not_yet(window: &Window, findings: &mut Findings) {
    findings.again(window.end());
    findings.awaited("not-stable-long-enough", |code| {
        let (length, end) = (window.in_words(), window.end());
        let message =
            format!("the release was deployed at {}, and the service is watched for {length}", window.deployed);
        let remedy = format!("wait until {end}");
        let remedy = Requirement::new("wait-until-stable", remedy, TimeNeeded::starting(end)).owner(OPERATIONS_MANAGER);
        Finding::new(code, message).at(Pointer::root().key("gates_passed")).remedy(remedy)
    });
}

/// What the check would do next. If the service is not stable, a finding says why that way.
fn advise(settings: &Settings, evaluation: &Evaluation, findings: &mut Findings) -> Advice {
    match findings.outcome() {
        Outcome::Passed | Outcome::Skipped => Advice::GoOn,
        Outcome::Pending | Outcome::Inconclusive => Advice::Wait,
        Outcome::Failed => {
            let is_too_late = evaluation.progress().is_some_and(|progress| progress.past_point_of_no_return);
            let (advice, code, message) = match settings.advice {
                WayOn::Back if is_too_late => (
                    Advice::Patch,
                    "advised-forward",
                    "the point of no return has been passed, so there is no way back: repair the service by a further release",
                ),
                WayOn::Back => (
                    Advice::GoBack,
                    "advised-back",
                    "the settings say to take the way back if the service is not stable",
                ),
                WayOn::Forward => (
                    Advice::Patch,
                    "advised-forward",
                    "the settings say to repair the service by a further release if it is not stable",
                ),
            };
            findings.noted(code, |code| Finding::new(code, message));
            advice
        }
    }
}

lockgate_plugin::export!(Stability: validation_check);
