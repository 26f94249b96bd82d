//! Capacities.

use super::*;
use crate::capacities::has_free_share;

fn look(settings: &str, capacities: Vec<Capacity>) -> Report {
    let mut fixture = fixture();
    fixture.registers.capacities = Some(capacities);
    run_with(&only("capacities", settings), &fixture)
}

fn stock() -> Capacity {
    capacity("C-2", "stock", 8.0, 2.0)
}

/// Whole totals, used amounts and percentages, against the same in whole numbers.
#[test]
fn a_free_share_is_compared_as_whole_numbers_are() {
    for total in 1..=24_u32 {
        for used in 0..=30_u32 {
            for percent in 0..=100_u8 {
                let expected = (i64::from(total) - i64::from(used)) * 100 >= i64::from(percent) * i64::from(total);
                let is = has_free_share(f64::from(total), f64::from(used), percent);
                assert_eq!(is, expected, "{used} of {total}, {percent} %");
            }
        }
    }
}

#[test]
fn ten_percent_have_to_be_free_unless_the_settings_say_otherwise() {
    let of = |settings: &str, used: f64| look(settings, vec![capacity("C-1", "shop", 100.0, used), stock()]);
    assert_eq!(of("", 90.0).outcome, Outcome::Passed);
    let report = of("", 90.5);
    assert_eq!(found(&report), (Outcome::Failed, vec![("capacity-too-little", "/registers/capacities/0/used")]));
    assert_eq!(
        report.findings[0].message,
        "of the capacity `C-1` (memory) of the product `shop`, 90.5 of 100 GiBy are used, and at least 10 % have to be free"
    );
    assert_eq!(report.findings[0].remedies[0].owner.as_deref(), Some("operations-manager"));
    assert_eq!(of(r#""least-free-percent": 25"#, 75.0).outcome, Outcome::Passed);
    assert_eq!(of(r#""least-free-percent": 25"#, 75.5).outcome, Outcome::Failed);
    assert_eq!(of("", 120.0).outcome, Outcome::Failed, "more is used than there is");
}

#[test]
fn each_capacity_of_a_product_counts() {
    let cpu = Capacity { kind: "cpu".to_owned(), ..capacity("C-3", "shop", 4.0, 4.0) };
    let report = look("", vec![capacity("C-1", "shop", 100.0, 0.0), cpu, stock()]);
    assert_eq!(found(&report), (Outcome::Failed, vec![("capacity-too-little", "/registers/capacities/1/used")]));
}

#[test]
fn products_that_it_depends_on_count_unless_they_are_left_out() {
    let full = capacity("C-2", "stock", 8.0, 8.0);
    let capacities = || vec![capacity("C-1", "shop", 100.0, 0.0), full.clone()];
    let report = look("", capacities());
    assert_eq!(found(&report), (Outcome::Failed, vec![("capacity-too-little", "/registers/capacities/1/used")]));
    assert_eq!(report.findings[0].about.as_deref(), Some("stock"));
    assert_eq!(look(r#""depended-on": false"#, capacities()).outcome, Outcome::Passed);
    let another = capacity("C-9", "till", 1.0, 1.0);
    assert_eq!(look("", vec![capacity("C-1", "shop", 100.0, 0.0), stock(), another]).outcome, Outcome::Passed);
}

#[test]
fn a_product_without_a_capacity_is_inconclusive() {
    let report = look("", vec![capacity("C-1", "shop", 100.0, 0.0)]);
    assert_eq!(found(&report), (Outcome::Inconclusive, vec![("capacity-unknown", "/registers/capacities")]));
    assert_eq!(report.findings[0].message, "the register has no capacity of the product `stock`");
}

#[test]
fn numbers_from_which_nothing_follows_are_inconclusive() {
    for (total, used) in [(0.0, 0.0), (-1.0, 0.0), (f64::NAN, 0.0), (f64::INFINITY, 1.0), (8.0, f64::NAN), (8.0, -1.0)]
    {
        let odd = Capacity { total, used, ..capacity("C-1", "shop", 1.0, 1.0) };
        let report = look("", vec![odd, stock()]);
        let expected = (Outcome::Inconclusive, vec![("capacity-unclear", "/registers/capacities/0/total")]);
        assert_eq!(found(&report), expected, "{total} {used}");
        assert_eq!(report.measurements.len(), 1, "that of the other product");
    }
}

#[test]
fn a_capacity_may_be_as_old_as_the_settings_say() {
    let of = |settings: &str, measured: Option<&str>| {
        let measured = measured.map(|time| Fixture::moment(&format!("2026-11-24T{time}:00Z")).as_millis());
        let report = look(settings, vec![Capacity { measured, ..capacity("C-1", "shop", 8.0, 0.0) }, stock()]);
        report.findings.first().map(|finding| finding.code.clone()).unwrap_or_default()
    };
    let hour = r#""capacity-max-age": "1h""#;
    assert_eq!(of("", None), "");
    assert_eq!(of(hour, Some("11:00")), "");
    assert_eq!(of(hour, Some("10:59")), "capacity-stale");
    assert_eq!(of(hour, None), "capacity-age-unknown");
    assert_eq!(of(hour, Some("13:00")), "capacity-age-unknown");
}

const NEEDED: &str = r#""needed": [{ "kind": "memory", "amount": 16, "unit": "GiBy" }]"#;

#[test]
fn an_amount_that_is_needed_is_free_in_all_capacities_of_the_kind_together() {
    let of = |used: [f64; 2]| {
        let [one, other] = used;
        look(NEEDED, vec![capacity("C-1", "shop", 32.0, one), capacity("C-3", "shop", 32.0, other), stock()])
    };
    assert_eq!(of([24.0, 24.0]).outcome, Outcome::Passed);
    let report = of([24.5, 24.0]);
    assert_eq!(found(&report), (Outcome::Failed, vec![("capacity-too-small", "/registers/capacities")]));
    assert_eq!(
        report.findings[0].message,
        "16 GiBy of the capacity of the kind `memory` of the product `shop` are needed, and 15.5 GiBy are free"
    );
    let overused =
        look(NEEDED, vec![capacity("C-1", "shop", 32.0, 16.0), capacity("C-3", "shop", 32.0, 48.0), stock()]);
    assert_eq!(
        found(&overused).1,
        [("capacity-too-little", "/registers/capacities/1/used")],
        "one does not take from the other"
    );
}

#[test]
fn another_kind_and_another_unit_are_told_apart() {
    let of = |kind: &str, unit: &str| {
        let odd = Capacity { kind: kind.to_owned(), unit: unit.to_owned(), ..capacity("C-1", "shop", 64.0, 0.0) };
        let report = look(NEEDED, vec![odd, stock()]);
        (report.outcome, report.findings.into_iter().map(|finding| (finding.code, finding.message)).collect::<Vec<_>>())
    };
    let expected = |code: &str, message: &str| (Outcome::Inconclusive, vec![(code.to_owned(), message.to_owned())]);
    assert_eq!(
        of("disk", "GiBy"),
        expected(
            "capacity-kind-unknown",
            "the register has no capacity of the kind `memory` of the product `shop`, of which 16 GiBy are needed"
        )
    );
    assert_eq!(
        of("memory", "MiBy"),
        expected(
            "capacity-unit-differs",
            "no capacity of the kind `memory` of the product `shop` is measured in GiBy, of which 16 are needed"
        )
    );
    assert_eq!(of("memory", "GiBy"), (Outcome::Passed, vec![]));
}

#[test]
fn an_amount_of_another_product_can_be_needed() {
    let settings = |product: &str| {
        format!(r#""needed": [{{ "kind": "memory", "amount": 7, "unit": "GiBy", "product": "{product}" }}]"#)
    };
    let shop = || capacity("C-1", "shop", 64.0, 0.0);
    let report = look(&settings("stock"), vec![shop(), stock()]);
    assert_eq!(found(&report), (Outcome::Failed, vec![("capacity-too-small", "/registers/capacities")]));
    assert_eq!(report.findings[0].about.as_deref(), Some("stock"));
    let till = capacity("C-9", "till", 64.0, 63.0);
    let report = look(&settings("till"), vec![shop(), stock(), till]);
    let expected =
        [("capacity-too-little", "/registers/capacities/2/used"), ("capacity-too-small", "/registers/capacities")];
    assert_eq!(found(&report).1, expected, "its free share counts, too");
}

#[test]
fn what_is_needed_is_taken_at_the_exit_of_fulfill() {
    let mut fixture = fixture();
    fixture.registers.capacities = Some(vec![capacity("C-1", "shop", 32.0, 20.0), stock()]);
    let at = |phase| run_with(&only("capacities", NEEDED), &fixture.clone().gate(Stage::Fulfill, phase)).outcome;
    assert_eq!((at(Phase::Entrance), at(Phase::Exit)), (Outcome::Failed, Outcome::Passed));
}

#[test]
fn the_free_shares_are_measurements_of_the_report_each_once() {
    let mut fixture = fixture();
    fixture.product.depends_on = vec!["stock".to_owned(), "shop".to_owned(), "stock".to_owned()];
    let report = run(&fixture);
    let measurements: Vec<(&str, f64, Option<f64>)> = report
        .measurements
        .iter()
        .map(|measurement| (measurement.name.as_str(), measurement.value, measurement.at_least))
        .collect();
    assert_eq!(measurements, [("C-1", 10.0, Some(10.0)), ("C-2", 75.0, Some(10.0))]);
}
