//! The live environment of the demo: ten folders, each an instance with the files of a release.
//!
//! An instance has slots: `stable` and, during a canary rollout, `canary`. The file `serves` names the slot that its consumers get. The
//! facts about an instance are measured: its files are hashed, and its binary prints its version.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result};
use lockgate_domain::{Component, Digest, Instance, InstanceStatus, Share};
use serde::{Deserialize, Serialize};

use super::files::{BINARY, ReleasePackage, place, version_of};
use crate::print;

/// The slot that consumers get before and after a rollout.
pub(super) const STABLE: &str = "stable";
/// The number of instances.
pub(super) const INSTANCES: usize = 10;

/// The name of the environment.
pub(super) const ENVIRONMENT: &str = "live";

/// The folder that holds the instances.
#[derive(Clone, Debug)]
pub(super) struct LiveEnvironment {
    folder: PathBuf,
}

/// The record of an installation, beside the files of a slot.
#[derive(Debug, Serialize, Deserialize)]
struct InstallationRecord {
    release: String,
    components: Vec<Component>,
}

impl LiveEnvironment {
    /// Creates an environment in which every instance has that release.
    pub(super) fn set_up(folder: PathBuf, package: &ReleasePackage) -> Result<Self> {
        match fs::remove_dir_all(&folder) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error).context(place(&folder)),
            _ => {}
        }
        let live = Self { folder };
        for index in 0..INSTANCES {
            install(package, &live.instance(index).join(STABLE))?;
            live.serve(index, STABLE)?;
        }
        Ok(live)
    }

    /// The id of an instance.
    pub(super) fn id(index: usize) -> String {
        format!("{ENVIRONMENT}-{:02}", index + 1)
    }

    /// Installs a release into a slot, on that share of the instances.
    pub(super) fn deploy(&self, package: &ReleasePackage, slot: &str, capacity: Share) -> Result<()> {
        (0..instances(capacity)).try_for_each(|index| install(package, &self.instance(index).join(slot)))
    }

    /// Lets that share of the instances serve a slot, and the others the stable one.
    pub(super) fn route(&self, slot: &str, weight: Share) -> Result<()> {
        let reached = instances(weight);
        for index in 0..INSTANCES {
            self.serve(index, if index < reached { slot } else { STABLE })?;
        }
        Ok(())
    }

    /// Stops serving a slot, and deletes it.
    pub(super) fn remove(&self, slot: &str) -> Result<()> {
        for index in 0..INSTANCES {
            if self.served(index)? == slot {
                self.serve(index, STABLE)?;
            }
            let folder = self.instance(index).join(slot);
            if folder.exists() {
                fs::remove_dir_all(&folder).with_context(|| place(&folder))?;
            }
        }
        Ok(())
    }

    /// The instances, measured.
    pub(super) fn inventory(&self) -> Result<Vec<Instance>> {
        (0..INSTANCES).map(|index| self.look(index)).collect()
    }

    /// The release that each instance serves, as recorded at its installation.
    pub(super) fn releases(&self) -> Result<Vec<String>> {
        (0..INSTANCES).map(|index| Ok(self.installed(index)?.release)).collect()
    }

    fn look(&self, index: usize) -> Result<Instance> {
        let slot = self.instance(index).join(self.served(index)?);
        let InstallationRecord { release, mut components } = self.installed(index)?;
        let mut running = true;
        for component in &mut components {
            let file = slot.join(&component.name);
            let bytes = fs::read(&file).with_context(|| place(&file))?;
            component.digest = Some(Digest::of(&bytes));
            if component.name == BINARY {
                match version_of(&file) {
                    Ok(version) => component.version = version,
                    Err(_) => running = false,
                }
            }
        }
        let id = Self::id(index);
        Ok(Instance {
            name: format!("Lockgate in {ENVIRONMENT}, instance {}", index + 1),
            environment: ENVIRONMENT.to_owned(),
            release: Some(release),
            status: if running { InstanceStatus::Running } else { InstanceStatus::Stopped },
            components,
            configuration: Vec::new(),
            owner: None,
            location: Some(self.instance(index).display().to_string()),
            consumers: None,
            monitored: true,
            documented: true,
            created: None,
            modified: None,
            id,
        })
    }

    fn instance(&self, index: usize) -> PathBuf {
        self.folder.join(Self::id(index))
    }

    fn serve(&self, index: usize, slot: &str) -> Result<()> {
        let file = self.instance(index).join("serves");
        fs::write(&file, slot).with_context(|| place(&file))
    }

    fn served(&self, index: usize) -> Result<String> {
        let file = self.instance(index).join("serves");
        fs::read_to_string(&file).with_context(|| place(&file))
    }

    fn installed(&self, index: usize) -> Result<InstallationRecord> {
        let file = self.instance(index).join(self.served(index)?).join(RECORD);
        let text = fs::read_to_string(&file).with_context(|| place(&file))?;
        serde_json::from_str(&text).with_context(|| place(&file))
    }
}

/// The file in which an installation is recorded.
const RECORD: &str = "installed.json";

/// Installs a release into a folder, each file atomically.
fn install(package: &ReleasePackage, folder: &Path) -> Result<()> {
    fs::create_dir_all(folder).with_context(|| place(folder))?;
    for (component, file) in package.components.iter().zip(&package.files) {
        let target = folder.join(&component.name);
        let fresh = folder.join(format!("{}.new", component.name));
        fs::copy(file, &fresh).and_then(|_| fs::rename(&fresh, &target)).with_context(|| place(&target))?;
    }
    let record = InstallationRecord { release: package.release.clone(), components: package.components.clone() };
    let file = folder.join(RECORD);
    fs::write(&file, print::json(&record)?).with_context(|| place(&file))
}

/// The number of instances that a share of them is, rounded up.
fn instances(share: Share) -> usize {
    (INSTANCES * usize::from(share.hundredths())).div_ceil(usize::from(Share::ALL.hundredths()))
}
