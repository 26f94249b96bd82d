//! Settings that are refused, and the capabilities that follow from them.

use lockgate_plugin::Plugin;

use super::*;

fn places(settings: &str) -> Vec<String> {
    let findings = configure::<Stability>(settings).expect_err("the settings are wrong");
    findings.into_iter().map(|finding| finding.pointer).collect()
}

/// The registers that the settings ask for.
fn asked(more: &str) -> String {
    let settings = format!(r#"{{ "stable-for": "1h", "advice": "back", {more} }}"#);
    let needs = configured::<Stability>(&settings).needs();
    needs.into_iter().flat_map(|needed| needed.scope).collect::<Vec<_>>().join(" ")
}

#[test]
fn it_asks_for_the_registers_that_its_settings_need_and_no_others() {
    assert_eq!(asked(r#""monitors": ["M-1"]"#), "monitors incidents");
    assert_eq!(asked(r#""monitors": ["M-1"], "incidents": false"#), "monitors");
    assert_eq!(asked(r#""objectives": [{ "kpi": "errors" }]"#), "kpis incidents");
    let all = r#""monitors": ["M-1"], "event-severity": "high", "contacts": { "most": 3 }"#;
    assert_eq!(asked(all), "monitors incidents events interactions");
    assert!(Stability::capabilities().is_empty());
}

#[test]
fn settings_without_data_or_with_a_gap_as_long_as_the_time_are_refused() {
    assert_eq!(places(r#"{ "stable-for": "1h", "advice": "back" }"#), [""]);
    let of =
        |gap: &str| format!(r#"{{ "stable-for": "1h", "monitors": ["M"], "advice": "back", "max-gap": "{gap}" }}"#);
    assert_eq!(places(&of("1h")), ["/max-gap"]);
    assert!(configure::<Stability>(&of("59m")).is_ok());
    assert_eq!(
        places(r#"{ "stable-for": "5m", "monitors": ["M"], "advice": "back" }"#),
        ["/max-gap"],
        "five minutes by default"
    );
}

#[test]
fn budgets_are_shares_and_an_indicator_has_one_objective() {
    let of = |objectives: &str| {
        places(&format!(r#"{{ "stable-for": "1h", "advice": "back", "objectives": [{objectives}] }}"#))
    };
    assert_eq!(of(r#"{ "kpi": "a", "budget": 0 }, { "kpi": "a", "budget": 1 }"#), ["/objectives/1/kpi"]);
    for budget in ["-0.1", "1.5", "50"] {
        assert_eq!(of(&format!(r#"{{ "kpi": "a", "budget": {budget} }}"#)), ["/objectives/0/budget"]);
    }
}

#[test]
fn the_time_and_the_advice_have_no_default_and_keys_without_an_effect_are_refused() {
    assert!(configure::<Stability>(r#"{ "monitors": ["M"], "advice": "back" }"#).is_err());
    assert!(configure::<Stability>(r#"{ "monitors": ["M"], "stable-for": "1h" }"#).is_err());
    let idle =
        r#"{ "monitors": ["M"], "stable-for": "1h", "advice": "back", "incidents": false, "allowed-incidents": {} }"#;
    assert_eq!(places(idle), ["/allowed-incidents"]);
}
