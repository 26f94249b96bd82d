//! Whether the fulfillment books are verified, and can be carried out within the slot.

use lockgate_plugin::registers::FulfillmentBook;
use lockgate_plugin::time::{Duration, Timestamp};
use lockgate_plugin::types::{Phase, Stage, TimeWindow};
use lockgate_plugin::{CorrectionNeeded, Evaluation, Finding, Findings, PluginError, Pointer, counted};

use crate::settings::{BOOKS, BookTimes, Settings};
use crate::{book_slot, slot_place};

/// Looks at the register of fulfillment books. Returns whether it needs a slot to tell.
pub(crate) fn check(
    settings: &Settings,
    slot: Option<TimeWindow>,
    evaluation: &Evaluation,
    findings: &mut Findings,
) -> Result<bool, PluginError> {
    let Some(books) = BOOKS.entries(evaluation.fulfillment_books(), findings)? else { return Ok(false) };
    for (index, book) in books.iter().enumerate() {
        let place = BOOKS.place().index(index);
        verified(book, &place, findings);
        if settings.book_digests {
            digest(book, &place, findings);
        }
    }
    // At the exit of fulfill, the books have been carried out.
    if settings.book_times() == BookTimes::Ignore || evaluation.has_reached(Stage::Fulfill, Phase::Exit) {
        return Ok(false);
    }
    for (index, book) in books.iter().enumerate().filter(|(_, book)| book.execution_time.is_none()) {
        findings.unknown("book-time-unknown", |code| {
            let message = format!("the fulfillment book `{}` does not say how long it takes", book.id);
            let need = CorrectionNeeded::new(BOOKS.place().index(index).key("execution_time"), "its execution time");
            Finding::new(code, message).about(&book.id).correct("correct-book", need.found("nothing"), BOOKS.keeper)
        });
    }
    if let Some(slot) = slot {
        fit(&books, settings.book_times(), slot, evaluation, findings);
    }
    Ok(true)
}

fn verified(book: &FulfillmentBook, place: &Pointer, findings: &mut Findings) {
    if book.verified {
        return;
    }
    findings.wrong("book-not-verified", |code| {
        let message =
            format!("nobody has verified the fulfillment book `{}`, which fulfills {}", book.id, book.fulfills);
        let need = CorrectionNeeded::new(place.key("verified"), "`true`").found("false");
        Finding::new(code, message).about(&book.id).correct("correct-book", need, BOOKS.keeper)
    });
}

fn digest(book: &FulfillmentBook, place: &Pointer, findings: &mut Findings) {
    if book.digest.as_deref().is_some_and(|digest| !digest.is_empty()) {
        return;
    }
    findings.wrong("book-not-protected", |code| {
        let message =
            format!("the fulfillment book `{}` has no digest, so nobody can tell whether it was changed", book.id);
        let need = CorrectionNeeded::new(place.key("digest"), "the digest of its content").found("nothing");
        Finding::new(code, message).about(&book.id).correct("correct-book", need, BOOKS.keeper)
    });
}

/// The books fit into what is left of the slot. A book without a time takes none here.
fn fit(
    books: &[FulfillmentBook],
    times: BookTimes,
    slot: TimeWindow,
    evaluation: &Evaluation,
    findings: &mut Findings,
) {
    let takes = total(books.iter().filter_map(|book| book.execution_time).map(Duration::from_millis), times);
    // While it is planned, the whole slot lies ahead.
    let is_planned = evaluation.stage() == Stage::PlanAndApprove;
    let start = if is_planned { slot.start.into() } else { evaluation.now().max(slot.start.into()) };
    let left = Timestamp::from(slot.end).since(start);
    if takes <= left {
        return;
    }
    findings.wrong("books-exceed-slot", |code| {
        let how = match times {
            BookTimes::Longest => "side by side",
            BookTimes::Sum | BookTimes::Ignore => "one after another",
        };
        let (books, take) = (
            counted(books.len(), "fulfillment book", "fulfillment books"),
            if books.len() == 1 { "takes" } else { "take" },
        );
        let message = format!("the {books} {take} {takes} {how}, and {left} of the slot {slot} lie ahead");
        let remedy = book_slot(&format!("a slot of which at least {takes} lie ahead"), Some(slot));
        Finding::new(code, message).at(slot_place()).at(BOOKS.place()).remedy(remedy)
    });
}

/// The time that the books take together.
pub(crate) fn total(times: impl Iterator<Item = Duration>, how: BookTimes) -> Duration {
    let add = |sum: Duration, time: Duration| Duration::from_millis(sum.as_millis().saturating_add(time.as_millis()));
    match how {
        BookTimes::Sum => times.fold(Duration::default(), add),
        BookTimes::Longest => times.max().unwrap_or_default(),
        BookTimes::Ignore => Duration::default(),
    }
}
