//! What operators, service desk and users need to know: there, validated, and still true.

use lockgate_plugin::time::Timestamp;
use lockgate_plugin::types::{KnowledgeItem, KnowledgeStatus, Severity};
use lockgate_plugin::{Evaluation, Finding, Pointer};

use crate::{ReleaseReadiness, wrong};

/// What is wrong with the knowledge items that the settings ask for.
pub(crate) fn findings(settings: &ReleaseReadiness, evaluation: &Evaluation) -> Vec<Finding> {
    let place = Pointer::root().key("release").key("knowledge_items");
    let items = evaluation.knowledge_items();
    let mut findings = Vec::new();
    for id in &settings.knowledge_items {
        match items.iter().enumerate().find(|(_, item)| item.id == *id) {
            Some((index, item)) => findings.extend(flaw(item, evaluation, &place.index(index))),
            None => {
                let message = format!("knowledge item `{id}` is not there");
                let finding = Finding::new("knowledge-item-missing", message).about(id);
                findings.push(wrong(Severity::High, finding, &place, &format!("a validated item `{id}`"), None));
            }
        }
    }
    let valid = items.iter().filter(|item| flaw(item, evaluation, &place).is_none()).count();
    let least = usize::try_from(settings.least_knowledge_items).unwrap_or(usize::MAX);
    // Also where a named item is at fault: a waiver of that must not stand in for the number.
    if valid < least {
        let (is, have) = (if valid == 1 { "item is" } else { "items are" }, if least == 1 { "has" } else { "have" });
        let message = format!("{valid} knowledge {is} validated and not expired, and at least {least} {have} to be");
        let finding = Finding::new("knowledge-items-too-few", message);
        findings.push(wrong(
            Severity::High,
            finding,
            &place,
            &format!("at least {least} valid {}", if least == 1 { "item" } else { "items" }),
            Some(&valid.to_string()),
        ));
        let others = items.iter().enumerate().filter(|(_, item)| !settings.knowledge_items.contains(&item.id));
        findings.extend(others.filter_map(|(index, item)| flaw(item, evaluation, &place.index(index))));
    }
    findings
}

/// Why the item does not count. The time is looked at only where an item expires: what does not hang on it, holds at any
/// moment.
fn flaw(item: &KnowledgeItem, evaluation: &Evaluation, place: &Pointer) -> Option<Finding> {
    let KnowledgeItem { id, title, status, expires, .. } = item;
    let why = match status {
        KnowledgeStatus::Validated | KnowledgeStatus::Published => None,
        KnowledgeStatus::Draft => Some("is a draft: nobody has validated it yet"),
        KnowledgeStatus::InReview => Some("is in review: nobody has validated it yet"),
        KnowledgeStatus::Archived => Some("is archived: it is no longer valid"),
    };
    if let Some(why) = why {
        let (status, message) = (status.word(), format!("knowledge item `{id}` ({title}) {why}"));
        let finding = Finding::new("knowledge-item-not-validated", message).about(id);
        return Some(wrong(Severity::High, finding, &place.key("status"), "validated or published", Some(status)));
    }
    let expires = expires.map(Timestamp::from)?;
    let now = evaluation.now();
    if now < expires {
        return None;
    }
    let message = format!("knowledge item `{id}` ({title}) expired at {expires}");
    let finding = Finding::new("knowledge-item-expired", message).about(id);
    let expected = format!("a time after {now}");
    Some(wrong(Severity::High, finding, &place.key("expires"), &expected, Some(&expires.to_string())))
}
