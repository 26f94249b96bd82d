//! What may be added, and is accepted.

use crate::contract::growth::breaches;
use crate::contract::text::Contract;

/// The released contract, about to grow.
fn next() -> Contract {
    Contract::as_released().called("0.2.0", "0.2.1")
}

fn accepted(new: &Contract) {
    assert_eq!(breaches(&Contract::as_released(), new), Vec::<String>::new());
}

#[test]
fn the_same_text_under_a_later_version_is_accepted() {
    accepted(&next());
}

#[test]
fn a_new_method_of_the_snapshot_is_accepted() {
    let (from, to) = (
        "    @since(version = 0.2.0)\n    history: func(",
        "    @since(version = 0.2.1)\n    tenant: func() -> string;\n\n    @since(version = 0.2.0)\n    history: func(",
    );
    accepted(&next().with("host", from, to));
}

#[test]
fn a_new_method_that_answers_with_a_new_type_is_accepted() {
    let (from, to) = (
        "  /// How a deployment ended.\n",
        "  /// Whose it is.\n  @since(version = 0.2.1)\n  record tenant {\n    name: string,\n  }\n\n  \
         /// How a deployment ended.\n",
    );
    let new = next()
        .with("types", from, to)
        .with("host", "deployment-record, gate-passage,", "deployment-record, gate-passage, tenant,")
        .with(
            "host",
            "    @since(version = 0.2.0)\n    history: func(",
            "    @since(version = 0.2.1)\n    tenant: func() -> tenant;\n\n    @since(version = 0.2.0)\n    history: func(",
        );
    accepted(&new);
}

#[test]
fn a_new_interface_that_plugins_may_import_is_accepted() {
    let (from, to) = (
        "/// Lines for the author",
        "/// Numbers.\n@since(version = 0.2.1)\ninterface metrics {\n  @since(version = 0.2.1)\n  \
         count: func(name: string);\n}\n\n/// Lines for the author",
    );
    let import = "  import lockgate:host/log@0.2.1;\n";
    let new = next().with("host", from, to).with(
        "check",
        import,
        "  import lockgate:host/log@0.2.1;\n  import lockgate:host/metrics@0.2.1;\n",
    );
    accepted(&new);
}

#[test]
fn a_new_interface_that_the_host_probes_for_is_accepted() {
    let (from, to) = (
        "/// The world of an approval policy.",
        "/// Says more.\n@since(version = 0.2.1)\ninterface explain {\n  @since(version = 0.2.1)\n  \
         explain: func() -> string;\n}\n\n/// The world of an approval policy.",
    );
    accepted(&next().with("approval", from, to));
}

#[test]
fn better_words_are_accepted() {
    accepted(&next().with("types", "/// May the stage begin?", "/// Is everything there that the stage needs?"));
}
