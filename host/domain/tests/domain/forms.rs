//! How moments, lengths of time and digests are written and read.
use lockgate_domain::{Digest, Duration, Timestamp};
use proptest::prelude::*;

#[test]
fn a_moment_is_written_in_utc_and_cut_to_milliseconds() {
    let moment: Timestamp = "2026-11-24T21:00:00.123999+01:00".parse().unwrap();
    assert_eq!(moment.to_string(), "2026-11-24T20:00:00.123Z");
    assert_eq!(moment.as_millis(), 1_795_550_400_123);
}

#[test]
fn a_text_that_is_no_moment_is_named_with_the_way_out() {
    let error = "tomorrow".parse::<Timestamp>().unwrap_err();
    assert_eq!(
        error.to_string(),
        "`tomorrow` is not a time: write it as RFC 3339 with an offset, for example `2026-11-24T20:00:00Z`"
    );
    assert!("2026-11-24T20:00:00".parse::<Timestamp>().is_err(), "without an offset nobody knows when that is");
}

#[test]
fn a_length_of_time_has_days_of_24_hours() {
    assert_eq!("90d".parse::<Duration>().unwrap().as_millis(), 7_776_000_000);
    assert_eq!("1h 30m".parse::<Duration>().unwrap().to_string(), "1h 30m");
    assert_eq!(" 2w 1d 4h5m 6s 7ms ".parse::<Duration>().unwrap().as_millis(), 1_310_706_007);
    assert_eq!("0s".parse::<Duration>().unwrap().as_millis(), 0);
}

/// So that CEL, Rego and Cedar read them: none of them knows a day, and Cedar takes three digits of a second or none.
#[test]
fn in_json_moments_and_lengths_of_time_have_the_form_that_policy_languages_read() {
    let json = |duration: Duration| serde_json::to_string(&duration).unwrap();
    assert_eq!(json("90d".parse().unwrap()), "\"7776000s\"");
    assert_eq!(json("1h 30m".parse().unwrap()), "\"5400s\"");
    assert_eq!(json("1s 500ms".parse().unwrap()), "\"1500ms\"");
    assert_eq!(json("0s".parse().unwrap()), "\"0s\"");
    assert_eq!(serde_json::from_str::<Duration>("\"5400s\"").unwrap().to_string(), "1h 30m");
    let moment = |text: &str| serde_json::to_string(&text.parse::<Timestamp>().unwrap()).unwrap();
    assert_eq!(moment("2026-11-24T20:00:00.5Z"), "\"2026-11-24T20:00:00.500Z\"");
    assert_eq!(moment("2026-11-24T20:00:00.000Z"), "\"2026-11-24T20:00:00Z\"");
    assert_eq!(moment("1969-12-31T23:59:59.999Z"), "\"1969-12-31T23:59:59.999Z\"");
}

/// As in the settings of plugins.
#[test]
fn lengths_of_time_have_one_grammar() {
    let refused = |text: &str| text.parse::<Duration>().unwrap_err().to_string();
    for text in [
        "", " ", "m", "-5m", "-1h", "1.5h", "30m 1h", "5m 5m", "10 m", "10min", "1 month", "P30D", "PT15M", "30D",
        "5m ago", "1h,5m",
    ] {
        let rule = "write amounts with the units w, d, h, m, s or ms, longest first, for example `90d` or `1h 30m`";
        assert_eq!(refused(text), format!("`{text}` is not a length of time: {rule}"));
    }
    assert_eq!(refused("20"), "`20` needs a unit, for example `20s`");
    for text in ["7304484d 1ms", "300000000000w", "99999999999999999999999999999999999999999d"] {
        assert_eq!(refused(text), format!("`{text}` is too long: a length of time is from `0s` to `7304484d`"));
    }
    assert_eq!("7304484d".parse::<Duration>(), Ok(Duration::LONGEST));
}

#[test]
fn a_digest_is_sha_256_in_lower_case_hex() {
    let abc = "sha256:ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad";
    assert_eq!(Digest::of(b"abc").to_string(), abc);
    assert_eq!(abc.parse::<Digest>().unwrap(), Digest::of(b"abc"));
    for wrong in ["", "sha256:", &abc.to_uppercase(), abc.trim_start_matches("sha256:"), &abc[..70]] {
        assert!(wrong.parse::<Digest>().is_err(), "{wrong}");
    }
}

#[test]
fn a_canonical_digest_does_not_depend_on_the_order_of_keys() {
    let one: serde_json::Value = serde_json::from_str(r#"{"b": 1.0, "a": [1, 2]}"#).unwrap();
    let other: serde_json::Value = serde_json::from_str(r#"{"a":[1,2],"b":1}"#).unwrap();
    assert_eq!(Digest::of_canonical(&one).unwrap(), Digest::of_canonical(&other).unwrap());
    assert_eq!(lockgate_domain::canonical_json(&one).unwrap(), br#"{"a":[1,2],"b":1}"#);
}

#[test]
fn the_id_of_a_person_is_seen_as_it_is() {
    let read = |id: &str| serde_json::from_value::<lockgate_domain::Person>(serde_json::json!({ "id": id }));
    assert!(read("bo@example.org").is_ok());
    assert!(read("Bøb Ängström").is_ok(), "blanks within are no harm");
    assert_eq!(read(" bo\n").unwrap().id, read("BO").unwrap().id);
    for wrong in ["", " ", "b\u{200b}o", "b\u{202e}o", "b\no", "b\u{43e}"] {
        assert!(read(wrong).is_err(), "{wrong:?}");
    }
}

/// A plugin that named the end of time once got an answer recorded that nobody could read.
#[test]
fn the_ends_of_time_are_read_as_they_are_written() {
    for moment in [i64::MIN, i64::MIN + 1, -377_705_023_201_000, 253_402_207_200_000, 253_402_300_799_999, i64::MAX]
        .map(Timestamp::from_millis)
    {
        assert_eq!(moment.to_string().parse(), Ok(moment), "{moment}");
    }
    assert_eq!(Timestamp::from_millis(i64::MAX).to_string(), "9999-12-31T23:59:59.999Z");
    let late: Timestamp = "9999-12-31T23:59:59.999999Z".parse().unwrap();
    assert_eq!(late, Timestamp::from_millis(i64::MAX));
    assert_eq!(Timestamp::from_millis(i64::MIN).as_millis(), -377_705_116_800_000);
    for length in [0, 1, u64::MAX - 1, u64::MAX].map(Duration::from_millis) {
        assert_eq!(length.to_string().parse(), Ok(length), "{length}");
    }
}

#[test]
fn times_are_those_of_rfc_3339() {
    for (text, written) in [
        ("9999-12-31T23:59:59Z", "9999-12-31T23:59:59Z"),
        ("9999-12-31T23:59:59+23:59", "9999-12-31T00:00:59Z"),
        ("9999-12-31T00:00:00-23:59", "9999-12-31T23:59:00Z"),
        ("2027-01-01T00:00:00+23:59", "2026-12-31T00:01:00Z"),
        ("2027-01-01t00:00:00.1239z", "2027-01-01T00:00:00.123Z"),
        ("2027-01-01 00:00:00-00:00", "2027-01-01T00:00:00Z"),
        ("1969-12-31T23:59:59.9999Z", "1969-12-31T23:59:59.999Z"),
        ("2024-02-29T12:00:00+05:30", "2024-02-29T06:30:00Z"),
        // A leap second is the one before it.
        ("2016-12-31T23:59:60Z", "2016-12-31T23:59:59Z"),
    ] {
        assert_eq!(text.parse::<Timestamp>().map(|moment| moment.to_string()), Ok(written.to_owned()), "{text}");
    }
    let refused = |text: &str| text.parse::<Timestamp>().unwrap_err().to_string();
    for text in [
        "2027-01-01T00:00:00+24:00",
        "2027-01-01T00:00:00+25:00",
        "2027-01-01T00:00:00-99:00",
        "2027-01-01T00:00:00+01:00:30",
    ] {
        assert!(refused(text).contains("has an offset that RFC 3339 does not know"), "{text}: {}", refused(text));
    }
    assert!(refused("9999-12-31T23:59:59-00:01").contains("is not a moment of the calendar"));
    for text in [
        "",
        "tomorrow",
        "2027-01-01",
        "2027-01-01T00:00:00",
        "2027-02-29T00:00:00Z",
        "10000-01-01T00:00:00Z",
        "2027-01-01T00:00:00+01:00[Europe/Berlin]",
        "2027-01-01T25:00:00Z",
    ] {
        assert!(refused(text).contains("is not a time: write it as RFC 3339"), "{text}: {}", refused(text));
    }
}

proptest! {
    #![proptest_config(lockgate_repeat::Repeat::new(256, 12_800).property())]

    #[test]
    fn moments_are_read_as_they_are_written(millis in -62_000_000_000_000_i64..250_000_000_000_000) {
        let moment = Timestamp::from_millis(millis);
        prop_assert_eq!(moment.to_string().parse::<Timestamp>(), Ok(moment));
    }

    #[test]
    fn lengths_are_read_as_they_are_written(millis in 0_u64..1_000_000_000_000) {
        let length = Duration::from_millis(millis);
        prop_assert_eq!(length.to_string().parse::<Duration>(), Ok(length));
    }

    #[test]
    fn digests_are_read_as_they_are_written(bytes: Vec<u8>) {
        let digest = Digest::of(&bytes);
        prop_assert_eq!(digest.to_string().parse::<Digest>(), Ok(digest));
    }

    #[test]
    fn arbitrary_text_is_never_a_panic(text: String) {
        let _ = text.parse::<Timestamp>();
        let _ = text.parse::<Duration>();
        let _ = text.parse::<Digest>();
    }
}
