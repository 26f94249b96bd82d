//! The sealed cache: what it saves, and that it trusts nothing that it did not write.

use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::time::SystemTime;

use crate::support::{Guest, shared_snapshot};
use lockgate_domain::PolicyVerdict;
use lockgate_runtime::{CacheError, Grants, LoadRequest, Runtime, RuntimeConfig, RuntimeError, StartUp};
use serde_json::json;
use tempfile::TempDir;

struct Cached {
    directory: TempDir,
}

impl Cached {
    fn new() -> Self {
        Self { directory: tempfile::tempdir().unwrap() }
    }

    fn path(&self) -> PathBuf {
        self.directory.path().join("cache")
    }

    fn runtime(&self) -> Runtime {
        Runtime::new(RuntimeConfig { cache: Some(self.path()), ..RuntimeConfig::default() }).unwrap()
    }

    /// The compiled plugins, by name.
    fn files(&self) -> Vec<PathBuf> {
        self.files_called("plugin")
    }

    /// The code of components that no settings have changed yet, by name.
    fn code(&self) -> Vec<PathBuf> {
        self.files_called("code")
    }

    fn files_called(&self, wanted: &str) -> Vec<PathBuf> {
        let mut files: Vec<PathBuf> = fs::read_dir(self.path())
            .unwrap()
            .map(|entry| entry.unwrap().path())
            .filter(|path| path.extension().is_some_and(|extension| extension == wanted))
            .collect();
        files.sort();
        files
    }

    fn load_and_decide(&self, request: LoadRequest) {
        let plugin = self.runtime().load(request).unwrap();
        assert_eq!(plugin.description().name, "test-guest");
        assert_eq!(plugin.start_up(), &StartUp::Frozen);
        assert_eq!(plugin.decide(&shared_snapshot()).outcome.unwrap().verdict, PolicyVerdict::Abstain);
    }
}

#[test]
fn what_was_compiled_is_found_by_the_next_runtime() {
    let cached = Cached::new();
    cached.load_and_decide(Guest::default().request());
    let files = cached.files();
    assert_eq!(files.len(), 1);
    let written = fs::metadata(&files[0]).unwrap().modified().unwrap();
    cached.load_and_decide(Guest::default().request());
    assert_eq!(fs::metadata(&files[0]).unwrap().modified().unwrap(), written, "it was not compiled again");
}

#[test]
fn other_settings_are_another_file() {
    let cached = Cached::new();
    cached.load_and_decide(Guest::default().request());
    cached.load_and_decide(LoadRequest { settings: json!({ "people": 2 }), ..Guest::default().request() });
    assert_eq!(cached.files().len(), 2);
}

#[test]
fn what_was_kept_starts_with_the_normal_form_of_the_settings() {
    let schema = r#"{"items": {"format": "lockgate-person"}}"#;
    let (cached, guest) = (Cached::new(), Guest { schema, ..Guest::default() });
    let load = |people: &str| {
        let request = LoadRequest { settings: json!([people]), ..guest.request() };
        let plugin = cached.runtime().load(request).unwrap();
        assert_eq!(plugin.settings(), &json!(["kim"]));
        plugin.settings_digest()
    };
    let first = load("Kim");
    let files = cached.files();
    assert_eq!((files.len(), load("Kim"), cached.files()), (1, first, files));
    assert_eq!(load("KIM"), first);
}

#[test]
fn the_instrumented_component_is_compiled_once_for_all_settings() {
    let cached = Cached::new();
    cached.load_and_decide(Guest::default().request());
    let [code] = cached.code().try_into().unwrap();
    // A link to the file, which would not be the same file any more if it were written anew.
    let first = cached.directory.path().join("first");
    fs::hard_link(&code, &first).unwrap();
    cached.load_and_decide(LoadRequest { settings: json!({ "people": 2 }), ..Guest::default().request() });
    assert_eq!(cached.code(), std::slice::from_ref(&code));
    let day = SystemTime::UNIX_EPOCH;
    File::open(&first).unwrap().set_modified(day).unwrap();
    assert_eq!(fs::metadata(&code).unwrap().modified().unwrap(), day, "it is still the same file");
}

#[test]
fn a_component_that_is_only_inspected_is_compiled_once() {
    let cached = Cached::new();
    let guest = Guest::default().request();
    for _ in 0..2 {
        cached.runtime().admit(&guest.component, &guest.grants).unwrap();
        assert_eq!((cached.files().len(), cached.code().len()), (0, 1));
    }
}

#[test]
fn damaged_code_of_a_component_is_ignored_and_replaced() {
    let cached = Cached::new();
    cached.load_and_decide(Guest::default().request());
    let [code] = cached.code().try_into().unwrap();
    let whole = fs::read(&code).unwrap();
    fs::write(&code, &whole[..whole.len() / 2]).unwrap();
    cached.load_and_decide(LoadRequest { settings: json!({ "people": 2 }), ..Guest::default().request() });
    assert_eq!(fs::read(&code).unwrap().len(), whole.len());
}

#[test]
fn what_was_kept_is_judged_by_the_grants_of_now() {
    let guest = Guest {
        world: "import lockgate:host/log@0.2.0-rc.2; export lockgate:approval/policy@0.2.0-rc.2;",
        imports: r#"(import "lockgate:host/log@0.2.0-rc.2" "log" (func $log (param i32 i32 i32)))"#,
        ..Guest::default()
    };
    let cached = Cached::new();
    cached.load_and_decide(guest.request());
    let grants = Grants { log: false, ..Grants::default() };
    let error = cached.runtime().load(LoadRequest { grants, ..guest.request() }).map(|_| ()).unwrap_err();
    assert!(error.to_string().contains("`lockgate:host/log@0.2.0-rc.2` is imported but not granted"), "{error}");
}

/// Whatever is done to the one file there is, the plugin decides, and the file is whole again.
fn heals(cached: &Cached, file: &Path, damage: impl FnOnce(Vec<u8>) -> Vec<u8>) {
    let whole = fs::read(file).unwrap();
    let damaged = damage(whole.clone());
    fs::write(file, &damaged).unwrap();
    cached.load_and_decide(Guest::default().request());
    let healed = fs::read(file).unwrap();
    assert_ne!(healed, damaged, "it was replaced");
    assert_eq!(healed.len(), whole.len());
}

#[test]
fn a_damaged_file_is_ignored_and_replaced() {
    let cached = Cached::new();
    cached.load_and_decide(Guest::default().request());
    let file = &cached.files()[0];
    heals(&cached, file, |_| Vec::new());
    heals(&cached, file, |whole| whole[..whole.len() / 2].to_vec());
    heals(&cached, file, |mut whole| {
        let last = whole.len() - 1;
        whole[last] ^= 1;
        whole
    });
    heals(&cached, file, |_| b"\x7fELF and other code".to_vec());
}

#[test]
fn a_genuine_file_under_another_name_is_ignored_and_replaced() {
    let cached = Cached::new();
    let other = Guest { decide: "unreachable", ..Guest::default() };
    cached.runtime().load(other.request()).unwrap();
    let code_of_other = fs::read(&cached.files()[0]).unwrap();
    fs::remove_file(&cached.files()[0]).unwrap();
    cached.load_and_decide(Guest::default().request());
    heals(&cached, &cached.files()[0], |_| code_of_other);
}

#[test]
fn a_file_sealed_with_another_key_is_ignored_and_replaced() {
    let (cached, foreign) = (Cached::new(), Cached::new());
    cached.load_and_decide(Guest::default().request());
    foreign.load_and_decide(Guest::default().request());
    let code_of_foreign = fs::read(&foreign.files()[0]).unwrap();
    assert_eq!(cached.files()[0].file_name(), foreign.files()[0].file_name());
    heals(&cached, &cached.files()[0], |_| code_of_foreign);
}

#[test]
fn a_damaged_key_begins_the_cache_anew() {
    let cached = Cached::new();
    cached.load_and_decide(Guest::default().request());
    fs::write(cached.path().join("seal.key"), b"short").unwrap();
    heals(&cached, &cached.files()[0], |whole| whole);
}

#[cfg(unix)]
#[test]
fn nobody_else_can_look_into_it() {
    use std::os::unix::fs::PermissionsExt;
    let cached = Cached::new();
    cached.load_and_decide(Guest::default().request());
    let mode = |path: &Path| fs::metadata(path).unwrap().permissions().mode() & 0o777;
    assert_eq!(mode(&cached.path()), 0o700);
    assert_eq!(mode(&cached.path().join("seal.key")), 0o600);
    assert_eq!(mode(&cached.files()[0]), 0o600);
}

#[cfg(unix)]
#[test]
fn a_directory_that_others_can_write_to_is_refused() {
    use std::os::unix::fs::PermissionsExt;
    let cached = Cached::new();
    fs::create_dir(cached.path()).unwrap();
    fs::set_permissions(cached.path(), fs::Permissions::from_mode(0o775)).unwrap();
    let error =
        Runtime::new(RuntimeConfig { cache: Some(cached.path()), ..RuntimeConfig::default() }).map(|_| ()).unwrap_err();
    assert!(matches!(error, RuntimeError::Cache(CacheError::Shared { mode: 0o775, .. })), "{error}");
    assert!(error.to_string().ends_with("so make it private with `chmod 700`"), "{error}");
}
