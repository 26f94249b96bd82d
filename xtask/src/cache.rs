//! Dependencies kept between runs of `.ci/run` on one machine: `LOCKGATE_CI_CACHE` names the folder in which they lie.
//!
//! What cargo makes of third-party crates depends on both lock files, the toolchain, and the profiles and features in the
//! manifests; a digest of those is the key. What was built under a key is one archive, named by the key and the digest of its
//! content. An archive whose content does not match its name is deleted. Two runs at once do not meet: each reads what is
//! there, and puts its own archive in place in one step. The archives of the two newest keys are kept.
//!
//! Our own crates are not in it: they are built anew in each clone. A clone in which they were built before neither takes nor
//! keeps anything.

use std::collections::BTreeSet;
use std::env;
use std::fs::{self, File};
use std::io;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::{Duration, SystemTime};

use anyhow::{Context as _, Result};

use crate::digest;
use crate::steps;
use crate::workspace::Workspace;

/// The environment variable that names the folder.
const VARIABLE: &str = "LOCKGATE_CI_CACHE";
/// How many keys are kept.
const KEPT: usize = 2;
/// Where cargo keeps what it built, below `target`: a folder for each combination of workspace, profile and machine.
const PLACES: [&str; 4] = ["debug", "plugins/debug", "plugins/release", "plugins/wasm32-unknown-unknown/release"];

/// The archives of one machine.
pub(crate) struct DependencyCache {
    folder: PathBuf,
    key: String,
}

impl DependencyCache {
    /// The cache that the environment names. None: nothing is kept here.
    ///
    /// # Errors
    /// What makes the key cannot be read.
    pub(crate) fn here(workspace: &Workspace) -> Result<Option<Self>> {
        let Some(folder) = env::var_os(VARIABLE).filter(|folder| !folder.is_empty()) else { return Ok(None) };
        let compiler = steps::capture(Command::new("rustc").arg("-vV").current_dir(workspace.path("")))?;
        let mut key = vec![compiler.into_bytes()];
        key.push(env::var_os("RUSTFLAGS").unwrap_or_default().into_encoded_bytes());
        let mut files = Vec::new();
        for file in
            ["Cargo.lock", "plugins/Cargo.lock", "Cargo.toml", ".cargo/config.toml", "plugins/.cargo/config.toml"]
        {
            files.push(workspace.path(file));
        }
        for folder in ["host", "plugins", "tests", "xtask"] {
            manifests(&workspace.path(folder), &mut files)?;
        }
        for path in files {
            key.push(fs::read(&path).with_context(|| format!("cannot read `{}`", path.display()))?);
        }
        let key = digest::short(key.iter().map(Vec::as_slice));
        Ok(Some(Self { folder: folder.into(), key }))
    }

    /// Lays out below `target` what was kept, and says whether anything was. An archive that is damaged is removed.
    ///
    /// # Errors
    /// The folder of the cache cannot be read, or the archive cannot be unpacked.
    pub(crate) fn restore(&self, target: &Path) -> Result<bool> {
        for archive in self.archives()?.into_iter().filter(|archive| archive.key == self.key) {
            // What was used last is removed last. Where its date cannot be set, another run has just removed it.
            if File::open(&archive.path).and_then(|file| file.set_modified(SystemTime::now())).is_err() {
                continue;
            }
            if !archive.is_whole()? {
                eprintln!("      `{}` is damaged, and deleted", archive.path.display());
                remove(&archive.path)?;
                continue;
            }
            fs::create_dir_all(target).with_context(|| format!("cannot make `{}`", target.display()))?;
            steps::run(Command::new("tar").arg("-xf").arg(&archive.path).arg("-C").arg(target))?;
            return Ok(true);
        }
        eprintln!("      there is no archive for the key {}", self.key);
        Ok(false)
    }

    /// Keeps what cargo built of the crates of these names below `target`, and removes what is older than the two newest
    /// keys.
    ///
    /// # Errors
    /// Something cannot be read or written.
    pub(crate) fn keep(&self, target: &Path, theirs: &BTreeSet<String>) -> Result<()> {
        fs::create_dir_all(&self.folder).with_context(|| format!("cannot make `{}`", self.folder.display()))?;
        static ARCHIVES: AtomicU32 = AtomicU32::new(0);
        let own = format!("{}-{}-{}", self.key, std::process::id(), ARCHIVES.fetch_add(1, Ordering::Relaxed));
        let (fresh, list) = (self.folder.join(format!("{own}.new")), self.folder.join(format!("{own}.list")));
        let mut files = String::new();
        for place in PLACES {
            for path in built(&target.join(place), theirs)? {
                let path = path.strip_prefix(target).unwrap_or(&path);
                files += &format!("{}\n", path.display());
            }
        }
        fs::write(&list, files).with_context(|| format!("cannot write `{}`", list.display()))?;
        // Posix archives keep the dates of files to the nanosecond, by which cargo tells what is fresh.
        let mut tar = Command::new("tar");
        tar.arg("--format=posix").arg("-cf").arg(&fresh).arg("-C").arg(target).arg("-T").arg(&list);
        steps::run(&mut tar)?;
        fs::remove_file(&list).with_context(|| format!("cannot remove `{}`", list.display()))?;
        let archive = self.folder.join(format!("{}-{}.tar", self.key, digest::of_file(&fresh)?));
        fs::rename(&fresh, &archive).with_context(|| format!("cannot write `{}`", archive.display()))?;
        self.remove_old()
    }

    /// Removes all archives but the newest of each of the newest keys, and what interrupted runs left behind.
    fn remove_old(&self) -> Result<()> {
        for path in entries(&self.folder)? {
            let of_a_run = path.extension().is_some_and(|extension| extension == "new" || extension == "list");
            let age =
                fs::metadata(&path).and_then(|metadata| metadata.modified()).ok().and_then(|time| time.elapsed().ok());
            if of_a_run && age.is_some_and(|age| age > Duration::from_secs(24 * 60 * 60)) {
                remove(&path)?;
            }
        }
        // All runs go by the same order, so that two of them do not remove each other's.
        let mut keys = Vec::new();
        for archive in self.archives()? {
            if keys.contains(&archive.key) || keys.len() == KEPT {
                remove(&archive.path)?;
            } else {
                keys.push(archive.key);
            }
        }
        Ok(())
    }

    /// All archives, the last used first.
    fn archives(&self) -> Result<Vec<Archive>> {
        let entries = match fs::read_dir(&self.folder) {
            Ok(entries) => entries,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
            Err(error) => return Err(error).with_context(|| format!("cannot read `{}`", self.folder.display())),
        };
        let mut archives: Vec<Archive> = entries.filter_map(|entry| Archive::read(entry.ok()?.path())).collect();
        archives.sort_by(|one, other| (other.used, &other.path).cmp(&(one.used, &one.path)));
        Ok(archives)
    }
}

/// Whether our own crates were built below `target` already.
///
/// # Errors
/// The folder cannot be read.
pub(crate) fn is_used(target: &Path) -> Result<bool> {
    let ours = |path: &PathBuf| path.file_name().is_some_and(|name| name.to_string_lossy().starts_with("lockgate-"));
    Ok(entries(&target.join("debug/.fingerprint"))?.iter().any(ours))
}

/// One archive: `<key>-<digest>.tar`.
struct Archive {
    path: PathBuf,
    key: String,
    digest: String,
    used: SystemTime,
}

impl Archive {
    fn read(path: PathBuf) -> Option<Self> {
        let (key, digest) = path.file_name()?.to_str()?.strip_suffix(".tar")?.split_once('-')?;
        let (key, digest) = (key.to_owned(), digest.to_owned());
        // Another run may have removed it in the meantime.
        let used = fs::metadata(&path).and_then(|metadata| metadata.modified()).ok()?;
        Some(Self { path, key, digest, used })
    }

    fn is_whole(&self) -> Result<bool> {
        Ok(digest::of_file(&self.path)? == self.digest)
    }
}

/// The names of the crates in a lock file that come from a registry.
///
/// # Errors
/// It cannot be read.
pub(crate) fn theirs(lock: &Path) -> Result<BTreeSet<String>> {
    let text = fs::read_to_string(lock).with_context(|| format!("cannot read `{}`", lock.display()))?;
    let packages = text.split("[[package]]").filter(|package| package.contains("\nsource = "));
    let names = packages.filter_map(|package| package.split_once("name = \"")?.1.split('"').next());
    Ok(names.map(str::to_owned).collect())
}

fn remove(path: &Path) -> Result<()> {
    match fs::remove_file(path) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => {
            Err(error).with_context(|| format!("cannot remove `{}`", path.display()))
        }
        _ => Ok(()),
    }
}

/// What cargo keeps of other people's crates in the folder of a profile.
///
/// A crate that was built has a folder `<package>-<hash>` among the fingerprints, and its files end in the same hash.
fn built(profile: &Path, theirs: &BTreeSet<String>) -> Result<Vec<PathBuf>> {
    let mut fingerprints = Vec::new();
    let mut hashes = BTreeSet::new();
    for folder in entries(&profile.join(".fingerprint"))? {
        let name = folder.file_name().unwrap_or_default().to_string_lossy().into_owned();
        let Some((package, hash)) = name.rsplit_once('-') else { continue };
        if theirs.contains(package) {
            hashes.insert(hash.to_owned());
            fingerprints.push(folder);
        }
    }
    let mut found = Vec::new();
    for place in ["build", "deps"] {
        for path in entries(&profile.join(place))? {
            let name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
            let stem = name.split('.').next().unwrap_or_default();
            if stem.rsplit_once('-').is_some_and(|(_, hash)| hashes.contains(hash)) {
                found.push(path);
            }
        }
    }
    // Last, so that what was unpacked in part counts as not built.
    found.append(&mut fingerprints);
    Ok(found)
}

/// The manifests below a folder.
fn manifests(folder: &Path, found: &mut Vec<PathBuf>) -> Result<()> {
    for path in entries(folder)? {
        if path.is_dir() {
            manifests(&path, found)?;
        } else if path.file_name().is_some_and(|name| name == "Cargo.toml") {
            found.push(path);
        }
    }
    Ok(())
}

/// What lies in a folder, by name; nothing if there is no folder.
fn entries(folder: &Path) -> Result<Vec<PathBuf>> {
    let read = match fs::read_dir(folder) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
        read => read,
    };
    let paths = read.and_then(|entries| entries.map(|entry| Ok(entry?.path())).collect::<io::Result<Vec<_>>>());
    let mut paths = paths.with_context(|| format!("cannot read the folder `{}`", folder.display()))?;
    paths.sort();
    Ok(paths)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a test")]

    use super::*;

    struct Machine(tempfile::TempDir);

    impl Machine {
        fn new() -> Self {
            Self(tempfile::tempdir().unwrap())
        }

        fn cache(&self, key: &str) -> DependencyCache {
            DependencyCache { folder: self.0.path().join("cache"), key: key.to_owned() }
        }

        /// A target folder in which `serde` and our own crate were built.
        fn target(&self) -> PathBuf {
            let target = self.0.path().join("target");
            for (file, text) in [
                ("debug/.fingerprint/serde-0123/lib-serde", "fingerprint"),
                ("debug/.fingerprint/our-crate-4567/lib-our_crate", "fingerprint"),
                ("debug/deps/libserde-0123.rlib", "code"),
                ("debug/deps/serde-0123.d", "dependencies"),
                ("debug/deps/libour_crate-4567.rlib", "our code"),
                ("debug/build/serde-0123/output", "said"),
                ("debug/lockgate", "our program"),
            ] {
                let path = target.join(file);
                fs::create_dir_all(path.parent().unwrap()).unwrap();
                fs::write(path, text).unwrap();
            }
            target
        }

        fn keep(&self, key: &str) {
            let cache = self.cache(key);
            cache.keep(&self.target(), &BTreeSet::from(["serde".to_owned()])).unwrap();
            // So that the next one is newer.
            let before = SystemTime::now() - Duration::from_secs(10);
            for archive in cache.archives().unwrap() {
                let time = archive.used.min(before) - Duration::from_secs(10);
                File::open(archive.path).unwrap().set_modified(time).unwrap();
            }
        }

        fn restored(&self, key: &str) -> Option<PathBuf> {
            let target = self.0.path().join(format!("restored-{key}"));
            self.cache(key).restore(&target).unwrap().then_some(target)
        }
    }

    #[test]
    fn other_peoples_crates_come_back_as_they_were_and_ours_do_not() {
        let machine = Machine::new();
        machine.keep("key");
        let restored = machine.restored("key").unwrap();
        let modified =
            |folder: &Path| fs::metadata(folder.join("debug/deps/libserde-0123.rlib")).unwrap().modified().unwrap();
        assert_eq!(modified(&restored), modified(&machine.0.path().join("target")), "to the nanosecond");
        assert!(restored.join("debug/.fingerprint/serde-0123/lib-serde").exists());
        assert!(restored.join("debug/build/serde-0123/output").exists());
        for ours in ["debug/.fingerprint/our-crate-4567", "debug/deps/libour_crate-4567.rlib", "debug/lockgate"] {
            assert!(!restored.join(ours).exists(), "{ours}");
        }
    }

    #[test]
    fn the_lock_file_says_which_crates_are_whose() {
        let theirs = theirs(&Workspace::here().path("Cargo.lock")).unwrap();
        assert!(theirs.contains("serde") && theirs.contains("wasmtime"));
        assert!(!theirs.iter().any(|name| name.starts_with("lockgate")));
    }

    #[test]
    fn another_key_finds_nothing() {
        let machine = Machine::new();
        assert_eq!(machine.restored("key"), None, "there is no folder yet");
        machine.keep("key");
        assert_eq!(machine.restored("other"), None);
    }

    #[test]
    fn a_damaged_archive_is_thrown_away() {
        let machine = Machine::new();
        machine.keep("key");
        let [archive] = machine.cache("key").archives().unwrap().try_into().ok().unwrap();
        let mut bytes = fs::read(&archive.path).unwrap();
        *bytes.last_mut().unwrap() ^= 1;
        fs::write(&archive.path, bytes).unwrap();
        assert_eq!(machine.restored("key"), None);
        assert!(!archive.path.exists());
    }

    #[test]
    fn what_an_interrupted_run_left_is_removed_after_a_day() {
        let machine = Machine::new();
        let folder = machine.0.path().join("cache");
        fs::create_dir_all(&folder).unwrap();
        for (name, hours) in [("old.new", 25), ("young.new", 23)] {
            let file = File::create(folder.join(name)).unwrap();
            file.set_modified(SystemTime::now() - Duration::from_secs(hours * 60 * 60)).unwrap();
        }
        machine.keep("key");
        assert!(!folder.join("old.new").exists() && folder.join("young.new").exists());
    }

    #[test]
    fn a_clone_in_which_our_crates_were_built_is_used() {
        let machine = Machine::new();
        let target = machine.target();
        assert!(!is_used(&target).unwrap());
        fs::create_dir_all(target.join("debug/.fingerprint/lockgate-domain-89ab")).unwrap();
        assert!(is_used(&target).unwrap());
    }

    #[test]
    fn the_two_newest_keys_are_kept() {
        let machine = Machine::new();
        for key in ["first", "second", "third"] {
            machine.keep(key);
        }
        let mut keys: Vec<String> =
            machine.cache("third").archives().unwrap().into_iter().map(|archive| archive.key).collect();
        keys.sort();
        assert_eq!(keys, ["second", "third"]);
    }

    #[test]
    fn what_two_runs_keep_at_once_is_whole() {
        for _ in 0..20 {
            let machine = Machine::new();
            let target = machine.target();
            std::thread::scope(|scope| {
                for _ in 0..4 {
                    scope.spawn(|| machine.cache("key").keep(&target, &BTreeSet::from(["serde".to_owned()])).unwrap());
                }
            });
            assert!(machine.restored("key").is_some());
        }
    }
}
