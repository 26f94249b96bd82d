//! Each way of writing a time: taken with all that it says, or refused.

use super::{at, findings};

fn blackout(from: &str, until: &str) -> String {
    format!(
        r#"{{ "time-zone": "Europe/Berlin", "planned-window": false,
              "blackouts": [{{ "name": "Sale", "from": "{from}", "until": "{until}" }}] }}"#
    )
}

/// When the blackout holds, in UTC.
fn holds(from: &str, until: &str) -> (String, String) {
    let settings = blackout(from, until);
    let open = at(&settings, "2026-01-02T00:00:00Z");
    let begins =
        open.strip_prefix("the change window is open until ").and_then(|rest| rest.split(' ').next()).unwrap_or(&open);
    let ends = at(&settings, begins);
    (begins.to_owned(), ends.split(' ').next().unwrap_or_default().to_owned())
}

#[test]
fn an_offset_is_part_of_the_time() {
    for (from, until) in [
        ("2026-12-20T18:00:00-05:00", "2026-12-20T20:00:00-05:00"),
        ("2026-12-20T23:00:00Z", "2026-12-21T01:00:00Z"),
        ("2026-12-20t23:00z", "2026-12-21T01:00:00.000000000+00:00"),
        ("2026-12-21 08:00+09:00", "2026-12-20T20:00:00-05:00"),
        ("2026-12-21T04:45+05:45", "2026-12-21T06:45+05:45"),
    ] {
        let times = ("2026-12-20T23:00:00Z".to_owned(), "2026-12-21T01:00:00Z".to_owned());
        assert_eq!(holds(from, until), times, "{from} {until}");
    }
}

#[test]
fn a_time_without_an_offset_is_one_of_the_time_zone() {
    for (from, until) in [
        ("2026-12-20T18:00", "2026-12-20T20:00"),
        ("2026-12-20T18:00:00", "2026-12-20 20:00:00.000"),
        ("2026-12-20 18:00:00.0", "2026-12-20t20:00:00"),
    ] {
        let times = ("2026-12-20T17:00:00Z".to_owned(), "2026-12-20T19:00:00Z".to_owned());
        assert_eq!(holds(from, until), times, "{from} {until}");
    }
    assert_eq!(
        holds("2026-12-20T18:00:00.001", "2026-12-20"),
        ("2026-12-20T17:00:00.001Z".to_owned(), "2026-12-20T23:00:00Z".to_owned())
    );
}

#[test]
fn a_date_that_ends_something_is_its_last_day() {
    let times = ("2026-12-19T23:00:00Z".to_owned(), "2026-12-21T23:00:00Z".to_owned());
    assert_eq!(holds("2026-12-20", "2026-12-21"), times);
}

#[test]
fn what_is_not_understood_wholly_is_refused() {
    for text in [
        "20261220",
        "20261220T180000",
        "2026-12-20T18:00[Asia/Tokyo]",
        "2026-12-20T18:00+09:00[Asia/Tokyo]",
        "2026-12-20T18:00[u-ca=hebrew]",
        "2026-12-20T18:00[!u-ca=hebrew]",
        "2026-12-20[Asia/Tokyo]",
        "2026-12-20Z",
        "2026-12-20-05:00",
        "2026-12-20T18:00+0900",
        "2026-12-20T18:00+09",
        "2026-12-20T18:00+24:00",
        "2026-12-20T18:00+09:60",
        "2026-12-20T18:00 Z",
        "2026-12-20T18",
        "2026-12-20T1800",
        "2026-12-20T18:00:60",
        "2026-12-20T24:00",
        "2026-12-20T18:00:00,5",
        "2026-12-20T18:00:00.",
        "2026-12-20T18:00:00.0001",
        "2026-12-20T",
        "2026-W51-7",
        "2026-354",
        "2026-2-3",
        "+002026-12-20",
        "-002026-12-20",
        " 2026-12-20",
        "2026-12-20 ",
        "2026-02-29",
        "18:00:00",
        "12-20Z",
        "12-20T18:00Z",
        "12-20T18:00-05:00",
        "--12-20",
        "1-5",
        "02-30",
        "13-01",
        "２０２６-12-20",
        "",
    ] {
        let found = findings(&blackout(text, text));
        let places: Vec<&str> = found.iter().map(|(pointer, _)| pointer.as_str()).collect();
        assert_eq!(places, ["/blackouts/0/from", "/blackouts/0/until"], "{text}");
        assert!(found[0].1.contains("write"), "{}", found[0].1);
    }
}

#[test]
fn both_ends_are_written_in_the_same_way() {
    for (from, until) in [
        ("2026-12-20", "2026-12-20T20:00:00Z"),
        ("2026-12-20T20:00:00Z", "2026-12-21"),
        ("12-20", "2027-01-05"),
        ("2026-12-20", "01-05"),
    ] {
        let found = findings(&blackout(from, until));
        assert_eq!(found[0].0, "/blackouts/0/until");
        assert_eq!(
            found[0].1,
            format!(
                "`{from}` and `{until}` are written in two ways: give both their offsets, or both without offsets, or \
                 both without a year"
            )
        );
    }
    let found = findings(&blackout("2026-12-20T18:00:00-05:00", "2026-12-20T23:00:00Z"));
    assert!(found[0].1.contains("it would end before it begins"));
}

#[test]
fn a_window_that_is_open_once_is_written_in_the_same_way() {
    let settings = |from: &str, until: &str| {
        format!(
            r#"{{ "time-zone": "Europe/Berlin", "planned-window": false,
                  "once": [{{ "name": "Move", "from": "{from}", "until": "{until}" }}] }}"#
        )
    };
    assert_eq!(
        at(&settings("2026-12-20T18:00-05:00", "2026-12-21T01:00Z"), "2026-12-20T00:00:00Z"),
        "2026-12-20T23:00:00Z to 2026-12-21T01:00:00Z"
    );
    let found = findings(&settings("12-20", "01-05"));
    assert_eq!(
        found,
        [(
            "/once/0/from".to_owned(),
            "`12-20` has no year, and a window in `once` is open once: write `2026-12-20`".to_owned()
        )]
    );
}

#[test]
fn a_weekly_time_is_hours_and_minutes() {
    for text in ["8:00", "T2000", "20:00:00", "20:00Z", "2000", "20.00", "20:60", "24:01", "+8:00", "８:00", ""] {
        let settings = format!(
            r#"{{ "time-zone": "UTC", "weekly": [{{ "days": ["tue"], "from": "{text}", "until": "{text}" }}] }}"#
        );
        let found = findings(&settings);
        let places: Vec<&str> = found.iter().map(|(pointer, _)| pointer.as_str()).collect();
        assert_eq!(places, ["/weekly/0/from", "/weekly/0/until"], "{text}");
    }
}
