//! Conditions in CEL: they are evaluated at every gate, so they must end soon whatever they say.

use std::sync::LazyLock;
use std::time::{Duration, Instant};

use lockgate_domain::{Snapshot, Standing};
use lockgate_engine::expression::{Expression, Member, Variables};
use lockgate_engine::model::ModelFinding;

/// What a gate can wait for, in a build that is hardly optimised, on a machine that is busy otherwise.
const LONGEST: Duration = Duration::from_secs(4);

/// A deployment with something in every part that expressions can look at.
static SNAPSHOT: LazyLock<Snapshot> =
    LazyLock::new(|| serde_json::from_str(include_str!("../corpus/snapshot/everything.json")).unwrap());

/// Takes the bytes for a condition over the snapshot, and for one over the members of a group. Whether it is one of them.
///
/// # Panics
/// If a finding lies outside of the text, if the same condition is answered in two ways, or if it takes long.
pub fn expression(bytes: &[u8]) -> bool {
    let Ok(text) = std::str::from_utf8(bytes) else { return false };
    let began = Instant::now();
    let over_snapshot = compiled(text, Expression::condition(text));
    if let Some(condition) = &over_snapshot {
        let variables = Variables::new(&SNAPSHOT);
        let answer = condition.holds(&variables);
        assert_eq!(answer, condition.holds(&Variables::new(&SNAPSHOT)), "{text}");
        if answer == Ok(false) {
            // What is to blame stands in the text.
            assert!(condition.false_part(&variables).is_none_or(|part| text.contains(&part)), "{text}");
        }
        condition.rises_with_risk();
    }
    let over_members = compiled(text, Expression::over_members(text));
    if let Some(condition) = &over_members {
        let member = |id, standing| Member { id, plugin: "plugin", standing };
        let members = [member("one", Standing::Allow), member("two", Standing::Deny)];
        assert_eq!(condition.holds_for(&members), condition.holds_for(&members), "{text}");
    }
    let took = began.elapsed();
    assert!(took < LONGEST, "it took {took:?}: {text}");
    over_snapshot.is_some() || over_members.is_some()
}

type Compiled = Result<(Expression, Vec<ModelFinding>), Vec<ModelFinding>>;

/// The expression, if it is one. Every finding is held against the text.
fn compiled(text: &str, compiled: Compiled) -> Option<Expression> {
    let (expression, findings) = match compiled {
        Ok((expression, warnings)) => (Some(expression), warnings),
        Err(findings) => {
            assert!(!findings.is_empty(), "refused without a reason: {text}");
            (None, findings)
        }
    };
    for finding in &findings {
        assert!(text.get(finding.span.clone()).is_some(), "{finding:?} lies outside of the text");
    }
    expression
}
