//! The models of a running server, replaced while decisions are made.

use std::collections::BTreeSet;
use std::fs;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::thread;
use std::time::{Duration, SystemTime};

use crate::catalogue_support::{Models, RUNTIME, approved_by, decided, empty, texts};
use lockgate_domain::{AttestRules, Kind, Verdict};
use lockgate_service::catalogue::{Catalogue, ReloadChanges, ReloadOutcome};
use serde_json::json;

#[test]
fn the_models_of_files_and_of_folders_are_loaded_and_shown() {
    let (one, other) = (Models::with_shop(), Models::new());
    other.write("b.toml", &approved_by("stock", "2.1.0", &["service-owner"]));
    other.write("notes.txt", "no model");
    other.write(".hidden.toml", "no model either");
    let files = vec![other.folder.path().to_owned(), one.path("shop.toml"), other.path("b.toml")];
    let (catalogue, warnings) = Catalogue::load(RUNTIME.clone(), files, AttestRules::default()).unwrap();
    assert_eq!(warnings, []);
    assert_eq!(texts(&catalogue.current().names()), ["shop@1.0.0", "stock@2.1.0"]);

    let status = catalogue.status();
    let shop = &status.models[0];
    assert_eq!(shop.file, one.path("shop.toml").display().to_string());
    assert_eq!((shop.title.as_str(), shop.name.digest), ("Shop", catalogue.current().by_id("shop").unwrap().digest()));
    let plugin = &shop.plugins[0];
    assert_eq!((plugin.name.as_str(), plugin.kinds.as_slice()), ("four-eyes", [Kind::ApprovalPolicy].as_slice()));
    assert_eq!(plugin.digest, catalogue.current().models()[0].plugins()[0].0.digest);
    let ReloadOutcome::Loaded(loaded) = &status.last.outcome else { panic!("{status:?}") };
    assert_eq!(texts(&loaded.added), ["shop@1.0.0", "stock@2.1.0"]);
    assert_eq!(shop.since, status.models[0].since);
}

#[test]
fn a_server_may_have_no_models_yet() {
    assert_eq!(empty().current().models().len(), 0);
    assert!(!empty().changed());
}

#[test]
fn everything_that_is_wrong_is_told_at_once_with_its_file() {
    let models = Models::with_shop();
    models.write("a.toml", "id = \"a\"\nversion = \"one\"\n");
    models.write("b.toml", &approved_by("b", "1.0.0", &["x"]).replace("four-eyes.wasm", "gone.wasm"));
    let files = vec![models.folder.path().to_owned(), models.path("nowhere.toml")];
    let error = Catalogue::load(RUNTIME.clone(), files, AttestRules::default()).unwrap_err();
    let [a, b, nowhere] = ["a.toml", "b.toml", "nowhere.toml"].map(|name| models.path(name).display().to_string());
    assert_eq!(error.wrong(), [&a, &b, &nowhere]);
    let said = error.to_string();
    for expected in [
        "`one` is not a semantic version".to_owned(),
        format!("{a}:2:"),
        format!("cannot read plugin `four-eyes` from `{}`", models.path("gone.wasm").display()),
        format!("cannot read `{nowhere}`: No such file or directory"),
    ] {
        assert!(said.contains(&expected), "`{expected}` in:\n{said}");
    }
}

#[test]
fn two_files_with_the_same_id_are_refused_and_both_are_named() {
    let models = Models::with_shop();
    models.write("zz.toml", &approved_by("shop", "2.0.0", &["service-owner"]));
    let error =
        Catalogue::load(RUNTIME.clone(), vec![models.folder.path().to_owned()], AttestRules::default()).unwrap_err();
    let found = error.files[0].located();
    assert_eq!((found.len(), found[0].code, found[0].line), (1, "duplicate-model", 1));
    let [one, other] = ["shop.toml", "zz.toml"].map(|name| models.path(name).display().to_string());
    assert_eq!(found[0].message, format!("model `shop` is in two files: `{one}` and `{other}`"));
}

#[test]
fn a_reload_says_what_came_went_and_changed_and_loads_nothing_twice() {
    let models = Models::with_shop();
    for id in ["goes", "stays"] {
        models.write(&format!("{id}.toml"), &approved_by(id, "1.0.0", &[id]));
    }
    let catalogue = models.load();
    let before = catalogue.current();
    models.write("shop.toml", &approved_by("shop", "1.1.0", &["service-owner"]));
    models.write("new.toml", &approved_by("new", "1.0.0", &["new"]));
    models.remove("goes.toml");

    let ReloadChanges { added, changed, removed, unchanged } = catalogue.reload().unwrap();
    assert_eq!(
        [added, changed, removed, unchanged].map(|names| texts(&names)),
        [["new@1.0.0"], ["shop@1.1.0"], ["goes@1.0.0"], ["stays@1.0.0"]]
    );
    let after = catalogue.current();
    let meaning = |set: &lockgate_service::catalogue::ModelSet, id| std::ptr::from_ref(set.by_id(id).unwrap().model());
    assert_eq!(meaning(&before, "stays"), meaning(&after, "stays"), "it is the one that was loaded before");
    assert_ne!(meaning(&before, "shop"), meaning(&after, "shop"));
}

#[test]
fn laying_a_file_out_anew_changes_nothing() {
    let models = Models::with_shop();
    let catalogue = models.load();
    let (digest, since) = (catalogue.current().models()[0].digest(), catalogue.status().models[0].since);
    models.write("shop.toml", &format!("# Why.\n{}", approved_by("shop", "1.0.0", &["change-authority"])));
    assert!(catalogue.changed());
    assert_eq!(texts(&catalogue.reload().unwrap().unchanged), ["shop@1.0.0"]);
    assert_eq!((catalogue.current().models()[0].digest(), catalogue.status().models[0].since), (digest, since));
    assert_eq!(catalogue.retained(digest).map(|model| model.digest()), None);
}

#[test]
fn a_bad_model_changes_nothing_and_is_seen() {
    let models = Models::with_shop();
    let catalogue = models.load();
    let good = catalogue.current();
    models.write("shop.toml", &approved_by("shop", "1.1.0", &["service-owner"]));
    models.write("stock.toml", &approved_by("stock", "1.0.0", &["x"]).replace("required", "requires"));
    let error = catalogue.reload().unwrap_err();
    assert_eq!(error.wrong(), [models.path("stock.toml").display().to_string()]);
    assert!(Arc::ptr_eq(&good, &catalogue.current()), "also the good one is not taken");

    let status = catalogue.status();
    assert_eq!(texts(&[status.models[0].name.clone()]), ["shop@1.0.0"]);
    let stock = models.path("stock.toml").display().to_string();
    assert_eq!(status.last.outcome, ReloadOutcome::Refused(format!("`{stock}` cannot be used")));
    let shown = serde_json::to_value(&status).unwrap();
    assert_eq!(shown["last"]["refused"], json!(format!("`{stock}` cannot be used")));
    assert_eq!(shown["last"]["findings"][0]["file"], json!(stock));
    assert_eq!(shown["last"]["findings"][0]["findings"][0]["code"], "settings-refused");

    models.write("stock.toml", &approved_by("stock", "1.0.0", &["x"]));
    catalogue.reload().unwrap();
    assert_eq!(texts(&catalogue.current().names()), ["shop@1.1.0", "stock@1.0.0"]);
    assert!(matches!(catalogue.status().last.outcome, ReloadOutcome::Loaded(_)));
}

#[test]
fn a_component_that_is_not_the_pinned_one_is_refused() {
    let models = Models::with_shop();
    let catalogue = models.load();
    let mut bytes = fs::read(models.path("four-eyes.wasm")).unwrap();
    *bytes.last_mut().unwrap() ^= 1;
    fs::write(models.path("four-eyes.wasm"), bytes).unwrap();
    assert!(catalogue.changed());
    let error = catalogue.reload().unwrap_err();
    assert_eq!(error.files[0].located()[0].code, "digest-differs");
    assert_eq!(texts(&catalogue.current().names()), ["shop@1.0.0"]);
}

#[test]
fn another_meaning_under_the_same_version_is_warned_of() {
    let models = Models::with_shop();
    let catalogue = models.load();
    let was = catalogue.current().models()[0].digest();
    models.write("shop.toml", &approved_by("shop", "1.0.0", &["service-owner"]));
    assert_eq!(texts(&catalogue.reload().unwrap().changed), ["shop@1.0.0"]);
    let status = catalogue.status();
    let found = status.last.findings[0].located();
    assert_eq!((found.len(), found[0].code, found[0].line), (1, "version-reused", 2));
    assert_eq!(found[0].notes, [format!("was {was}"), format!("is  {}", status.models[0].name.digest)]);
    assert!(found[0].helps[0].starts_with("raise `version`"), "{found:?}");
    // Only once: the next attempt compares with what is in use now.
    catalogue.reload().unwrap();
    assert!(catalogue.status().last.findings.is_empty());
}

#[test]
fn warnings_come_with_the_models_and_stay_until_they_are_heeded() {
    let models = Models::new();
    models.write("shop.toml", "id = \"shop\"\nversion = \"1.0.0\"\ntitle = \"Shop\"\n");
    let (catalogue, warnings) =
        Catalogue::load(RUNTIME.clone(), vec![models.path("shop.toml")], AttestRules::default()).unwrap();
    assert_eq!(warnings[0].located()[0].code, "unguarded-gate");
    catalogue.reload().unwrap();
    assert_eq!(catalogue.status().last.findings, warnings);
}

#[test]
fn who_has_an_old_model_in_hand_finishes_with_it_and_deployments_keep_theirs() {
    let models = Models::with_shop();
    let catalogue = models.load();
    let old = catalogue.current();
    let approved_under = old.models()[0].digest();
    let before = decided(&old.models()[0]);
    models.write("shop.toml", &approved_by("shop", "1.1.0", &["service-owner"]));
    catalogue.reload().unwrap();

    assert_eq!(decided(&old.models()[0]), before);
    assert!(catalogue.current().by_digest(approved_under).is_none());
    let retained = catalogue.retained(approved_under).unwrap();
    assert_eq!(decided(&retained), before);
    assert_eq!(catalogue.find(approved_under).unwrap().digest(), approved_under);
    assert_eq!(texts(&catalogue.status().retained), ["shop@1.0.0"]);

    let in_use = catalogue.current().models()[0].digest();
    assert_eq!(catalogue.retire(&BTreeSet::from([approved_under, in_use])), 0);
    assert_eq!(catalogue.retire(&BTreeSet::from([in_use])), 1);
    assert!(catalogue.find(approved_under).is_none());
    assert!(catalogue.find(in_use).is_some());
    assert_eq!(decided(&retained), before, "who has it in hand still can");
}

#[test]
fn only_other_bytes_are_a_change() {
    let models = Models::with_shop();
    let catalogue = models.load();
    assert!(!catalogue.changed());
    let touch =
        |name: &str, at| fs::File::options().write(true).open(models.path(name)).unwrap().set_modified(at).unwrap();
    let long_ago = SystemTime::now() - Duration::from_secs(3600);
    for name in ["shop.toml", "four-eyes.wasm"] {
        touch(name, long_ago);
        assert!(!catalogue.changed(), "the same bytes at another time");
    }
    // As long as it was, and at the time that it had.
    models.write("shop.toml", &approved_by("shop", "1.0.1", &["change-authority"]));
    touch("shop.toml", long_ago);
    assert!(catalogue.changed());
    assert!(catalogue.changed(), "until it is loaded");
    catalogue.reload().unwrap();
    assert!(!catalogue.changed());

    models.write("new.toml", "");
    assert!(catalogue.changed());
    catalogue.reload().unwrap_err();
    assert!(!catalogue.changed(), "what was refused is not tried again by itself");
    models.remove("new.toml");
    assert!(catalogue.changed());
    catalogue.reload().unwrap();

    models.remove("four-eyes.wasm");
    assert!(catalogue.changed());
    catalogue.reload().unwrap_err();
    assert!(!catalogue.changed());
    models.add_plugin("four-eyes");
    assert!(catalogue.changed());
}

#[test]
fn a_change_right_after_loading_is_noticed_although_the_clock_stands_still() {
    let models = Models::with_shop();
    let now = SystemTime::now();
    let at_now = || fs::File::options().write(true).open(models.path("shop.toml")).unwrap().set_modified(now).unwrap();
    at_now();
    let catalogue = models.load();
    // The same file, as long as it was.
    fs::write(models.path("shop.toml"), approved_by("shop", "1.0.1", &["change-authority"])).unwrap();
    at_now();
    assert!(catalogue.changed());
}

#[test]
fn every_decision_is_made_by_one_model_while_models_are_replaced() {
    let models = Models::with_shop();
    let texts = [
        approved_by("shop", "1.0.0", &["change-authority"]),
        approved_by("shop", "2.0.0", &["service-owner", "security", "change-authority"]),
    ];
    let catalogue = models.load();
    // What each of them decides, by digest.
    let expected = texts.each_ref().map(|text| {
        models.write("shop.toml", text);
        catalogue.reload().unwrap();
        let model = catalogue.current().models()[0].clone();
        (model.digest(), decided(&model))
    });
    assert_ne!(expected[0].1.requirements, expected[1].1.requirements);
    assert!(expected.iter().all(|(_, decision)| decision.verdict == Verdict::Pending));

    let (stop, refused) = (AtomicBool::new(false), AtomicUsize::new(0));
    let seen: Vec<[usize; 2]> = thread::scope(|scope| {
        let deciding: Vec<_> = (0..4)
            .map(|_| {
                scope.spawn(|| {
                    let mut seen = [0, 0];
                    while !stop.load(Ordering::Relaxed) {
                        let set = catalogue.current();
                        let decision = decided(&set.models()[0]);
                        let which = expected.iter().position(|(digest, _)| *digest == decision.model.digest).unwrap();
                        assert_eq!(decision, expected[which].1);
                        seen[which] += 1;
                    }
                    seen
                })
            })
            .collect();
        // Two reload at once, as a signal and a request might; each third model is a bad one.
        let reloading: Vec<_> = (0..2)
            .map(|_| {
                scope.spawn(|| {
                    for round in 0..30 {
                        models.write("shop.toml", [&texts[0], &texts[1], "id = 1"][round % 3]);
                        if catalogue.reload().is_err() {
                            refused.fetch_add(1, Ordering::Relaxed);
                        }
                        catalogue.status();
                        catalogue.changed();
                    }
                })
            })
            .collect();
        reloading.into_iter().for_each(|thread| thread.join().unwrap());
        stop.store(true, Ordering::Relaxed);
        deciding.into_iter().map(|thread| thread.join().unwrap()).collect()
    });
    assert!(refused.load(Ordering::Relaxed) > 0);
    for which in [0, 1] {
        assert!(seen.iter().any(|seen| seen[which] > 0), "{seen:?}");
    }
}

#[test]
fn a_demand_that_nobody_may_meet_on_this_server_is_warned_of_when_its_models_are_loaded() {
    let models = Models::new();
    let demand = "[facts.change]\nfrom = \"register\"\nby = [\"release-manager\"]\n";
    models.write("stock.toml", &format!("{}{demand}", approved_by("stock", "1.0.0", &["service-owner"])));
    let codes = |attest| {
        let (_, warnings) = Catalogue::load(RUNTIME.clone(), vec![models.path("stock.toml")], attest).unwrap();
        warnings.iter().flat_map(|file| file.located()).map(|found| found.code).collect::<Vec<_>>()
    };
    let rules = json!([{"registers": ["changes"], "by": ["release-manager"]}]);
    let unmet = |codes: Vec<&str>| codes.iter().filter(|code| **code == "attester-without-rule").count();
    assert_eq!(unmet(codes(AttestRules::default())), 1);
    assert_eq!(unmet(codes(AttestRules::new(serde_json::from_value(rules).unwrap()))), 0);
}
