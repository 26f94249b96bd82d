//! The text of one version of the contract: read from its files, changed by tests, resolved by `wit-parser`.

use std::fs;

use lockgate_tests::repository;
use wit_parser::Resolve;

/// In an order in which each package comes after those it uses.
const PACKAGES: [&str; 5] = ["types", "host", "approval", "check", "strategy"];

/// The WIT text of the five packages.
#[derive(Clone)]
pub(crate) struct Contract(Vec<(&'static str, String)>);

impl Contract {
    /// What stands in `wit/`.
    pub(crate) fn today() -> Self {
        Self::read(|package| format!("wit/{package}/{package}.wit"))
    }

    /// The frozen text of a released version.
    pub(crate) fn released(version: &str) -> Self {
        Self::read(|package| format!("tests/contract/{version}/{package}.wit"))
    }

    /// The versions of which the frozen text is kept.
    pub(crate) fn released_versions() -> Vec<String> {
        let folder = repository("tests/contract");
        let entries = fs::read_dir(&folder).unwrap_or_else(|error| panic!("{}: {error}", folder.display()));
        let mut versions: Vec<String> =
            entries.flatten().map(|entry| entry.file_name().to_string_lossy().into_owned()).collect();
        versions.sort();
        assert!(!versions.is_empty(), "{} holds no released version", folder.display());
        versions
    }

    fn read(path: impl Fn(&str) -> String) -> Self {
        Self(
            PACKAGES
                .into_iter()
                .map(|package| {
                    let path = repository(&path(package));
                    let text = fs::read_to_string(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
                    (package, text)
                })
                .collect(),
        )
    }

    /// The text of one package.
    pub(crate) fn package(&self, package: &str) -> &str {
        self.0.iter().find(|(name, _)| *name == package).map_or("", |(_, text)| text)
    }

    /// The same contract with one place of one package written differently. The place has to be there exactly once.
    pub(crate) fn with(mut self, package: &str, from: &str, to: &str) -> Self {
        let Some((_, text)) = self.0.iter_mut().find(|(name, _)| *name == package) else {
            panic!("there is no package `{package}`");
        };
        assert_eq!(text.matches(from).count(), 1, "`{from}` in package `{package}`");
        *text = text.replacen(from, to, 1);
        self
    }

    /// The same contract, called another version. What items say of `@since` stays.
    pub(crate) fn called(mut self, from: &str, to: &str) -> Self {
        for (_, text) in &mut self.0 {
            *text = text.replace(&format!("@{from}"), &format!("@{to}"));
        }
        self
    }

    /// Resolves all packages.
    pub(crate) fn resolve(&self) -> Resolve {
        let mut resolve = Resolve::new();
        for (package, text) in &self.0 {
            if let Err(error) = resolve.push_source(&format!("{package}.wit"), text) {
                panic!("package `{package}`: {}", resolve.render_error(&error));
            }
        }
        resolve
    }
}
