//! Each kind of breaking change, made to the contract and caught.

use crate::contract::growth::{breaches, refused_components};
use crate::contract::text::Contract;

/// Who notices a change.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Noticed {
    /// `wit_component::semver_check` and our own rules.
    ByBoth,
    /// Our own rules alone: a component that exists would still be accepted.
    ByRulesAlone,
}

/// Makes one change of one package and tells who notices it. That our rules do is asserted here.
fn changed(package: &str, from: &str, to: &str) -> Noticed {
    noticed(Contract::as_released().with(package, from, to))
}

fn noticed(new: Contract) -> Noticed {
    let old = Contract::as_released();
    let refused = refused_components(&old, &new);
    let all = breaches(&old, &new);
    assert!(all.len() > refused.len(), "our own rules notice nothing: {all:?}");
    if refused.is_empty() { Noticed::ByRulesAlone } else { Noticed::ByBoth }
}

#[test]
fn a_removed_function_is_caught() {
    let function = "  @since(version = 0.2.0)\n  advance: func(evaluation: borrow<evaluation>) -> \
                    result<action, plugin-error>;\n";
    // A component that exports more than is expected of it fits: this one is about whoever calls the function.
    assert_eq!(changed("strategy", function, ""), Noticed::ByRulesAlone);
}

#[test]
fn an_added_function_in_an_exported_interface_is_caught() {
    let function = "  decide: func";
    let two = "  explain: func() -> string;\n\n  @since(version = 0.2.0)\n  decide: func";
    assert_eq!(changed("approval", function, two), Noticed::ByBoth);
}

#[test]
fn an_added_type_in_an_exported_interface_is_caught() {
    let enumeration = "  enum outcome {";
    let two = "  enum mood {\n    good,\n    bad,\n  }\n\n  @since(version = 0.2.0)\n  enum outcome {";
    assert_eq!(changed("check", enumeration, two), Noticed::ByBoth);
}

#[test]
fn an_added_parameter_is_caught() {
    let (from, to) =
        ("decide: func(evaluation: borrow<evaluation>)", "decide: func(evaluation: borrow<evaluation>, hint: string)");
    assert_eq!(changed("approval", from, to), Noticed::ByBoth);
}

#[test]
fn a_parameter_of_another_type_is_caught() {
    assert_eq!(
        changed("types", "configure: func(settings: settings)", "configure: func(settings: list<u8>)"),
        Noticed::ByBoth
    );
}

#[test]
fn a_renamed_parameter_is_caught() {
    assert_eq!(
        changed("types", "configure: func(settings: settings)", "configure: func(options: string)"),
        Noticed::ByBoth
    );
}

#[test]
fn a_changed_result_is_caught() {
    let (from, to) = ("-> result<report, plugin-error>", "-> result<report>");
    assert_eq!(changed("check", from, to), Noticed::ByBoth);
}

#[test]
fn a_removed_record_field_is_caught() {
    assert_eq!(changed("approval", "    obligations: list<obligation>,\n", ""), Noticed::ByBoth);
}

#[test]
fn an_added_record_field_is_caught() {
    let (from, to) = ("    reasons: list<reason>,\n", "    reasons: list<reason>,\n    hint: option<string>,\n");
    assert_eq!(changed("approval", from, to), Noticed::ByBoth);
}

#[test]
fn a_renamed_record_field_is_caught() {
    assert_eq!(changed("check", "    exhibits: list<exhibit>,", "    attachments: list<exhibit>,"), Noticed::ByBoth);
}

#[test]
fn reordered_record_fields_are_caught() {
    let (from, to) = ("    start: timestamp,\n    end: timestamp,\n", "    end: timestamp,\n    start: timestamp,\n");
    assert_eq!(changed("types", from, to), Noticed::ByBoth);
}

#[test]
fn a_record_field_of_another_type_is_caught() {
    assert_eq!(changed("types", "    attempts: u32,", "    attempts: u64,"), Noticed::ByBoth);
}

#[test]
fn an_added_enum_case_is_caught() {
    let (from, to) = ("    emergency,\n", "    emergency,\n    disaster-recovery,\n");
    assert_eq!(changed("types", from, to), Noticed::ByBoth);
}

#[test]
fn a_removed_enum_case_is_caught() {
    assert_eq!(changed("types", "    emergency,\n", ""), Noticed::ByBoth);
}

#[test]
fn an_added_variant_case_is_caught() {
    let (from, to) =
        ("    correction(correction-needed),\n", "    correction(correction-needed),\n    payment(string),\n");
    assert_eq!(changed("types", from, to), Noticed::ByBoth);
}

#[test]
fn a_removed_variant_case_is_caught() {
    assert_eq!(changed("strategy", "    pause(reason),\n", ""), Noticed::ByBoth);
}

#[test]
fn a_variant_case_with_another_payload_is_caught() {
    assert_eq!(changed("strategy", "    perform(list<string>),", "    perform(string),"), Noticed::ByBoth);
}

#[test]
fn another_meaning_of_a_type_alias_is_caught() {
    assert_eq!(changed("types", "type timestamp = s64;", "type timestamp = u64;"), Noticed::ByBoth);
}

#[test]
fn a_removed_method_is_caught() {
    let method = "    @since(version = 0.2.0)\n    subject: func() -> digest;\n";
    assert_eq!(changed("host", method, ""), Noticed::ByBoth);
}

#[test]
fn a_method_with_another_signature_is_caught() {
    let (from, to) =
        ("fact: func(name: string) -> result<document, read-error>;", "fact: func(name: string) -> document;");
    assert_eq!(changed("host", from, to), Noticed::ByBoth);
}

#[test]
fn a_removed_import_is_caught() {
    assert_eq!(changed("check", "  import lockgate:host/log@0.2.0;\n", ""), Noticed::ByBoth);
}

#[test]
fn a_removed_interface_is_caught() {
    let released = Contract::as_released();
    let host = released.package("host");
    let Some(log) = host.find("/// Lines for the author").and_then(|at| host.get(at..)) else { panic!("no log") };
    let mut new = released.clone().with("host", log, "");
    for package in ["approval", "check", "strategy"] {
        new = new.with(package, "  import lockgate:host/log@0.2.0;\n", "");
    }
    assert_eq!(noticed(new), Noticed::ByBoth);
}

#[test]
fn a_world_that_demands_less_is_caught() {
    // Components that exist still fit, but a host that was built against the old world would refuse new ones.
    assert_eq!(changed("strategy", "  export strategy;\n", ""), Noticed::ByRulesAlone);
}

#[test]
fn a_world_that_demands_more_is_caught() {
    let interface = "\n/// Says more.\n@since(version = 0.2.0)\ninterface explain {\n  @since(version = 0.2.0)\n  \
                     explain: func() -> string;\n}\n\n/// The world of an approval policy.\n";
    let new = Contract::as_released().with("approval", "\n/// The world of an approval policy.\n", interface).with(
        "approval",
        "  export policy;\n",
        "  export policy;\n  export explain;\n",
    );
    assert_eq!(noticed(new), Noticed::ByBoth);
}

#[test]
fn a_removed_world_is_caught() {
    let released = Contract::as_released();
    let check = released.package("check");
    let Some(world) = check.find("/// The world of").and_then(|at| check.get(at..)) else { panic!("no world") };
    assert_eq!(noticed(released.clone().with("check", world, "")), Noticed::ByBoth);
}

#[test]
fn a_type_that_no_world_uses_must_stay_too() {
    let released = Contract::as_released();
    let unused = "  /// How a deployment ended.\n";
    let with_unused = "  /// Used by nobody.\n  @since(version = 0.2.0)\n  record spare {\n    name: string,\n  }\n\n  \
                       /// How a deployment ended.\n";
    let old = released.clone().with("types", unused, with_unused);
    assert_eq!(refused_components(&old, &released), Vec::<String>::new());
    assert_eq!(breaches(&old, &released), ["lockgate:types/types.spare is gone"]);
}

#[test]
fn a_new_ability_inside_an_old_interface_is_caught() {
    // A component that exists would not mind. But what a plugin can do is granted by interface.
    let (from, to) = ("  log: func(", "  flush: func();\n\n  @since(version = 0.2.0)\n  log: func(");
    assert_eq!(changed("host", from, to), Noticed::ByRulesAlone);
}

#[test]
fn a_new_method_that_hides_since_when_is_caught() {
    let (from, to) =
        ("    history: func(", "    tenant: func() -> string;\n\n    @since(version = 0.2.0)\n    history: func(");
    assert_eq!(changed("host", from, to), Noticed::ByRulesAlone);
}

#[test]
fn an_item_that_rewrites_since_when_it_is_there_is_caught() {
    let new = Contract::as_released().called("0.2.0", "0.2.1").with(
        "types",
        "  @since(version = 0.2.0)\n  type timestamp",
        "  @since(version = 0.2.1)\n  type timestamp",
    );
    assert_eq!(noticed(new), Noticed::ByRulesAlone);
}
