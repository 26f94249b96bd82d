//! Checks that a group's expression is monotone: one more member that allows never makes it worse.
//!
//! `!members.exists(m, m.standing == "allow")` is a valid expression, but opens the gate because nobody agreed. Groups
//! are small, so all combinations of answers are tried.

use lockgate_domain::Standing;

use crate::expression::{Expression, Member};

/// The most combinations that are tried.
const MOST: usize = 4096;

/// A member whose change to "allow" would make the group deny, and the member's answer before.
pub(super) fn falls(expression: &Expression, members: &[(&str, &str)]) -> Option<(String, Standing)> {
    let all = [Standing::Deny, Standing::Pending, Standing::NotApplicable, Standing::Allow];
    let few = [Standing::Deny, Standing::Allow];
    let fits = |choices: usize| choices.checked_pow(members.len().try_into().ok()?).filter(|count| *count <= MOST);
    let (choices, count): (&[Standing], usize) = match (fits(all.len()), fits(few.len())) {
        (Some(count), _) => (&all, count),
        (None, Some(count)) => (&few, count),
        (None, None) => return None,
    };
    let holds = |said: &[Standing]| {
        let members: Vec<Member<'_>> =
            members.iter().zip(said).map(|((id, plugin), said)| Member { id, plugin, standing: *said }).collect();
        // An expression that cannot be evaluated is reported at the gate.
        expression.holds_for(&members).unwrap_or(false)
    };
    for number in 0..count {
        let mut said = combination(number, choices, members.len());
        if !holds(&said) {
            continue;
        }
        for (place, (id, _)) in members.iter().enumerate() {
            let Some(one) = said.get_mut(place).filter(|one| **one != Standing::Allow) else { continue };
            let before = std::mem::replace(one, Standing::Allow);
            if !holds(&said) {
                return Some(((*id).to_owned(), before));
            }
            if let Some(one) = said.get_mut(place) {
                *one = before;
            }
        }
    }
    None
}

/// Whether the expression is true although every member denies: then no member can keep the group from being satisfied.
pub(super) fn always_holds(expression: &Expression, members: &[(&str, &str)]) -> bool {
    let denying: Vec<Member<'_>> =
        members.iter().map(|(id, plugin)| Member { id, plugin, standing: Standing::Deny }).collect();
    expression.holds_for(&denying).unwrap_or(false)
}

/// The combination with this number, whose digits are the choices.
fn combination(mut number: usize, choices: &[Standing], length: usize) -> Vec<Standing> {
    (0..length)
        .filter_map(|_| {
            let digit = number.checked_rem(choices.len())?;
            number /= choices.len();
            choices.get(digit).copied()
        })
        .collect()
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "tests")]

    use super::*;

    fn falls_for(text: &str) -> Option<(String, Standing)> {
        let (expression, _) = Expression::over_members(text).unwrap();
        falls(&expression, &[("a", "four-eyes"), ("b", "four-eyes"), ("c", "four-eyes")])
    }

    #[test]
    fn what_holds_although_all_deny_always_holds() {
        let members = [("a", "four-eyes"), ("b", "change-window")];
        let always = |text: &str| always_holds(&Expression::over_members(text).unwrap().0, &members);
        for text in [
            "true",
            "members.size() >= 2",
            "members.all(m, m.id != \"typo\" || m.standing == \"allow\")",
            "!members.exists(m, m.id == \"typo\" && m.standing == \"deny\")",
            "members.all(m, m.plugin != \"four-eye\" || m.standing == \"allow\")",
            "members.filter(m, m.id == \"x\").all(m, m.standing == \"allow\")",
            "members.filter(m, m.standing == \"allow\").size() >= 0",
        ] {
            assert!(always(text), "{text}");
        }
        for text in [
            "members.exists(m, m.standing == \"allow\")",
            "members.all(m, m.standing != \"deny\")",
            "members.all(m, m.id != \"a\" || m.standing == \"allow\")",
            "members.filter(m, m.standing == \"allow\").size() >= 1",
        ] {
            assert!(!always(text), "{text}");
        }
    }

    #[test]
    fn so_many_of_so_many_never_falls() {
        assert_eq!(falls_for("members.filter(m, m.standing == \"allow\").size() >= 2"), None);
        assert_eq!(falls_for("members.all(m, m.standing in [\"allow\", \"not-applicable\"])"), None);
        assert_eq!(falls_for("members.all(m, m.standing != \"deny\")"), None);
    }

    #[test]
    fn a_group_that_is_satisfied_because_somebody_is_not_falls() {
        assert_eq!(falls_for("!members.exists(m, m.standing == \"allow\")"), Some(("a".to_owned(), Standing::Deny)));
        assert_eq!(
            falls_for("members.exists(m, m.standing == \"pending\")"),
            Some(("a".to_owned(), Standing::Pending))
        );
    }
}
