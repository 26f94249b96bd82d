//! From what each binding and group says to what the gate says.
//!
//! The combination looks at nothing but standings and enforcements, so that it can be proved in isolation: order never
//! matters, and one more mandatory "no" never makes a gate more permissive.

use crate::{Answer, CheckOutcome, Enforcement, Report, Ruling, Standing, Verdict};

/// What one binding or group says, and what that does to the gate.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Voice {
    /// What it says.
    pub standing: Standing,
    /// What that does.
    pub enforcement: Enforcement,
}

impl Voice {
    /// Whether it stands in the deployment's way.
    pub fn blocks(self) -> bool {
        self.enforcement != Enforcement::Advisory && !matches!(self.standing, Standing::Allow | Standing::NotApplicable)
    }
}

/// What the gate says. A breach of a host rule denies, whatever the voices say; then a mandatory "no" denies, a
/// mandatory "could not answer" is an error (the gate fails closed), and a mandatory "not yet" is pending. A gate at
/// which nobody stands in the way allows.
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

/// A definite "no" outweighs "nobody can tell", which outweighs "not yet": what is known to be wrong stays wrong when a
/// broken plugin is mended, and a broken plugin is mended before people are asked to bring what is missing.
fn weight(verdict: Verdict) -> u8 {
    match verdict {
        Verdict::Allow => 0,
        Verdict::Pending => 1,
        Verdict::Error => 2,
        Verdict::Deny => 3,
    }
}

/// What an approval policy's answer says.
pub fn of_answer(answer: &Answer) -> Standing {
    match answer.ruling {
        Ruling::Allow => Standing::Allow,
        Ruling::Deny(_) => Standing::Deny,
        Ruling::Require(_) => Standing::Pending,
        Ruling::Abstain => Standing::NotApplicable,
    }
}

/// What a check's report says. Not enough data is "not yet": data can still come.
pub fn of_report(report: &Report) -> Standing {
    match report.outcome {
        CheckOutcome::Passed => Standing::Allow,
        CheckOutcome::Failed => Standing::Deny,
        CheckOutcome::Inconclusive => Standing::Pending,
        CheckOutcome::Skipped => Standing::NotApplicable,
    }
}

/// What a group says. `holds` evaluates the group's expression over standings, one per member in order.
///
/// A group of which no member was asked has nothing to say. Otherwise it allows if its expression holds; if it does not,
/// it is pending where it would hold once the pending members said yes, an error where it would hold once those who
/// could not answer said yes too, and else it denies.
///
/// # Errors
/// What `holds` reports.
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
