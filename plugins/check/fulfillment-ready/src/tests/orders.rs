//! Orders.

use lockgate_plugin::Need;

use super::*;

/// At noon, with a slot from 20:00 to 22:00.
fn look(stage: Stage, order: Order) -> Report {
    let mut fixture = fixture().gate(stage, Phase::Entrance);
    fixture.registers.orders = Some(vec![order]);
    run_with(&only("orders", ""), &fixture)
}

fn due(time: &str) -> Order {
    order("O-1", &format!("2026-11-24T{time}:00Z"))
}

#[test]
fn an_order_is_due_before_the_slot_begins_and_fulfilled_when_it_is_due() {
    let overdue = (Outcome::Failed, vec![("order-overdue", "/registers/orders/0/fulfilled")]);
    let too_late = (Outcome::Failed, vec![("order-due-too-late", "/registers/orders/0/due")]);
    let awaited = (Outcome::Pending, vec![("order-open", "/registers/orders/0/fulfilled")]);
    let fine = (Outcome::Passed, vec![]);
    for (time, planned, under_way) in [
        ("00:00", &overdue, &overdue),
        ("12:00", &overdue, &overdue),
        ("12:01", &fine, &awaited),
        ("19:59", &fine, &awaited),
        ("20:00", &too_late, &too_late),
        ("23:00", &too_late, &too_late),
    ] {
        assert_eq!(found(&look(Stage::PlanAndApprove, due(time))), *planned, "{time}");
        assert_eq!(found(&look(Stage::Fulfill, due(time))), *under_way, "{time}");
        assert_eq!(found(&look(Stage::Fulfill, Order { fulfilled: true, ..due(time) })), fine, "{time}");
    }
}

#[test]
fn a_fulfilled_order_needs_no_date() {
    let dateless = Order { due: None, ..due("18:00") };
    assert_eq!(look(Stage::Fulfill, Order { fulfilled: true, ..dateless.clone() }).outcome, Outcome::Passed);
    let report = look(Stage::PlanAndApprove, dateless);
    assert_eq!(found(&report), (Outcome::Inconclusive, vec![("order-due-unknown", "/registers/orders/0/due")]));
    assert_eq!(report.findings[0].message, "the order `O-1` is open, and does not say when it has to be fulfilled");
}

#[test]
fn the_supplier_of_an_awaited_order_can_supply_it_until_it_is_due() {
    let report = look(Stage::Fulfill, due("18:00"));
    assert_eq!(report.findings[0].message, "the order `O-1` is due at 2026-11-24T18:00:00Z, and is open");
    assert_eq!(report.again, Some(Fixture::moment("2026-11-24T18:00:00Z").as_millis()));
    let [requirement] = report.requirements.as_slice() else { panic!("{report:?}") };
    assert_eq!((requirement.code.as_str(), requirement.owner.as_deref()), ("fulfill-order", Some("acme")));
    let Need::Fact(need) = &requirement.need else { panic!("{requirement:?}") };
    assert_eq!((need.kind.as_deref(), need.id.as_deref()), (Some("orders"), Some("O-1")));
    let report = look(Stage::Fulfill, Order { supplier: None, ..due("18:00") });
    assert_eq!(report.requirements[0].owner.as_deref(), Some("service-owner"));
}

#[test]
fn an_earlier_date_or_a_later_slot_resolves_an_order_that_is_due_too_late() {
    let report = look(Stage::PlanAndApprove, due("21:00"));
    let finding = &report.findings[0];
    assert_eq!(
        finding.message,
        "the order `O-1` is due at 2026-11-24T21:00:00Z, and the slot of the plan begins at 2026-11-24T20:00:00Z"
    );
    let ways: Vec<(u32, &str)> = finding.remedies.iter().map(|remedy| (remedy.way, remedy.code.as_str())).collect();
    assert_eq!(ways, [(0, "correct-order"), (1, "book-slot")]);
}

#[test]
fn each_open_order_is_told_and_the_first_date_is_the_next_to_look_again() {
    let mut fixture = fixture();
    let orders = [("O-1", "19:00"), ("O-2", "13:00"), ("O-3", "16:00")];
    let orders = orders.map(|(id, time)| order(id, &format!("2026-11-24T{time}:00Z")));
    fixture.registers.orders = Some(orders.to_vec());
    let report = run(&fixture);
    assert_eq!((report.outcome, report.requirements.len()), (Outcome::Pending, 3));
    assert_eq!(report.again, Some(Fixture::moment("2026-11-24T13:00:00Z").as_millis()));
    assert_eq!(report.summary, "the fulfillment of Shop 2.4 cannot begin yet: 3 things are awaited");
}
