#![doc = include_str!("../README.md")]

mod matching;
mod settings;
mod standing;

#[cfg(test)]
mod tests;

use lockgate_plugin::roles::CHANGE_AUTHORITY;
use lockgate_plugin::{
    Answer, ApprovalPolicy, ApprovalsNeeded, Evaluation, Finding, Plugin, PluginError, Reason, Requirement,
    SettingsFinding,
};

use settings::{Need, Settings};
use standing::{Counted, Standing, standing};

/// Asks for enough approvals.
#[derive(Debug)]
struct FourEyes {
    settings: Settings,
}

impl Plugin for FourEyes {
    type Settings = Settings;

    fn configure(settings: Settings) -> Result<Self, Vec<SettingsFinding>> {
        SettingsFinding::refuse_any(settings.findings())?;
        Ok(Self { settings })
    }
}

impl ApprovalPolicy for FourEyes {
    fn decide(&self, evaluation: &Evaluation) -> Result<Answer, PluginError> {
        let need = self.settings.need(evaluation.change().risk);
        let outsiders = self.outsiders(evaluation);
        let standing = standing(&self.settings, evaluation, &outsiders);
        let void = void_reasons(&standing, &need);
        let requirements = missing(&need, &standing.counted, &outsiders, &evaluation.subject());
        if !standing.rejections.is_empty() {
            let subject = evaluation.subject();
            let rejections = standing.rejections.iter().map(|rejection| rejection.finding(&subject));
            // What is missing stands beside it: a waiver of the rejection must not stand in for the approvals.
            let missing = requirements
                .into_iter()
                .map(|missing| Finding::new(missing.code.clone(), missing.message.clone()).remedy(missing));
            return Ok(Answer::deny_all(rejections.chain(missing)).reasons(void));
        }
        if requirements.is_empty() {
            // Somebody whose approval nobody asked for is among the reasons, and not among those who approved.
            let counted = standing.counted.iter().filter(|counted| !is_idle(counted, &need));
            let message = format!("approved by {}", join(counted.map(Counted::in_words)));
            return Ok(Answer::allow().because("enough-approvals", message).reasons(void));
        }
        Ok(Answer::require_all(requirements).reasons(void))
    }
}

/// Somebody who cannot count, whatever they answer.
struct Outsider {
    id: String,
    /// What the person is to the deployment: `requester`.
    relation: &'static str,
    /// The same as the end of a sentence: `asked for the deployment`.
    why: &'static str,
}

impl FourEyes {
    /// The requester, and the contributors if they are excluded.
    fn outsiders(&self, evaluation: &Evaluation) -> Vec<Outsider> {
        let requester = evaluation.requester().id;
        let contributors = if self.settings.exclude_contributors { evaluation.contributors() } else { Vec::new() };
        let contributors =
            contributors.into_iter().filter(|contributor| contributor.id != requester).map(|contributor| Outsider {
                id: contributor.id,
                relation: "contributor",
                why: "contributed to the change",
            });
        let mut outsiders: Vec<Outsider> = contributors.collect();
        outsiders.insert(0, Outsider { id: requester, relation: "requester", why: "asked for the deployment" });
        outsiders
    }
}

/// Whether somebody approved in roles alone that nobody asked for.
fn is_idle(counted: &Counted, need: &Need) -> bool {
    let asked = |role: &String| need.roles.iter().any(|(known, _)| known == role);
    let anybody_counts = need.people > need.in_roles();
    !anybody_counts && !counted.roles.iter().any(asked)
}

/// Why approvals do not count, those in a role that nobody asked for included.
fn void_reasons(standing: &Standing, need: &Need) -> Vec<Reason> {
    let idle = standing.counted.iter().filter(|counted| is_idle(counted, need));
    let idle = idle.map(|counted| {
        let (id, roles) = (&counted.id, counted.roles.join(", "));
        let asked = join(need.roles.iter().map(|(role, _)| format!("`{role}`")));
        let message =
            format!("the approval of `{id}` does not count: it was given as `{roles}`, and this gate asks for {asked}");
        Reason::new("approval-role-not-asked", message)
    });
    standing.void_reasons().chain(idle).collect()
}

/// What is still missing: one requirement for each role, and one for the number of people in all.
fn missing(need: &Need, counted: &[Counted], outsiders: &[Outsider], subject: &str) -> Vec<Requirement> {
    let places: Vec<u32> = need.roles.iter().map(|(_, count)| *count).collect();
    let fits = counted.iter().map(|person| {
        need.roles.iter().enumerate().filter(|(_, (role, _))| person.roles.contains(role)).map(|(i, _)| i).collect()
    });
    let assigned = matching::assign(&places, &fits.collect::<Vec<Vec<usize>>>());
    let excluded = |include: &dyn Fn(Option<usize>) -> bool| -> Vec<(String, &'static str)> {
        let outsiders = outsiders.iter().map(|outsider| (outsider.id.clone(), outsider.relation));
        let taken = counted.iter().zip(&assigned).filter(|(_, role)| include(**role));
        outsiders.chain(taken.map(|(person, _)| (person.id.clone(), "approved already"))).collect()
    };

    let mut requirements = Vec::new();
    let mut missing_in_roles: u32 = 0;
    for (index, (role, count)) in need.roles.iter().enumerate() {
        let filled = assigned.iter().filter(|taken| **taken == Some(index)).count();
        let missing = count.saturating_sub(u32::try_from(filled).unwrap_or(u32::MAX));
        if missing > 0 {
            // Somebody who approved in another role and counts nowhere may still approve in this one.
            let excluded = excluded(&|role| role.is_some());
            let who = format!(" in role `{role}`");
            let need = ApprovalsNeeded::new(role, missing, subject);
            requirements.push(approvals_needed("approvals-missing", need, &who, &excluded).owner(role));
            missing_in_roles = missing_in_roles.saturating_add(missing);
        }
    }
    let distinct = u32::try_from(counted.len()).unwrap_or(u32::MAX);
    let missing = need.people.saturating_sub(distinct.saturating_add(missing_in_roles));
    if missing > 0 {
        let excluded = excluded(&|_| true);
        let need = ApprovalsNeeded::anybody(missing, subject);
        // Nobody in particular has to approve: those who authorise the change see to it that enough people do.
        requirements.push(approvals_needed("people-missing", need, " in any role", &excluded).owner(CHANGE_AUTHORITY));
    }
    requirements
}

fn approvals_needed(code: &str, need: ApprovalsNeeded, who: &str, excluded: &[(String, &str)]) -> Requirement {
    let (approvals, are) = match need.missing {
        1 => ("approval", "is"),
        _ => ("approvals", "are"),
    };
    let message = format!("{} {approvals}{who} {are} missing{}", need.missing, not_eligible(excluded));
    Requirement::new(code, message, need.excluding(excluded.iter().map(|(id, _)| id)))
}

/// Who cannot give one and why, as the end of a sentence.
fn not_eligible(excluded: &[(String, &str)]) -> String {
    let people: Vec<String> = excluded.iter().map(|(id, why)| format!("`{id}` ({why})")).collect();
    match people.as_slice() {
        [] => String::new(),
        people => format!("; not eligible: {}", people.join(", ")),
    }
}

/// `a`, `a and b`, `a, b and c`.
fn join(parts: impl Iterator<Item = String>) -> String {
    let parts: Vec<String> = parts.collect();
    match parts.split_last() {
        None => String::new(),
        Some((last, [])) => last.clone(),
        Some((last, rest)) => format!("{} and {last}", rest.join(", ")),
    }
}

lockgate_plugin::export!(FourEyes: approval_policy);
