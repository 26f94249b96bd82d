//! The contract keeps its word: what was released stays as it was, and what comes is added where it breaks nobody.
//!
//! The rules stand in `wit/README.md`. `growth` holds them as code; `breaking` shows that each kind of breaking change
//! is caught, and `additions` that the allowed ones pass.

mod additions;
mod breaking;
mod costs;
mod documented;
mod growth;
mod lint;
mod reference;
mod text;

use text::Contract;

#[test]
fn the_contract_of_today_keeps_the_promises_of_every_released_version() {
    let today = Contract::today();
    for version in Contract::frozen_versions().iter().filter(|version| version.pre.is_empty()) {
        let released = Contract::frozen(&version.to_string());
        assert_eq!(growth::breaches(&released, &today), Vec::<String>::new(), "against {version}");
    }
}

/// What a draft changed against the draft of that version, although it has the same version.
fn changed_draft(frozen: &Contract, today: &Contract) -> Vec<String> {
    let mut changes = growth::changes(frozen, today);
    changes.extend(growth::changes(today, frozen));
    changes
}

#[test]
fn a_draft_does_not_change_without_a_new_number() {
    let today = Contract::today();
    let version = today.version();
    assert!(Contract::frozen_versions().contains(&version), "copy wit/ to tests/contract/{version}");
    let changes = changed_draft(&Contract::frozen(&version.to_string()), &today);
    assert_eq!(changes, Vec::<String>::new(), "raise the number of the draft, and say why in wit/README.md");
}

#[test]
fn a_draft_that_changed_under_its_number_is_found() {
    let today = Contract::today();
    let frozen = Contract::frozen(&today.version().to_string());
    let grown = today.with(
        "host",
        "    id: func() -> string;",
        "    id: func() -> string;\n    /// X.\n    @since(version = 0.2.0-rc.2)\n    tenant: func() -> string;",
    );
    assert_eq!(changed_draft(&frozen, &grown), ["lockgate:host/snapshot.[method]evaluation.tenant is gone"]);
}

#[test]
fn the_five_packages_carry_one_version() {
    let resolve = Contract::today().resolve();
    let versions: Vec<String> = resolve
        .packages
        .iter()
        .map(|(_, package)| package.name.version.clone().map_or_else(String::new, |v| v.to_string()))
        .collect();
    assert_eq!(versions.len(), 5);
    assert!(versions.iter().all(|version| Some(version) == versions.first()), "{versions:?}");
}
