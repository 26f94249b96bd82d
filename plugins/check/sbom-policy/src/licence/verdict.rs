//! What the settings say of one licence text.

use spdx::LicenseReq;

use super::expression::{
    Readable, SingleLicence, expression, named_licences, readable, unread_word, without_invariants,
};
use super::list::list;
use super::pattern::{LicencePattern, NamePattern};
use crate::document::{LicenceText, References};

/// What the settings say of licences.
#[derive(Debug)]
pub(crate) struct LicencePolicy {
    pub(crate) denied: Vec<LicencePattern>,
    pub(crate) denied_names: Vec<NamePattern>,
    pub(crate) permitted: Vec<LicencePattern>,
    pub(crate) permitted_names: Vec<NamePattern>,
    pub(crate) only_permitted: bool,
}

impl LicencePolicy {
    /// Whether licences are looked at at all.
    pub(crate) fn has_rules(&self) -> bool {
        self.only_permitted || !self.denied.is_empty() || !self.denied_names.is_empty()
    }

    /// Whether a licence can be allowed if only permitted ones are.
    pub(crate) fn permits_something(&self) -> bool {
        !self.permitted.is_empty() || !self.permitted_names.is_empty()
    }
}

/// What the policy says of one licence text.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Verdict {
    Allowed,
    /// Because of these licences.
    Denied(Vec<String>),
    /// It is no SPDX expression and no pattern knows it, or it hangs on these references, which nothing knows.
    Unknown(Vec<String>),
}

/// What the policy says of one licence of an expression.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Standing {
    Allowed,
    Denied,
    /// It is a reference, and what it refers to is known to nobody.
    Unknown,
}

/// The policy, as it applies to one kind of package of one document.
#[derive(Clone, Copy, Debug)]
pub(super) struct Rules<'r> {
    pub(super) policy: &'r LicencePolicy,
    /// Whether what is not permitted is denied.
    pub(super) only_permitted: bool,
    /// What the document calls the licences that only the document knows.
    pub(super) references: Option<&'r References<'r>>,
}

impl Rules<'_> {
    pub(super) fn verdict(&self, text: LicenceText<'_>) -> Verdict {
        match text {
            LicenceText::Stated(text) => self.stated(text),
            LicenceText::Described(name) => self.described(name),
            LicenceText::Unreadable(_) => Verdict::Unknown(Vec::new()),
        }
    }

    fn stated(&self, text: &str) -> Verdict {
        let text = list().by_full_name(text).unwrap_or(text);
        let Ok(expression) = expression(text) else { return self.named(text) };
        // Of what `OR` joins, one that is allowed is enough: the licensee chooses.
        let standing = |licence: &LicenseReq| self.standing(&licence.into());
        let Err(failed) = expression.evaluate_with_failures(|licence| standing(licence) == Standing::Allowed) else {
            return Verdict::Allowed;
        };
        let of = |wanted| {
            let failed = failed.iter().filter(|licence| standing(&licence.req) == wanted);
            failed.map(|licence| licence.req.to_string()).collect()
        };
        // What is denied for sure is denied whatever the references mean.
        match expression.evaluate(|licence| standing(licence) != Standing::Denied) {
            true => Verdict::Unknown(of(Standing::Unknown)),
            false => Verdict::Denied(of(Standing::Denied)),
        }
    }

    fn standing(&self, licence: &SingleLicence) -> Standing {
        let exception = licence.exception.as_deref();
        let fits = |patterns: &[LicencePattern], id: &str| patterns.iter().any(|pattern| pattern.fits(id, exception));
        let LicencePolicy { denied, permitted, .. } = self.policy;
        if fits(permitted, &licence.id) || licence.choices.iter().any(|id| fits(permitted, id)) {
            return Standing::Allowed;
        }
        // The names of the document refer to nothing else. All of them hold together.
        let names = self.references.and_then(|references| references.get(&licence.id)).into_iter().flatten();
        let named: Vec<Verdict> = names.map(|name| Self { references: None, ..*self }.stated(name)).collect();
        let is_named = !named.is_empty() && named.iter().all(|verdict| *verdict == Verdict::Allowed);
        if self.only_permitted {
            return if is_named { Standing::Allowed } else { Standing::Denied };
        }
        // What is said of invariant sections makes it no other licence.
        let denies = |id: &str| fits(denied, id) || without_invariants(id).is_some_and(|id| fits(denied, &id));
        // Under "or later", the licensee chooses a version: one that is not denied is enough.
        let is_denied = denies(&licence.id)
            || self.denies_a_name_of(&licence.id)
            || named.iter().any(|verdict| matches!(verdict, Verdict::Denied(_)))
            || (!licence.choices.is_empty() && licence.choices.iter().all(|id| denies(id)));
        match () {
            () if is_denied => Standing::Denied,
            () if licence.is_reference() && !is_named => Standing::Unknown,
            () => Standing::Allowed,
        }
    }

    /// Whether a name is denied that the licence with that id has in the SPDX list. Stars alone stand for the names that SPDX
    /// does not know.
    fn denies_a_name_of(&self, id: &str) -> bool {
        let LicencePolicy { denied_names, permitted_names, .. } = self.policy;
        let is_permitted = |name: &str| fits_name(permitted_names, name);
        let mut patterns = denied_names.iter().filter(|pattern| !pattern.fits_anything());
        let names = list().names_of(id.trim_end_matches('+'));
        patterns.any(|pattern| names.iter().any(|name| pattern.fits(name) && !is_permitted(name)))
    }

    /// What the policy says of a text that is no expression.
    fn named(&self, name: &str) -> Verdict {
        // What can be read of it is denied whatever the rest means.
        let denied = self.denied_in(name);
        if !denied.is_empty() {
            return Verdict::Denied(denied);
        }
        let anything = |patterns: &[LicencePattern]| patterns.iter().any(LicencePattern::fits_anything);
        if fits_name(&self.policy.permitted_names, name) || anything(&self.policy.permitted) {
            Verdict::Allowed
        } else if self.only_permitted || fits_name(&self.policy.denied_names, name) || anything(&self.policy.denied) {
            Verdict::Denied(vec![name.to_owned()])
        } else {
            Verdict::Unknown(Vec::new())
        }
    }

    /// The licences that are denied for sure, of those that can be read in a text that is no expression. Whatever else
    /// stands there may be permitted by its name, so `only_permitted` does not count.
    fn denied_in(&self, text: &str) -> Vec<String> {
        let rules = Rules { only_permitted: false, ..*self };
        match readable(text) {
            Readable::Operators(expression, words) => {
                let standing = |licence: &LicenseReq| rules.standing_beside(&licence.into(), &words);
                let Err(failed) = expression.evaluate_with_failures(|licence| standing(licence) != Standing::Denied)
                else {
                    return Vec::new();
                };
                // The words as they are written, in the place of what stands for them.
                let word =
                    |reference: &str| unread_word(reference).and_then(|word| words.get(word)).map(String::as_str);
                let shown = |licence: &LicenseReq| {
                    let licence = licence.to_string();
                    let (id, exception) = licence.split_once(" WITH ").unwrap_or((&licence, ""));
                    let with = if exception.is_empty() { "" } else { " WITH " };
                    format!("{}{with}{}", word(id).unwrap_or(id), word(exception).unwrap_or(exception))
                };
                failed.iter().map(|licence| shown(&licence.req)).collect()
            }
            Readable::Licences(licences) => {
                let denied = licences.iter().filter(|licence| rules.standing(licence) == Standing::Denied);
                let shown =
                    |id: &str| list().licence(id.trim_end_matches('+')).map_or(id, |listed| listed.name).to_owned();
                denied.map(|licence| shown(&licence.id)).collect()
            }
        }
    }

    /// What the policy says of one licence of an expression of which these words cannot be read.
    fn standing_beside(&self, licence: &SingleLicence, words: &[String]) -> Standing {
        let word = |reference: &str| unread_word(reference).and_then(|word| words.get(word));
        if let Some(name) = word(&licence.id) {
            let LicencePolicy { denied_names, permitted_names, .. } = self.policy;
            let is_denied = (fits_name(denied_names, name) && !fits_name(permitted_names, name))
                || named_licences(name).iter().any(|licence| self.standing(licence) == Standing::Denied);
            return if is_denied { Standing::Denied } else { Standing::Unknown };
        }
        if licence.exception.as_deref().and_then(word).is_none() {
            return self.standing(licence);
        }
        // Nothing permits an exception that nobody knows.
        let (id, choices) = (licence.id.clone(), licence.choices.clone());
        match self.standing(&SingleLicence { id, choices, exception: None }) {
            Standing::Denied => Standing::Denied,
            Standing::Allowed | Standing::Unknown => Standing::Unknown,
        }
    }

    /// What the policy says of a name that stands beside the id of a licence. Mostly it says the same in other words; if it
    /// does not, both hold.
    fn described(&self, name: &str) -> Verdict {
        if list().by_full_name(name).is_some() || expression(name).is_ok() {
            return self.stated(name);
        }
        let LicencePolicy { denied_names, permitted_names, .. } = self.policy;
        if fits_name(denied_names, name) && !fits_name(permitted_names, name) {
            return Verdict::Denied(vec![name.to_owned()]);
        }
        match self.denied_in(name) {
            denied if denied.is_empty() => Verdict::Allowed,
            denied => Verdict::Denied(denied),
        }
    }
}

fn fits_name(patterns: &[NamePattern], name: &str) -> bool {
    patterns.iter().any(|pattern| pattern.fits(name))
}
