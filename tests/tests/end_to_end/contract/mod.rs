//! The contract keeps its word: what was released stays as it was, and what comes is added where it breaks nobody.
//!
//! The rules stand in `wit/README.md`. `growth` holds them as code; `breaking` shows that each kind of breaking change
//! is caught, and `additions` that the allowed ones pass.

mod additions;
mod breaking;
mod documented;
mod growth;
mod text;

use text::Contract;

#[test]
fn the_contract_of_today_keeps_the_promises_of_every_released_version() {
    let today = Contract::today();
    for version in Contract::released_versions() {
        let released = Contract::released(&version);
        assert_eq!(growth::breaches(&released, &today), Vec::<String>::new(), "against {version}");
    }
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
