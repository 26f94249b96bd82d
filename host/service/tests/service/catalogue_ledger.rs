//! Models in the ledger: recorded once, and able to decide when their files are long gone.

use std::sync::Arc;
use std::{fs, thread};

use crate::catalogue_support::{Models, RUNTIME, approved_by, decided, empty, texts};
use crate::gate_support::{model_text, plugins};
use crate::ledger_support::Database;
use lockgate_domain::{Digest, Timestamp};
use lockgate_ledger::{
    Append, ContentState, Entry, EntryDraft, EntryQuery, LogSource as _, RetentionRule, SqliteStorage, Storage, audit,
};
use lockgate_service::Models as _;
use lockgate_service::catalogue::{Catalogue, KeepReport, KeptModels, ReloadError, ReloadOutcome, RestoreError};
use lockgate_tests::TOLD_FACTS;
use serde_json::json;

fn at(second: i64) -> Timestamp {
    Timestamp::from_millis(second * 1000)
}

/// All records, the oldest first.
fn records(storage: &dyn Storage) -> Vec<Entry> {
    let query = EntryQuery { stream: Some("models".to_owned()), limit: 100, ..EntryQuery::default() };
    storage.entries(&query).unwrap().iter().map(|entry| entry.read().unwrap()).collect()
}

fn content(storage: &dyn Storage, digest: &Digest) -> (String, String, Vec<u8>) {
    let content = storage.content(digest).unwrap().unwrap();
    let ContentState::Present(bytes) = content.state else { panic!("{content:?}") };
    (content.kind, content.media_type, bytes)
}

fn forget(storage: &dyn Storage, kind: &str) -> u64 {
    storage.forget(&RetentionRule::Content { kind: kind.to_owned(), before: at(i64::MAX / 1000) }).unwrap().count
}

#[test]
fn a_model_is_recorded_with_its_text_and_its_components_and_no_path() {
    let (models, database) = (Models::with_shop(), Database::new());
    let (catalogue, storage) = (models.load(), database.open());
    let KeepReport { recorded, reused } = catalogue.keep(&*storage, at(7)).unwrap();
    assert_eq!((texts(&recorded), reused), (vec!["shop@1.0.0".to_owned()], vec![]));

    let [record] = records(&*storage).try_into().unwrap();
    let text = fs::read(models.path("shop.toml")).unwrap();
    let component = fs::read(plugins().join("four-eyes.wasm")).unwrap();
    let (source, plugin) = (Digest::of(&text), Digest::of(&component));
    assert_eq!((record.kind.as_str(), record.id.as_deref(), record.at), ("model", Some("shop@1.0.0"), at(7)));
    assert_eq!(record.references, [source, plugin]);
    let version = catalogue.status().models[0].plugins[0].version.clone();
    assert_eq!(
        record.body,
        json!({
            "id": "shop", "version": "1.0.0", "title": "Shop",
            "digest": catalogue.current().models()[0].digest(),
            "source": source, "file": "shop.toml",
            "plugins": [{ "name": "four-eyes", "version": version, "digest": plugin }],
            "engine": lockgate_runtime::RecordedEngine::line(),
        })
    );
    assert_eq!(content(&*storage, &source), ("model".to_owned(), "application/toml".to_owned(), text));
    assert_eq!(content(&*storage, &plugin), ("plugin".to_owned(), "application/wasm".to_owned(), component));
    assert_eq!(audit::audit(&*storage, &Default::default()).unwrap().findings, []);
}

#[test]
fn what_is_recorded_is_not_recorded_again_by_anybody() {
    let (models, database) = (Models::with_shop(), Database::new());
    let (catalogue, storage) = (models.load(), database.open());
    catalogue.keep(&*storage, at(1)).unwrap();
    let size = storage.head().unwrap().size;
    assert_eq!(catalogue.keep(&*storage, at(2)).unwrap(), KeepReport::default());
    // After a restart, and on another server with the same model, laid out differently.
    let elsewhere = Models::new();
    elsewhere.write("model.toml", &format!("# Ours.\n{}", approved_by("shop", "1.0.0", &["change-authority"])));
    for catalogue in [models.load(), elsewhere.load()] {
        assert_eq!(catalogue.keep(&*database.open(), at(3)).unwrap(), KeepReport::default());
    }
    assert_eq!(storage.head().unwrap().size, size);
}

#[test]
fn servers_that_start_at_once_record_each_model_once() {
    let (models, database) = (Models::with_shop(), Database::new());
    models.write("stock.toml", &approved_by("stock", "1.0.0", &["service-owner"]));
    let servers: Vec<_> = (0..3).map(|_| (models.load(), database.open())).collect();
    thread::scope(|scope| {
        for (catalogue, storage) in &servers {
            scope.spawn(move || catalogue.keep(&**storage, at(1)).unwrap());
        }
    });
    let mut recorded: Vec<_> = records(&*servers[0].1).into_iter().filter_map(|record| record.id).collect();
    recorded.sort();
    assert_eq!(recorded, ["shop@1.0.0", "stock@1.0.0"]);
}

#[test]
fn a_version_that_means_something_else_than_the_ledger_knows_is_told() {
    let (models, database) = (Models::with_shop(), Database::new());
    let storage = database.open();
    let catalogue = models.load();
    let before = catalogue.current().models()[0].digest();
    catalogue.keep(&*storage, at(1)).unwrap();
    models.write("shop.toml", &approved_by("shop", "1.0.0", &["service-owner"]));
    // A server that starts has no model to compare with but the ledger's.
    let KeepReport { recorded, reused } = models.load().keep(&*storage, at(2)).unwrap();
    assert_eq!((reused[0].model.clone(), reused[0].before), (recorded[0].clone(), before));
    assert_eq!(records(&*storage).len(), 2);
    // Back again: the newest record says what was in use last.
    assert_eq!(catalogue.keep(&*storage, at(3)).unwrap(), KeepReport::default(), "this server has recorded its own");
    models.write("shop.toml", &approved_by("shop", "1.0.0", &["change-authority"]));
    assert_eq!(texts(&models.load().keep(&*storage, at(4)).unwrap().recorded), ["shop@1.0.0"]);
    assert_eq!(records(&*storage).len(), 3);
}

#[test]
fn a_model_from_the_ledger_alone_is_the_same_and_decides_the_same() {
    let database = Database::new();
    let (digest, decision) = {
        let models = Models::with_shop();
        let catalogue = models.load();
        catalogue.keep(&*database.open(), at(1)).unwrap();
        let model = catalogue.current().models()[0].clone();
        (model.digest(), decided(&model))
    };
    let (catalogue, storage) = (empty(), database.open());
    assert!(catalogue.find(digest).is_none());
    let restored = catalogue.restore(&*storage, digest).unwrap();
    assert_eq!(restored.digest(), digest);
    assert_eq!(decided(&restored), decision);
    assert_eq!(texts(&catalogue.status().retained), ["shop@1.0.0"]);
    assert!(std::ptr::eq(catalogue.obtain(&*storage, digest).unwrap().model(), restored.model()), "it is retained");
}

#[test]
fn what_is_in_use_or_retained_needs_no_ledger() {
    let (models, database) = (Models::with_shop(), Database::new());
    let (catalogue, storage) = (models.load(), database.open());
    let old = catalogue.current().models()[0].clone();
    models.write("shop.toml", &approved_by("shop", "2.0.0", &["service-owner"]));
    catalogue.reload().unwrap();
    let new = catalogue.current().models()[0].clone();
    for model in [old, new] {
        assert!(std::ptr::eq(catalogue.obtain(&*storage, model.digest()).unwrap().model(), model.model()));
    }
}

#[test]
fn an_engine_gets_what_is_in_use_from_the_catalogue_and_what_is_gone_from_the_ledger() {
    let (models, database) = (Models::with_shop(), Database::new());
    let storage = database.open();
    let gone = models.load().current().models()[0].digest();
    models.load().keep(&*storage, at(1)).unwrap();
    models.write("shop.toml", &approved_by("shop", "2.0.0", &["service-owner"]));
    let kept = KeptModels::new(Arc::new(models.load()), storage);
    assert_eq!(kept.current().iter().map(|model| model.model().version.as_str()).collect::<Vec<_>>(), ["2.0.0"]);
    assert_eq!(kept.by_digest(gone).unwrap().model().version, "1.0.0");
    assert!(kept.by_digest(Digest::of(b"none")).is_none());
}

#[test]
fn many_who_need_an_old_model_at_once_get_the_same_one() {
    let (models, database) = (Models::with_shop(), Database::new());
    let digest = models.load().current().models()[0].digest();
    models.load().keep(&*database.open(), at(1)).unwrap();
    let (catalogue, storage) = (empty(), database.open());
    let obtained: Vec<_> = thread::scope(|scope| {
        let threads: Vec<_> = (0..4).map(|_| scope.spawn(|| catalogue.obtain(&*storage, digest).unwrap())).collect();
        threads.into_iter().map(|thread| thread.join().unwrap()).collect()
    });
    assert!(obtained.iter().all(|model| std::ptr::eq(model.model(), obtained[0].model())));
}

#[test]
fn an_older_record_is_found_behind_hundreds_of_others() {
    let (models, database) = (Models::with_shop(), Database::new());
    let storage = database.open();
    let catalogue = models.load();
    catalogue.keep(&*storage, at(1)).unwrap();
    let digest = catalogue.current().models()[0].digest();
    let other = |n: usize| {
        let entry = EntryDraft::new("models", "model", at(2), &json!({ "of": n })).unwrap();
        Append { entries: vec![entry], ..Default::default() }
    };
    for n in 0..250 {
        storage.append(other(n)).unwrap();
    }
    assert_eq!(empty().restore(&*storage, digest).unwrap().digest(), digest);
}

#[test]
fn what_the_ledger_has_not_got_is_an_error_that_says_what_is_missing() {
    let (models, database) = (Models::with_shop(), Database::new());
    let (catalogue, storage) = (models.load(), database.open());
    let digest = catalogue.current().models()[0].digest();
    let unknown = empty().restore(&*storage, digest).unwrap_err();
    assert_eq!(unknown.to_string(), format!("the ledger has no model with the digest {digest}"));

    catalogue.keep(&*storage, at(1)).unwrap();
    assert_eq!(forget(&*storage, "plugin"), 1);
    let deleted = empty().restore(&*storage, digest).unwrap_err();
    let RestoreError::Deleted { model, what, .. } = &deleted else { panic!("{deleted}") };
    assert_eq!((model.to_string().as_str(), what.as_str()), ("shop@1.0.0", "the plugin `four-eyes`"));

    // As the message says: load the file once more.
    assert_eq!(texts(&models.load().keep(&*storage, at(2)).unwrap().recorded), ["shop@1.0.0"]);
    assert_eq!(empty().restore(&*storage, digest).unwrap().digest(), digest);
}

#[test]
fn content_that_was_changed_in_the_ledger_decides_nothing() {
    let (models, database) = (Models::with_shop(), Database::new());
    let catalogue = models.load();
    catalogue.keep(&*database.open(), at(1)).unwrap();
    let digest = catalogue.current().models()[0].digest();
    let connection = rusqlite::Connection::open(database.path()).unwrap();
    let changed = fs::read_to_string(models.path("shop.toml")).unwrap().replace("hard-mandatory", "advisory");
    let sql =
        "UPDATE content_bytes SET dictionary = 0, bytes = ?1 WHERE id = (SELECT id FROM content WHERE kind = 'model')";
    assert_eq!(connection.execute(sql, [changed.into_bytes()]).unwrap(), 1);
    let error = empty().restore(&*database.open(), digest).unwrap_err().to_string();
    assert!(error.starts_with("the ledger's record of the text of the model `shop@1.0.0` is damaged"), "{error}");
}

#[test]
fn directories_that_a_model_grants_are_looked_for_where_the_model_in_use_lies() {
    let (models, database) = (Models::new(), Database::new());
    let storage = database.open();
    let granting = |version: &str| approved_by("shop", version, &["x"]) + "grants.directory.catalog = \"catalog\"\n";
    fs::create_dir(models.path("catalog")).unwrap();
    models.write("shop.toml", &granting("1.0.0"));
    let catalogue = models.load();
    catalogue.keep(&*storage, at(1)).unwrap();
    let digest = catalogue.current().models()[0].digest();
    let error = empty().restore(&*storage, digest).unwrap_err();
    assert!(matches!(&error, RestoreError::NoFolder(model) if model.id == "shop"), "{error}");

    models.write("shop.toml", &granting("2.0.0"));
    assert_eq!(models.load().restore(&*storage, digest).unwrap().digest(), digest);
    // A directory that is another one now is opened anew.
    fs::remove_dir(models.path("catalog")).unwrap();
    let refused = catalogue.reload().unwrap_err().to_string();
    assert!(refused.contains("cannot be granted this"), "{refused}");
}

#[test]
fn new_models_are_not_in_use_before_the_ledger_has_them() {
    let (models, database) = (Models::with_shop(), Database::new());
    let catalogue = models.load();
    let storage = database.open();
    models.write("shop.toml", &approved_by("shop", "1.1.0", &["service-owner"]));
    let read_only = SqliteStorage::open_read_only(&database.path()).unwrap();
    let before = catalogue.current();
    let error = catalogue.reload_keeping(&read_only, at(1)).unwrap_err();
    assert!(matches!(error, ReloadError::Keep(_)), "{error}");
    assert!(Arc::ptr_eq(&before, &catalogue.current()));
    let why =
        "the model `shop@1.1.0` cannot be recorded: the ledger is unavailable (read-only): it was opened to read only";
    assert_eq!(catalogue.status().last.outcome, ReloadOutcome::Refused(why.to_owned()));

    let (reloaded, kept) = catalogue.reload_keeping(&*storage, at(2)).unwrap();
    assert_eq!(
        (texts(&reloaded.changed), texts(&kept.recorded)),
        (vec!["shop@1.1.0".to_owned()], texts(&reloaded.changed))
    );
    assert_eq!(records(&*storage).len(), 1);
}

#[test]
fn a_model_with_every_kind_of_plugin_comes_back_whole() {
    let (models, database) = (Models::new(), Database::new());
    models.add_plugin("canary");
    models.add_plugin("change-window");
    let gate = r#"
        [strategy]
        plugin = "canary"
        settings.steps = [{ weight = 10, hold = "10m", analyze = [] }]
        [[gates]]
        stage = "fulfill"
        phase = "entrance"
        [[gates.bindings]]
        id = "window"
        plugin = "change-window"
        enforcement = "soft-mandatory"
        settings.time-zone = "Europe/Berlin"
        "#;
    models.write(
        "shop.toml",
        &model_text(&["canary", "change-window", "four-eyes"], gate).replace(TOLD_FACTS, "unguarded = \"allow\"\n"),
    );
    let (catalogue, warnings) =
        Catalogue::load(RUNTIME.clone(), vec![models.path("shop.toml")], lockgate_domain::AttestRules::default())
            .unwrap();
    assert_eq!(warnings[0].located()[0].code, "unused-plugin");
    let storage = database.open();
    catalogue.keep(&*storage, at(1)).unwrap();
    let digest = catalogue.current().models()[0].digest();
    assert_eq!(records(&*storage)[0].references.len(), 3, "the text and two plugins: nobody asks the third");
    let restored = empty().restore(&*storage, digest).unwrap();
    let names: Vec<_> = restored.plugins().into_iter().map(|(plugin, _)| plugin.name.clone()).collect();
    assert_eq!((restored.digest(), names), (digest, vec!["canary".to_owned(), "change-window".to_owned()]));
}
