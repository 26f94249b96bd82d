//! Reading evidence: files that others attest.

use std::fmt;

use serde::Deserialize;

use crate::attester::{AttachedBy, signers};
pub use crate::bindings::lockgate::host::snapshot::ReadError;
use crate::json::{self, NotJson};
use crate::time::{Duration, Freshness, Timestamp};
use crate::types::{Evidence, Verification};
use crate::{Attester, Evaluation, EvidenceNeeded, PluginError, Pointer, listed};

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
    /// Those who may attest it: by attaching it with their credential, or by signing it with their key. Empty: everybody.
    pub attesters: Vec<Attester>,
    /// The greatest age. If absent, any.
    pub max_age: Option<Duration>,
    /// Whether a signature on it has to be verified.
    pub verified: bool,
}

/// Why a check does not accept a piece of evidence.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum EvidenceFlaw {
    /// Neither the one who attached it nor one of those who signed it may attest it.
    OtherAttester {
        /// The one who attached it, for example `service:ci`; the id alone if nobody knows the kind. None if nobody knows it.
        attached_by: Option<String>,
        /// Those whose signature was verified.
        signed_by: Vec<Attester>,
    },
    /// Nobody knows who attached it, and nobody who may attest it signed it.
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
    /// The attesters are the one who attached it, as the host recorded it, and those with whose keys the host verified its
    /// signatures. What the evidence claims about its source does not count.
    ///
    /// The age is counted from the time at which it was made or from that at which it was attached, whichever is earlier:
    /// only the people who attached it know when it was made, and they cannot make it younger than it is. A time that is
    /// more than a minute after the snapshot tells no age.
    pub fn flaws(&self, evidence: &Evidence, evaluation: &Evaluation<'_>) -> Vec<EvidenceFlaw> {
        let mut flaws = Vec::from_iter(self.other_attester(evidence, evaluation));
        // A signature that nobody could verify may be that of somebody who may attest it.
        let could_attest = !flaws.is_empty() && self.attesters.iter().any(Attester::has_keys);
        match evidence.verification {
            Verification::Failed => flaws.push(EvidenceFlaw::WrongSignature),
            Verification::Absent if self.verified => flaws.push(EvidenceFlaw::NotVerified),
            Verification::Unchecked if self.verified || could_attest => flaws.push(EvidenceFlaw::NotVerified),
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

    /// That nobody attested the evidence who may do so.
    fn other_attester(&self, evidence: &Evidence, evaluation: &Evaluation<'_>) -> Option<EvidenceFlaw> {
        let (attached_by, signed_by) = (AttachedBy::of(evidence, evaluation), signers(evidence));
        let attests = |attester: &Attester| {
            attester.is_among(&signed_by) || attached_by.as_ref().is_some_and(|by| attester.attached(by))
        };
        if self.attesters.is_empty() || self.attesters.iter().any(attests) {
            return None;
        }
        let all_sign = self.attesters.iter().all(|attester| matches!(attester, Attester::Supplier(_)));
        if attached_by.is_none() && !all_sign {
            return Some(EvidenceFlaw::UnknownAttester);
        }
        Some(EvidenceFlaw::OtherAttester { attached_by: attached_by.map(|by| by.to_string()), signed_by })
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
            Self::OtherAttester { attached_by, signed_by } => {
                let signed = listed(signed_by, "and");
                match (attached_by, signed_by.as_slice()) {
                    (None, []) => "was signed by nobody who may attest it".to_owned(),
                    (None, _) => format!("was signed by {signed}, who may not attest it"),
                    (Some(who), []) => format!("was attached by `{who}`, who may not attest it"),
                    (Some(who), _) => {
                        format!("was attached by `{who}` and signed by {signed}, and none of them may attest it")
                    }
                }
            }
            Self::UnknownAttester => "does not say who attached it".to_owned(),
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
    use crate::types::person_kind;

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

    fn by(attesters: &[&str]) -> EvidenceTerms {
        let attesters = attesters.iter().map(|attester| attester.parse().unwrap()).collect();
        EvidenceTerms { attesters, ..EvidenceTerms::default() }
    }

    /// The flaw of evidence that the service `ci` with the role `builder` attached, after a change.
    fn attester_flaw(attesters: &[&str], change: impl FnOnce(&mut Evidence)) -> Vec<EvidenceFlaw> {
        let mut fixture = Fixture::new().with_evidence("team/report", "text/plain", "");
        fixture = fixture.attested_by("team/report", "ci", person_kind::SERVICE, &["builder"]);
        fixture.evidence.values_mut().for_each(|file| file.head.claimed_source = Some("acme".to_owned()));
        let evaluation = fixture.evaluation();
        let mut head = evaluation.evidence("team/report").unwrap();
        change(&mut head);
        by(attesters).flaws(&head, &evaluation)
    }

    fn other(attached_by: Option<&str>, signed_by: &[&str]) -> EvidenceFlaw {
        let signed_by = by(signed_by).attesters;
        EvidenceFlaw::OtherAttester { attached_by: attached_by.map(str::to_owned), signed_by }
    }

    #[test]
    fn the_one_who_attached_it_attests_by_role_and_by_the_id_of_its_kind() {
        for accepted in ["service:ci", "builder"] {
            assert_eq!(attester_flaw(&["supplier:acme", accepted], |_| {}), [], "{accepted}");
        }
        for refused in ["ci", "person:ci", "supplier:ci", "acme", "supplier:acme", "service:acme", "tester"] {
            assert_eq!(attester_flaw(&[refused], |_| {}), [other(Some("service:ci"), &[])], "{refused}");
        }
        let unknown = |head: &mut Evidence| head.attester = None;
        assert_eq!(attester_flaw(&["service:ci"], unknown), [EvidenceFlaw::UnknownAttester]);
        assert_eq!(
            attester_flaw(&["supplier:acme"], unknown),
            [other(None, &[])],
            "it does not matter who attached it"
        );
        assert!(EvidenceFlaw::UnknownAttester.is_ignorance() && !other(None, &[]).is_ignorance());
    }

    #[test]
    fn those_whose_signature_was_verified_attest_whoever_attached_it() {
        let signed = |keys: &str, verification| {
            let keys = keys.to_owned();
            move |head: &mut Evidence| (head.verification, head.verified_by) = (verification, Some(keys))
        };
        let keys = "supplier:acme#build\nperson:rita#laptop";
        let verified = || signed(keys, Verification::Verified);
        for accepted in ["supplier:acme", "person:rita", "service:ci"] {
            assert_eq!(attester_flaw(&["tester", accepted], verified()), [], "{accepted}");
        }
        for refused in ["supplier:hoster", "service:acme", "person:acme", "acme", "rita", "supplier:acme#build"] {
            let expected = [other(Some("service:ci"), &["supplier:acme", "person:rita"])];
            assert_eq!(attester_flaw(&[refused], verified()), expected, "{refused}");
        }
        let unknown = |head: &mut Evidence| {
            verified()(head);
            head.attester = None;
        };
        assert_eq!(attester_flaw(&["service:ci", "supplier:acme"], unknown), []);
        let by_acme = |verification| attester_flaw(&["supplier:acme"], signed(keys, verification));
        let attached = || other(Some("service:ci"), &[]);
        assert_eq!(by_acme(Verification::Absent), [attached()]);
        assert_eq!(by_acme(Verification::Unchecked), [attached(), EvidenceFlaw::NotVerified]);
        assert_eq!(by_acme(Verification::Failed), [attached(), EvidenceFlaw::WrongSignature]);
        assert_eq!(
            attester_flaw(&["tester"], signed(keys, Verification::Unchecked)),
            [attached()],
            "a role has no key"
        );
    }

    #[test]
    fn another_attester_is_told_in_words() {
        for (flaw, words) in [
            (other(None, &[]), "was signed by nobody who may attest it"),
            (other(None, &["supplier:acme"]), "was signed by `supplier:acme`, who may not attest it"),
            (other(Some("service:ci"), &[]), "was attached by `service:ci`, who may not attest it"),
            (
                other(Some("service:ci"), &["supplier:acme", "person:rita"]),
                "was attached by `service:ci` and signed by `supplier:acme` and `person:rita`, and none of them may attest it",
            ),
            (EvidenceFlaw::UnknownAttester, "does not say who attached it"),
        ] {
            assert_eq!(flaw.in_words(), words);
        }
        assert_eq!(by(&["supplier:acme", "tester"]).need("report").attesters, ["supplier:acme", "tester"]);
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
