//! Settings that are refused, and the capabilities that follow from them.

use lockgate_plugin::Plugin;

use super::*;

fn places(settings: &str) -> Vec<String> {
    let findings = configure::<FulfillmentReady>(settings).expect_err("the settings are wrong");
    findings.into_iter().map(|finding| finding.pointer).collect()
}

#[test]
fn it_asks_for_the_registers_that_its_settings_need_and_no_others() {
    let asked = |settings: &str| -> Vec<String> {
        configured::<FulfillmentReady>(settings)
            .needs()
            .into_iter()
            .map(|needed| format!("{} {}", needed.name, needed.scope.join(" ")))
            .collect()
    };
    assert_eq!(asked("{}"), ["facts fulfillment-books", "facts orders", "facts capacities"]);
    assert_eq!(asked(&only("books", "")), ["facts fulfillment-books"]);
    assert_eq!(asked(&only("orders", "")), ["facts orders"]);
    assert_eq!(asked(&only("capacities", "")), ["facts capacities"]);
    assert!(FulfillmentReady::capabilities().is_empty());
}

#[test]
fn settings_that_ask_for_nothing_are_refused() {
    assert_eq!(places(&only("", "")), [""]);
    assert_eq!(places(r#"{ "least-free-percent": 0 }"#), ["/least-free-percent"]);
    let amounts = r#"{ "least-free-percent": 0, "needed": [{ "kind": "cpu", "amount": 1, "unit": "1" }] }"#;
    assert!(configure::<FulfillmentReady>(amounts).is_ok());
}

#[test]
fn keys_of_a_part_that_is_switched_off_are_refused() {
    let settings = only(
        "orders",
        r#""book-times": "sum", "book-digests": true, "least-free-percent": 5, "depended-on": true, "capacity-max-age": "1h",
           "needed": [{ "kind": "cpu", "amount": 1, "unit": "1" }]"#,
    );
    let expected =
        ["/book-times", "/book-digests", "/least-free-percent", "/needed", "/depended-on", "/capacity-max-age"];
    assert_eq!(places(&settings), expected);
}

#[test]
fn an_amount_that_is_needed_twice_is_refused() {
    let settings = r#"{ "needed": [
        { "kind": "cpu", "amount": 1, "unit": "1" }, { "kind": "cpu", "amount": 2, "unit": "1", "product": "stock" },
        { "kind": "cpu", "amount": 3, "unit": "1" }
    ] }"#;
    assert_eq!(places(settings), ["/needed/2/kind"]);
}

#[test]
fn settings_of_the_wrong_shape_are_refused_with_their_places() {
    assert_eq!(
        places(
            r#"{ "book-times": "average", "least-free-percent": 101, "capacity-max-age": "1s", "orders": 1, "order": true,
                 "needed": [{ "kind": "", "amount": 0, "unit": "1" }, { "kind": "cpu" }] }"#
        ),
        [
            "/book-times",
            "/capacity-max-age",
            "/least-free-percent",
            "/needed/0/amount",
            "/needed/0/kind",
            "/needed/1",
            "/needed/1",
            "/order",
            "/orders",
        ]
    );
}
