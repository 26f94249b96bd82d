//! Who says what stands at a place of the snapshot.

use std::collections::BTreeMap;

use lockgate_domain::{FactSource, Provenance, RECORDED_PARTS, Snapshot, escaped_token, unescaped_token};

use super::generated::lockgate::host::snapshot::ReadError;
use super::sections::SECTIONS;
use crate::capability::ReadGrants;

/// The sections that the host computes from others, or that say which question is asked: nobody says them.
const COMPUTED: [&str; 11] = [
    "analysis",
    "component_changes",
    "differences",
    "gate",
    "model",
    "now",
    "phase",
    "provenance",
    "stage",
    "subject",
    "timing",
];

/// Who says what stands at a pointer. None if the host computes it.
pub(super) fn find(snapshot: &Snapshot, grants: &ReadGrants, pointer: &str) -> Result<Option<Provenance>, ReadError> {
    let Some(path) = pointer.strip_prefix('/') else {
        let message = "name a section, for example `/change`: each has a provenance of its own";
        return Err(ReadError::Failed(message.to_owned()));
    };
    let unknown = || ReadError::Unknown(pointer.to_owned());
    let not_granted = |name: &str| ReadError::NotGranted(name.to_owned());
    let deployment = &snapshot.deployment;
    let known = Provenance::at(&deployment.provenance, pointer);
    let mut parts = path.split('/');
    let section = parts.next().unwrap_or_default();
    match section {
        "registers" => {
            let Some(member) = parts.next() else {
                let message = "name a register, for example `/registers/incidents`";
                return Err(ReadError::Failed(message.to_owned()));
            };
            let name = super::sections::register_name(member).ok_or_else(unknown)?;
            if !grants.register(&name) {
                return Err(ReadError::NotGranted(name));
            }
            let entries = deployment.registers.entries(&name).ok_or_else(unknown)?;
            match parts.next().map(str::parse::<usize>) {
                None => Ok(Some(known)),
                Some(Ok(index)) if index < entries => Ok(Some(known)),
                Some(_) => Err(unknown()),
            }
        }
        "people" if !grants.register("people") => Err(not_granted("people")),
        "people" => of_member(deployment.people.as_ref(), parts.next().map(unescaped_token), known).ok_or_else(unknown),
        "samples" | "sample_intervals" if !grants.register("kpis") => Err(not_granted("kpis")),
        "sample_intervals" => {
            let intervals = deployment.sample_intervals.as_ref();
            of_member(intervals, parts.next().map(unescaped_token), known).ok_or_else(unknown)
        }
        "samples" => {
            of_member(deployment.samples.as_ref(), parts.next().map(unescaped_token), known).ok_or_else(unknown)
        }
        "evidence" => match parts.next().map(unescaped_token) {
            None => Ok(Some(Provenance::from_source(FactSource::Evidence))),
            Some(name) if !grants.evidence(&name) => Err(ReadError::NotGranted(name)),
            Some(name) => snapshot.evidence.get(&name).map(|piece| Some(piece.provenance())).ok_or_else(unknown),
        },
        "facts" => match parts.next().map(unescaped_token) {
            Some(name) if !grants.fact(&name) => Err(ReadError::NotGranted(name)),
            name => of_member(Some(&deployment.facts), name, known).ok_or_else(unknown),
        },
        _ if COMPUTED.contains(&section) => Ok(None),
        _ if RECORDED_PARTS.contains(&section) => match known.source {
            FactSource::Told => Ok(Some(Provenance::from_source(FactSource::Ledger))),
            _ => Ok(Some(known)),
        },
        _ if SECTIONS.contains(&section) => Ok(Some(known)),
        _ => Err(unknown()),
    }
}

/// The provenance of a section, or of the member of it with that name. None if there is none.
fn of_member<T>(
    members: Option<&BTreeMap<String, T>>,
    name: Option<String>,
    known: Provenance,
) -> Option<Option<Provenance>> {
    let members = members?;
    name.is_none_or(|name| members.contains_key(&name)).then_some(Some(known))
}

/// What somebody other than the requester says and the plugin may read, by pointer, and whether that is all.
pub(super) fn all(snapshot: &Snapshot, grants: &ReadGrants) -> (BTreeMap<String, Provenance>, bool) {
    let known = snapshot.deployment.provenance.keys().cloned();
    let recorded = RECORDED_PARTS.iter().map(|section| format!("/{section}"));
    let evidence = snapshot.evidence.keys().map(|name| format!("/evidence/{}", escaped_token(name)));
    let (mut found, mut whole) = (BTreeMap::new(), true);
    for pointer in known.chain(recorded).chain(evidence) {
        match find(snapshot, grants, &pointer) {
            Ok(Some(provenance)) => {
                found.insert(pointer, provenance);
            }
            Err(ReadError::NotGranted(_)) => whole = false,
            _ => {}
        }
    }
    (found, whole)
}
