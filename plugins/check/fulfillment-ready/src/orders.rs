//! Whether the orders are due before the slot begins, and fulfilled when they are due.

use lockgate_plugin::registers::Order;
use lockgate_plugin::time::Timestamp;
use lockgate_plugin::types::{Phase, Stage, TimeWindow};
use lockgate_plugin::{CorrectionNeeded, Evaluation, FactNeeded, Finding, Findings, PluginError, Pointer, Requirement};

use crate::book_slot;
use crate::settings::ORDERS;

/// Looks at the register of orders. Returns whether it needs a slot to tell.
pub(crate) fn check(
    slot: Option<TimeWindow>,
    evaluation: &Evaluation,
    findings: &mut Findings,
) -> Result<bool, PluginError> {
    let Some(orders) = ORDERS.entries(evaluation.orders(), findings)? else { return Ok(false) };
    let mut needs_slot = false;
    for (index, order) in orders.iter().enumerate().filter(|(_, order)| !order.fulfilled) {
        needs_slot |= open(order, &ORDERS.place().index(index), slot, evaluation, findings);
    }
    Ok(needs_slot)
}

/// Looks at an order that is not fulfilled. Returns whether it needs a slot to tell.
fn open(
    order: &Order,
    place: &Pointer,
    slot: Option<TimeWindow>,
    evaluation: &Evaluation,
    findings: &mut Findings,
) -> bool {
    let (id, owner) = (order.id.as_str(), order.supplier.as_deref().unwrap_or(ORDERS.keeper));
    let fulfill = || {
        let need = FactNeeded::at(place.key("fulfilled")).register(ORDERS.name).id(id);
        Requirement::new("fulfill-order", format!("fulfill the order `{id}`"), need).owner(owner)
    };
    let agree = |expected: &str, found: &str| {
        let need = CorrectionNeeded::new(place.key("due"), expected).found(found);
        Requirement::correction("correct-order", need).owner(ORDERS.keeper)
    };
    let Some(due) = order.due.map(Timestamp::from) else {
        findings.unknown("order-due-unknown", |code| {
            let message = format!("the order `{id}` is open, and does not say when it has to be fulfilled");
            let remedy = agree("a time before the slot begins", "nothing");
            Finding::new(code, message).about(id).at(place.key("due")).remedy(remedy)
        });
        return false;
    };
    if evaluation.now() >= due {
        findings.wrong("order-overdue", |code| {
            let message = format!("the order `{id}` had to be fulfilled by {due}, and is open");
            Finding::new(code, message).about(id).at(place.key("fulfilled")).remedy(fulfill())
        });
        return false;
    }
    if let Some(slot) = slot.filter(|slot| due >= Timestamp::from(slot.start)) {
        findings.wrong("order-due-too-late", |code| {
            let start = Timestamp::from(slot.start);
            let message = format!("the order `{id}` is due at {due}, and the slot of the plan begins at {start}");
            let earlier = agree(&format!("a time before {start}"), &due.to_string());
            let later = book_slot(&format!("a slot that begins after {due}"), Some(slot)).way(1);
            Finding::new(code, message).about(id).at(place.key("due")).remedy(earlier).remedy(later)
        });
    } else if evaluation.has_reached(Stage::Fulfill, Phase::Entrance) {
        findings.again(due);
        findings.awaited("order-open", |code| {
            let message = format!("the order `{id}` is due at {due}, and is open");
            Finding::new(code, message).about(id).at(place.key("fulfilled")).remedy(fulfill())
        });
    }
    true
}
