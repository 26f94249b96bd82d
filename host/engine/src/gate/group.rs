//! Groups: several bindings that count as one.

use std::collections::BTreeMap;

use lockgate_domain::{BindingAnswer, BindingOutcome, GroupOutcome, Standing, combine};

use crate::expression::Member;
use crate::load::LoadedGroup;

/// The outcome of a group, once its members have answered.
pub(super) fn settle(group: &LoadedGroup, bindings: &[&BindingOutcome]) -> GroupOutcome {
    let members: Vec<&BindingOutcome> =
        bindings.iter().copied().filter(|binding| binding.group.as_deref() == Some(&group.model.id)).collect();
    let said: Vec<(Standing, bool)> = members
        .iter()
        .map(|member| (member.standing, !matches!(member.answer, BindingAnswer::NotAsked { .. })))
        .collect();
    let standing = combine::of_group(&said, |standings| {
        let members: Vec<Member<'_>> = members
            .iter()
            .zip(standings)
            .map(|(member, standing)| Member { id: &member.id, plugin: &member.plugin.name, standing: *standing })
            .collect();
        group.expression.holds_for(&members)
    });
    let (standing, message) = match standing {
        Ok(standing) => (standing, message(standing, &members)),
        Err(error) => (Standing::Error, format!("its expression cannot be evaluated: {error}")),
    };
    GroupOutcome {
        id: group.model.id.clone(),
        expression: group.model.expression.clone(),
        enforcement: group.model.enforcement,
        members: members.iter().map(|member| (member.id.clone(), member.standing)).collect::<BTreeMap<_, _>>(),
        standing,
        exemption: None,
        message,
    }
}

fn message(standing: Standing, members: &[&BindingOutcome]) -> String {
    let said = members
        .iter()
        .map(|member| format!("`{}` {}", member.id, member.standing.as_str()))
        .collect::<Vec<_>>()
        .join(", ");
    let sum = match standing {
        Standing::Allow => "satisfied",
        Standing::Deny => "not satisfied",
        Standing::Pending => "not satisfied yet",
        Standing::Error => "the outcome is unknown, because a member could not answer",
        Standing::NotApplicable => "no member was asked",
    };
    format!("{sum}: {said}")
}
