//! Fulfillment books.

use lockgate_plugin::time::Duration;

use super::*;
use crate::books::total;
use crate::settings::BookTimes;

fn look(settings: &str, fixture: &Fixture) -> Report {
    run_with(&only("books", settings), fixture)
}

#[test]
fn each_book_has_to_be_verified() {
    let mut fixture = fixture();
    fixture.registers.fulfillment_books =
        Some(vec![book("F-1", "1h"), FulfillmentBook { verified: false, ..book("F-2", "1h") }]);
    let report = run(&fixture);
    let place = "/registers/fulfillment_books/1/verified";
    assert_eq!(found(&report), (Outcome::Failed, vec![("book-not-verified", place)]));
    let finding = &report.findings[0];
    assert_eq!(finding.message, "nobody has verified the fulfillment book `F-2`, which fulfills a database");
    assert_eq!(finding.remedies[0].owner.as_deref(), Some("operations-manager"));
}

#[test]
fn a_digest_is_needed_where_it_is_asked_for() {
    let digests = r#""book-digests": true"#;
    let mut fixture = fixture();
    assert_eq!(look("", &fixture).outcome, Outcome::Passed);
    for (index, digest) in [None, Some(String::new())].into_iter().enumerate() {
        let mut books = vec![FulfillmentBook { digest: Some("sha256:a".to_owned()), ..book("F-1", "1h") }; 2];
        books[index].digest = digest;
        fixture.registers.fulfillment_books = Some(books);
        let place = format!("/registers/fulfillment_books/{index}/digest");
        assert_eq!(found(&look(digests, &fixture)), (Outcome::Failed, vec![("book-not-protected", place.as_str())]));
    }
}

#[test]
fn the_times_of_all_books_fit_into_the_slot() {
    let mut fixture = fixture();
    assert_eq!(run(&fixture).outcome, Outcome::Passed, "two hours fit into two hours");
    fixture.registers.fulfillment_books = Some(vec![book("F-1", "1h"), book("F-2", "1h 1ms")]);
    let report = run(&fixture);
    assert_eq!(found(&report), (Outcome::Failed, vec![("books-exceed-slot", "/plan/slot")]));
    assert_eq!(
        report.findings[0].message,
        "the 2 fulfillment books take 2h 1ms one after another, and 2h of the slot 2026-11-24T20:00:00Z to \
         2026-11-24T22:00:00Z lie ahead"
    );
    assert_eq!(report.findings[0].pointers, ["/plan/slot", "/registers/fulfillment_books"]);
    assert_eq!(look(r#""book-times": "longest""#, &fixture).outcome, Outcome::Passed);
    assert_eq!(look(r#""book-times": "ignore""#, &fixture).outcome, Outcome::Passed);
    fixture.registers.fulfillment_books = Some(vec![book("F-1", "2h 1ms")]);
    assert_eq!(found(&look(r#""book-times": "longest""#, &fixture)).1, [("books-exceed-slot", "/plan/slot")]);
}

#[test]
fn at_the_entrance_of_fulfill_what_is_left_of_the_slot_counts() {
    let at = |stage, now: &str| {
        let mut fixture = fixture().gate(stage, Phase::Entrance).now(&format!("2026-11-24T{now}:00Z"));
        fixture.registers.fulfillment_books = Some(vec![book("F-1", "1h")]);
        look("", &fixture).outcome
    };
    assert_eq!(at(Stage::Fulfill, "12:00"), Outcome::Passed);
    assert_eq!(at(Stage::Fulfill, "21:00"), Outcome::Passed);
    assert_eq!(at(Stage::Fulfill, "21:01"), Outcome::Failed);
    assert_eq!(at(Stage::Fulfill, "23:00"), Outcome::Failed, "the slot is over");
    assert_eq!(at(Stage::PlanAndApprove, "21:01"), Outcome::Passed, "while it is planned, the whole slot counts");
    assert_eq!(at(Stage::Validate, "23:00"), Outcome::Passed, "the books have been carried out");
}

#[test]
fn a_book_without_a_time_is_inconclusive_unless_the_others_exceed_the_slot() {
    let timeless = FulfillmentBook { execution_time: None, ..book("F-1", "1h") };
    let mut fixture = fixture();
    fixture.registers.fulfillment_books = Some(vec![timeless.clone(), book("F-2", "1h")]);
    let unknown = ("book-time-unknown", "/registers/fulfillment_books/0/execution_time");
    assert_eq!(found(&run(&fixture)), (Outcome::Inconclusive, vec![unknown]));
    assert_eq!(look(r#""book-times": "ignore""#, &fixture).outcome, Outcome::Passed);
    fixture.registers.fulfillment_books = Some(vec![timeless, book("F-2", "3h")]);
    assert_eq!(found(&run(&fixture)), (Outcome::Failed, vec![("books-exceed-slot", "/plan/slot"), unknown]));
}

/// Every list of up to four short times.
#[test]
fn the_sum_and_the_longest_bound_each_other() {
    let durations = |times: &[i64]| times.iter().copied().map(Duration::from_millis).collect::<Vec<_>>();
    let mut lists: Vec<Vec<i64>> = vec![Vec::new()];
    for length in 0..4 {
        let longer: Vec<Vec<i64>> = lists
            .iter()
            .filter(|list| list.len() == length)
            .flat_map(|list| (0..4).map(move |time| list.iter().copied().chain([time]).collect()))
            .collect();
        lists.extend(longer);
    }
    assert_eq!(lists.len(), 1 + 4 + 16 + 64 + 256);
    for list in lists {
        let of = |how| total(durations(&list).into_iter(), how).as_millis();
        let (sum, longest) = (of(BookTimes::Sum), of(BookTimes::Longest));
        assert_eq!(sum, list.iter().sum::<i64>(), "{list:?}");
        assert!(longest <= sum && sum <= longest * i64::try_from(list.len()).expect("few"), "{list:?}");
        assert!(list.iter().all(|time| *time <= longest), "{list:?}");
        assert_eq!(of(BookTimes::Ignore), 0);
    }
}

#[test]
fn times_that_are_longer_than_time_itself_exceed_every_slot() {
    let mut fixture = fixture();
    let endless = FulfillmentBook { execution_time: Some(i64::MAX), ..book("F-1", "1h") };
    fixture.registers.fulfillment_books = Some(vec![endless.clone(), endless]);
    assert_eq!(found(&run(&fixture)).1, [("books-exceed-slot", "/plan/slot")]);
    let negative = FulfillmentBook { execution_time: Some(-1), ..book("F-1", "1h") };
    fixture.registers.fulfillment_books = Some(vec![negative, book("F-2", "2h 1ms")]);
    assert_eq!(run(&fixture).outcome, Outcome::Failed, "no book gives time back");
}
