//! The text of one version of the contract: read from its files, changed by tests, resolved by `wit-parser`.

use std::fs;

use lockgate_tests::repository;
use semver::Version;
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

    /// The frozen text of a version.
    pub(crate) fn frozen(version: &str) -> Self {
        Self::read(|package| format!("tests/contract/{version}/{package}.wit"))
    }

    /// The versions whose frozen text is kept, in order.
    pub(crate) fn frozen_versions() -> Vec<Version> {
        let folder = repository("tests/contract");
        let entries = fs::read_dir(&folder).unwrap_or_else(|error| panic!("{}: {error}", folder.display()));
        let mut versions: Vec<Version> =
            entries.flatten().map(|entry| entry.file_name().to_string_lossy().parse().unwrap()).collect();
        versions.sort();
        assert!(!versions.is_empty(), "{} holds no version", folder.display());
        versions
    }

    /// The version of the packages.
    pub(crate) fn version(&self) -> Version {
        let line = self.package("types").lines().find_map(|line| line.strip_prefix("package lockgate:types@"));
        line.and_then(|rest| rest.trim_end_matches(';').parse().ok()).expect("the package has a version")
    }

    /// Today's text as the release `0.2.0`, for the tests that change a released contract.
    pub(crate) fn as_released() -> Self {
        let today = Self::today();
        let version = today.version();
        let since = |text: &str| text.replace(&format!("(version = {version})"), "(version = 0.2.0)");
        let released = today.called(&version.to_string(), "0.2.0");
        Self(released.0.into_iter().map(|(package, text)| (package, since(&text))).collect())
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
