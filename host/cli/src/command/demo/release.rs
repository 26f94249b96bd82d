//! The release that the demo deploys: Lockgate's own, composed from the files that were just built.

use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result};
use lockgate_domain::{
    Approval, ApprovalAnswer, Component, ComponentKind, Deployment, DeploymentResult, Digest, Duration, Instance,
    LastKnownGood, PastDeployment, Person, Risk, Scenario, TimeWindow, Timestamp, WayBack,
};

use super::live::{ENVIRONMENT, INSTANCES, Live, Package, place, version_of};

/// The component that is run.
pub(super) const BINARY: &str = "lockgate";
/// The component that says what the binary is made of.
pub(super) const BILL: &str = "lockgate.cdx.json";

/// A build of Lockgate.
#[derive(Clone, Debug)]
pub(super) struct Build {
    /// The files.
    pub(super) package: Package,
    /// The version that the binary says it is.
    pub(super) version: String,
    /// The digest of the binary.
    pub(super) digest: Digest,
    /// Its size in bytes.
    pub(super) size: u64,
}

impl Build {
    /// Looks at a binary and its bill of materials.
    pub(super) fn of(binary: &Path, bill: &Path, commit: &str) -> Result<Self> {
        let version = version_of(binary)?;
        let origin = format!("git+{}@{commit}", env!("CARGO_PKG_REPOSITORY"));
        let component = |name: &str, kind, media_type: &str, file: &Path| -> Result<(Component, u64)> {
            let bytes = fs::read(file).with_context(|| place(file))?;
            let component = Component {
                name: name.to_owned(),
                kind,
                version: version.clone(),
                digest: Some(Digest::of(&bytes)),
                media_type: Some(media_type.to_owned()),
                origin: Some(origin.clone()),
            };
            Ok((component, bytes.len() as u64))
        };
        let (program, size) = component(BINARY, ComponentKind::Software, "application/octet-stream", binary)?;
        let (list, _) = component(BILL, ComponentKind::Documentation, "application/vnd.cyclonedx+json", bill)?;
        let digest = program.digest.context("a binary has a digest")?;
        Ok(Self {
            package: Package {
                release: format!("lockgate-{version}-{}", short(digest)),
                components: vec![program, list],
                files: vec![binary.to_owned(), bill.to_owned()],
            },
            version,
            digest,
            size,
        })
    }

    /// The digest that protects the release as a whole.
    fn release_digest(&self) -> Result<Digest> {
        Ok(Digest::of_canonical(&self.package.components)?)
    }

    /// The same build with one byte of its binary changed, as a file of its own.
    pub(super) fn tampered(&self, folder: &Path, bill: &Path, commit: &str) -> Result<(Self, usize)> {
        let binary = self.package.files.first().context("a build has a binary")?;
        let mut bytes = fs::read(binary).with_context(|| place(binary))?;
        let place_of_byte = tamper(&mut bytes).context("the binary is empty")?;
        let file: PathBuf = folder.join(BINARY);
        fs::create_dir_all(folder).with_context(|| place(folder))?;
        fs::copy(binary, &file).and_then(|_| fs::write(&file, bytes)).with_context(|| place(&file))?;
        Ok((Self::of(&file, bill, commit)?, place_of_byte))
    }
}

/// The beginning of a digest, which tells a build from the other.
fn short(digest: Digest) -> String {
    digest.hex().chars().take(8).collect()
}

/// Changes one byte where nothing runs: in the text that `--version` does not print.
fn tamper(bytes: &mut [u8]) -> Option<usize> {
    let marker = b"invalid input";
    let at = bytes.windows(marker.len()).rposition(|window| window == marker)?;
    let byte = bytes.get_mut(at)?;
    *byte ^= 0x20;
    Some(at)
}

/// What the demo's deployment is made of.
pub(super) struct Parts<'a> {
    /// The deployment of the example: the people, the product, the knowledge items.
    pub(super) example: Deployment,
    /// What is live.
    pub(super) current: &'a Build,
    /// What shall be.
    pub(super) candidate: &'a Build,
    /// The commit that both were built from.
    pub(super) commit: &'a str,
    /// When the demo began.
    pub(super) began: Timestamp,
    /// What is there now.
    pub(super) inventory: Vec<Instance>,
}

impl Parts<'_> {
    /// The deployment, before anybody approved it.
    pub(super) fn compose(self) -> Result<Deployment> {
        let Self { example, current, candidate, commit, began, inventory } = self;
        let id = format!("deploy-{}-{ENVIRONMENT}", candidate.package.release);
        let window = TimeWindow {
            start: Timestamp::from_millis(began.as_millis() - 60_000),
            end: began.saturating_add(Duration::from_millis(2 * 60 * 60 * 1000)),
        };
        let mut deployment = Deployment { id, approvals: Vec::new(), approved: None, ..example };
        let release = &mut deployment.release;
        release.id.clone_from(&candidate.package.release);
        release.name = format!("Lockgate {}", short(candidate.digest));
        release.version.clone_from(&candidate.version);
        release.description = format!("Built from commit {commit}, without symbols.");
        release.components.clone_from(&candidate.package.components);
        release.digest = Some(candidate.release_digest()?);
        let change = &mut deployment.change;
        change.title = format!("{} to {ENVIRONMENT}", candidate.package.release);
        change.releases = vec![candidate.package.release.clone()];
        change.window = Some(window);
        let plan = deployment.plan.get_or_insert_default();
        plan.slot = Some(window);
        plan.suppression = Some(window);
        plan.targets = (0..INSTANCES).map(Live::id).collect();
        plan.way_back = Some(WayBack::LastKnownGood(LastKnownGood {
            release: current.package.release.clone(),
            digest: Some(current.release_digest()?),
            rehearsed: true,
        }));
        deployment.desired_instances = inventory
            .iter()
            .cloned()
            .map(|instance| Instance {
                release: Some(candidate.package.release.clone()),
                components: candidate.package.components.clone(),
                ..instance
            })
            .collect();
        deployment.actual_instances = inventory;
        deployment.history = vec![PastDeployment {
            id: format!("deploy-{}-{ENVIRONMENT}", current.package.release),
            release: current.package.release.clone(),
            release_digest: None,
            components: Vec::new(),
            environment: ENVIRONMENT.to_owned(),
            scenario: Scenario::FirstRelease,
            risk: Risk::Medium,
            finished: began,
            outcome: DeploymentResult::Operational,
        }];
        Ok(deployment)
    }
}

/// The approval of a person, bound to what is approved.
pub(super) fn approval(person: &Person, subject: Digest, at: Timestamp) -> Approval {
    Approval {
        id: format!("approval-of-{}", person.id),
        role: person.roles.first().cloned().unwrap_or_default(),
        person: person.clone(),
        answer: ApprovalAnswer::Approved,
        at,
        expires: None,
        subject,
        comment: None,
        changed: Vec::new(),
    }
}
