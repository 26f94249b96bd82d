//! The example check that reads a directory, asks over HTTP and keeps values, in the host: against real files, a real
//! socket and a real folder of values. `cargo xtask test` builds it and names it in the environment.

use std::fs;
use std::io::{BufRead as _, BufReader, Write as _};
use std::net::TcpListener;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use lockgate_domain::{CheckOutcome, Digest, FailureKind, Snapshot};
use lockgate_runtime::{
    DirectoryGrant, FolderOfNamespaces, Grants, HttpGrant, KeyValueGrant, Limits, LoadError, LoadRequest,
    NamespaceAccess, Plugin, PluginFunction, PluginOutput, RecordedOutcome, Recording, Runtime, RuntimeConfig,
};
use lockgate_tests::snapshot;
use serde_json::json;

/// Everything that the check reaches.
struct World {
    folder: PathBuf,
    scanner: TcpListener,
}

impl World {
    fn set_up(test: &str, allowed: &str) -> Self {
        let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join("release_registry").join(test);
        let _ = fs::remove_dir_all(&folder);
        fs::create_dir_all(folder.join("catalog")).unwrap();
        fs::write(folder.join("catalog/releases.json"), json!({ "releases": [allowed] }).to_string()).unwrap();
        Self { folder, scanner: TcpListener::bind("127.0.0.1:0").unwrap() }
    }

    fn origin(&self) -> String {
        format!("http://{}", self.scanner.local_addr().unwrap())
    }

    fn grants(&self) -> Grants {
        let mut http = HttpGrant::new(self.origin().parse().unwrap());
        http.addresses = vec!["127.0.0.1".parse().unwrap()];
        Grants {
            directories: [("catalog".to_owned(), DirectoryGrant::new(self.folder.join("catalog")))].into(),
            http: vec![http],
            key_value: Some(KeyValueGrant::new("release-registry", NamespaceAccess::ReadWrite)),
            ..Grants::default()
        }
    }

    fn load(&self, grants: Grants) -> Result<Plugin, LoadError> {
        let Some(path) = std::env::var_os("LOCKGATE_RELEASE_REGISTRY") else {
            panic!("LOCKGATE_RELEASE_REGISTRY has to name the component; `cargo xtask test` builds it");
        };
        let values = FolderOfNamespaces::open(self.folder.join("values")).unwrap();
        let runtime = Runtime::with_namespaces(RuntimeConfig::default(), Arc::new(values)).unwrap();
        runtime.load(LoadRequest {
            component: fs::read(path).unwrap().into(),
            settings: json!({ "scanner": format!("{}/scans/", self.origin()), "most-waits": 2 }),
            grants,
            limits: Limits::default(),
        })
    }

    /// Answers that many requests, each in the same way.
    fn answers(
        &self,
        requests: usize,
        status: &'static str,
        body: &'static str,
    ) -> std::thread::JoinHandle<Vec<String>> {
        let scanner = self.scanner.try_clone().unwrap();
        std::thread::spawn(move || {
            let asked = (0..requests).map(|_| {
                let (mut peer, _) = scanner.accept().unwrap();
                let mut lines = BufReader::new(peer.try_clone().unwrap()).lines().map(Result::unwrap);
                let first = lines.next().unwrap();
                let _header = lines.take_while(|line| !line.is_empty()).count();
                write!(peer, "HTTP/1.1 {status}\r\ncontent-length: {}\r\n\r\n{body}", body.len()).unwrap();
                first
            });
            asked.collect()
        })
    }
}

fn release() -> Arc<Snapshot> {
    let mut snapshot = snapshot();
    Arc::make_mut(&mut snapshot.deployment).release.digest = Some(Digest::of(b"a release"));
    Arc::new(snapshot)
}

#[test]
fn a_release_that_is_listed_and_clean_passes_the_release_registry() {
    let world = World::set_up("clean", "shop-1");
    let plugin = world.load(world.grants()).unwrap();
    let scanner = world.answers(1, "200 OK", r#"{"findings": []}"#);
    let report = plugin.check(&release()).outcome.unwrap();
    assert_eq!(report.outcome, CheckOutcome::Passed, "{report:?}");
    let asked = format!("GET /scans/{} HTTP/1.1", Digest::of(b"a release"));
    assert_eq!(scanner.join().unwrap(), [asked]);
}

#[test]
fn a_release_that_is_not_listed_fails_the_release_registry() {
    let world = World::set_up("unlisted", "another");
    let _scanner = world.answers(1, "200 OK", r#"{"findings": []}"#);
    let report = world.load(world.grants()).unwrap().check(&release()).outcome.unwrap();
    assert_eq!(report.outcome, CheckOutcome::Failed, "{report:?}");
    assert!(report.findings.iter().any(|finding| finding.code == "release-not-listed"), "{report:?}");
}

#[test]
fn waiting_for_the_scanner_is_counted_from_call_to_call_by_the_release_registry() {
    let world = World::set_up("waits", "shop-1");
    let plugin = world.load(world.grants()).unwrap();
    let _scanner = world.answers(3, "404 Not Found", "");
    let values = FolderOfNamespaces::open(world.folder.join("values")).unwrap();
    let outcomes = [(); 3].map(|()| {
        let evaluation = plugin.check(&release());
        // What it wants to be kept is kept with the decision.
        values.commit(evaluation.changes.as_ref().unwrap()).unwrap();
        evaluation.outcome.unwrap().outcome
    });
    assert_eq!(outcomes, [CheckOutcome::Inconclusive, CheckOutcome::Inconclusive, CheckOutcome::Failed]);
}

#[test]
fn without_its_grants_the_release_registry_is_refused_before_it_runs() {
    let world = World::set_up("refused", "shop-1");
    let error = world.load(Grants::default()).unwrap_err().to_string();
    for line in ["grants.directory.<name>", "grants.http", "grants.key-value"] {
        assert!(error.contains(line), "{error}");
    }
}

#[test]
fn an_address_that_is_not_granted_is_not_asked_by_the_release_registry() {
    let world = World::set_up("private", "shop-1");
    let mut grants = world.grants();
    grants.http.iter_mut().for_each(|origin| origin.addresses.clear());
    let failure = world.load(grants).unwrap().check(&release()).outcome.unwrap_err();
    assert_eq!(failure.kind, FailureKind::PluginError, "{failure}");
    world.scanner.set_nonblocking(true).unwrap();
    assert!(world.scanner.accept().is_err(), "nobody knocked");
}

#[test]
fn what_the_release_registry_was_told_is_enough_to_run_it_again() {
    let world = World::set_up("replayed", "shop-1");
    let plugin = world.load(world.grants()).unwrap();
    let _scanner = world.answers(1, "200 OK", r#"{"findings": [{"id": "CVE-2026-1", "severity": "critical"}]}"#);
    let snapshot = release();
    let evaluation = plugin.invocation(&snapshot).ask(PluginFunction::Run);
    let recording = Recording::take(&plugin, PluginFunction::Run, &snapshot, &evaluation, None);
    assert!(
        matches!(&recording.outcome, RecordedOutcome::Answered(PluginOutput::Report(report)) if report.outcome == CheckOutcome::Failed)
    );
    let calls: Vec<&str> = recording.exchanges.iter().map(|exchange| exchange.call.as_str()).collect();
    assert!(calls.contains(&"directory.read") && calls.contains(&"http.send"), "{calls:?}");

    // Nothing of the world is left, and the values that it kept do not matter.
    drop(world);
    let recording = Recording::decode(&recording.encode().unwrap()).unwrap();
    let replayed = plugin.replay(&recording).unwrap();
    assert!(replayed.same, "{:?}", replayed.outcome);
    assert_eq!(replayed.same_fuel, Some(true));
}
