//! Each requirement names its owner: those who authorise changes also schedule them.

use lockgate_plugin::testing::{Requiring, assert_all_codes};

use super::*;

#[test]
fn each_code_asks_the_change_authority() {
    let deny_in_blackout = SALE.replacen('{', r#"{ "emergency": "deny-in-blackout","#, 1);
    let planned_only = |settings: &str| settings.replace(r#""planned-window": false"#, r#""planned-window": true"#);
    let emergency = |mut fixture: Fixture| {
        fixture.change.category = ChangeCategory::Emergency;
        fixture
    };
    let planning = |now: &str| Fixture::new().now(now).gate(Stage::PlanAndApprove, Phase::Exit);
    let never = r#"{
        "time-zone": "UTC", "planned-window": false,
        "once": [{ "from": "2020-01-01", "until": "2020-01-02", "name": "long ago" }]
    }"#;
    let (noon, evening) = ("2026-11-24T12:00:00Z", "2026-11-24T19:30:00Z");
    let tonight = |fixture| planned(fixture, "2026-11-24T20:00:00Z", "2026-11-24T22:00:00Z");
    let answers = [
        ask(EVENINGS, &fixture(evening)),
        ask(EVENINGS, &fixture(noon)),
        ask(SALE, &fixture(evening)),
        ask(EVENINGS, &planning(noon)),
        ask(EVENINGS, &tonight(planning(noon))),
        ask(EVENINGS, &planned(planning(evening), noon, "2026-11-24T13:00:00Z")),
        ask(SALE, &tonight(planning(noon))),
        ask(&planned_only(EVENINGS), &fixture(noon)),
        ask(&planned_only(EVENINGS), &tonight(fixture(noon))),
        ask(&planned_only(EVENINGS), &planned(fixture(noon), "2026-11-24T10:00:00Z", "2026-11-24T13:00:00Z")),
        ask(&planned_only(EVENINGS), &planned(fixture(noon), noon, "2026-11-24T11:00:00Z")),
        ask(never, &fixture(noon)),
        ask(&deny_in_blackout, &emergency(fixture(evening))),
        ask(&deny_in_blackout, &emergency(fixture("2026-12-10T12:00:00Z"))),
    ];
    assert_all_codes(&answers, include_str!("../../README.md"), "code");
    for (code, required) in answers.iter().flat_map(Requiring::required) {
        assert_eq!(required.owner.as_deref(), Some("change-authority"), "{code}");
    }
}
