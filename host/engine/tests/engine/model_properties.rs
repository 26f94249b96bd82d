//! What holds for every text and every set of models.

use crate::model_support::snapshot;
use lockgate_engine::expression::{Expression, Member, Variables};
use lockgate_engine::model::{Candidate, Model, ModelFindings, Source, check, read, select};
use proptest::prelude::*;

const MODELS_MD: &str = include_str!("../../../../docs/models.md");

fn example() -> &'static str {
    let start = MODELS_MD.find("```toml\n").unwrap() + "```toml\n".len();
    let end = start + MODELS_MD[start..].find("```").unwrap();
    &MODELS_MD[start..end]
}

/// Whatever is found lies within the text, in order, and can be told.
fn assert_tells(text: &str) {
    let source = Source::new("model.toml", text);
    let findings: ModelFindings = match check(&source) {
        Ok(read) => {
            assert!(!read.warnings.has_errors());
            read.model.digest().unwrap();
            read.warnings
        }
        Err(findings) => {
            assert!(findings.has_errors());
            findings
        }
    };
    let mut last = 0;
    for finding in findings.iter() {
        let mut spans = vec![&finding.span];
        spans.extend(finding.related.iter().map(|related| &related.span));
        for span in spans {
            assert!(span.start <= span.end && span.end <= text.len(), "{finding:?}");
            assert!(text.is_char_boundary(span.start) && text.is_char_boundary(span.end), "{finding:?}");
        }
        assert!(last <= finding.span.start);
        last = finding.span.start;
    }
    assert!(findings.render(&source, false).ends_with('\n'));
    assert_eq!(findings.located(&source).len(), findings.iter().count());
}

fn words() -> impl Strategy<Value = String> {
    let words = [
        "change",
        ".risk",
        ".window",
        " == ",
        " != ",
        " && ",
        " || ",
        "!",
        "(",
        ")",
        "[",
        "]",
        "\"high\"",
        "'",
        "\"",
        "has(",
        "now",
        " - ",
        ".start",
        "labels",
        ".x",
        "[0]",
        " in ",
        ".all(x, ",
        ".filter(c, ",
        ".size()",
        " ? ",
        " : ",
        "1",
        "2.5",
        "{",
        "}",
        ",",
        ".?",
        "[?",
        "duration('1h')",
        "timestamp(",
        "@",
        "é",
        "\\",
        "//",
        "\n",
        "true",
        "null",
        "history",
        "x",
        "members",
        ".standing",
        "r'",
        "b\"",
        "'''",
        "-",
        "`",
        "optional.of(",
    ];
    prop::collection::vec(prop::sample::select(words.to_vec()), 0..24).prop_map(|words| words.concat())
}

proptest! {
    #![proptest_config(lockgate_repeat::Repeat::new(400, 20_000).property())]

    #[test]
    fn any_text_is_read_or_refused(text in any::<String>()) {
        assert_tells(&text);
    }

    #[test]
    fn any_toml_like_text_is_read_or_refused(text in "(([a-z.\\-]{1,8}( = ([0-9]{1,3}|\"[a-zé\\\\]{0,5}\"?|'[a-z =.&]{0,9}'|\\[|\\]|\\{|\\}))?|\\[{1,2}(plugins|gates|gates.bindings|strategy)[.a-z]{0,4}\\]{0,2})(\r?\n|[\r ]){0,2}){0,12}") {
        assert_tells(&text);
    }

    #[test]
    fn a_changed_model_is_read_or_refused(
        changes in prop::collection::vec((any::<prop::sample::Index>(), 0_usize..12, "[\\PC\n]{0,6}"), 1..6)
    ) {
        let mut text = example().to_owned();
        for (at, length, inserted) in changes {
            let start = text.floor_char_boundary(at.index(text.len() + 1));
            let end = text.ceil_char_boundary(start + length).min(text.len());
            text.replace_range(start..end, &inserted);
        }
        assert_tells(&text);
    }

    #[test]
    fn a_model_without_some_of_its_lines_is_read_or_refused(
        kept in prop::collection::vec(prop::bool::weighted(0.9), example().lines().count())
    ) {
        let lines = example().lines().zip(kept).filter(|(_, kept)| *kept).map(|(line, _)| line);
        assert_tells(&lines.collect::<Vec<_>>().join("\n"));
    }

    #[test]
    fn any_expression_is_answered_or_refused(text in prop_oneof![words(), any::<String>()]) {
        for findings in [Expression::condition(&text).err(), Expression::over_members(&text).err()].into_iter().flatten() {
            for finding in findings {
                prop_assert!(text.get(finding.span.clone()).is_some(), "{:?} in {:?}", finding, text);
            }
        }
        if let Ok((expression, _)) = Expression::condition(&text) {
            let _ = expression.holds(&Variables::new(&snapshot()));
        }
        if let Ok((expression, _)) = Expression::over_members(&text) {
            let member = Member { id: "a", plugin: "p", standing: lockgate_domain::Standing::Allow };
            let _ = expression.holds_for(&[member]);
        }
    }

    #[test]
    fn the_order_of_the_candidates_never_matters(
        models in prop::collection::vec(("[ab]", -1_i64..3, 0_usize..5), 0..5),
        order in Just((0..5_usize).collect::<Vec<_>>()).prop_shuffle(),
    ) {
        let conditions = [
            None,
            Some(r#"change.risk == "high""#),
            Some(r#"change.risk == "low" && phase == "exit""#),
            Some("plan.slot.start < now"),
            Some(r#"scenario == "removal""#),
        ];
        let conditions: Vec<Option<Expression>> =
            conditions.iter().map(|text| text.map(|text| Expression::condition(text).unwrap().0)).collect();
        let template = read(&Source::new("m", example())).unwrap().model;
        let models: Vec<(Model, usize)> = models
            .into_iter()
            .enumerate()
            .map(|(number, (id, rank, condition))| {
                (Model { id, rank, version: format!("1.0.{number}"), ..template.clone() }, condition)
            })
            .collect();
        let candidates: Vec<Candidate<'_>> = models
            .iter()
            .map(|(model, condition)| Candidate { model, applies_when: conditions[*condition].as_ref() })
            .collect();
        let shuffled: Vec<Candidate<'_>> =
            order.iter().filter_map(|index| candidates.get(*index)).copied().collect();
        let snapshot = snapshot();
        let variables = Variables::new(&snapshot);
        prop_assert_eq!(select(&candidates, &variables), select(&shuffled, &variables));
    }
}
