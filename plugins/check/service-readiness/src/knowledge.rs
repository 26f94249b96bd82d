//! Whether the knowledge items of the release are validated or published, and still valid.

use lockgate_plugin::roles::RELEASE_MANAGER;
use lockgate_plugin::time::Timestamp;
use lockgate_plugin::types::{KnowledgeItem, KnowledgeStatus};
use lockgate_plugin::{CorrectionNeeded, Evaluation, Finding, Findings, Pointer};

use crate::settings::Settings;

/// Looks at all knowledge items of the release, except those that are archived.
pub(crate) fn check(settings: &Settings, evaluation: &Evaluation, findings: &mut Findings) {
    if !settings.knowledge {
        return;
    }
    let items = evaluation.knowledge_items();
    let place = Pointer::root().key("release").key("knowledge_items");
    let is_in_use = |item: &KnowledgeItem| item.status != KnowledgeStatus::Archived;
    if !items.iter().any(is_in_use) {
        findings.wrong("knowledge-missing", |code| {
            let message = "the release has no knowledge item, so nobody knows how to run and support it";
            let need = CorrectionNeeded::new(&place, "at least one validated item").found("nothing");
            Finding::new(code, message).correct("correct-knowledge", need, RELEASE_MANAGER)
        });
    }
    for (index, item) in items.iter().enumerate().filter(|(_, item)| is_in_use(item)) {
        one(item, &place.index(index), settings.knowledge_published, evaluation, findings);
    }
}

fn one(item: &KnowledgeItem, place: &Pointer, published: bool, evaluation: &Evaluation, findings: &mut Findings) {
    let (id, title, status) = (item.id.as_str(), item.title.as_str(), item.status);
    let mut wrong = |code, why: &str, key, expected: &str, found: &str| {
        findings.wrong(code, |code| {
            let message = format!("the knowledge item `{id}` ({title}) {why}");
            let need = CorrectionNeeded::new(place.key(key), expected).found(found);
            Finding::new(code, message).about(id).correct("correct-knowledge", need, RELEASE_MANAGER)
        });
    };
    if !status.is_valid() {
        let expected = if published { "published" } else { "validated or published" };
        wrong("knowledge-not-validated", "is not validated", "status", expected, status.word());
    } else if published && status != KnowledgeStatus::Published {
        wrong("knowledge-not-published", "is not published", "status", "published", status.word());
    }
    // The time counts only where an item expires.
    if let Some(expires) = item.expires.map(Timestamp::from)
        && evaluation.now() >= expires
    {
        let why = format!("expired at {expires}");
        let expected = format!("a time after {}", evaluation.now());
        wrong("knowledge-expired", &why, "expires", &expected, &expires.to_string());
    }
}
