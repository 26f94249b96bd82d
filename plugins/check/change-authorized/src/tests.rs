#![allow(clippy::expect_used, clippy::indexing_slicing, clippy::panic, reason = "a test fails by panicking")]

use lockgate_plugin::testing::{Fixture, configure, outcome_and_findings as found, report_of};
use lockgate_plugin::time::Timestamp;
use lockgate_plugin::types::{ChangeApproval, ChangeCategory, Level, Phase, Plan, Scenario, Stage, TimeWindow};
use lockgate_plugin::{Need, Outcome, Plugin, Report};

use super::ChangeAuthorized;

fn window(start: &str, end: &str) -> Option<TimeWindow> {
    let at = |time: &str| Fixture::moment(&format!("2026-11-24T{time}:00Z"));
    Some(TimeWindow::new(at(start), at(end)))
}

/// An approved change with a window from 20:00 to 24:00, and a plan with a slot from 20:00 to 22:00.
fn fixture(stage: Stage, phase: Phase, now: &str) -> Fixture {
    let mut fixture = Fixture::new().gate(stage, phase).now(&format!("2026-11-24T{now}:00Z"));
    fixture.change.window = window("20:00", "23:59");
    fixture.plan = Some(Plan { slot: window("20:00", "22:00"), ..Fixture::plan("P-1") });
    fixture
}

fn planning() -> Fixture {
    fixture(Stage::PlanAndApprove, Phase::Exit, "12:00")
}

fn run_with(settings: &str, fixture: &Fixture) -> Report {
    report_of::<ChangeAuthorized>(settings, fixture)
}

fn run(fixture: &Fixture) -> Report {
    run_with("{}", fixture)
}

#[test]
fn an_approved_change_of_this_release_and_time_passes_at_every_gate() {
    for (stage, now) in [
        (Stage::PlanAndApprove, "12:00"),
        (Stage::Fulfill, "20:00"),
        (Stage::Validate, "21:30"),
        (Stage::Observe, "23:58"),
    ] {
        for phase in [Phase::Entrance, Phase::Exit] {
            let report = run(&fixture(stage, phase, now));
            assert_eq!(report, Report::passed("change `CHG-1` authorises the deployment of Shop 2.4"), "{stage:?}");
        }
    }
}

#[test]
fn a_removal_needs_an_authorised_change_too() {
    let mut fixture = planning();
    fixture.scenario = Scenario::Removal;
    assert_eq!(run(&fixture).outcome, Outcome::Passed);
    fixture.change.approval = ChangeApproval::Rejected;
    assert_eq!(run(&fixture).outcome, Outcome::Failed);
}

#[test]
fn a_requested_change_is_pending_and_asks_the_change_authority() {
    let mut fixture = planning();
    fixture.change.approval = ChangeApproval::Requested;
    let report = run(&fixture);
    assert_eq!(found(&report), (Outcome::Pending, vec![("change-not-approved", "/change/approval")]));
    assert_eq!(report.summary, "change `CHG-1` does not authorise the deployment of Shop 2.4 yet: 1 thing to wait for");
    let [requirement] = report.requirements.as_slice() else { panic!("{report:?}") };
    assert_eq!((requirement.code.as_str(), requirement.owner.as_deref()), ("approve-change", Some("change-authority")));
    assert_eq!(requirement.message, "approve change `CHG-1`");
    let Need::Correction(need) = &requirement.need else { panic!("{requirement:?}") };
    assert_eq!(
        (need.pointer.as_str(), need.accepted.as_slice()),
        ("/change/approval", ["\"approved\"".to_owned()].as_slice())
    );
}

#[test]
fn a_change_that_cannot_authorise_anything_fails() {
    for (approval, code, why) in [
        (ChangeApproval::Rejected, "change-rejected", "change `CHG-1` was rejected"),
        (ChangeApproval::Withdrawn, "change-withdrawn", "change `CHG-1` was withdrawn before it was carried out"),
        (ChangeApproval::Closed, "change-closed", "change `CHG-1` is closed, so nothing can be deployed under it"),
    ] {
        let mut fixture = planning();
        fixture.change.approval = approval;
        let report = run(&fixture);
        assert_eq!(found(&report), (Outcome::Failed, vec![(code, "/change/approval")]));
        assert_eq!(report.findings[0].message, why);
        assert_eq!(report.findings[0].remedies[0].owner.as_deref(), Some("change-authority"));
    }
}

#[test]
fn a_category_has_to_be_among_those_that_are_allowed() {
    let categories = [ChangeCategory::Emergency, ChangeCategory::Standard, ChangeCategory::Normal];
    for allowed in categories {
        let settings = format!(r#"{{ "categories": ["{}"] }}"#, allowed.word());
        for category in categories {
            let mut fixture = planning();
            fixture.change.category = category;
            let expected = if category == allowed {
                (Outcome::Passed, vec![])
            } else {
                (Outcome::Failed, vec![("change-category-not-allowed", "/change/category")])
            };
            assert_eq!(found(&run_with(&settings, &fixture)), expected, "{category:?} where {allowed:?}");
        }
    }
}

#[test]
fn the_message_about_a_category_names_those_that_are_allowed() {
    let report = run_with(r#"{ "categories": ["standard", "emergency"] }"#, &planning());
    let finding = &report.findings[0];
    assert_eq!(
        finding.message,
        "change `CHG-1` is of the category `normal`, and only `standard` or `emergency` is allowed"
    );
    assert_eq!(finding.remedies[0].message, "`standard` or `emergency` is expected at `/change/category`");
}

/// Every risk against every limit, for each category.
#[test]
fn a_risk_may_be_as_great_as_its_category_allows_and_no_greater() {
    let risks = [Level::Low, Level::Medium, Level::High, Level::Critical];
    for category in [ChangeCategory::Emergency, ChangeCategory::Standard, ChangeCategory::Normal] {
        for (limit, greatest) in risks.into_iter().enumerate() {
            let settings = format!(r#"{{ "greatest-risk": {{ "{}": "{}" }} }}"#, category.word(), greatest.word());
            for (is, risk) in risks.into_iter().enumerate() {
                let mut fixture = planning();
                (fixture.change.category, fixture.change.risk) = (category, risk);
                let expected = match is <= limit {
                    true => (Outcome::Passed, vec![]),
                    false => (Outcome::Failed, vec![("change-risk-too-great", "/change/risk")]),
                };
                assert_eq!(found(&run_with(&settings, &fixture)), expected, "{category:?} {risk:?} {greatest:?}");
                assert_eq!(run(&fixture).outcome, Outcome::Passed, "without a limit");
            }
        }
    }
}

#[test]
fn the_limit_of_one_category_is_none_for_another() {
    let mut fixture = planning();
    fixture.change.risk = Level::High;
    assert_eq!(run_with(r#"{ "greatest-risk": { "standard": "low" } }"#, &fixture).outcome, Outcome::Passed);
}

#[test]
fn a_change_resolves_to_the_release_of_the_deployment_alone() {
    for (releases, code, says) in [
        (vec![], "change-without-release", "no release"),
        (vec!["shop-2.5.0"], "change-of-another-release", "`shop-2.5.0`"),
        (vec!["SHOP-2.4.0"], "change-of-another-release", "`SHOP-2.4.0`"),
        (vec!["shop-2.4.0", "shop-2.5.0"], "change-with-several-releases", "`shop-2.4.0` and `shop-2.5.0`"),
    ] {
        let mut fixture = planning();
        fixture.change.releases = releases.into_iter().map(str::to_owned).collect();
        let report = run(&fixture);
        assert_eq!(found(&report), (Outcome::Failed, vec![(code, "/change/releases")]));
        let expected =
            format!("change `CHG-1` resolves to {says}, and the deployment is of release `shop-2.4.0` alone");
        assert_eq!(report.findings[0].message, expected);
    }
}

#[test]
fn a_change_without_a_window_fails_unless_its_category_needs_none() {
    let mut fixture = planning();
    fixture.change.window = None;
    assert_eq!(found(&run(&fixture)), (Outcome::Failed, vec![("change-window-missing", "/change/window")]));
    let settings = r#"{ "no-window-needed": ["emergency"] }"#;
    assert_eq!(run_with(settings, &fixture).outcome, Outcome::Failed);
    fixture.change.category = ChangeCategory::Emergency;
    assert_eq!(run_with(settings, &fixture).outcome, Outcome::Passed);
    fixture.change.window = window("21:00", "22:00");
    assert_eq!(
        found(&run_with(settings, &fixture)),
        (Outcome::Failed, vec![("slot-outside-change-window", "/plan/slot")]),
        "a window that is there counts all the same"
    );
}

#[test]
fn a_window_that_ends_before_it_begins_holds_nothing() {
    for (start, end) in [("22:00", "20:00"), ("20:00", "20:00")] {
        let mut fixture = planning();
        fixture.change.window = window(start, end);
        assert_eq!(found(&run(&fixture)), (Outcome::Failed, vec![("change-window-empty", "/change/window")]));
    }
}

#[test]
fn the_slot_lies_completely_within_the_window() {
    for (start, end, is_within) in [
        ("20:00", "23:59", true),
        ("21:00", "22:00", true),
        ("19:59", "22:00", false),
        ("18:00", "20:00", false),
        ("22:00", "23:00", true),
    ] {
        let mut fixture = planning();
        fixture.plan = Some(Plan { slot: window(start, end), ..Fixture::plan("P-1") });
        let expected = match is_within {
            true => (Outcome::Passed, vec![]),
            false => (Outcome::Failed, vec![("slot-outside-change-window", "/plan/slot")]),
        };
        assert_eq!(found(&run(&fixture)), expected, "{start} {end}");
    }
}

#[test]
fn another_slot_or_another_window_resolves_a_slot_outside_of_the_window() {
    let mut fixture = planning();
    fixture.plan = Some(Plan { slot: window("18:00", "20:00"), ..Fixture::plan("P-1") });
    let report = run(&fixture);
    let finding = &report.findings[0];
    assert_eq!(
        finding.message,
        "the slot of the plan, 2026-11-24T18:00:00Z to 2026-11-24T20:00:00Z, is not within the window of change `CHG-1`, \
         2026-11-24T20:00:00Z to 2026-11-24T23:59:00Z"
    );
    let ways: Vec<(u32, &str, Option<&str>)> =
        finding.remedies.iter().map(|remedy| (remedy.way, remedy.code.as_str(), remedy.owner.as_deref())).collect();
    assert_eq!(ways, [(0, "book-slot", Some("deployment-manager")), (1, "correct-change", Some("change-authority"))]);
}

#[test]
fn a_slot_is_due_from_the_exit_of_plan_and_approve_on() {
    let no_slot = Some(Fixture::plan("P-1"));
    for plan in [None, no_slot] {
        let at = |stage, phase| {
            let mut fixture = fixture(stage, phase, "21:00");
            fixture.plan = plan.clone();
            run(&fixture)
        };
        assert_eq!(at(Stage::PlanAndApprove, Phase::Entrance).outcome, Outcome::Passed);
        let missing = (Outcome::Failed, vec![("slot-missing", "/plan/slot")]);
        assert_eq!(found(&at(Stage::PlanAndApprove, Phase::Exit)), missing);
        assert_eq!(found(&at(Stage::Fulfill, Phase::Entrance)), missing);
    }
}

#[test]
fn before_the_window_the_check_waits_for_its_beginning() {
    let report = run(&fixture(Stage::Fulfill, Phase::Entrance, "19:59"));
    assert_eq!(found(&report), (Outcome::Pending, vec![("before-change-window", "/change/window/start")]));
    let begins = Fixture::moment("2026-11-24T20:00:00Z");
    assert_eq!(report.again, Some(begins.as_millis()));
    let [requirement] = report.requirements.as_slice() else { panic!("{report:?}") };
    let Need::Time(need) = requirement.need else { panic!("{requirement:?}") };
    let ends = Fixture::moment("2026-11-24T23:59:00Z");
    assert_eq!((need.not_before.map(Timestamp::from), need.not_after.map(Timestamp::from)), (Some(begins), Some(ends)));
}

#[test]
fn the_beginning_of_the_window_belongs_to_it_and_its_end_does_not() {
    assert_eq!(run(&fixture(Stage::Fulfill, Phase::Entrance, "20:00")).outcome, Outcome::Passed);
    assert_eq!(run(&fixture(Stage::Fulfill, Phase::Exit, "23:58")).outcome, Outcome::Passed);
    let over = run(&fixture(Stage::Fulfill, Phase::Exit, "23:59"));
    assert_eq!(found(&over), (Outcome::Failed, vec![("change-window-over", "/change/window/end")]));
}

#[test]
fn the_stages_at_which_the_moment_counts_can_be_chosen() {
    let observing = fixture(Stage::Observe, Phase::Exit, "23:59");
    assert_eq!(found(&run(&observing)).1, [("change-window-over", "/change/window/end")]);
    let settings = r#"{ "window-open-at": ["fulfill", "validate"] }"#;
    assert_eq!(run_with(settings, &observing).outcome, Outcome::Passed);
    assert_eq!(run_with(settings, &fixture(Stage::Validate, Phase::Exit, "23:59")).outcome, Outcome::Failed);
    let never = r#"{ "window-open-at": [] }"#;
    assert_eq!(run_with(never, &fixture(Stage::Fulfill, Phase::Entrance, "03:00")).outcome, Outcome::Passed);
}

#[test]
fn an_independent_approver_is_named_and_not_involved() {
    let settings = r#"{ "independent-approver": true }"#;
    let unknown = (Outcome::Inconclusive, vec![("change-approver-unknown", "/change/approved_by")]);
    assert_eq!(found(&run_with(settings, &planning())), unknown);
    let mut fixture = planning();
    fixture.change.approved_by = Some("zoe".to_owned());
    assert_eq!(run_with(settings, &fixture).outcome, Outcome::Passed);
    let mut requester = fixture.clone();
    requester.requester.id = "zoe".to_owned();
    let mut author = fixture.clone();
    author.change.requested_by = Some("zoe".to_owned());
    let mut assignee = fixture.clone();
    assignee.change.assignee = Some("zoe".to_owned());
    let mut contributor = fixture.clone();
    contributor.contributors = vec![Fixture::person("zoe", &["developer"])];
    for (involved, why) in [
        (requester, "asked for the deployment"),
        (author, "asked for the change"),
        (assignee, "works on the change"),
        (contributor, "contributed to the change"),
    ] {
        let report = run_with(settings, &involved);
        assert_eq!(found(&report), (Outcome::Failed, vec![("change-approver-involved", "/change/approved_by")]));
        assert_eq!(report.findings[0].message, format!("`zoe` approved change `CHG-1`, and {why}"));
        assert_eq!(run(&involved).outcome, Outcome::Passed, "nobody asked for it");
    }
}

#[test]
fn nobody_is_asked_for_the_approver_of_a_change_that_is_not_approved() {
    let mut fixture = planning();
    fixture.change.approval = ChangeApproval::Requested;
    let report = run_with(r#"{ "independent-approver": true }"#, &fixture);
    assert_eq!(found(&report).1, [("change-not-approved", "/change/approval")]);
}

#[test]
fn all_that_is_wrong_is_told_and_what_is_wrong_outweighs_what_is_awaited() {
    let mut fixture = fixture(Stage::Fulfill, Phase::Entrance, "12:00");
    fixture.change.approval = ChangeApproval::Requested;
    fixture.change.releases.clear();
    fixture.plan = None;
    let report = run(&fixture);
    let expected = vec![
        ("change-without-release", "/change/releases"),
        ("slot-missing", "/plan/slot"),
        ("change-not-approved", "/change/approval"),
        ("before-change-window", "/change/window/start"),
    ];
    assert_eq!(found(&report), (Outcome::Failed, expected));
    assert_eq!(report.summary, "change `CHG-1` does not authorise the deployment of Shop 2.4: 2 things to correct");
}

#[test]
fn settings_that_make_no_sense_are_refused_with_their_places() {
    let places = |settings: &str| -> Vec<String> {
        let findings = configure::<ChangeAuthorized>(settings).expect_err("the settings are wrong");
        findings.into_iter().map(|finding| finding.pointer).collect()
    };
    assert_eq!(places(r#"{ "categories": [] }"#), ["/categories"]);
    assert_eq!(
        places(r#"{ "categories": ["major", "normal", "normal"], "window": true, "window-open-at": ["deploy"] }"#),
        ["/categories/0", "/categories/2", "/window", "/window-open-at/0"]
    );
    assert_eq!(
        places(
            r#"{ "categories": ["normal"], "greatest-risk": { "emergency": "low", "standard": "low", "normal": "low" },
                 "no-window-needed": ["normal", "emergency"], "window-open-at": ["fulfill", "plan-and-approve"] }"#
        ),
        ["/greatest-risk/emergency", "/greatest-risk/standard", "/no-window-needed/1", "/window-open-at/1"]
    );
}

#[test]
fn a_limit_that_limits_nothing_is_a_warning() {
    let settings = r#"{ "greatest-risk": { "standard": "low", "normal": "critical" } }"#;
    let check: ChangeAuthorized = configure(settings).expect("the settings are right");
    let places: Vec<String> = check.warnings().into_iter().map(|finding| finding.pointer).collect();
    assert_eq!(places, ["/greatest-risk/normal"]);
}

#[test]
fn it_asks_for_nothing_but_the_snapshot() {
    let check: ChangeAuthorized = configure("{}").expect("the settings are right");
    assert_eq!((ChangeAuthorized::capabilities(), check.needs()), (vec![], vec![]));
}
