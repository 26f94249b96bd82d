//! Model files: read from disk, told as a terminal shows it, pinned, looked up, chosen from.

use std::collections::BTreeMap;

use crate::model_support::{self, snapshot, snapshot_json};
use lockgate_domain::{Digest, Enforcement, EnvironmentHop, Gate, Phase, Snapshot, Stage};
use lockgate_engine::expression::{Expression, ExpressionError, Variables};
use lockgate_engine::model::{
    Candidate, Model, PinError, Position, SelectionError, Source, SourceError, UsePlace, check, pin, read, select,
};
use serde_json::{Value, json};

const MODELS_MD: &str = include_str!("../../../../docs/models.md");

fn example() -> Source {
    let start = MODELS_MD.find("```toml\n").unwrap() + "```toml\n".len();
    let end = start + MODELS_MD[start..].find("```").unwrap();
    Source::new("model.toml", &MODELS_MD[start..end])
}

fn sign_off() -> Gate {
    Gate { stage: Stage::PlanAndApprove, phase: Phase::Exit }
}

#[test]
fn the_example_means_what_it_says() {
    let model = read(&example()).unwrap().model;
    assert_eq!((model.id.as_str(), model.version.as_str(), model.rank), ("in-house-software", "1.0.0", 10));
    let hop = |name: &str| EnvironmentHop::One(name.to_owned());
    assert_eq!(model.environments, ["test", "staging", "live"].map(hop));
    assert_eq!(model.plugins.len(), 7);
    assert_eq!(model.plugins["four-eyes"].component, "../../plugins/four-eyes.wasm");
    assert!(model.plugins["four-eyes"].digest.is_some() && model.plugins["canary"].digest.is_none());
    assert_eq!(model.strategy.as_ref().unwrap().plugin.settings["steps"][1]["weight"], 50);
    assert_eq!(model.analyses["running"].plugin, "instance-readiness");
    let gate = model.gate(sign_off()).unwrap();
    let ids: Vec<&str> = gate.bindings.iter().map(|binding| binding.id.as_str()).collect();
    assert_eq!(ids, ["change-authority", "components", "licences", "ready"]);
    let authority = &gate.bindings[0];
    assert_eq!(authority.when.as_deref(), Some(r#"change.category != "standard""#));
    assert_eq!(authority.plugin.settings["by-risk"]["high"]["people"], 2);
    let limits = &authority.plugin.limits;
    assert_eq!((limits.fuel, limits.memory, limits.result_size), (Some(50_000_000), Some(16 << 20), Some(256 << 10)));
    assert_eq!(limits.wall_clock.map(lockgate_domain::Duration::as_millis), Some(250));
    let licences = &gate.bindings[2];
    assert_eq!((licences.group.as_deref(), licences.enforcement), (Some("reviews"), Enforcement::SoftMandatory));
    assert_eq!(
        (licences.plugin.grants.log, licences.plugin.grants.evidence.as_slice()),
        (true, &["sbom".to_owned(), "sbom-*".to_owned()][..])
    );
    assert_eq!(gate.groups[0].id, "reviews");
}

#[test]
fn the_digest_is_of_the_meaning_and_not_of_the_layout() {
    let digest = |text: &str| read(&Source::new("m", text)).unwrap().model.digest().unwrap();
    let one = "id = \"m\"\nversion = \"1.0.0\"\ntitle = \"t\"\nplugins = { p = { component = \"p.wasm\" } }\n\
               [[gates]]\nstage = \"observe\"\nphase = \"exit\"\n\
               [[gates]]\nstage = \"fulfill\"\nphase = \"exit\"\n\
               bindings = [{ id = \"b\", plugin = \"p\", enforcement = \"advisory\", settings.a = 1 }, \
                           { id = \"a\", plugin = \"p\", enforcement = \"advisory\", limits.memory = \"1KiB\" }]\n";
    let other = "# the same\ntitle = 't'\nversion = '1.0.0'\nid = 'm'\nrank = 0\n\n[plugins.p]\ncomponent = \"q.wasm\"\n\
                 [[gates]]\nphase = \"exit\"\nstage = \"fulfill\"\n\
                 [[gates.bindings]]\nid = \"a\"\nplugin = \"p\"\nenforcement = \"advisory\"\nlimits = { memory = 1_024 }\n\
                 [[gates.bindings]]\nid = \"b\"\nplugin = \"p\"\nenforcement = \"advisory\"\n[gates.bindings.settings]\na = 0x1\n\
                 [[gates]]\nstage = \"observe\"\nphase = \"exit\"\n";
    assert_eq!(digest(one), digest(other));
    assert_ne!(digest(one), digest(&one.replace("settings.a = 1", "settings.a = 2")));
}

#[test]
fn ten_mistakes_are_told_at_once_as_a_compiler_would() {
    let source = Source::new("models/shop.toml", include_str!("model_files/ten_mistakes.toml"));
    let findings = check(&source).unwrap_err();
    assert_eq!((findings.errors(), findings.warnings()), (10, 0), "{findings}");
    insta::assert_snapshot!(findings.render(&source, false));
    assert!(findings.render(&source, true).contains("\u{1b}["));
}

#[test]
fn a_file_is_read_or_the_error_says_what_is_wrong_with_it() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("model.toml");
    let shown = path.display().to_string();

    let error = Source::read(&path).unwrap_err();
    assert!(matches!(error, SourceError::Unreadable { .. }));
    assert!(error.to_string().starts_with(&format!("cannot read `{shown}`: ")), "{error}");

    std::fs::write(&path, "id = \"ä\"\n# caf\u{e9}").unwrap();
    assert_eq!(Source::read(&path).unwrap(), Source::new(shown.as_str(), "id = \"ä\"\n# caf\u{e9}"));

    std::fs::write(&path, b"id = \"\xc3\xa4\"\n# \xc3\xa4\xff\n").unwrap();
    assert_eq!(
        Source::read(&path).unwrap_err().to_string(),
        format!(
            "`{shown}` is not UTF-8: the byte 0xff at line 2, column 4 (offset 14) does not belong to any character; \
             save the file as UTF-8"
        )
    );

    std::fs::write(&path, vec![b'#'; 1024 * 1024 + 1]).unwrap();
    assert_eq!(
        Source::read(&path).unwrap_err().to_string(),
        format!("`{shown}` is larger than 1048576 bytes, the most that a deployment model may have")
    );
}

#[test]
fn positions_count_lines_and_characters_from_one() {
    let source = Source::new("m", "ab\nä€x\n");
    let position = |offset| source.position(offset);
    assert_eq!(position(0), Position { line: 1, column: 1 });
    assert_eq!(position(3), Position { line: 2, column: 1 });
    assert_eq!(position(8), Position { line: 2, column: 3 });
    assert_eq!(position(4), Position { line: 2, column: 1 }, "within a character");
    assert_eq!(position(1000), Position { line: 3, column: 1 });
}

#[test]
fn every_part_of_a_model_can_be_found_in_its_file_again() {
    let source = example();
    let spans = read(&source).unwrap().spans;
    let text = |span: std::ops::Range<usize>| &source.text[span];
    let authority = UsePlace::Binding { gate: sign_off(), id: "change-authority".to_owned() };
    assert_eq!(text(spans.plugin(&authority)), "\"four-eyes\"");
    assert_eq!(text(spans.settings(&authority, "/required/0/role")), "\"change-authority\"");
    assert_eq!(text(spans.settings(&authority, "/required/0/count")), "1");
    assert_eq!(text(spans.settings(&authority, "/by-risk/high/people")), "2");
    assert_eq!(text(spans.settings(&authority, "/required/0/unknown")), "{ role = \"change-authority\", count = 1 }");
    assert!(text(spans.limits(&authority)).starts_with("{ fuel = 50_000_000"));
    let ready = UsePlace::Binding { gate: sign_off(), id: "ready".to_owned() };
    assert_eq!(text(spans.settings(&ready, "")), "[[gates.bindings]]", "it has no settings");
    assert_eq!(source.position(spans.settings(&ready, "").start), Position { line: 89, column: 1 });
    let licences = UsePlace::Binding { gate: sign_off(), id: "licences".to_owned() };
    assert_eq!(text(spans.grants(&licences)), "{ evidence = [\"sbom\", \"sbom-*\"] }");
    assert_eq!(text(spans.plugin(&UsePlace::Strategy)), "\"canary\"");
    assert_eq!(text(spans.settings(&UsePlace::Strategy, "/steps/1/weight")), "50");
    assert_eq!(text(spans.plugin(&UsePlace::Analysis("running".to_owned()))), "\"instance-readiness\"");
    assert_eq!(text(spans.component("canary")), "\"../../plugins/canary.wasm\"");
    assert!(text(spans.digest("four-eyes")).starts_with("\"sha256:9f86"));
    assert_eq!(text(spans.digest("canary")), "[plugins.canary]", "it has no digest");
    assert_eq!(text(spans.gate(sign_off())), "[[gates]]");
    assert_eq!(text(spans.binding(sign_off(), "change-authority", "when")), r#"'change.category != "standard"'"#);
    assert_eq!(text(spans.group(sign_off(), "reviews", "enforcement")), "\"soft-mandatory\"");
    assert_eq!(spans.at("/nowhere/at/all"), 0..0);
}

#[test]
fn pinning_writes_digests_and_leaves_all_else_as_it_is() {
    let text = "# ours\nid = 'm'\n\n[plugins.a]  # the first\ncomponent = \"a.wasm\"\ndigest = \"sha256:00\" # old\n\n\
                [plugins.b]\ncomponent  =  'b.wasm'\n# behind\n[plugins]\nc = { component = \"c.wasm\" }\n";
    let digest = Digest::of(b"");
    let digests = ["a", "b", "c"].map(|name| (name.to_owned(), digest));
    let pinned = pin(text, &BTreeMap::from(digests)).unwrap();
    assert_eq!(
        pinned,
        format!(
            "# ours\nid = 'm'\n\n[plugins.a]  # the first\ncomponent = \"a.wasm\"\ndigest = \"{digest}\" # old\n\n\
             [plugins.b]\ncomponent  =  'b.wasm'\ndigest = \"{digest}\"\n# behind\n[plugins]\n\
             c = {{ component = \"c.wasm\", digest = \"{digest}\" }}\n"
        )
    );
    assert_eq!(pin(&pinned, &BTreeMap::from([("a".to_owned(), digest)])), Ok(pinned));
    let unknown = pin(text, &BTreeMap::from([("d".to_owned(), digest)])).unwrap_err();
    assert_eq!(unknown.to_string(), "the model declares no plugin `d`");
    assert!(matches!(pin("id =", &BTreeMap::new()), Err(PinError::NotToml(_))));
}

struct Applicable {
    model: Model,
    applies_when: Option<Expression>,
}

fn applicable(id: &str, rank: i64, applies_when: Option<&str>) -> Applicable {
    let mut model = read(&example()).unwrap().model;
    (model.id, model.rank, model.applies_when) = (id.to_owned(), rank, applies_when.map(str::to_owned));
    Applicable { model, applies_when: applies_when.map(|text| Expression::condition(text).unwrap().0) }
}

fn choose(models: &[Applicable]) -> Result<(String, String), SelectionError> {
    choose_for(models, &snapshot())
}

fn choose_for(models: &[Applicable], snapshot: &Snapshot) -> Result<(String, String), SelectionError> {
    let candidates: Vec<Candidate<'_>> =
        models.iter().map(|one| Candidate { model: &one.model, applies_when: one.applies_when.as_ref() }).collect();
    let chosen = select(&candidates, &Variables::new(snapshot))?;
    assert_eq!(chosen.considered.len(), models.len());
    Ok((chosen.model.id.clone(), chosen.because))
}

#[test]
fn the_highest_rank_of_those_that_apply_is_chosen_and_the_choice_explains_itself() {
    let models = [
        applicable("general", 0, None),
        applicable("urgent", 20, Some(r#"change.risk == "high" && change.category == "emergency""#)),
        applicable("in-house", 10, Some(r#"scenario == "new-version""#)),
    ];
    assert_eq!(
        choose(&models),
        Ok((
            "in-house".to_owned(),
            "applies, because `scenario == \"new-version\"`; its rank 10 is the highest, above `general` 1.0.0 with \
             rank 0; `urgent` 1.0.0 does not apply, because `change.category == \"emergency\"` is false"
                .to_owned()
        ))
    );
}

#[test]
fn trigger_context_urgency_and_impact_of_the_change_choose_a_model() {
    let hotfix = r#"has(change.context) && change.context == "incident-resolution" && has(change.urgency) && has(change.impact)
                    && change.urgency in ["high", "critical"] && change.impact in ["high", "critical"]"#;
    let models = [
        applicable("hotfix", 20, Some(hotfix)),
        applicable("retirement", 10, Some(r#"has(change.trigger) && change.trigger == "retirement""#)),
        applicable("general", 0, None),
    ];
    let chosen = |members: Value| {
        let mut json = snapshot_json();
        json["change"].as_object_mut().unwrap().extend(members.as_object().unwrap().clone());
        choose_for(&models, &model_support::read(json)).unwrap()
    };
    let in_incident = |impact: &str| json!({"context": "incident-resolution", "urgency": "critical", "impact": impact});
    assert_eq!(chosen(in_incident("high")).0, "hotfix");
    let (id, because) = chosen(in_incident("low"));
    assert_eq!(id, "general");
    assert!(
        because.contains(r#"`hotfix` 1.0.0 does not apply, because `change.impact in ["high", "critical"]` is false"#),
        "{because}"
    );
    assert_eq!(chosen(json!({"trigger": "retirement"})).0, "retirement");
    assert_eq!(chosen(json!({"trigger": "release", "context": "improvement"})).0, "general");
}

#[test]
fn a_trigger_or_a_context_that_does_not_exist_is_found_in_a_condition() {
    for text in [
        r#"has(change.trigger) && change.trigger == "relase""#,
        r#"has(change.context) && change.context == "incident""#,
    ] {
        let findings = Expression::condition(text).unwrap_err();
        assert_eq!(findings[0].code, "unknown-value", "{text}");
    }
}

#[test]
fn two_of_equal_rank_are_an_error_that_names_both_and_the_way_out() {
    let models = [applicable("b", 5, None), applicable("a", 5, None), applicable("c", 4, None)];
    let error = choose(&models).unwrap_err();
    assert_eq!(
        error.to_string(),
        "the deployment models `a` 1.0.0 and `b` 1.0.0 apply to deployment `dep-1` with the same rank 5: give one of them \
         a higher `rank`, or change an `applies-when` so that only one applies"
    );
}

#[test]
fn if_none_applies_each_says_why() {
    let models = [applicable("b", 5, Some(r#"phase == "entrance""#)), applicable("a", 5, Some(r#"id == "x""#))];
    assert_eq!(
        choose(&models).unwrap_err().to_string(),
        "no deployment model applies to deployment `dep-1`: `a` 1.0.0 does not apply, because `id == \"x\"` is false; \
         `b` 1.0.0 does not apply, because `phase == \"entrance\"` is false; change an `applies-when`, or add a model"
    );
    assert_eq!(choose(&[]).unwrap_err(), SelectionError::NoCandidates);
}

#[test]
fn a_condition_that_cannot_be_told_is_an_error_that_names_the_model() {
    let models = [applicable("a", 5, None), applicable("b", 1, Some("plan.slot.start < now"))];
    let error = choose(&models).unwrap_err();
    assert!(
        matches!(&error, SelectionError::Unknown { model, error: ExpressionError::Absent { .. }, .. } if model == "b")
    );
    assert_eq!(
        error.to_string(),
        "whether deployment model `b` 1.0.0 applies is unknown: its `applies-when` `plan.slot.start < now` looks at \
         `slot`, which is missing: write `has(…) && (…)` if the model is not for such deployments, or `!has(…) || (…)` if it \
         is"
    );
}
