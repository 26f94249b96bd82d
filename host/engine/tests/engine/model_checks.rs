//! What `model check` finds beyond the text of a model: in the plugins' files, whether they are pinned or not.

use crate::gate_support::guests::{Folder, GATE, asking, check, strategy};
use crate::gate_support::{EXIT, decide, deployment, plugins, snapshot};
use lockgate_domain::BindingAnswer;
use lockgate_engine::LoadedModel;
use lockgate_engine::model::{FindingSeverity, ModelFindings, Source};
use lockgate_tests::Guest;
use serde_json::json;

/// A binding of the plugin `guest` with these settings, one line each.
fn binding(settings: &str) -> String {
    format!("{GATE}[[gates.bindings]]\nid = \"b\"\nplugin = \"guest\"\nenforcement = \"hard-mandatory\"\n{settings}")
}

/// Severity, code, and the line of the text that each finding points at.
fn lines(findings: &ModelFindings, source: &Source) -> Vec<(FindingSeverity, &'static str, String)> {
    let line = |line: usize| source.text.lines().nth(line - 1).unwrap().to_owned();
    findings.located(source).into_iter().map(|found| (found.severity, found.code, line(found.line))).collect()
}

#[test]
fn settings_of_a_plugin_that_is_not_pinned_are_checked() {
    let schema = r#"{"properties": {"lead": {"format": "lockgate-person"}}}"#;
    let folder = Folder::new().plugin("guest", Guest { schema, ..Guest::default() });
    let unpinned = || (FindingSeverity::Warning, "unpinned-plugin", "component = \"guest.wasm\"".to_owned());

    let right = folder.source(&binding("settings.lead = \"ann@example.org\"\n"));
    let findings = folder.check(&right);
    assert_eq!(lines(&findings, &right), [unpinned()], "{findings}");

    let wrong = folder.source(&binding("settings.lead = \"\"\n"));
    let findings = folder.check(&wrong);
    let refused = (FindingSeverity::Error, "settings-refused", "settings.lead = \"\"".to_owned());
    assert_eq!(lines(&findings, &wrong), [unpinned(), refused], "{findings}");

    let loaded = LoadedModel::load(&lockgate_tests::runtime(), &wrong, folder.path()).unwrap_err();
    let unpinned = (FindingSeverity::Error, "unpinned-plugin", "component = \"guest.wasm\"".to_owned());
    assert_eq!(lines(&loaded, &wrong), [unpinned], "what is not pinned is not run by who decides");
}

/// Instructions of `configure` that refuse what stands at `/count`.
const REFUSES: &str = r#"
    (i32.store (i32.const 4096) (i32.const 4200)) (i32.store (i32.const 4100) (i32.const 6))
    (i32.store (i32.const 4132) (i32.const 4206)) (i32.store (i32.const 4136) (i32.const 14))
    (i32.store8 (i32.const 1200) (i32.const 1))
    (i32.store (i32.const 1204) (i32.const 4096)) (i32.store (i32.const 1208) (i32.const 1))
    (return (i32.const 1200))"#;

#[test]
fn settings_that_a_plugin_itself_refuses_are_found_where_it_is_not_pinned() {
    let fields = "(data (i32.const 4200) \"/counttwo is too few\")";
    let folder = Folder::new().plugin("guest", Guest { fields, configure: REFUSES, ..Guest::default() });
    let source = folder.source(&binding("settings.count = 2\n"));
    let findings = folder.check(&source);
    let refused = (FindingSeverity::Error, "settings-refused", "settings.count = 2".to_owned());
    assert_eq!(lines(&findings, &source).last(), Some(&refused), "{findings}");
    assert!(findings.to_string().contains("two is too few"), "{findings}");
}

#[test]
fn a_plugin_that_is_not_there_is_told_and_so_is_what_was_not_checked() {
    let folder = Folder::new().plugin("guest", Guest::default());
    std::fs::remove_file(folder.path().join("guest.wasm")).unwrap();
    let source = folder.source(&binding(""));
    let findings = folder.check(&source);
    let missing = (FindingSeverity::Error, "plugin-file", "component = \"guest.wasm\"".to_owned());
    assert_eq!(lines(&findings, &source), [missing]);
    let notes = &findings.located(&source)[0].notes;
    assert_eq!(notes, &["the plugin was not loaded, so its settings, limits and grants were not checked"]);
}

/// The schema of a strategy whose settings name analyses.
const STEPS: &str = r#"{"properties": {"steps": {"items": {"properties": {
    "analyze": {"items": {"type": "string", "format": "lockgate-analysis"}}}}}}}"#;

#[test]
fn a_misspelt_analysis_in_the_settings_of_a_strategy_is_an_error_and_the_nearest_is_proposed() {
    let folder = Folder::new().component("strategy", &strategy(STEPS, "integrity")).component("check", &check());
    let source = |analyses: &str| {
        folder.source(&format!(
            "[analyses.integrity]\nplugin = \"check\"\n[analyses.load]\nplugin = \"check\"\n[strategy]\nplugin = \"strategy\"\n\
             settings.steps = [\n{{ weight = 5, analyze = [\"load\"] }},\n{{ analyze = [{analyses}] }},\n]\n{GATE}"
        ))
    };
    let errors = |source: &Source| {
        let findings = folder.check(source).located(source);
        let errors = findings.into_iter().filter(|finding| finding.severity == FindingSeverity::Error);
        errors.map(|found| (found.code, found.line, found.message, found.helps)).collect::<Vec<_>>()
    };
    assert_eq!(errors(&source("\"integrity\"")), []);
    let misspelt = source("\"integrity\", \"integritty\"");
    let line = 1 + misspelt.text.lines().position(|line| line.contains("integritty")).unwrap();
    let helps = ["did you mean `integrity`?", "declare it: `[analyses.integritty]` with its `plugin`"];
    let expected =
        ("unknown-analysis", line, "there is no analysis `integritty`".to_owned(), helps.map(str::to_owned).to_vec());
    assert_eq!(errors(&misspelt), [expected]);
    // The same where a model is loaded to decide.
    let pinned = folder.pinned(&misspelt);
    let refused = LoadedModel::load(&lockgate_tests::runtime(), &pinned, folder.path()).unwrap_err();
    assert!(refused.iter().any(|finding| finding.code == "unknown-analysis"), "{refused}");
    // One that is declared, and wrongly, is told once.
    let broken = folder.source(&format!(
        "[analyses.integrity]\nplugin = \"chekc\"\n[strategy]\nplugin = \"strategy\"\n\
         settings.steps = [{{ analyze = [\"integrity\"] }}]\n{GATE}"
    ));
    assert_eq!(errors(&broken).iter().map(|error| error.0).collect::<Vec<_>>(), ["unknown-plugin"]);
}

#[test]
fn a_rollout_that_asks_for_an_unknown_analysis_is_refused_when_it_is_laid_out() {
    let (_folder, model) = asking("integrity");
    assert_eq!(model.lay_out(&snapshot(&model, EXIT, deployment())).unwrap().steps.len(), 1);
    let (_folder, model) = asking("integritty");
    let refused = model.lay_out(&snapshot(&model, EXIT, deployment())).unwrap_err();
    assert_eq!(
        refused.to_string(),
        "step `one` of the rollout asks for the analysis `integritty`, which model `shop` does not declare: did you mean \
         `integrity`?"
    );
}

#[test]
fn a_plan_whose_rollout_asks_for_an_unknown_analysis_passes_no_gate() {
    let (_folder, model) = asking("integrity");
    let breaches = |analyses: &[&str]| {
        let mut deployment = deployment();
        deployment["rollout"] = json!({
            "steps": [
                {"id": "replace-stable", "title": "Replace", "planned": "1m", "repeatable": true,
                 "action": {"deploy": {"to": {"slot": "new"}, "capacity": 10_000}}},
                {"id": "look", "title": "Look", "planned": "1m", "repeatable": true,
                 "action": {"analyze": {"checks": analyses}}},
            ],
            "point_of_no_return": "replace-stable", "way_back": {"kind": "last-known-good", "release": "shop-1"}, "summary": "two",
        });
        let decision = decide(&model, EXIT, deployment);
        let blocking = decision.reasons.iter().filter(|reason| reason.blocking && reason.code == "analysis-unknown");
        blocking.map(|reason| (reason.code.clone(), reason.pointers.clone())).collect::<Vec<_>>()
    };
    assert_eq!(breaches(&["integrity"]), []);
    let pointers = vec!["/rollout/steps/1/action/analyze/checks/1".to_owned()];
    assert_eq!(breaches(&["integrity", "latency"]), [("analysis-unknown".to_owned(), pointers)]);
    // One that the strategy lays out has no place in the deployment.
    let (_folder, model) = asking("integritty");
    let mut deployment = deployment();
    deployment["scenario"] = json!("first-release");
    deployment["plan"] = json!({"id": "plan-1", "way_back": {"kind": "removal"}});
    let decision = decide(&model, EXIT, deployment);
    let blocking = decision.reasons.iter().filter(|reason| reason.blocking);
    assert_eq!(blocking.map(|reason| reason.code.as_str()).collect::<Vec<_>>(), ["analysis-unknown"]);
}

/// The deployment has no change window, and the proposed `when` looks at it.
#[test]
fn the_when_that_is_proposed_has_the_policy_asked_where_the_field_is_missing() {
    let folder = Folder::new().plugin("guest", Guest::default());
    for enforcement in ["hard-mandatory", "soft-mandatory", "advisory"] {
        for when in ["change.window.start < now", "!(change.window.start < now)"] {
            let source = |when: &str| {
                let binding =
                    format!("[[gates.bindings]]\nid = \"b\"\nplugin = \"guest\"\nenforcement = \"{enforcement}\"\n");
                folder.pinned(&folder.source(&format!("{GATE}{binding}when = '{when}'\n")))
            };
            let answer = |source: &Source| {
                let model = LoadedModel::load(&lockgate_tests::runtime(), source, folder.path()).unwrap().model;
                decide(&model, EXIT, deployment()).bindings.remove(0).answer
            };
            let unguarded = source(when);
            let found = folder.check(&unguarded).located(&unguarded);
            let help = &found.iter().find(|finding| finding.code == "unguarded-field").unwrap().helps[0];
            let BindingAnswer::Failed(failure) = answer(&unguarded) else { panic!("{when}") };
            assert_eq!(
                failure.message,
                format!(
                    "its `when` cannot be evaluated: `{when}` looks at `window`, which is missing: write `!has(…) || (…)` around \
                     it, or `!(\"window\" in …) || (…)` where `window` is a name that somebody chose, so that it holds then"
                )
            );
            let proposed = source(help.strip_prefix("write `").and_then(|help| help.strip_suffix('`')).unwrap());
            assert!(folder.check(&proposed).iter().all(|finding| finding.code != "unguarded-field"), "{help}");
            assert!(matches!(answer(&proposed), BindingAnswer::Policy(_)), "{help}");
        }
    }
}

/// The schema of a policy that asks for approvals in roles.
const ROLES: &str = r#"{"properties": {"required": {"items": {"properties": {"role": {"format": "lockgate-role"}}}}}}"#;

#[test]
fn roles_in_settings_that_nobody_knows_or_can_approve_in_are_warned_of_once_each() {
    let folder = Folder::new().plugin("guest", Guest { schema: ROLES, ..Guest::default() });
    let roles = |roles: &[&str]| {
        let entries: Vec<String> = roles.iter().map(|role| format!("{{ role = \"{role}\" }}")).collect();
        let source =
            folder.pinned(&folder.source(&binding(&format!("settings.required = [\n{}\n]\n", entries.join(",\n")))));
        lines(&folder.check(&source), &source)
    };
    let warning = |code, role: &str| (FindingSeverity::Warning, code, format!("{{ role = \"{role}\" }},"));
    assert_eq!(roles(&["change-authority", "operations-manager"]), []);
    assert_eq!(
        roles(&["change-autority", "change-authority", "pipeline", "change-autority", "risk", "risk"]),
        [
            warning("unknown-role", "change-autority"),
            warning("cannot-approve", "pipeline"),
            warning("unknown-role", "risk")
        ]
    );
}

#[test]
fn a_list_of_periods_is_warned_of_thirty_days_before_its_last_one_is_over() {
    let schema = r#"{"properties": {"freezes": {"type": "array", "format": "lockgate-periods"}}}"#;
    let folder = Folder::new().plugin("guest", Guest { schema, ..Guest::default() });
    let found = |now: &str, ends: &[&str]| {
        let entries: Vec<String> = ends.iter().map(|until| format!("{{ until = \"{until}\" }}")).collect();
        let source =
            folder.pinned(&folder.source(&binding(&format!("settings.freezes = [\n{}\n]\n", entries.join(",\n")))));
        let findings = folder.check_at(now, &source);
        let located = findings.located(&source).into_iter();
        let line = |line: usize| source.text.lines().nth(line - 1).unwrap().to_owned();
        located.map(|found| (found.code, line(found.line), found.message)).collect::<Vec<_>>()
    };
    // The last one is the one that ends last, wherever it stands.
    let ends = ["2026-12-27", "2027-01-06T18:00", "2026-04-07", "12-24"];
    assert_eq!(found("2026-12-07T17:59:59Z", &ends), []);
    let warning =
        |message: &str| ("periods-run-out", "{ until = \"2027-01-06T18:00\" },".to_owned(), message.to_owned());
    assert_eq!(
        found("2026-12-07T18:00:00Z", &ends),
        [warning("the last dated period of `freezes` ends on `2027-01-06T18:00`, within 30 days")]
    );
    assert_eq!(
        found("2027-01-06T18:00:00Z", &ends),
        [warning("the last dated period of `freezes` ended on `2027-01-06T18:00`")]
    );
    for comes_back in [&["12-24", "01-06"][..], &[]] {
        assert_eq!(found("2027-02-01T00:00:00Z", comes_back), []);
    }
}

#[test]
fn an_environment_in_which_nothing_checks_what_was_deployed_is_warned_of() {
    let folder = Folder::new().component("guest", &check());
    let gate =
        "[[gates]]\nstage = \"validate\"\nphase = \"exit\"\n[[gates.bindings]]\nid = \"b\"\nplugin = \"guest\"\n";
    let unchecked = |flow: &str, enforcement: &str, when: &str| {
        let rest = format!("{gate}enforcement = \"{enforcement}\"\n{when}");
        let source = folder.source(&rest);
        let text = source.text.replacen("\ntitle", &format!("\nenvironments = {flow}\ntitle"), 1);
        let source = Source::new("model.toml", text.as_str());
        let findings = folder.check(&source);
        let found = findings.located(&source);
        let found = found.iter().filter(|finding| finding.code == "unchecked-hop");
        found.map(|finding| finding.message.clone()).collect::<Vec<_>>()
    };
    let message = |name: &str| format!("nothing checks in `{name}` what was deployed there");
    let flow = "[\"test\", [\"eu\", \"us\"], \"live\"]";
    assert_eq!(unchecked(flow, "hard-mandatory", ""), Vec::<String>::new());
    assert_eq!(unchecked(flow, "hard-mandatory", "when = 'change.risk != \"low\"'\n"), Vec::<String>::new());
    assert_eq!(unchecked(flow, "advisory", ""), ["test", "eu", "us", "live"].map(message));
    let not_everywhere = "when = 'environment.name in [\"live\", \"us\"]'\n";
    assert_eq!(unchecked(flow, "hard-mandatory", not_everywhere), ["test", "eu"].map(message));
}

#[test]
fn the_criteria_that_nothing_looks_at_are_listed_where_the_host_does_not_check_them() {
    let gate = "[[gates]]\nstage = \"plan-and-approve\"\nphase = \"entrance\"\n";
    let binding = "[[gates.bindings]]\nid = \"b\"\nplugin = \"release-readiness\"\nenforcement = ";
    let unchecked = |head: &str, enforcement: &str| {
        let text = format!(
            "id = \"m\"\nversion = \"1.0.0\"\ntitle = \"t\"\n{head}[plugins.release-readiness]\n\
             component = \"release-readiness.wasm\"\n{gate}{binding}\"{enforcement}\"\n"
        );
        let source = Source::new("model.toml", text);
        let now = "2026-11-24T12:00:00Z".parse().unwrap();
        let findings = LoadedModel::check(&lockgate_tests::runtime(), &source, &plugins(), now);
        let found = findings.located(&source).into_iter().find(|finding| finding.code == "unchecked-criteria");
        found.map(|finding| finding.notes.join(" "))
    };
    let all = "unguarded = \"allow\"\n";
    let listed = unchecked(all, "hard-mandatory").unwrap();
    assert!(!listed.contains("release-not-published") && listed.contains("`service-not-stable`"), "{listed}");
    assert!(unchecked(all, "advisory").unwrap().contains("`release-not-published`"), "an advisory check stops nothing");
    assert_eq!(unchecked("criteria = \"deploy-value-stream\"\n", "hard-mandatory"), None);
}
