//! Notes and checkpoints against the examples of their specification.

use std::fs;
use std::os::unix::fs::PermissionsExt as _;

use lockgate_ledger::KeyFile;
use lockgate_ledger::note::{Checkpoint, InvalidKey, Note, NoteError, SigningKey, VerifyingKey};

const SECRET: &str = "PRIVATE+KEY+PeterNeumann+c74f20a3+AYEKFALVFGyNhPJEMzD1QIDr+Y7hfZx09iUvxdXHKDFz";
const PUBLIC: &str = "PeterNeumann+c74f20a3+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW";
const TEXT: &str =
    "If you think cryptography is the answer to your problem,\nthen you don't know what your problem is.\n";
const SIGNED: &str = "If you think cryptography is the answer to your problem,\n\
    then you don't know what your problem is.\n\n\
    \u{2014} PeterNeumann x08go/ZJkuBS9UG/SffcvIAQxVBtiFupLLr8pAcElZInNIuGUgYN1FFYC2pZSNXgKvqfqdngotpRZb6KE6RyyBwJnAM=\n";

fn secret() -> SigningKey {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("key");
    fs::write(&path, SECRET).unwrap();
    fs::set_permissions(&path, fs::Permissions::from_mode(0o600)).unwrap();
    KeyFile::new(path).load().unwrap()
}

#[test]
fn a_note_is_signed_as_other_tools_sign_it() {
    assert_eq!(secret().verifying_key().to_string(), PUBLIC);
    assert_eq!(Note::sign(TEXT, &[&secret()]), SIGNED);
}

#[test]
fn a_note_that_another_tool_signed_verifies() {
    let key: VerifyingKey = PUBLIC.parse().unwrap();
    let note = Note::parse(SIGNED).unwrap();
    assert_eq!(note.text(), TEXT);
    assert_eq!(note.verify(&[&key]), Ok(&key));
}

#[test]
fn signatures_of_unknown_keys_do_not_matter() {
    let (known, unknown) = (secret(), SigningKey::generate("PeterNeumann").unwrap());
    let note = Note::parse(&Note::sign(TEXT, &[&unknown, &known])).unwrap();
    assert_eq!(note.verify(&[known.verifying_key()]), Ok(known.verifying_key()));
    let note = Note::parse(&Note::sign(TEXT, &[&unknown])).unwrap();
    assert!(matches!(note.verify(&[known.verifying_key()]), Err(NoteError::Unsigned { .. })));
}

#[test]
fn a_note_whose_text_or_signature_was_changed_is_rejected() {
    let key: VerifyingKey = PUBLIC.parse().unwrap();
    for (from, to) in [("problem is", "problem was"), ("UgYN1F", "UgYN1G")] {
        let note = Note::parse(&SIGNED.replace(from, to)).unwrap();
        assert_eq!(note.verify(&[&key]), Err(NoteError::Forged("PeterNeumann".to_owned())));
    }
}

#[test]
fn what_is_not_a_note_is_rejected() {
    for wrong in
        ["", "text\n", "text\n\n", "text\n\nsigned\n", "text\n\n\u{2014} name !\n", "te\txt\n\n\u{2014} n AAAA\n"]
    {
        assert!(matches!(Note::parse(wrong), Err(NoteError::Malformed(_))), "{wrong:?}");
    }
    let many = format!("text\n\n{}", "\u{2014} n AAAAAAA=\n".repeat(17));
    assert!(matches!(Note::parse(&many), Err(NoteError::Malformed(_))));
}

#[test]
fn a_key_that_was_damaged_is_rejected() {
    let key: Result<VerifyingKey, _> = PUBLIC.replace("c74f20a3", "c74f20a4").parse();
    assert!(matches!(key, Err(InvalidKey::Id { .. })));
    for wrong in ["", "name", "name+00000000", "name+00000000+AAAA", "na me+00000000+AAAA"] {
        wrong.parse::<VerifyingKey>().unwrap_err();
    }
    for name in ["", "with blank", "with+plus", "with\nnewline"] {
        assert!(matches!(SigningKey::generate(name), Err(InvalidKey::Name(_))), "{name:?}");
    }
}

#[test]
fn a_signing_key_is_not_shown() {
    assert_eq!(format!("{:?}", secret()), format!("the signing half of {PUBLIC}"));
}

#[test]
fn a_checkpoint_is_read_as_the_specification_writes_it() {
    let text = "example.com/behind-the-sofa\n20852163\nCsUYapGGPo4dkMgIAUqom/Xajj7h2fB2MPA3j2jxq2I=\n";
    let checkpoint = Checkpoint::parse(text).unwrap();
    assert_eq!((checkpoint.origin.as_str(), checkpoint.size), ("example.com/behind-the-sofa", 20_852_163));
    assert_eq!(checkpoint.text(), text);
    assert_eq!(Checkpoint::parse(&format!("{text}extension\n")).unwrap(), checkpoint);
}

#[test]
fn what_is_not_a_checkpoint_is_rejected() {
    let root = "CsUYapGGPo4dkMgIAUqom/Xajj7h2fB2MPA3j2jxq2I=";
    for (origin, size, root) in [
        ("", "1", root),
        ("o", "01", root),
        ("o", "+1", root),
        ("o", "", root),
        ("o", "18446744073709551615", root),
        ("o", "1", "CsUYapGGPo4="),
        ("o", "1", ""),
    ] {
        Checkpoint::parse(&format!("{origin}\n{size}\n{root}\n")).unwrap_err();
    }
    Checkpoint::parse(&format!("o\n1\n{root}")).unwrap_err();
    Checkpoint::parse(&format!("o\n1\n{root}\n\n")).unwrap_err();
}
