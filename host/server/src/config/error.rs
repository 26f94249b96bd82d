//! Mistakes in a configuration, with the places where they were written.

use std::fmt;
use std::sync::Arc;

use lockgate_domain::closest;

/// The place where a part of a configuration was written.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum SettingOrigin {
    /// In the file. Line and column count from 1; columns count characters.
    File {
        /// The name of the file, as the user wrote it.
        name: Arc<str>,
        line: usize,
        column: usize,
    },
    /// In an environment variable, by its name.
    Variable(String),
    /// In a flag of the command line, for example `--listen`.
    Flag(String),
    /// The value is a default.
    Default,
}

impl fmt::Display for SettingOrigin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::File { name, line, column } => write!(f, "{name}:{line}:{column}"),
            Self::Variable(name) => f.write_str(name),
            Self::Flag(flag) => f.write_str(flag),
            Self::Default => f.write_str("default"),
        }
    }
}

/// One step from a value to one inside it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum PathStep {
    Key(String),
    Index(usize),
}

/// The path of a setting: `auth.certificates[0].uri`.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct SettingPath(pub(super) Vec<PathStep>);

impl SettingPath {
    /// The path of a key at the top.
    pub(super) fn top(key: &str) -> Self {
        Self::default().key(key)
    }

    /// Whether this is the path of the whole configuration.
    pub(super) fn is_top(&self) -> bool {
        self.0.is_empty()
    }

    /// The path of a key inside this one.
    pub(super) fn key(&self, key: &str) -> Self {
        self.step(PathStep::Key(key.to_owned()))
    }

    /// The path of an item of a list, from 0.
    pub(super) fn index(&self, index: usize) -> Self {
        self.step(PathStep::Index(index))
    }

    fn step(&self, step: PathStep) -> Self {
        Self(self.0.iter().cloned().chain([step]).collect())
    }
}

impl fmt::Display for SettingPath {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (depth, step) in self.0.iter().enumerate() {
            match step {
                PathStep::Index(index) => write!(f, "[{index}]")?,
                PathStep::Key(name) if depth == 0 => f.write_str(name)?,
                PathStep::Key(name) => write!(f, ".{name}")?,
            }
        }
        Ok(())
    }
}

/// A setting that is wrong.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SettingFault {
    /// The path from the top of the configuration.
    pub path: SettingPath,
    /// What is wrong, and what to write instead. One line, lower-case.
    pub message: String,
}

impl fmt::Display for SettingFault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "`{}`: {}", self.path, self.message)
    }
}

/// The wrong settings that a check has found.
#[derive(Debug, Default)]
pub(super) struct SettingFaults(pub(super) Vec<SettingFault>);

impl SettingFaults {
    pub(super) fn add(&mut self, path: SettingPath, message: impl Into<String>) {
        self.0.push(SettingFault { path, message: message.into() });
    }
}

/// A mistake, with the place where it was written.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ConfigFault {
    pub origin: SettingOrigin,
    /// What is wrong, and what to write instead. One line, lower-case.
    pub message: String,
}

impl ConfigFault {
    pub(super) fn new(origin: SettingOrigin, message: impl Into<String>) -> Self {
        Self { origin, message: message.into() }
    }
}

impl fmt::Display for ConfigFault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.origin {
            SettingOrigin::Default => f.write_str(&self.message),
            origin => write!(f, "{origin}: {}", self.message),
        }
    }
}

/// All mistakes in a configuration, in the order of their places.
#[derive(Debug)]
pub struct ConfigError {
    /// At least one.
    pub faults: Vec<ConfigFault>,
}

impl ConfigError {
    pub(super) fn new(mut faults: Vec<ConfigFault>) -> Self {
        faults.sort_by(|a, b| a.origin.cmp(&b.origin));
        Self { faults }
    }
}

impl fmt::Display for ConfigError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.faults.len() {
            1 => f.write_str("invalid configuration")?,
            many => write!(f, "invalid configuration, {many} faults")?,
        }
        self.faults.iter().try_for_each(|fault| write!(f, "\n  {fault}"))
    }
}

impl std::error::Error for ConfigError {}

/// The end of a message about an unknown word: the likely word, or all that are allowed.
pub(super) fn hint<'a>(word: &str, right: impl IntoIterator<Item = &'a str>) -> String {
    let right: Vec<&str> = right.into_iter().collect();
    match closest(word, right.iter().copied()) {
        Some(close) => format!(": did you mean `{close}`?"),
        None if right.is_empty() || right.len() > 12 => String::new(),
        None => {
            let listed = right.iter().map(|word| format!("`{word}`")).collect::<Vec<_>>().join(", ");
            format!(": write one of {listed}")
        }
    }
}

/// A text for a message, cut off after 57 characters.
pub(super) fn shortened(text: &str) -> String {
    if text.chars().count() <= 60 { text.to_owned() } else { text.chars().take(57).chain("...".chars()).collect() }
}
