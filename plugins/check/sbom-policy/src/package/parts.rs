//! The parts of a package URL: type, namespace, name and version.
//!
//! `packageurl` looks for a version behind the last `/` alone, so that `pkg:npm/evil@feature/x` would be a package
//! `evil@feature/x`, and it keeps an encoded `/` within a name. Here a package URL has one reading, or none.

use std::borrow::Cow;

use lockgate_plugin::is_invisible;
use packageurl::{Error, PackageUrl};
use percent_encoding::percent_decode_str;

use super::types::{self, Namespace, can_name, can_name_namespace};

/// The parts of a package URL, decoded.
#[derive(Debug)]
pub(super) struct Parts<'t> {
    /// The type, as it is written.
    pub(super) kind: &'t str,
    /// The segments before the name, joined by `/`.
    pub(super) namespace: Option<String>,
    pub(super) name: String,
    /// What follows the `@`, if it is not empty.
    pub(super) version: Option<String>,
    /// What stands between `?` and `#`, encoded.
    qualifiers: &'t str,
}

impl<'t> Parts<'t> {
    /// Takes apart what follows `pkg:`, or tells why it cannot be.
    pub(super) fn read(rest: &'t str) -> Result<Self, String> {
        let (rest, _) = rest.split_once('#').unwrap_or((rest, ""));
        let (rest, qualifiers) = rest.split_once('?').unwrap_or((rest, ""));
        let (kind, path) = rest.trim_start_matches('/').split_once('/').ok_or("it has no name")?;
        let (path, version) = split_version(path.trim_start_matches('/'))?;
        let path = decoded(path)?;
        let segments = || path.split('/').filter(|segment| !segment.is_empty());
        if let Some(dots) = segments().find(|segment| matches!(*segment, "." | "..")) {
            return Err(format!("it has the segment `{dots}`, which names nothing"));
        }
        let name = segments().next_back().ok_or_else(|| Error::MissingName.to_string())?.to_owned();
        let before = path.trim_end_matches('/').strip_suffix(name.as_str()).unwrap_or_default().trim_matches('/');
        let namespace = match before {
            "" => None,
            before if before.contains("//") => {
                Some(before.split('/').filter(|segment| !segment.is_empty()).collect::<Vec<_>>().join("/"))
            }
            before => Some(before.to_owned()),
        };
        let version = decoded(version)?;
        let version = (!version.is_empty()).then(|| version.into_owned());
        Ok(Self { kind, namespace, name, version, qualifiers })
    }

    /// The type in lower case.
    pub(super) fn kind(&self) -> Result<String, String> {
        let can_be = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'.' | b'-' | b'+');
        match self.kind.bytes().all(can_be) && self.kind.starts_with(|first: char| !first.is_ascii_digit()) {
            true => Ok(self.kind.to_ascii_lowercase()),
            false => Err(Error::InvalidType(self.kind.to_owned()).to_string()),
        }
    }

    /// What is wrong with the parts of a package URL, or of a pattern over such, by the rules of the type.
    pub(super) fn check(&self, kind: &str, is_pattern: bool) -> Result<(), String> {
        self.check_visible()?;
        // Two stars stand for a namespace too.
        let anything = is_pattern && self.name.contains("**");
        let rule = types::namespace(kind);
        if self.namespace.is_none() && rule == Namespace::Required && !anything {
            let hint = if is_pattern { "; `**` stands for both" } else { "" };
            return Err(format!("{}{hint}", in_words(&Error::TypeRequiresNamespace(kind.to_owned()))));
        }
        let mut purl = PackageUrl::new(kind, self.name.as_str()).map_err(|error| in_words(&error))?;
        if let Some(namespace) = &self.namespace {
            if rule == Namespace::Prohibited {
                return Err(in_words(&Error::TypeProhibitsNamespace(kind.to_owned())));
            }
            purl.with_namespace(namespace.as_str()).map_err(|error| in_words(&error))?;
        }
        let pairs = self.qualifiers.split('&').filter_map(|pair| pair.split_once('='));
        for (key, value) in pairs.filter(|(_, value)| !value.is_empty()) {
            purl.add_qualifier(key, value).map_err(|error| in_words(&error))?;
        }
        if let Some(version) = &self.version {
            purl.with_version(version.as_str()).map_err(|error| in_words(&error))?;
        }
        match purl.validate() {
            Ok(()) => {}
            // A rule has no qualifiers, and stars stand for what is missing.
            Err(Error::MissingRequiredQualifier(..)) if is_pattern => {}
            Err(Error::TypeRequiresNamespace(_)) if anything => {}
            Err(Error::InvalidName(..)) if is_pattern && self.name.contains('*') => {}
            Err(error) => return Err(in_words(&error)),
        }
        self.check_characters(kind, is_pattern)
    }

    /// Refuses parts in which something is not seen.
    fn check_visible(&self) -> Result<(), String> {
        let segments = self.namespace.iter().flat_map(|namespace| namespace.split('/'));
        for (what, part) in segments.map(|segment| ("namespace", segment)).chain([("name", self.name.as_str())]) {
            // Most are plain ASCII.
            if part.bytes().all(|byte| byte.is_ascii_graphic()) {
                continue;
            }
            if let Some(hidden) = part.chars().find(|c| is_invisible(*c) || (c.is_whitespace() && *c != ' ')) {
                return Err(format!("its {what} holds a character that is not seen (U+{:04X})", u32::from(hidden)));
            }
            if part.trim() != part {
                return Err(format!("its {what} begins or ends with a blank"));
            }
        }
        Ok(())
    }

    /// Refuses characters that no name of the type has: `event-stream@3.3.6` is no name on npm.
    fn check_characters(&self, kind: &str, is_pattern: bool) -> Result<(), String> {
        if self.namespace.is_none() && is_plain(&self.name) {
            return Ok(());
        }
        let star = |c: char| is_pattern && c == '*';
        let is_wrong = |c: &char| !can_name(kind, *c) && !star(*c);
        if !is_plain(&self.name)
            && let Some(wrong) = self.name.chars().find(is_wrong)
        {
            return Err(format!("no name of the type `{kind}` has a `{wrong}`"));
        }
        let Some(namespace) = &self.namespace else { return Ok(()) };
        let mut rest = namespace.as_str();
        if kind == "npm" {
            rest = match namespace.strip_prefix('@') {
                Some(scope) => scope,
                None if is_pattern && namespace.starts_with('*') => rest,
                None => return Err("the namespace of an npm package begins with `@`".to_owned()),
            };
            if rest.is_empty() || (rest.contains('/') && !(is_pattern && rest.contains("**"))) {
                return Err("the namespace of an npm package is one scope, such as `@scope`".to_owned());
            }
        }
        if rest.split('/').all(is_plain) {
            return Ok(());
        }
        match rest.chars().find(|c| !can_name_namespace(kind, *c) && *c != '/' && !star(*c)) {
            Some(wrong) => Err(format!("no namespace of the type `{kind}` has a `{wrong}`")),
            None => Ok(()),
        }
    }
}

/// What stands before the `@` of the version, and what follows it. The `@` of an npm scope need not be encoded.
fn split_version(path: &str) -> Result<(&str, &str), String> {
    let scope = match path.starts_with('@') && path.contains('/') {
        true => "@".len(),
        false => 0,
    };
    let mut ats = path.match_indices('@').map(|(at, _)| at).filter(|at| *at >= scope);
    match (ats.next(), ats.next()) {
        (None, _) => Ok((path, "")),
        (Some(at), None) => Ok((path.get(..at).unwrap_or_default(), path.get(at + 1..).unwrap_or_default())),
        (Some(_), Some(_)) => {
            Err("it has several `@`, so it cannot be told where its version begins: write the others as `%40`"
                .to_owned())
        }
    }
}

/// Whether the part is of ASCII letters, digits, `-`, `.` and `_` alone, as most are: every type takes these.
fn is_plain(part: &str) -> bool {
    part.bytes().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'.' | b'_'))
}

fn decoded(text: &str) -> Result<Cow<'_, str>, String> {
    percent_decode_str(text).decode_utf8().map_err(|_| "what is percent-encoded in it is no UTF-8".to_owned())
}

/// What is wrong with a package URL or a pattern.
fn in_words(error: &Error) -> String {
    match error {
        Error::TypeRequiresNamespace(kind) => {
            format!("packages of the type `{kind}` have a namespace before their name")
        }
        Error::TypeProhibitsNamespace(kind) => format!("packages of the type `{kind}` have no namespace"),
        error => error.to_string(),
    }
}
