//! Evidence: named by the people who hand it in, and stored by digest.

use std::sync::Arc;

use lockgate_domain::{Evidence, Right, Timestamp, is_path_step};
use lockgate_ledger::ContentBlob;

use super::write::WriteChange;
use super::{DeploymentRef, DeploymentService, InputError, RuleRefusal, ServiceError, WriteAnswer, WriteContext};
use crate::authority::Actor;
use crate::lifecycle::DeploymentEvent;

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
    pub bytes: Vec<u8>,
}

impl<'a> NewEvidence<'a> {
    /// Evidence without a source and a time.
    pub fn new(name: &'a str, media_type: &'a str, bytes: impl Into<Vec<u8>>) -> Self {
        Self { name, media_type, source: None, made: None, bytes: bytes.into() }
    }
}

impl DeploymentService {
    /// Hands in evidence.
    ///
    /// # Errors
    /// If the actor may not attach evidence, the evidence claims to be made later than now, the deployment has ended,
    /// or people approved other evidence with that name.
    pub fn attach(
        &self,
        write: &WriteContext<'_>,
        at: DeploymentRef<'_>,
        new: NewEvidence<'_>,
    ) -> Result<WriteAnswer<Evidence>, ServiceError> {
        write.actor.require(Right::Attest)?;
        let NewEvidence { name, media_type, source, made, bytes } = new;
        let plain = |c: char| c.is_ascii_alphanumeric() || ".-_".contains(c);
        if name.is_empty() || name.len() > 128 || !name.chars().all(plain) || is_path_step(name) {
            let rule = "the name of evidence has 1 to 128 letters, digits, `.`, `-` or `_`, and is not `.` or `..`";
            return Err(ServiceError::Invalid(vec![InputError::new("/name", rule)]));
        }
        if let Some(made) = made.filter(|made| *made > write.now) {
            let rule = format!("the evidence says that it was made at {made}, and it is only {}", write.now);
            return Err(ServiceError::Invalid(vec![InputError::new("/made", rule)]));
        }
        let evidence = Evidence {
            claimed_source: source.map(str::to_owned),
            attester: Some(write.actor.person.id.clone()),
            attester_kind: Some(write.actor.kind),
            attester_roles: write.actor.person.roles.clone(),
            credential: write.actor.credential.clone(),
            made,
            attested: Some(write.now),
            ..Evidence::new(bytes, media_type)
        };
        let asked = ("attach", at, name, evidence.digest, media_type, (source, made), write.if_match);
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
                let event = DeploymentEvent::EvidenceAttached { name: name.to_owned(), evidence: evidence.clone() };
                let change = WriteChange { content: vec![content], ..WriteChange::of(event) };
                self.record(write, digest, &loaded, change, |_| Ok(evidence.clone()))
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
}
