//! Combines the answers of bindings and groups into the verdict of a gate.
//!
//! The combination depends only on standings and enforcements, so that it can be proved in isolation: order never
//! matters, and one more mandatory "no" never makes a gate more permissive.

use crate::{Answer, CheckOutcome, Enforcement, PolicyVerdict, Report, Standing, Verdict};

/// The answer of a binding or group, and its effect on the gate.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Voice {
    /// The standing of the answer.
    pub standing: Standing,
    /// The effect of the answer on the gate.
    pub enforcement: Enforcement,
}

impl Voice {
    /// Whether it blocks the deployment.
    pub fn blocks(self) -> bool {
        self.enforcement != Enforcement::Advisory && !matches!(self.standing, Standing::Allow | Standing::NotApplicable)
    }
}

/// The verdict of a gate. A breach of a host rule denies, whatever the voices say. Otherwise a mandatory "no" denies, a
/// mandatory "could not answer" is an error (the gate fails closed), and a mandatory "not yet" is pending. A gate that
/// nothing blocks allows.
pub fn verdict(voices: impl IntoIterator<Item = Voice>, breached: bool) -> Verdict {
    let mut verdict = if breached { Verdict::Deny } else { Verdict::Allow };
    for voice in voices.into_iter().filter(|voice| voice.blocks()) {
        let said = match voice.standing {
            Standing::Deny => Verdict::Deny,
            Standing::Error => Verdict::Error,
            Standing::Pending => Verdict::Pending,
            Standing::Allow | Standing::NotApplicable => Verdict::Allow,
        };
        if weight(said) > weight(verdict) {
            verdict = said;
        }
    }
    verdict
}

/// A definite "no" outweighs "nobody can tell", which outweighs "not yet". A known mistake stays one when a broken
/// plugin is repaired, and people should repair a plugin before they are asked for missing input.
fn weight(verdict: Verdict) -> u8 {
    match verdict {
        Verdict::Allow => 0,
        Verdict::Pending => 1,
        Verdict::Error => 2,
        Verdict::Deny => 3,
    }
}

/// The standing of an approval policy's answer.
pub fn of_answer(answer: &Answer) -> Standing {
    match answer.verdict {
        PolicyVerdict::Allow => Standing::Allow,
        PolicyVerdict::Deny => Standing::Deny,
        PolicyVerdict::Require => Standing::Pending,
        PolicyVerdict::Abstain => Standing::NotApplicable,
    }
}

/// The standing of a check's report. Not enough data is "not yet": data can still arrive.
pub fn of_report(report: &Report) -> Standing {
    match report.outcome {
        CheckOutcome::Passed => Standing::Allow,
        CheckOutcome::Failed => Standing::Deny,
        CheckOutcome::Pending | CheckOutcome::Inconclusive => Standing::Pending,
        CheckOutcome::Skipped => Standing::NotApplicable,
    }
}

/// The standing of a group. `holds` evaluates the group's expression over standings, one for each member, in order.
///
/// A group without an asked member is not applicable. Otherwise the group allows if its expression holds. If it does
/// not, the group is pending if the expression would hold once the pending members said yes, an error if it would hold
/// once those that could not answer said yes too, and denies in all other cases.
///
/// # Errors
/// The error of `holds`.
pub fn of_group<E>(
    members: &[(Standing, bool)],
    mut holds: impl FnMut(&[Standing]) -> Result<bool, E>,
) -> Result<Standing, E> {
    if members.iter().all(|(_, asked)| !asked) {
        return Ok(Standing::NotApplicable);
    }
    let mut standings: Vec<Standing> = members.iter().map(|(standing, _)| *standing).collect();
    if holds(&standings)? {
        return Ok(Standing::Allow);
    }
    for hoped_for in [Standing::Pending, Standing::Error] {
        if !standings.contains(&hoped_for) {
            continue;
        }
        for standing in standings.iter_mut().filter(|standing| **standing == hoped_for) {
            *standing = Standing::Allow;
        }
        if holds(&standings)? {
            return Ok(hoped_for);
        }
    }
    Ok(Standing::Deny)
}
