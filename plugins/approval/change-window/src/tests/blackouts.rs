//! Blackouts without a year come back each year.

use super::{ask, at, finding, findings, fixture, requirement};

fn yearly(zone: &str, from: &str, until: &str) -> String {
    format!(
        r#"{{ "time-zone": "{zone}", "planned-window": false,
              "blackouts": [{{ "name": "Holidays", "from": "{from}", "until": "{until}" }}] }}"#
    )
}

/// Until when it is closed, or until when it is open, in UTC.
fn state(settings: &str, now: &str) -> String {
    let said = at(settings, now);
    match said.strip_prefix("the change window is open") {
        Some("") => "open".to_owned(),
        Some(rest) => format!("open until {}", rest.split(' ').nth(2).unwrap_or_default()),
        None => format!("closed until {}", said.split(' ').next().unwrap_or_default()),
    }
}

#[test]
fn a_blackout_over_the_turn_of_the_year_comes_back_each_year() {
    let settings = yearly("Europe/Berlin", "12-20", "01-05");
    for (now, expected) in [
        ("2026-12-19T22:59:59.999Z", "open until 2026-12-19T23:00:00Z"),
        ("2026-12-19T23:00:00Z", "closed until 2027-01-05T23:00:00Z"),
        ("2026-12-31T23:30:00Z", "closed until 2027-01-05T23:00:00Z"),
        ("2027-01-05T22:59:59.999Z", "closed until 2027-01-05T23:00:00Z"),
        ("2027-01-05T23:00:00Z", "open until 2027-12-19T23:00:00Z"),
        ("2031-01-01T12:00:00Z", "closed until 2031-01-05T23:00:00Z"),
        ("2099-12-25T12:00:00Z", "closed until 2100-01-05T23:00:00Z"),
        ("2020-07-01T12:00:00Z", "open until 2020-12-19T23:00:00Z"),
    ] {
        assert_eq!(state(&settings, now), expected, "{now}");
    }
    let answer = ask(&settings, &fixture("2029-12-24T12:00:00Z"));
    assert_eq!(requirement(&answer).code, "blackout");
    assert!(
        requirement(&answer)
            .message
            .starts_with("the blackout “Holidays” is in force; the next opening begins at 2030-01-05T23:00:00Z")
    );
}

#[test]
fn a_blackout_within_the_year_follows_the_clock_of_its_zone() {
    // New York is five hours behind UTC in winter and four in summer.
    let settings = yearly("America/New_York", "03-01", "06-30");
    assert_eq!(state(&settings, "2027-02-01T00:00:00Z"), "open until 2027-03-01T05:00:00Z");
    assert_eq!(state(&settings, "2027-03-01T05:00:00Z"), "closed until 2027-07-01T04:00:00Z");
}

#[test]
fn the_last_day_of_the_year_is_in_it() {
    let settings = yearly("UTC", "12-24", "12-31");
    assert_eq!(state(&settings, "2026-12-31T23:59:59Z"), "closed until 2027-01-01T00:00:00Z");
    assert_eq!(state(&settings, "2027-01-01T00:00:00Z"), "open until 2027-12-24T00:00:00Z");
    let one_day = yearly("UTC", "01-01", "01-01");
    assert_eq!(state(&one_day, "2027-01-01T08:00:00Z"), "closed until 2027-01-02T00:00:00Z");
}

#[test]
fn the_29th_of_february_is_there_in_leap_years_alone() {
    let from = yearly("UTC", "02-29", "03-10");
    assert_eq!(state(&from, "2028-02-28T12:00:00Z"), "open until 2028-02-29T00:00:00Z");
    assert_eq!(state(&from, "2027-02-28T12:00:00Z"), "open until 2027-03-01T00:00:00Z");
    let until = yearly("UTC", "02-20", "02-29");
    assert_eq!(state(&until, "2028-02-29T12:00:00Z"), "closed until 2028-03-01T00:00:00Z");
    assert_eq!(state(&until, "2027-02-28T12:00:00Z"), "closed until 2027-03-01T00:00:00Z");
    let day = yearly("UTC", "02-29", "02-29");
    assert_eq!(state(&day, "2027-02-28T12:00:00Z"), "open until 2028-02-29T00:00:00Z");
    // With a last day of 28 February, the 29th is open.
    let before = yearly("UTC", "02-20", "02-28");
    assert_eq!(state(&before, "2028-02-28T12:00:00Z"), "closed until 2028-02-29T00:00:00Z");
    assert_eq!(state(&before, "2100-02-28T12:00:00Z"), "closed until 2100-03-01T00:00:00Z");
}

#[test]
fn a_yearly_blackout_may_have_times() {
    let settings = yearly("Europe/Berlin", "12-31T18:00", "01-01T06:00");
    assert_eq!(state(&settings, "2026-12-31T16:59:59Z"), "open until 2026-12-31T17:00:00Z");
    assert_eq!(state(&settings, "2026-12-31T17:00:00Z"), "closed until 2027-01-01T05:00:00Z");
}

#[test]
fn a_yearly_blackout_and_one_with_a_year_follow_on_each_other() {
    let settings = r#"{
        "time-zone": "UTC", "planned-window": false, "blackouts": [
            { "name": "Holidays", "from": "12-20", "until": "01-05" },
            { "name": "Stocktaking", "from": "2027-01-06", "until": "2027-01-10" }
        ]
    }"#;
    assert_eq!(state(settings, "2026-12-25T12:00:00Z"), "closed until 2027-01-11T00:00:00Z");
    assert_eq!(state(settings, "2027-12-25T12:00:00Z"), "closed until 2028-01-06T00:00:00Z");
}

#[test]
fn a_blackout_of_the_whole_year_is_refused() {
    for (from, until) in
        [("01-01", "12-31"), ("12-20", "12-19"), ("03-01", "02-29"), ("02-29", "02-28"), ("12-20T18:00", "12-20T18:00")]
    {
        let found = findings(&yearly("UTC", from, until));
        assert_eq!(found[0].0, "/blackouts/0/until");
        assert!(found[0].1.contains("is the whole year"), "{}", found[0].1);
    }
}

#[test]
fn two_yearly_blackouts_that_leave_nothing_never_open() {
    let settings = r#"{
        "time-zone": "UTC", "planned-window": false, "blackouts": [
            { "name": "Winter", "from": "10-01", "until": "03-31" },
            { "name": "Summer", "from": "04-01", "until": "09-30" }
        ]
    }"#;
    let answer = ask(settings, &fixture("2027-05-01T12:00:00Z"));
    assert_eq!(finding(&answer).code, "no-opening");
}
