//! An answer has all reasons that hold, so that a waiver of one code lets nothing else through.

use super::{Answer, ChangeCategory, Fixture, Phase, Stage, TimeWindow, Verdict, ask, fixture, planned};

/// Tuesday evening, a blackout on 24 and 25 November, and another one that begins on the 25th.
const SETTINGS: &str = r#"{
    "time-zone": "UTC",
    "weekly": [{ "days": ["tue"], "from": "20:00", "until": "22:00" }],
    "blackouts": [
        { "name": "Sale", "from": "2026-11-24", "until": "2026-11-25" },
        { "name": "Holidays", "from": "11-25", "until": "11-30" }
    ]
}"#;

/// Each code and what it is about: all that keeps the deployment from going on.
fn codes(answer: &Answer) -> Vec<&str> {
    match answer.verdict {
        Verdict::Deny => answer.findings.iter().map(|finding| finding.code.as_str()).collect(),
        Verdict::Require => answer.requirements.iter().map(|requirement| requirement.code.as_str()).collect(),
        Verdict::Allow | Verdict::Abstain => Vec::new(),
    }
}

fn at_fulfill(now: &str, window: Option<(&str, &str)>) -> Answer {
    let fixture = match window {
        Some((start, end)) => planned(fixture(now), start, end),
        None => fixture(now),
    };
    ask(SETTINGS, &fixture)
}

fn at_plan(now: &str, start: &str, end: &str) -> Answer {
    ask(SETTINGS, &planned(Fixture::new().now(now).gate(Stage::PlanAndApprove, Phase::Exit), start, end))
}

#[test]
fn a_closed_window_does_not_hide_a_blackout() {
    let planned = Some(("2026-11-24T00:00:00Z", "2026-12-09T00:00:00Z"));
    let closed = at_fulfill("2026-11-24T12:00:00Z", planned);
    assert_eq!(codes(&closed), ["blackout", "window-closed"]);
    let in_window = at_fulfill("2026-11-24T20:30:00Z", planned);
    assert_eq!(codes(&in_window), ["blackout"]);
    let after = at_fulfill("2026-12-01T12:00:00Z", planned);
    assert_eq!(codes(&after), ["window-closed"]);
}

#[test]
fn each_blackout_that_holds_is_named() {
    let answer = at_fulfill("2026-11-25T12:00:00Z", Some(("2026-11-24T00:00:00Z", "2026-12-09T00:00:00Z")));
    assert_eq!(answer.verdict, Verdict::Require, "{answer:?}");
    let messages: Vec<&str> = answer.requirements.iter().map(|requirement| requirement.message.as_str()).collect();
    let opens = "the next opening begins at 2026-12-01T20:00:00Z (Tue 2026-12-01 20:00 in UTC)";
    assert_eq!(
        messages,
        [
            format!("the blackout “Holidays” is in force; {opens}"),
            format!("the blackout “Sale” is in force; {opens}"),
            format!("the change window is closed; {opens}"),
        ]
    );
}

#[test]
fn a_planned_window_that_has_not_begun_does_not_hide_what_is_closed() {
    let answer = at_fulfill("2026-11-24T12:00:00Z", Some(("2026-12-01T00:00:00Z", "2026-12-02T00:00:00Z")));
    assert_eq!(codes(&answer), ["blackout", "window-closed", "before-planned-window"]);
}

#[test]
fn a_planned_window_that_is_over_does_not_hide_what_is_closed() {
    let answer = at_fulfill("2026-11-24T12:00:00Z", Some(("2026-11-17T00:00:00Z", "2026-11-18T00:00:00Z")));
    assert_eq!(codes(&answer), ["planned-window-over", "blackout", "window-closed"]);
    let answer = at_fulfill("2026-11-24T12:00:00Z", Some(("2026-11-24T00:00:00Z", "2026-11-24T18:00:00Z")));
    assert_eq!(codes(&answer), ["no-opening-in-planned-window", "blackout", "window-closed"]);
    let answer = at_fulfill("2026-11-24T12:00:00Z", Some(("2026-11-26T00:00:00Z", "2026-11-24T18:00:00Z")));
    assert_eq!(codes(&answer), ["planned-window-empty", "blackout", "window-closed"]);
}

#[test]
fn a_missing_planned_window_does_not_hide_what_is_closed() {
    assert_eq!(codes(&at_fulfill("2026-11-24T12:00:00Z", None)), ["plan-window", "blackout", "window-closed"]);
    assert_eq!(codes(&at_fulfill("2026-12-01T20:00:00Z", None)), ["plan-window"]);
    // While something is planned, the time does not count.
    let planning = Fixture::new().now("2026-11-24T12:00:00Z").gate(Stage::PlanAndApprove, Phase::Exit);
    assert_eq!(codes(&ask(SETTINGS, &planning)), ["plan-window"]);
}

#[test]
fn a_planned_window_outside_of_the_windows_and_one_in_a_blackout_have_two_codes() {
    let now = "2026-11-20T12:00:00Z";
    let plan = |start, end| at_plan(now, start, end);
    assert_eq!(codes(&plan("2026-12-01T20:00:00Z", "2026-12-01T22:00:00Z")), [""; 0]);
    let closed = plan("2026-12-01T21:00:00Z", "2026-12-01T23:00:00Z");
    assert_eq!(codes(&closed), ["planned-window-closed"]);
    let in_blackout = plan("2026-11-24T20:00:00Z", "2026-11-24T22:00:00Z");
    assert_eq!(codes(&in_blackout), ["planned-window-in-blackout"]);
    let both = plan("2026-11-25T20:00:00Z", "2026-11-25T22:00:00Z");
    assert_eq!(codes(&both), ["planned-window-closed", "planned-window-in-blackout", "planned-window-in-blackout"]);
    let over = at_plan("2026-11-26T12:00:00Z", "2026-11-24T20:00:00Z", "2026-11-24T22:00:00Z");
    assert_eq!(codes(&over), ["planned-window-over", "planned-window-in-blackout"]);
    let much_too_long = plan("2026-11-20T20:00:00Z", "2036-11-25T22:00:00Z");
    let closed = ["planned-window-closed"; 2].into_iter().chain(["planned-window-in-blackout"; 2]);
    assert_eq!(codes(&much_too_long), closed.collect::<Vec<_>>());
}

#[test]
fn an_empty_planned_window_is_denied_while_it_is_planned_even_if_none_is_asked_for() {
    let settings = SETTINGS.replacen('{', r#"{ "planned-window": false,"#, 1);
    let mut fixture = Fixture::new().now("2026-11-24T12:00:00Z").gate(Stage::PlanAndApprove, Phase::Exit);
    fixture.change.window = Some(TimeWindow { start: 2, end: 1 });
    assert_eq!(codes(&ask(&settings, &fixture)), ["planned-window-empty"]);
}

#[test]
fn what_never_opens_says_what_holds_now_too() {
    let settings = r#"{
        "time-zone": "UTC", "planned-window": false,
        "weekly": [{ "days": ["tue"], "from": "20:00", "until": "22:00" }],
        "blackouts": [{ "name": "Freeze", "from": "2026-01-01", "until": "2099-12-31" }]
    }"#;
    let answer = ask(settings, &fixture("2026-11-24T12:00:00Z"));
    assert_eq!(codes(&answer), ["no-opening", "blackout", "window-closed"]);
}

#[test]
fn an_emergency_is_kept_out_by_each_blackout() {
    let mut fixture = fixture("2026-11-25T12:00:00Z");
    fixture.change.category = ChangeCategory::Emergency;
    let answer = ask(SETTINGS, &fixture);
    assert_eq!(answer.verdict, Verdict::Deny, "{answer:?}");
    let messages: Vec<&str> = answer.findings.iter().map(|finding| finding.message.as_str()).collect();
    assert_eq!(
        messages,
        [
            "the blackout “Holidays” is in force, and it holds for emergency changes too",
            "the blackout “Sale” is in force, and it holds for emergency changes too",
        ]
    );
}
