#![allow(clippy::expect_used, clippy::indexing_slicing, clippy::panic, reason = "a test fails by panicking")]

mod blackouts;
mod owners;
mod reasons;
mod written;

use lockgate_plugin::testing::{Fixture, answer_of, configure};
use lockgate_plugin::time::Timestamp;
use lockgate_plugin::types::{ChangeCategory, Phase, Plan, Stage, TimeWindow};
use lockgate_plugin::{Answer, Finding, Need, Requirement, Verdict};

use super::ChangeWindow;

/// Tuesday and Thursday evening in Berlin, past midnight.
const EVENINGS: &str = r#"{
    "time-zone": "Europe/Berlin", "planned-window": false,
    "weekly": [{ "days": ["tue", "thu"], "from": "20:00", "until": "02:00" }]
}"#;

fn fixture(now: &str) -> Fixture {
    Fixture::new().now(now).gate(Stage::Fulfill, Phase::Entrance)
}

fn planned(mut fixture: Fixture, start: &str, end: &str) -> Fixture {
    let millis = |text| Fixture::moment(text).as_millis();
    fixture.change.window = Some(TimeWindow { start: millis(start), end: millis(end) });
    fixture
}

fn ask(settings: &str, fixture: &Fixture) -> Answer {
    answer_of::<ChangeWindow>(settings, fixture)
}

#[test]
fn the_schema_marks_the_blackouts_for_the_host_and_no_other_list() {
    let schema = schemars::schema_for!(crate::settings::Settings).to_value();
    let marked = |name: &str| schema["properties"][name]["format"] == "lockgate-periods";
    assert_eq!(["blackouts", "once", "weekly", "office-hours"].map(marked), [true, false, false, false]);
}

fn findings(settings: &str) -> Vec<(String, String)> {
    let found = configure::<ChangeWindow>(settings).expect_err("the settings are wrong");
    found.into_iter().map(|finding| (finding.pointer, finding.message)).collect()
}

fn requirement(answer: &Answer) -> &Requirement {
    match answer.verdict {
        Verdict::Require => &answer.requirements[0],
        other => panic!("not a requirement: {other:?}"),
    }
}

fn finding(answer: &Answer) -> &Finding {
    match answer.verdict {
        Verdict::Deny => &answer.findings[0],
        other => panic!("not a denial: {other:?}"),
    }
}

/// Until when it is open at that time; else when it opens and when it closes again.
fn at(settings: &str, now: &str) -> String {
    let answer = ask(settings, &fixture(now));
    match answer.verdict {
        Verdict::Allow => answer.reasons[0].message.clone(),
        Verdict::Require => match &answer.requirements[0].need {
            Need::Time(time) => {
                let word =
                    |moment: Option<i64>| moment.map(|moment| Timestamp::from(moment).to_string()).unwrap_or_default();
                format!("{} to {}", word(time.not_before), word(time.not_after))
            }
            other => panic!("not a time: {other:?}"),
        },
        other => panic!("{other:?}"),
    }
}

#[test]
fn a_window_opens_and_closes_to_the_millisecond() {
    // 20:00 in Berlin is 19:00 in UTC in winter.
    assert_eq!(at(EVENINGS, "2026-11-24T18:59:59.999Z"), "2026-11-24T19:00:00Z to 2026-11-25T01:00:00Z");
    assert_eq!(
        at(EVENINGS, "2026-11-24T19:00:00Z"),
        "the change window is open until 2026-11-25T01:00:00Z (Wed 2026-11-25 02:00 in Europe/Berlin)"
    );
    assert!(at(EVENINGS, "2026-11-25T00:59:59.999Z").starts_with("the change window is open"));
    assert_eq!(at(EVENINGS, "2026-11-25T01:00:00Z"), "2026-11-26T19:00:00Z to 2026-11-27T01:00:00Z");
}

#[test]
fn a_closed_window_says_in_words_when_it_opens() {
    let answer = ask(EVENINGS, &fixture("2026-11-24T12:00:00Z"));
    assert_eq!(requirement(&answer).code, "window-closed");
    assert_eq!(
        requirement(&answer).message,
        "the change window is closed; the next opening begins at 2026-11-24T19:00:00Z (Tue 2026-11-24 20:00 in Europe/Berlin)"
    );
}

#[test]
fn windows_that_touch_are_one() {
    let settings = r#"{
        "time-zone": "UTC", "planned-window": false,
        "weekly": [{ "days": ["sat", "sun"], "from": "00:00", "until": "24:00" }, { "days": ["mon"], "from": "00:00", "until": "06:00" }]
    }"#;
    assert_eq!(at(settings, "2026-11-27T09:00:00Z"), "2026-11-28T00:00:00Z to 2026-11-30T06:00:00Z");
}

#[test]
fn a_summer_window_opens_an_hour_earlier_in_utc() {
    assert_eq!(at(EVENINGS, "2026-07-14T12:00:00Z"), "2026-07-14T18:00:00Z to 2026-07-15T00:00:00Z");
}

/// Early on Sunday, from 02:30 to 04:00, in that zone.
fn small_hours(zone: &str) -> String {
    format!(
        r#"{{ "time-zone": "{zone}", "planned-window": false,
              "weekly": [{{ "days": ["sun"], "from": "02:30", "until": "04:00" }}] }}"#
    )
}

#[test]
fn what_the_clock_skips_in_spring_is_not_open() {
    // On 2026-03-29 in Berlin, 02:00 to 03:00 is skipped at 01:00Z: of 02:30 to 04:00, only 03:00 to 04:00 is left.
    let settings = small_hours("Europe/Berlin");
    assert_eq!(at(&settings, "2026-03-28T12:00:00Z"), "2026-03-29T01:00:00Z to 2026-03-29T02:00:00Z");
    // On 2026-03-08 in New York, it is skipped at 07:00Z.
    let settings = small_hours("America/New_York");
    assert_eq!(at(&settings, "2026-03-07T12:00:00Z"), "2026-03-08T07:00:00Z to 2026-03-08T08:00:00Z");
}

#[test]
fn a_window_that_the_clock_skips_wholly_does_not_open_that_day() {
    let settings = r#"{
        "time-zone": "Europe/Berlin", "planned-window": false,
        "weekly": [{ "days": ["sun"], "from": "02:00", "until": "03:00" }]
    }"#;
    // The Sunday after, at 02:00 summer time.
    assert_eq!(at(settings, "2026-03-28T12:00:00Z"), "2026-04-05T00:00:00Z to 2026-04-05T01:00:00Z");
}

#[test]
fn what_the_clock_shows_twice_in_autumn_is_open_twice() {
    // On 2026-10-25 in Berlin, 02:00 to 03:00 comes twice, from 00:00Z and from 01:00Z on. The clock shows 02:30 at
    // 00:30Z, goes back to 02:00 at 01:00Z, and shows 02:30 again at 01:30Z.
    let settings = small_hours("Europe/Berlin");
    assert_eq!(at(&settings, "2026-10-24T12:00:00Z"), "2026-10-25T00:30:00Z to 2026-10-25T01:00:00Z");
    assert_eq!(at(&settings, "2026-10-25T01:00:00Z"), "2026-10-25T01:30:00Z to 2026-10-25T03:00:00Z");
    // On 2026-11-01 in New York, 01:00 to 02:00 comes twice, at 05:00Z and at 06:00Z.
    let settings = r#"{
        "time-zone": "America/New_York", "planned-window": false,
        "weekly": [{ "days": ["sun"], "from": "01:00", "until": "02:00" }]
    }"#;
    assert_eq!(at(settings, "2026-10-31T12:00:00Z"), "2026-11-01T05:00:00Z to 2026-11-01T07:00:00Z");
}

#[test]
fn a_night_in_which_the_clock_changes_is_an_hour_longer_or_shorter() {
    let settings = r#"{
        "time-zone": "Europe/Berlin", "planned-window": false,
        "weekly": [{ "days": ["sat"], "from": "22:00", "until": "06:00" }]
    }"#;
    assert_eq!(at(settings, "2026-03-28T12:00:00Z"), "2026-03-28T21:00:00Z to 2026-03-29T04:00:00Z");
    assert_eq!(at(settings, "2026-10-24T12:00:00Z"), "2026-10-24T20:00:00Z to 2026-10-25T05:00:00Z");
}

#[test]
fn zones_with_odd_offsets_are_known() {
    let settings = |zone| {
        format!(
            r#"{{ "time-zone": "{zone}", "planned-window": false,
                  "weekly": [{{ "days": ["wed"], "from": "00:00", "until": "01:00" }}] }}"#
        )
    };
    // 05:45 ahead of UTC, and 14 hours ahead.
    assert_eq!(at(&settings("Asia/Kathmandu"), "2026-11-24T12:00:00Z"), "2026-11-24T18:15:00Z to 2026-11-24T19:15:00Z");
    assert_eq!(
        at(&settings("Pacific/Kiritimati"), "2026-11-24T08:00:00Z"),
        "2026-11-24T10:00:00Z to 2026-11-24T11:00:00Z"
    );
}

const SALE: &str = r#"{
    "time-zone": "Europe/Berlin", "planned-window": false,
    "weekly": [{ "days": ["tue", "thu"], "from": "20:00", "until": "02:00" }],
    "blackouts": [
        { "name": "Black week", "from": "2026-11-20", "until": "2026-11-27" },
        { "name": "Cyber Monday", "from": "2026-11-28", "until": "2026-12-01T22:00" }
    ]
}"#;

#[test]
fn a_blackout_closes_and_the_next_opening_is_after_it() {
    let answer = ask(SALE, &fixture("2026-11-24T19:30:00Z"));
    assert_eq!(requirement(&answer).code, "blackout");
    // Black week ends with the 27th; Cyber Monday follows at once and ends on Tuesday at 22:00, within that window.
    assert_eq!(
        requirement(&answer).message,
        "the blackout “Black week” is in force; the next opening begins at 2026-12-01T21:00:00Z (Tue 2026-12-01 22:00 in Europe/Berlin)"
    );
    assert_eq!(at(SALE, "2026-11-24T19:30:00Z"), "2026-12-01T21:00:00Z to 2026-12-02T01:00:00Z");
}

#[test]
fn a_blackout_ends_an_opening() {
    assert_eq!(
        at(SALE, "2026-11-19T20:00:00Z"),
        "the change window is open until 2026-11-19T23:00:00Z (Fri 2026-11-20 00:00 in Europe/Berlin)"
    );
}

#[test]
fn a_blackout_that_never_lets_a_window_open_denies() {
    let settings = r#"{
        "time-zone": "UTC", "planned-window": false,
        "weekly": [{ "days": ["tue"], "from": "20:00", "until": "22:00" }],
        "blackouts": [{ "name": "Freeze", "from": "2026-01-01", "until": "2099-12-31" }]
    }"#;
    let answer = ask(settings, &fixture("2026-11-24T12:00:00Z"));
    assert_eq!(finding(&answer).code, "no-opening");
    assert_eq!(finding(&answer).message, "there is no opening within the next 400 days");
}

#[test]
fn without_windows_it_is_open_except_in_blackouts() {
    let settings = r#"{
        "time-zone": "UTC", "planned-window": false,
        "blackouts": [{ "name": "Sale", "from": "2026-11-24T10:00", "until": "2026-11-24T14:00" }]
    }"#;
    assert_eq!(
        at(settings, "2026-11-24T09:00:00Z"),
        "the change window is open until 2026-11-24T10:00:00Z (Tue 2026-11-24 10:00 in UTC)"
    );
    let answer = ask(settings, &fixture("2026-11-24T12:00:00Z"));
    assert_eq!(
        requirement(&answer).message,
        "the blackout “Sale” is in force; the next opening begins at 2026-11-24T14:00:00Z (Tue 2026-11-24 14:00 in UTC)"
    );
    assert_eq!(at(settings, "2026-11-24T14:00:00Z"), "the change window is open");
}

#[test]
fn a_window_can_be_open_once() {
    let settings = r#"{
        "time-zone": "America/New_York", "planned-window": false,
        "once": [{ "name": "Move", "from": "2026-12-05T22:00", "until": "2026-12-06" }]
    }"#;
    // The last day is in it: until midnight at the end of the 6th, five hours behind UTC.
    assert_eq!(at(settings, "2026-11-24T12:00:00Z"), "2026-12-06T03:00:00Z to 2026-12-07T05:00:00Z");
}

fn plan(office_hours_exception: bool) -> Plan {
    Plan { office_hours_exception, ..Fixture::plan("plan-1") }
}

#[test]
fn office_hours_are_open_only_to_plans_that_make_use_of_them() {
    let settings = r#"{
        "time-zone": "Europe/Berlin", "planned-window": false,
        "weekly": [{ "days": ["tue"], "from": "20:00", "until": "22:00" }],
        "office-hours": [{ "days": ["mon", "tue", "wed", "thu", "fri"], "from": "09:00", "until": "17:00" }]
    }"#;
    let mut fixture = fixture("2026-11-24T12:00:00Z");
    for (plan, allowed) in [(None, false), (Some(plan(false)), false), (Some(plan(true)), true)] {
        fixture.plan = plan;
        assert_eq!(matches!(ask(settings, &fixture).verdict, Verdict::Allow), allowed);
    }
}

/// The evenings, and the change's own window.
fn with_planned_window() -> String {
    EVENINGS.replace(r#""planned-window": false,"#, "")
}

#[test]
fn the_planned_window_of_the_change_has_to_hold_too() {
    let settings = with_planned_window();
    let fixture = |now| planned(fixture(now), "2026-11-24T20:00:00Z", "2026-11-24T23:00:00Z");
    let before = ask(&settings, &fixture("2026-11-24T19:30:00Z"));
    assert_eq!(requirement(&before).code, "before-planned-window");
    assert_eq!(
        requirement(&before).message,
        "the planned window of the change has not begun; the next opening begins at 2026-11-24T20:00:00Z (Tue 2026-11-24 21:00 in Europe/Berlin)"
    );
    let within = ask(&settings, &fixture("2026-11-24T20:00:00Z"));
    assert_eq!(
        within,
        Answer::allow().because(
            "window-open",
            "the change window is open until 2026-11-24T23:00:00Z (Wed 2026-11-25 00:00 in Europe/Berlin)"
        )
    );
    let after = ask(&settings, &fixture("2026-11-24T23:00:00Z"));
    assert_eq!(finding(&after).code, "planned-window-over");
    assert_eq!(finding(&after).pointers.first().map(String::as_str), Some("/change/window"));
    assert_eq!(
        finding(&after).remedies[0].message,
        "plan a window within an opening; the next is from 2026-11-24T23:00:00Z (Wed 2026-11-25 00:00 in Europe/Berlin) \
         to 2026-11-25T01:00:00Z (Wed 2026-11-25 02:00 in Europe/Berlin)"
    );
}

#[test]
fn a_planned_window_that_never_opens_is_denied() {
    let fixture = planned(fixture("2026-11-25T08:00:00Z"), "2026-11-25T09:00:00Z", "2026-11-25T11:00:00Z");
    let answer = ask(&with_planned_window(), &fixture);
    assert_eq!(finding(&answer).code, "no-opening-in-planned-window");
    assert!(finding(&answer).remedies[0].message.contains("the next is from 2026-11-26T19:00:00Z"));
}

#[test]
fn a_change_without_a_planned_window_needs_one() {
    let answer = ask(&with_planned_window(), &fixture("2026-11-24T19:30:00Z"));
    let requirement = requirement(&answer);
    assert_eq!(requirement.code, "plan-window");
    assert!(matches!(&requirement.need, Need::Correction(need) if need.pointer == "/change/window"));
}

#[test]
fn a_planned_window_that_ends_before_it_begins_is_denied() {
    let fixture = planned(fixture("2026-11-24T19:30:00Z"), "2026-11-24T22:00:00Z", "2026-11-24T21:00:00Z");
    assert_eq!(finding(&ask(&with_planned_window(), &fixture)).code, "planned-window-empty");
}

#[test]
fn at_plan_and_approve_the_planned_window_is_looked_at_instead_of_the_time() {
    let ask_for = |start, end| {
        let fixture = Fixture::new().now("2026-11-23T12:00:00Z").gate(Stage::PlanAndApprove, Phase::Exit);
        ask(SALE, &planned(fixture, start, end))
    };
    let good = ask_for("2026-12-03T19:00:00Z", "2026-12-04T01:00:00Z");
    assert_eq!(
        good.reasons[0].message,
        "the change window is open from 2026-12-03T19:00:00Z (Thu 2026-12-03 20:00 in Europe/Berlin) \
         to 2026-12-04T01:00:00Z (Fri 2026-12-04 02:00 in Europe/Berlin)"
    );
    let too_long = ask_for("2026-12-03T19:00:00Z", "2026-12-04T01:00:01Z");
    assert_eq!(finding(&too_long).code, "planned-window-closed");
    assert_eq!(
        finding(&too_long).message,
        "the planned window of the change does not fit: the change window is closed at 2026-12-04T01:00:00Z (Fri 2026-12-04 02:00 in Europe/Berlin)"
    );
    let in_sale = ask_for("2026-11-24T20:00:00Z", "2026-11-24T21:00:00Z");
    assert_eq!(
        finding(&in_sale).message,
        "the planned window of the change does not fit: \
         the blackout “Black week” is in force at 2026-11-24T20:00:00Z (Tue 2026-11-24 21:00 in Europe/Berlin)"
    );
    assert!(finding(&in_sale).remedies[0].message.contains("the next is from 2026-12-01T21:00:00Z"));
    let far_too_long = ask_for("2026-12-03T19:00:00Z", "2036-12-04T01:00:00Z");
    assert_eq!(finding(&far_too_long).code, "planned-window-closed");
    let past = ask_for("2026-11-03T19:00:00Z", "2026-11-03T20:00:00Z");
    assert_eq!(finding(&past).code, "planned-window-over");
}

#[test]
fn at_plan_and_approve_there_is_nothing_to_say_without_a_planned_window_unless_one_is_asked_for() {
    let fixture = Fixture::new();
    assert_eq!(
        ask(EVENINGS, &fixture),
        Answer::abstain().because("no-planned-window", "the change has no planned window to be looked at")
    );
    assert_eq!(requirement(&ask(&with_planned_window(), &fixture)).code, "plan-window");
}

#[test]
fn an_emergency_is_handled_as_the_settings_say() {
    let ask_at = |handling: &str, now| {
        let settings = SALE.replacen('{', &format!(r#"{{ "emergency": "{handling}","#), 1);
        let mut fixture = fixture(now);
        fixture.change.category = ChangeCategory::Emergency;
        ask(&settings, &fixture)
    };
    let (closed, in_sale) = ("2026-11-18T12:00:00Z", "2026-11-24T12:00:00Z");
    assert!(matches!(ask_at("allow", closed).verdict, Verdict::Allow));
    assert!(matches!(ask_at("allow", in_sale).verdict, Verdict::Allow));
    assert!(matches!(ask_at("deny-in-blackout", closed).verdict, Verdict::Allow));
    let denied = ask_at("deny-in-blackout", in_sale);
    assert_eq!(
        finding(&denied).message,
        "the blackout “Black week” is in force, and it holds for emergency changes too"
    );
    // The two blackouts follow on each other.
    assert_eq!(
        finding(&denied).remedies[0].message,
        "wait until 2026-12-01T21:00:00Z (Tue 2026-12-01 22:00 in Europe/Berlin)"
    );
    assert_eq!(requirement(&ask_at("as-any-other", closed)).code, "window-closed");
    assert_eq!(requirement(&ask_at("as-any-other", in_sale)).code, "blackout");
}

#[test]
fn the_ends_of_time_do_no_harm() {
    for moment in [i64::MIN, i64::MAX] {
        let mut fixture = fixture("2026-11-24T12:00:00Z");
        fixture.now = Timestamp::from_millis(moment);
        for settings in [EVENINGS, SALE, &with_planned_window()] {
            let _ = ask(settings, &fixture);
        }
    }
    let mut fixture = Fixture::new();
    fixture.change.window = Some(TimeWindow { start: i64::MIN, end: i64::MAX });
    assert_eq!(finding(&ask(EVENINGS, &fixture)).code, "planned-window-closed");
}

#[test]
fn names_of_no_place_are_no_time_zones() {
    for zone in
        ["Factory", "factory", "Etc/Unknown", "posixrules", "localtime", "posix/Europe/Berlin", "Z", "+01:00", ""]
    {
        let found = findings(&format!(r#"{{ "time-zone": "{zone}", "planned-window": true }}"#));
        let places: Vec<&str> = found.iter().map(|(pointer, _)| pointer.as_str()).collect();
        assert_eq!(places, ["/time-zone"], "{zone}");
    }
}

#[test]
fn all_that_is_wrong_with_the_settings_is_reported() {
    let found = findings(
        r#"{
            "time-zone": "Europe/Berlim",
            "weekly": [
                { "days": ["tue"], "from": "25:00", "until": "8:00" },
                { "days": ["tue"], "from": "20:00", "until": "20:00" },
                { "days": ["tue"], "from": "24:00", "until": "02:00" }
            ],
            "once": [{ "name": "Move", "from": "2026-12-05T22:00[Asia/Tokyo]", "until": "tomorrow" }],
            "blackouts": [{ "name": "Sale", "from": "2026-11-27", "until": "2026-11-26" }]
        }"#,
    );
    let places: Vec<&str> = found.iter().map(|(pointer, _)| pointer.as_str()).collect();
    assert_eq!(
        places,
        [
            "/weekly/0/from",
            "/weekly/0/until",
            "/weekly/1/until",
            "/weekly/2/from",
            "/once/0/from",
            "/once/0/until",
            "/blackouts/0/until",
            "/time-zone",
        ]
    );
    assert_eq!(found[7].1, "`Europe/Berlim` is not a time zone: write its IANA name, for example `Europe/Berlin`");
    assert_eq!(found[6].1, "`2026-11-26` is not after `2026-11-27`: it would end before it begins");
}

#[test]
fn settings_of_the_wrong_shape_are_refused() {
    let found = findings(r#"{ "weekly": [{ "days": ["tuesday"], "from": 20 }], "emergency": "panic" }"#);
    let places: Vec<&str> = found.iter().map(|(pointer, _)| pointer.as_str()).collect();
    assert_eq!(places, ["", "/emergency", "/weekly/0", "/weekly/0/days/0", "/weekly/0/from"]);
    assert_eq!(findings(r#"{ "time-zone": "UTC", "planned-window": false }"#)[0].0, "");
}

#[test]
fn names_that_say_nothing_and_entries_that_stand_twice_are_refused() {
    let places = |settings: &str| -> Vec<String> { findings(settings).into_iter().map(|(place, _)| place).collect() };
    for name in [" ", "\\u200b", "Sale ", "Sa\\nle"] {
        let settings = format!(
            r#"{{ "time-zone": "UTC", "once": [{{ "name": "{name}", "from": "2026-12-20", "until": "2026-12-21" }}],
                  "blackouts": [{{ "name": "{name}", "from": "12-20", "until": "12-21" }}] }}"#
        );
        assert_eq!(places(&settings), ["/blackouts/0/name", "/once/0/name"], "{name}");
    }
    let window = r#"{ "days": ["tue"], "from": "20:00", "until": "21:00" }"#;
    let twice = format!(r#"{{ "time-zone": "UTC", "weekly": [{window}, {window}] }}"#);
    assert_eq!(places(&twice), ["/weekly/1"]);
    let days = r#"{ "time-zone": "UTC", "weekly": [{ "days": ["tue", "tue"], "from": "20:00", "until": "21:00" }] }"#;
    assert_eq!(places(days), ["/weekly/0/days/1"]);
}

#[test]
fn office_hours_that_add_nothing_are_refused() {
    let hours = r#""office-hours": [{ "days": ["mon"], "from": "09:00", "until": "17:00" }]"#;
    let found = findings(&format!(r#"{{ "time-zone": "UTC", {hours} }}"#));
    assert_eq!((found.len(), found[0].0.as_str()), (1, "/office-hours"));
    let weekly = r#""weekly": [{ "days": ["tue"], "from": "20:00", "until": "21:00" }]"#;
    assert!(configure::<ChangeWindow>(&format!(r#"{{ "time-zone": "UTC", {hours}, {weekly} }}"#)).is_ok());
}
