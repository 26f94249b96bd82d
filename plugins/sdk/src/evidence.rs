//! Reading evidence: files that others attest.

use std::fmt;

use serde::Deserialize;

pub use crate::bindings::lockgate::host::snapshot::ReadError;
use crate::json::{self, NotJson};
use crate::time::{Duration, Freshness, Timestamp};
use crate::types::{Evidence, Verification};
use crate::{Evaluation, EvidenceNeeded, PluginError, Pointer};

impl ReadError {
    /// The error for people.
    pub fn in_words(&self) -> String {
        match self {
            Self::NotGranted(name) => format!("`{name}` is not granted to this plugin"),
            Self::Unknown(name) => format!("nobody says anything about `{name}`"),
            Self::TooLarge(limit) => format!("it is larger than {limit} bytes, the most that can be read at once"),
            Self::Failed(why) => why.clone(),
        }
    }
}

impl From<ReadError> for PluginError {
    /// The plugin cannot answer without it: `snapshot-unreadable`.
    fn from(error: ReadError) -> Self {
        Self::new("snapshot-unreadable", error.in_words())
    }
}

/// Why a piece of evidence cannot be used.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct UnreadableEvidence {
    /// The name of the evidence.
    pub name: String,
    /// The place of the mistake in its content; the root if it is not JSON at all.
    pub pointer: Pointer,
    /// What is wrong at this place.
    pub message: String,
}

impl fmt::Display for UnreadableEvidence {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "evidence `{}`", self.name)?;
        if self.pointer != Pointer::root() {
            write!(f, " at `{}`", self.pointer)?;
        }
        write!(f, ": {}", self.message)
    }
}

impl std::error::Error for UnreadableEvidence {}

/// A piece of evidence with its bytes.
#[derive(Clone, Debug, PartialEq)]
pub struct EvidenceFile {
    /// Its name, digest and media type, and where it comes from.
    pub head: Evidence,
    /// Its bytes, as they were submitted.
    pub content: Vec<u8>,
}

impl EvidenceFile {
    /// Reads the content as one JSON text. Skips a byte order mark at its beginning.
    ///
    /// # Errors
    /// If it is not JSON, has a key twice in one object, or does not fit the type. The error names the first place.
    pub fn json<'a, T: Deserialize<'a>>(&'a self) -> Result<T, UnreadableEvidence> {
        json::read(&self.content).map_err(|NotJson { pointer, message }| UnreadableEvidence {
            name: self.head.name.clone(),
            pointer,
            message,
        })
    }

    /// Reads the content as text.
    ///
    /// # Errors
    /// If it is not UTF-8.
    pub fn text(&self) -> Result<&str, UnreadableEvidence> {
        std::str::from_utf8(&self.content).map_err(|error| UnreadableEvidence {
            name: self.head.name.clone(),
            pointer: Pointer::root(),
            message: format!("not UTF-8 from byte {} on", error.valid_up_to()),
        })
    }
}

/// The terms on which a check accepts a piece of evidence.
///
/// ```
/// use lockgate_plugin::testing::Fixture;
/// use lockgate_plugin::{EvidenceFlaw, EvidenceTerms};
///
/// let mut fixture = Fixture::new().with_evidence("report", "text/plain", "fine");
/// let flaws = |fixture: &Fixture, terms: EvidenceTerms| {
///     let evaluation = fixture.evaluation();
///     terms.flaws(&evaluation.evidence("report").unwrap(), &evaluation)
/// };
/// assert_eq!(flaws(&fixture, EvidenceTerms::default()), []);
/// let within_a_day = EvidenceTerms { max_age: Some("1d".parse()?), ..EvidenceTerms::default() };
/// assert_eq!(flaws(&fixture, within_a_day), [EvidenceFlaw::Undated]);
/// # Ok::<(), lockgate_plugin::time::ParseDurationError>(())
/// ```
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct EvidenceTerms {
    /// The ids of the people and services that may attest it. Empty: everybody.
    pub attesters: Vec<String>,
    /// The greatest age. If absent, any.
    pub max_age: Option<Duration>,
    /// Whether a signature on it has to be verified.
    pub verified: bool,
}

/// Why a check does not accept a piece of evidence.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum EvidenceFlaw {
    /// The person or service with this id attested it, and may not.
    OtherAttester(String),
    /// Nobody knows who attested it.
    UnknownAttester,
    /// The signature is wrong.
    WrongSignature,
    /// No signature was verified.
    NotVerified,
    /// The evidence has not been valid since this moment.
    Expired(Timestamp),
    /// The evidence is of this moment, so it is older than the terms allow.
    TooOld(Timestamp),
    /// Nobody knows how old the evidence is.
    Undated,
}

impl EvidenceTerms {
    /// All that is wrong with the evidence. A wrong signature and the end of its validity count on any terms.
    ///
    /// The attester is the one that the host recorded. What the evidence claims about its source does not count.
    ///
    /// The age is counted from the time at which it was made or from that at which it was attached, whichever is earlier:
    /// only the people who attached it know when it was made, and they cannot make it younger than it is. A time that is
    /// more than a minute after the snapshot tells no age.
    pub fn flaws(&self, evidence: &Evidence, evaluation: &Evaluation<'_>) -> Vec<EvidenceFlaw> {
        let mut flaws = Vec::new();
        match &evidence.attester {
            _ if self.attesters.is_empty() => {}
            None => flaws.push(EvidenceFlaw::UnknownAttester),
            Some(attester) if self.attesters.contains(attester) => {}
            Some(attester) => flaws.push(EvidenceFlaw::OtherAttester(attester.clone())),
        }
        match evidence.verification {
            Verification::Failed => flaws.push(EvidenceFlaw::WrongSignature),
            Verification::Absent | Verification::Unchecked if self.verified => flaws.push(EvidenceFlaw::NotVerified),
            Verification::Absent | Verification::Unchecked | Verification::Verified => {}
        }
        let end = evidence.valid_until.map(Timestamp::from);
        if let Some(end) = end.filter(|end| *end <= evaluation.now()) {
            flaws.push(EvidenceFlaw::Expired(end));
        }
        if let Some(max_age) = self.max_age {
            let dated = evidence.made.into_iter().chain(evidence.attested).min().map(Timestamp::from);
            match Freshness::of(dated, evaluation.now(), max_age) {
                Freshness::Fresh => {}
                Freshness::TooOld(moment) => flaws.push(EvidenceFlaw::TooOld(moment)),
                Freshness::Undated | Freshness::InTheFuture(_) => flaws.push(EvidenceFlaw::Undated),
            }
        }
        flaws
    }

    /// The need for evidence with this name on these terms.
    pub fn need(&self, name: impl Into<String>) -> EvidenceNeeded {
        let need = EvidenceNeeded::named(name).attested_by(&self.attesters);
        let need = if self.verified { need.verified() } else { need };
        match self.max_age {
            Some(max_age) => need.max_age(max_age),
            None => need,
        }
    }
}

impl EvidenceFlaw {
    /// Whether the flaw is that something is not known, rather than wrong.
    pub fn is_ignorance(&self) -> bool {
        matches!(self, Self::UnknownAttester | Self::Undated)
    }

    /// The flaw as the end of a sentence: `expired at 2026-11-24T12:00:00Z`.
    pub fn in_words(&self) -> String {
        match self {
            Self::OtherAttester(attester) => format!("was attested by `{attester}`, who may not attest it"),
            Self::UnknownAttester => "does not say who attested it".to_owned(),
            Self::WrongSignature => "has a wrong signature".to_owned(),
            Self::NotVerified => "has no verified signature".to_owned(),
            Self::Expired(end) => format!("expired at {end}"),
            Self::TooOld(moment) => format!("is of {moment}, which is too old"),
            Self::Undated => "has no time from which its age could be told".to_owned(),
        }
    }
}

/// Checks the name of a piece of evidence in settings. A name with a star would ask for more than one piece.
///
/// # Errors
/// What is wrong, in one sentence.
pub fn check_evidence_name(name: &str) -> Result<(), String> {
    if name.contains('*') {
        return Err(format!("`{name}` is a pattern: write the name of one piece of evidence"));
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

    use super::*;
    use crate::testing::Fixture;

    const HOUR: i64 = 3_600_000;

    /// The flaws of a report that was made two hours and attached one hour before the snapshot, after a change.
    fn flaws(terms: &EvidenceTerms, change: impl FnOnce(&mut Evidence, i64)) -> Vec<EvidenceFlaw> {
        let mut fixture = Fixture::new().with_evidence("report", "text/plain", "");
        let now = fixture.now.as_millis();
        for file in fixture.evidence.values_mut() {
            (file.head.made, file.head.attested) = (Some(now - 2 * HOUR), Some(now - HOUR));
        }
        let evaluation = fixture.evaluation();
        let mut head = evaluation.evidence("report").unwrap();
        change(&mut head, now);
        terms.flaws(&head, &evaluation)
    }

    fn at_most(hours: i64) -> EvidenceTerms {
        EvidenceTerms { max_age: Some(Duration::from_millis(hours * HOUR)), ..EvidenceTerms::default() }
    }

    #[test]
    fn the_age_is_counted_from_the_earlier_time() {
        let noon = Fixture::new().now.as_millis();
        let too_old = |hours: i64| vec![EvidenceFlaw::TooOld(Timestamp::from_millis(noon - hours * HOUR))];
        assert_eq!(flaws(&at_most(2), |_, _| {}), []);
        assert_eq!(flaws(&at_most(1), |_, _| {}), too_old(2));
        assert_eq!(flaws(&at_most(1), |head, _| head.made = None), []);
        assert_eq!(flaws(&at_most(1), |head, now| head.made = Some(now + HOUR)), [], "nobody makes it younger");
        assert_eq!(flaws(&at_most(1), |head, now| head.attested = Some(now)), too_old(2));
        assert_eq!(flaws(&at_most(1), |head, _| (head.made, head.attested) = (None, None)), [EvidenceFlaw::Undated]);
        let ahead = |head: &mut Evidence, now| (head.made, head.attested) = (None, Some(now + HOUR));
        assert_eq!(flaws(&at_most(1), ahead), [EvidenceFlaw::Undated]);
    }

    #[test]
    fn a_wrong_signature_and_an_expired_report_count_on_any_terms() {
        let any = EvidenceTerms::default();
        let signed = EvidenceTerms { verified: true, ..EvidenceTerms::default() };
        for (verification, on_any, on_signed) in [
            (Verification::Absent, None, Some(EvidenceFlaw::NotVerified)),
            (Verification::Unchecked, None, Some(EvidenceFlaw::NotVerified)),
            (Verification::Verified, None, None),
            (Verification::Failed, Some(EvidenceFlaw::WrongSignature), Some(EvidenceFlaw::WrongSignature)),
        ] {
            let found = |terms| flaws(terms, |head, _| head.verification = verification);
            assert_eq!(found(&any), Vec::from_iter(on_any), "{verification:?}");
            assert_eq!(found(&signed), Vec::from_iter(on_signed), "{verification:?}");
        }
        let noon = Fixture::new().now;
        assert_eq!(flaws(&any, |head, now| head.valid_until = Some(now)), [EvidenceFlaw::Expired(noon)]);
        assert_eq!(flaws(&any, |head, now| head.valid_until = Some(now + 1)), []);
    }

    #[test]
    fn the_attester_is_the_one_that_the_host_recorded() {
        let terms = EvidenceTerms { attesters: vec!["acme".to_owned()], ..EvidenceTerms::default() };
        let claims = |head: &mut Evidence, attester: Option<&str>| {
            head.claimed_source = Some("acme".to_owned());
            head.attester = attester.map(str::to_owned);
        };
        assert_eq!(flaws(&terms, |head, _| claims(head, Some("acme"))), []);
        assert_eq!(flaws(&terms, |head, _| claims(head, None)), [EvidenceFlaw::UnknownAttester]);
        let other = vec![EvidenceFlaw::OtherAttester("rita".to_owned())];
        assert_eq!(flaws(&terms, |head, _| claims(head, Some("rita"))), other);
        assert!(EvidenceFlaw::UnknownAttester.is_ignorance() && !other.iter().any(EvidenceFlaw::is_ignorance));
        assert_eq!(terms.need("report").attesters, ["acme"]);
    }

    #[test]
    fn the_need_names_the_terms() {
        let need = EvidenceTerms { verified: true, ..at_most(1) }.need("report");
        assert_eq!((need.name.as_str(), need.max_age, need.verified), ("report", Some(HOUR), true));
        assert!(check_evidence_name("report").is_ok() && check_evidence_name("report-*").is_err());
    }

    #[test]
    fn what_cannot_be_read_is_told_in_words() {
        let said = |error: ReadError| {
            let PluginError { code, message, .. } = error.into();
            assert_eq!(code, "snapshot-unreadable");
            message
        };
        assert_eq!(said(ReadError::NotGranted("kpis".to_owned())), "`kpis` is not granted to this plugin");
        assert_eq!(said(ReadError::Unknown("kpis".to_owned())), "nobody says anything about `kpis`");
        assert_eq!(said(ReadError::TooLarge(5)), "it is larger than 5 bytes, the most that can be read at once");
        assert_eq!(said(ReadError::Failed("name a section".to_owned())), "name a section");
    }
}
