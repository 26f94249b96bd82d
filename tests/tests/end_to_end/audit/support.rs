//! A data folder with a ledger in it, and the command that looks at it.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::Arc;

use lockgate_domain::Timestamp;
use lockgate_ledger::{
    Append, ContentBlob, EntryDraft, EntryQuery, KeyFile, LogSource as _, SqliteOptions, SqliteStorage, Storage as _,
    StoredEntry,
};
use lockgate_tests::tree;
use serde_json::{Value, json};
use tempfile::TempDir;

/// The decision that the folder holds: entry 3, and the first of its stream. The same id stands in `docs/audit.md`.
pub(crate) const DECISION: &str = "dec-01956064e5a0-4f1d2c3b5a69788796a5b4c3d2e1f001";
/// What the decision refers to.
pub(crate) const SNAPSHOT: &[u8] = b"{\"the snapshot\":\"that was decided on\"}";

/// A folder to work in, with `lockgate-data` as a server leaves it.
pub(crate) struct Place {
    folder: TempDir,
}

impl Place {
    /// With eight entries: one that names the key, a deployment's, and one decision among them.
    pub(crate) fn new() -> Self {
        let place = Self { folder: tempfile::tempdir().unwrap() };
        std::fs::create_dir(place.path("lockgate-data")).unwrap();
        let storage = place.storage();
        let at = |minute: i64| Timestamp::from_millis(1_741_078_800_000 + minute * 60_000);
        let event = |kind: &str, minute: i64| {
            let body = json!({ "by": { "person": "ann@example.com", "credential": "token:ann", "kind": "person" }, "minute": minute });
            EntryDraft::new("deployment/d-42", kind, at(minute), &body).unwrap()
        };
        let decision = json!({
            "actor": { "person": "ci@example.com", "credential": "token:pipeline", "kind": "service" },
            "passed": false,
            "decision": {
                "id": DECISION,
                "deployment": "d-42",
                "gate": { "stage": "plan-and-approve", "phase": "exit" },
                "verdict": "deny",
                "reasons": [{ "source": "host", "blocking": true, "code": "approval/missing", "message": "Wait for Bo" }],
                "model": { "id": "software-in-house", "version": "1.4.0" },
                "odd": [1e-7, 1e-6, 0.1, 1.5e300, 123456789012345680000.0, 1e22, -0.0, 3.0, -4, "größer \u{1f600}\n\"", null, { "\u{fb33}": 1, "\u{1f600}": 2 }],
            },
        });
        let snapshot = ContentBlob::new("snapshot", "application/json", Arc::new(SNAPSHOT.to_vec()));
        let decision = EntryDraft::new("decisions/d-42", "decision", at(3), &decision).unwrap();
        let decision = decision.with_id(DECISION).unwrap().referring_to(snapshot.digest());
        for entries in [vec![event("requested", 1), event("planned", 2)], vec![decision]] {
            storage.append(Append { entries, content: vec![snapshot.clone()], ..Append::default() }).unwrap();
        }
        let more = (4..=7).map(|minute| event("reported", minute)).collect();
        storage.append(Append { entries: more, ..Append::default() }).unwrap();
        place
    }

    pub(crate) fn path(&self, relative: &str) -> PathBuf {
        self.folder.path().join(relative)
    }

    /// The ledger, as a server has it open.
    pub(crate) fn storage(&self) -> SqliteStorage {
        let data = self.path("lockgate-data");
        let key = KeyFile::new(data.join("ledger.key"));
        key.open(&data.join("ledger.db"), "deploy.example.com/ledger", SqliteOptions::default()).unwrap()
    }

    pub(crate) fn append(&self, storage: &SqliteStorage, n: i64) {
        let entry =
            EntryDraft::new("deployment/d-43", "reported", Timestamp::from_millis(n), &json!({ "n": n })).unwrap();
        storage.append(Append { entries: vec![entry], ..Append::default() }).unwrap();
    }

    pub(crate) fn entries(&self) -> Vec<StoredEntry> {
        self.read_only().entries(&EntryQuery { limit: 1000, ..EntryQuery::default() }).unwrap()
    }

    pub(crate) fn read_only(&self) -> SqliteStorage {
        SqliteStorage::open_read_only(&self.path("lockgate-data/ledger.db")).unwrap()
    }

    /// The verifying key, and the checkpoint of now.
    pub(crate) fn head(&self) -> (String, String) {
        let head = self.read_only().head().unwrap();
        (head.key.to_string(), head.checkpoint)
    }

    /// Runs `lockgate` in the folder.
    pub(crate) fn lockgate(&self, arguments: &[&str]) -> Ended {
        let mut command = Command::new(tree("bin/lockgate"));
        command.current_dir(self.folder.path()).env("NO_COLOR", "1").env_remove("COLUMNS").args(arguments);
        command.env_remove("LOCKGATE_SERVER").env_remove("LOCKGATE_TOKEN");
        let output = command.output().unwrap();
        let text = |bytes: Vec<u8>| String::from_utf8(bytes).unwrap();
        Ended { code: output.status.code().unwrap(), stdout: text(output.stdout), stderr: text(output.stderr) }
    }

    pub(crate) fn write(&self, relative: &str, text: impl AsRef<[u8]>) -> PathBuf {
        let path = self.path(relative);
        std::fs::write(&path, text).unwrap();
        path
    }

    pub(crate) fn read(&self, relative: impl AsRef<Path>) -> String {
        std::fs::read_to_string(self.folder.path().join(relative)).unwrap()
    }
}

/// How a command ended.
#[derive(Debug)]
pub(crate) struct Ended {
    pub(crate) code: i32,
    pub(crate) stdout: String,
    pub(crate) stderr: String,
}

impl Ended {
    /// What it printed, if it ended with that code.
    pub(crate) fn with(self, code: i32) -> Self {
        assert_eq!(self.code, code, "{}\n{}", self.stdout, self.stderr);
        self
    }

    pub(crate) fn json(&self) -> Value {
        serde_json::from_str(&self.stdout).unwrap_or_else(|error| panic!("{error}: {}\n{}", self.stdout, self.stderr))
    }

    /// All that it said.
    pub(crate) fn said(&self) -> String {
        format!("{}{}", self.stdout, self.stderr)
    }
}
