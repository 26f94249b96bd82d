//! Evidence: named by the people who hand it in, and stored by digest.

use std::sync::Arc;

use std::collections::BTreeMap;

use lockgate_domain::{DetachedSignature, Evidence, Right, Timestamp, is_path_step};
use lockgate_ledger::ContentBlob;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::write::WriteChange;
use super::{DeploymentRef, DeploymentService, InputError, RuleRefusal, ServiceError, WriteAnswer, WriteContext};
use crate::authority::Actor;
use crate::lifecycle::{DeploymentEvent, DeploymentState};
use crate::read::ReadMode;
use crate::registers::{KeyRing, LedgerRegisters};
use crate::signature::{SignatureResult, SignedEvidence};

/// Evidence to hand in.
#[derive(Clone, Debug)]
pub struct NewEvidence<'a> {
    /// The name. New evidence replaces older evidence with the same name.
    pub name: &'a str,
    /// Its media type.
    pub media_type: &'a str,
    /// The person or program that made it. None: the actor who hands it in.
    pub source: Option<&'a str>,
    /// When it was made, if that is known.
    pub made: Option<Timestamp>,
    /// A signature of the bytes. An envelope holds its own.
    pub signature: Option<DetachedSignature>,
    pub bytes: Vec<u8>,
}

/// Evidence as it was recorded, and what came of verifying its signature.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct AttachedEvidence {
    #[serde(flatten)]
    pub evidence: Evidence,
    /// What came of verifying its signature with the keys of the registers. Absent if nothing is signed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub signature: Option<String>,
}

impl<'a> NewEvidence<'a> {
    /// Evidence without a source and a time.
    pub fn new(name: &'a str, media_type: &'a str, bytes: impl Into<Vec<u8>>) -> Self {
        Self { name, media_type, source: None, made: None, signature: None, bytes: bytes.into() }
    }
}

impl DeploymentService {
    /// Hands in evidence.
    ///
    /// # Errors
    /// If the actor may not attach evidence, the evidence claims to be made later than now, its envelope or signature cannot
    /// be read, the deployment has ended, or people approved other evidence with that name. A signature that is wrong is no
    /// error: the evidence is recorded so.
    pub fn attach(
        &self,
        write: &WriteContext<'_>,
        at: DeploymentRef<'_>,
        new: NewEvidence<'_>,
    ) -> Result<WriteAnswer<AttachedEvidence>, ServiceError> {
        write.actor.require(Right::Attest)?;
        let NewEvidence { name, media_type, source, made, signature, bytes } = new;
        let plain = |c: char| c.is_ascii_alphanumeric() || ".-_".contains(c);
        if name.is_empty() || name.len() > 128 || !name.chars().all(plain) || is_path_step(name) {
            let rule = "the name of evidence has 1 to 128 letters, digits, `.`, `-` or `_`, and is not `.` or `..`";
            return Err(ServiceError::Invalid(vec![InputError::new("/name", rule)]));
        }
        if let Some(made) = made.filter(|made| *made > write.now) {
            let rule = format!("the evidence says that it was made at {made}, and it is only {}", write.now);
            return Err(ServiceError::Invalid(vec![InputError::new("/made", rule)]));
        }
        let mut evidence = Evidence {
            claimed_source: source.map(str::to_owned),
            attester: Some(write.actor.person.id.clone()),
            attester_kind: Some(write.actor.kind),
            attester_roles: write.actor.person.roles.clone(),
            credential: write.actor.credential.clone(),
            made,
            attested: Some(write.now),
            ..Evidence::new(bytes, media_type)
        };
        let signed = SignedEvidence::read(&evidence, signature.as_ref());
        let signed = signed.map_err(|error| ServiceError::Invalid(vec![error]))?;
        evidence.subjects = signed.as_ref().map(|signed| signed.subjects.clone()).unwrap_or_default();
        let asked = ("attach", at, name, evidence.digest, media_type, (source, made, &signature), write.if_match);
        self.once(
            write,
            &asked,
            || self.load(write.actor, at),
            |loaded, digest| {
                if loaded.state.position.ended().is_some() {
                    return Err(RuleRefusal::Over { what: "deployment", id: at.id.to_owned() }.into());
                }
                let approved = loaded.state.approved.as_ref().and_then(|approved| approved.evidence.get(name));
                if let Some(approved) = approved.filter(|approved| **approved != evidence.statement()) {
                    let refused =
                        RuleRefusal::EvidenceApproved { name: name.to_owned(), approved: approved.to_string() };
                    return Err(refused.into());
                }
                let content = ContentBlob::new("evidence", media_type, evidence.content.clone());
                let mut registers = LedgerRegisters::new(self, &loaded.state.team, ReadMode::Fresh, []);
                let signed = signed.as_ref().map(|signed| (signed, signature.as_ref()));
                let result = signed
                    .map(|signed| verify(&registers.keys()?, &mut registers, &evidence, signed, write.now))
                    .transpose()?;
                let evidence = with_result(evidence.clone(), result.as_ref());
                let event = DeploymentEvent::EvidenceAttached {
                    name: name.to_owned(),
                    evidence: evidence.clone(),
                    signature: signature.clone(),
                };
                let change = WriteChange { content: vec![content], ..WriteChange::of(event) };
                let signature = result.map(|result| result.message);
                self.record(write, digest, &loaded, change, |_| Ok(AttachedEvidence { evidence, signature }))
            },
        )
    }

    /// The evidence with this name, and its bytes.
    ///
    /// # Errors
    /// If the actor sees no such evidence, or retention deleted its bytes.
    pub fn evidence(&self, actor: &Actor, at: DeploymentRef<'_>, name: &str) -> Result<Evidence, ServiceError> {
        actor.require(Right::Read)?;
        let loaded = self.load(actor, at)?;
        let missing = || ServiceError::NotFound { what: "evidence", id: name.to_owned() };
        self.with_bytes(loaded.state.evidence.get(name).ok_or_else(missing)?)
    }

    pub(super) fn with_bytes(&self, evidence: &Evidence) -> Result<Evidence, ServiceError> {
        let content: Arc<Vec<u8>> = self.content(evidence.digest)?;
        Ok(Evidence { content, ..evidence.clone() })
    }

    /// The evidence of a deployment with its bytes, its signatures verified with the keys that the registers have now.
    /// Evidence whose bytes were deleted is no longer there. Returns the moment from which on the result may be another one, too.
    pub(super) fn verified_evidence(
        &self,
        state: &DeploymentState,
        registers: &mut LedgerRegisters<'_>,
        now: Timestamp,
    ) -> Result<(BTreeMap<String, Evidence>, Option<Timestamp>), ServiceError> {
        let (mut verified, mut ring, mut until) = (BTreeMap::new(), None, None);
        for (name, evidence) in &state.evidence {
            let Some(content) = self.content_if_kept(evidence.digest)? else { continue };
            let evidence = Evidence { content, ..evidence.clone() };
            let detached = state.signatures.get(name);
            let damaged = |error: InputError| ServiceError::Damaged(format!("the evidence `{name}`: {error}"));
            let Some(signed) = SignedEvidence::read(&evidence, detached).map_err(damaged)? else {
                verified.insert(name.clone(), evidence);
                continue;
            };
            let ring: &KeyRing = match &mut ring {
                Some(ring) => ring,
                none => none.insert(registers.keys()?),
            };
            let result = verify(ring, registers, &evidence, (&signed, detached), now)?;
            until = until.into_iter().chain(result.until).min();
            verified.insert(name.clone(), with_result(evidence, Some(&result)));
        }
        Ok((verified, until))
    }
}

/// Verifies the signatures of evidence.
fn verify(
    ring: &KeyRing,
    registers: &mut LedgerRegisters<'_>,
    evidence: &Evidence,
    (signed, detached): (&SignedEvidence, Option<&DetachedSignature>),
    now: Timestamp,
) -> Result<SignatureResult, ServiceError> {
    let of = (evidence.digest, &evidence.media_type, detached);
    let matches = registers.signature_matches(ring, signed, &of)?;
    Ok(signed.judge(&matches, &ring.keys, now))
}

/// The evidence with the result of verifying its signatures.
fn with_result(evidence: Evidence, result: Option<&SignatureResult>) -> Evidence {
    let Some(SignatureResult { verification, verified_by, .. }) = result else { return evidence };
    Evidence { verification: *verification, verified_by: verified_by.clone(), ..evidence }
}
