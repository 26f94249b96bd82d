#![allow(clippy::expect_used, clippy::indexing_slicing, clippy::panic, reason = "a test fails by panicking")]

mod books;
mod capacities;
mod orders;
mod settings;

use lockgate_plugin::registers::{Capacity, FulfillmentBook, Order};
use lockgate_plugin::testing::{
    Fixture, Registers, configure, configured, outcome_and_findings as found, register_entry as entry, report_of,
};
use lockgate_plugin::types::{Phase, Plan, Scenario, Stage, TimeWindow};
use lockgate_plugin::{Outcome, Report};
use serde_json::json;

use super::FulfillmentReady;

fn slot(start: &str, end: &str) -> Option<Plan> {
    let at = |time: &str| Fixture::moment(&format!("2026-11-24T{time}:00Z"));
    Some(Plan { slot: Some(TimeWindow::new(at(start), at(end))), ..Fixture::plan("P-1") })
}

/// All that fulfillment needs, at the entrance of fulfill at noon, with a slot from 20:00 to 22:00. The product depends on
/// `stock`.
fn fixture() -> Fixture {
    let mut fixture = Fixture::new().gate(Stage::Fulfill, Phase::Entrance);
    fixture.plan = slot("20:00", "22:00");
    fixture.product.depends_on = vec!["stock".to_owned()];
    fixture.registers.fulfillment_books = Some(vec![book("F-1", "1h"), book("F-2", "1h")]);
    fixture.registers.orders = Some(vec![Order { fulfilled: true, ..order("O-1", "2026-11-20T00:00:00Z") }]);
    fixture.registers.capacities = Some(vec![capacity("C-1", "shop", 100.0, 90.0), capacity("C-2", "stock", 8.0, 2.0)]);
    fixture
}

fn book(id: &str, time: &str) -> FulfillmentBook {
    entry(json!({ "id": id, "fulfills": "a database", "automated": true, "verified": true, "execution_time": time }))
}

fn order(id: &str, due: &str) -> Order {
    entry(json!({ "id": id, "status": "placed", "fulfilled": false, "due": due, "supplier": "acme" }))
}

fn capacity(id: &str, product: &str, total: f64, used: f64) -> Capacity {
    entry(json!({
        "id": id, "product": product, "kind": "memory", "unit": "GiBy", "total": total, "used": used,
        "measured": "2026-11-24T11:00:00Z",
    }))
}

fn run_with(settings: &str, fixture: &Fixture) -> Report {
    report_of::<FulfillmentReady>(settings, fixture)
}

fn run(fixture: &Fixture) -> Report {
    run_with("{}", fixture)
}

/// The settings that look at one part alone.
fn only(part: &str, more: &str) -> String {
    let parts = ["books", "orders", "capacities"].map(|name| format!(r#""{name}": {}"#, name == part));
    let all: Vec<String> = parts.into_iter().chain((!more.is_empty()).then(|| more.to_owned())).collect();
    format!("{{ {} }}", all.join(", "))
}

#[test]
fn with_all_that_it_needs_fulfillment_can_begin() {
    let report = run(&fixture());
    assert_eq!(found(&report), (Outcome::Passed, vec![]));
    assert_eq!(report.summary, "the fulfillment of Shop 2.4 can begin: all that the settings ask for is there");
}

#[test]
fn a_register_that_nobody_keeps_is_told_apart_from_one_that_is_not_granted_or_empty() {
    let registers = [
        ("books", "fulfillment-books", "books", Outcome::Failed, "books-empty"),
        ("orders", "orders", "orders", Outcome::Passed, "no-orders"),
        ("capacities", "capacities", "capacities", Outcome::Inconclusive, "capacities-empty"),
    ];
    for (part, register, word, of_empty, empty) in registers {
        let place = format!("/registers/{}", register.replace('-', "_"));
        let look = |fixture: &Fixture| run_with(&only(part, ""), fixture);
        let mut fixture = fixture();
        fixture.registers = Registers::default();
        let not_kept = format!("{word}-not-kept");
        assert_eq!(found(&look(&fixture)), (Outcome::Inconclusive, vec![(not_kept.as_str(), place.as_str())]));

        fixture.registers.fulfillment_books = Some(Vec::new());
        fixture.registers.orders = Some(Vec::new());
        fixture.registers.capacities = Some(Vec::new());
        assert_eq!(found(&look(&fixture)), (of_empty, vec![(empty, place.as_str())]));

        fixture.withheld = vec![register.to_owned()];
        let not_granted = format!("{word}-not-granted");
        assert_eq!(found(&look(&fixture)), (Outcome::Inconclusive, vec![(not_granted.as_str(), place.as_str())]));
    }
}

#[test]
fn a_removal_needs_no_capacity() {
    let mut fixture = fixture();
    fixture.scenario = Scenario::Removal;
    fixture.registers.capacities = None;
    assert_eq!(run(&fixture).outcome, Outcome::Passed);
    assert_eq!(run_with(&only("capacities", ""), &fixture), Report::skipped("a removal needs no capacity"));
    fixture.registers.orders = None;
    assert_eq!(run(&fixture).outcome, Outcome::Inconclusive, "its orders count");
}

#[test]
fn a_slot_is_due_from_the_exit_of_plan_and_approve_on_where_something_has_to_be_in_time_for_it() {
    let mut fixture = fixture();
    fixture.registers.orders = Some(vec![order("O-1", "2026-11-24T18:00:00Z")]);
    for plan in [None, Some(Fixture::plan("P-1"))] {
        fixture.plan = plan;
        let at = |settings: &str, stage, phase| run_with(settings, &fixture.clone().gate(stage, phase));
        let missing = (Outcome::Inconclusive, vec![("slot-missing", "/plan/slot")]);
        assert_eq!(at("{}", Stage::PlanAndApprove, Phase::Entrance).outcome, Outcome::Passed);
        for part in ["books", "orders"] {
            assert_eq!(found(&at(&only(part, ""), Stage::PlanAndApprove, Phase::Exit)), missing, "{part}");
        }
        assert_eq!(found(&at("{}", Stage::PlanAndApprove, Phase::Exit)), missing, "it is told once");
        assert_eq!(at(&only("capacities", ""), Stage::PlanAndApprove, Phase::Exit).outcome, Outcome::Passed);
        let ignored = only("books", r#""book-times": "ignore""#);
        assert_eq!(at(&ignored, Stage::PlanAndApprove, Phase::Exit).outcome, Outcome::Passed);
    }
}

#[test]
fn what_is_wrong_outweighs_what_is_not_known_and_what_is_awaited() {
    let mut fixture = fixture();
    fixture.registers.orders = Some(vec![order("O-1", "2026-11-24T18:00:00Z")]);
    assert_eq!(run(&fixture).outcome, Outcome::Pending);
    fixture.registers.capacities = None;
    let report = run(&fixture);
    let expected =
        vec![("capacities-not-kept", "/registers/capacities"), ("order-open", "/registers/orders/0/fulfilled")];
    assert_eq!(found(&report), (Outcome::Inconclusive, expected));
    fixture.registers.fulfillment_books.iter_mut().flatten().for_each(|book| book.verified = false);
    let report = run(&fixture);
    assert_eq!(report.outcome, Outcome::Failed);
    assert_eq!(report.summary, "the fulfillment of Shop 2.4 cannot begin: 2 things are not as they should be");
}
