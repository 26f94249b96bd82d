//! Signed evidence counts alike on a server and in `lockgate eval`.

use std::io::{Read as _, Write as _};

use lockgate_domain::Decision;
use lockgate_tests::served::{Answer, connect, head};
use lockgate_tests::signing::{EvidenceKey, envelope};
use serde_json::{Value, json};

use super::stand::{Stand, deployment};

const DEMAND: &str = r#"
    [evidence.scan]
    by = ["supplier:acme"]
    signed = true
    from-gate = "plan-and-approve/entrance"
"#;

/// Hands the evidence in, with more headers.
fn attach(stand: &Stand, token: &str, headers: &str, body: &str) -> Value {
    let address = &stand.server.address;
    let head = head(address, "PUT", "/api/v1/deployments/d-1/evidence/scan", token, body.len());
    let mut stream = connect(address).unwrap();
    let kind = if headers.contains("Content-Type") { "" } else { "Content-Type: application/json\r\n" };
    let head = head.replace("Content-Type: application/json\r\n", &format!("{kind}{headers}"));
    stream.write_all(format!("{head}{body}").as_bytes()).unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).unwrap();
    let answer = Answer::read(&answer).unwrap();
    assert_eq!(answer.status, 200, "{}", answer.body);
    answer.json()
}

fn codes(decision: &Decision) -> Vec<&str> {
    decision.reasons.iter().map(|reason| reason.code.as_str()).collect()
}

#[test]
fn signed_evidence_counts_alike_on_a_server_and_in_eval() {
    let stand = Stand::demanding("signed", DEMAND);
    let token = stand.token("itsm", &["--team", "shop"]);
    let (acme, other) = (EvidenceKey::p256(), EvidenceKey::ed25519());
    let supplier = |keys: Value| {
        let entry = json!({"value": {"id": "acme", "name": "Acme", "keys": keys}}).to_string();
        stand.send(&token, "PUT", "/api/v1/registers/suppliers/acme", &entry);
    };
    let key = json!([{"id": "build", "public_key": acme.pem()}]);
    supplier(key.clone());
    let mut written = deployment();
    written["id"] = json!("d-1");
    stand.write("deployment.json", written.to_string());
    let request = json!({ "team": "shop", "deployment": written }).to_string();
    stand.send(&token, "POST", "/api/v1/deployments", &request);

    // The decision on the server, and that of `eval` with the exported entries; both have the same codes.
    let decide = |file: &str, more: &[&str]| -> Vec<String> {
        let gate = "/api/v1/deployments/d-1/gates/plan-and-approve/entrance?ask=true";
        let decision: Decision = serde_json::from_str(&stand.send(&token, "POST", gate, "").body).unwrap();
        let entries = stand.run(&token, &["register", "list", "suppliers", "-o", "ndjson"]).printed();
        stand.write("suppliers.ndjson", entries);
        let now = decision.at.to_string();
        let evidence = format!("scan={file}");
        let mut arguments = vec!["eval", "-m", "model.toml", "-s", "plan-and-approve", "-p", "entrance", "-o", "json"];
        arguments.extend(["-d", "deployment.json", "--now", &now, "--register", "suppliers=suppliers.ndjson"]);
        arguments.extend(["--evidence", &evidence]);
        arguments.extend(more);
        let ran = stand.run(&token, &arguments);
        let evaluated: Decision =
            serde_json::from_str(&ran.out).unwrap_or_else(|error| panic!("{error}: {}", ran.words));
        assert_eq!(codes(&evaluated), codes(&decision), "{}", ran.words);
        let of_evidence = codes(&decision).into_iter().filter(|code| code.starts_with("evidence"));
        of_evidence.map(str::to_owned).collect()
    };
    let denied = ["evidence-attester-not-allowed", "evidence-not-verified"];

    let report = r#"{"found": []}"#;
    stand.write("scan.json", report);
    stand.write("scan.sig", acme.sign_base64(report.as_bytes()) + "\n");
    stand.write("scan.der", acme.sign(report.as_bytes()));
    stand.write("other.sig", other.sign_base64(report.as_bytes()));
    let header = |by: &EvidenceKey| format!("X-Evidence-Signature: {}\r\n", by.sign_base64(report.as_bytes()));
    let attached = attach(&stand, &token, &header(&acme), report);
    assert_eq!(attached["verified_by"], "supplier:acme#build");
    for file in ["scan=scan.sig", "scan=scan.der"] {
        assert_eq!(decide("scan.json", &["--evidence-signature", file]), [""; 0]);
    }
    let named = ["--evidence-signature", "scan=scan.sig", "--evidence-key", "scan=build"];
    assert_eq!(decide("scan.json", &named), [""; 0]);
    // A wrong signature.
    assert_eq!(attach(&stand, &token, &header(&other), report)["verification"], "failed");
    assert_eq!(decide("scan.json", &["--evidence-signature", "scan=other.sig"]), denied);
    // None.
    attach(&stand, &token, "", report);
    assert_eq!(decide("scan.json", &[]), denied);
    // An envelope.
    let signed = envelope("application/json", report.as_bytes(), &[("", &other), ("build", &acme)]).to_string();
    stand.write("scan.dsse.json", &signed);
    attach(&stand, &token, "Content-Type: application/vnd.dsse.envelope.v1+json\r\n", &signed);
    assert_eq!(decide("scan.dsse.json", &[]), [""; 0]);
    // The key is taken away, and is there again until a moment that is over.
    supplier(json!([]));
    assert_eq!(decide("scan.dsse.json", &[]), denied);
    supplier(json!([{"id": "build", "public_key": acme.pem(), "valid_until": "2026-01-01T00:00:00Z"}]));
    assert_eq!(decide("scan.dsse.json", &[]), denied);
    supplier(key);
    assert_eq!(decide("scan.dsse.json", &[]), [""; 0]);
    let replayed = stand.run(&token, &["replay", "--ledger", "data"]);
    assert_eq!(replayed.code, 0, "{}{}", replayed.out, replayed.words);
}

#[test]
fn eval_names_the_evidence_whose_signature_it_cannot_use() {
    let stand = Stand::demanding("signed-wrongly", DEMAND);
    stand.write("deployment.json", deployment().to_string());
    stand.write("scan.json", "{}");
    stand.write("scan.dsse.json", "{}");
    stand.write("scan.sig", EvidenceKey::ed25519().sign_base64(b"{}"));
    let said = |more: &[&str]| {
        let mut arguments = vec!["eval", "-m", "model.toml", "-d", "deployment.json"];
        arguments.extend(more);
        stand.run("", &arguments).words
    };
    let cases: [(&[&str], &str); 5] = [
        (
            &["--evidence-signature", "scan=scan.sig"],
            "`--evidence-signature` names the evidence `scan`, which is missing",
        ),
        (&["--evidence", "scan=scan.json", "--evidence-key", "scan=k"], "which has no signature beside it"),
        (
            &["--evidence", "scan=scan.dsse.json"],
            "the evidence `scan` cannot be verified: at `/payload`: `payload` is required",
        ),
        (
            &["--evidence", "scan=scan.dsse.json", "--evidence-signature", "scan=scan.sig"],
            "which holds its signatures: leave this one out",
        ),
        (
            &["--evidence", "scan=scan.json", "--evidence-signature", "scan=scan.sig"],
            "note: the evidence `scan`: no entry of the registers `suppliers` and `people` has a key",
        ),
    ];
    for (arguments, expected) in cases {
        let words = said(arguments);
        assert!(words.contains(expected), "{arguments:?}: {words}");
    }
}

#[test]
fn eval_takes_the_word_of_an_argument_for_who_attached_evidence_and_says_that_it_is_not_verified() {
    let demand = r#"
        [evidence.pentest]
        by = ["release-manager", "service:scanner", "supplier:acme"]
        from-gate = "plan-and-approve/entrance"
    "#;
    let stand = Stand::demanding("attester", demand);
    stand.write("deployment.json", deployment().to_string());
    stand.write("report.txt", "nothing found");
    let eval = |more: &[&str]| {
        let mut arguments = vec!["eval", "-m", "model.toml", "-s", "plan-and-approve", "-p", "entrance", "-o", "json"];
        arguments.extend(["-d", "deployment.json", "--evidence", "pentest=report.txt"]);
        arguments.extend(more);
        stand.run("", &arguments)
    };
    let note = "note: `--evidence-attester` says who attached the evidence `pentest`, and nothing of that is verified";
    for (attester, denied) in [
        ("pentest=release-manager", false),
        ("pentest=service:scanner", false),
        ("pentest=person:scanner", true),
        ("pentest=operations-manager", true),
    ] {
        let ran = eval(&["--evidence-attester", attester]);
        let decision: Decision =
            serde_json::from_str(&ran.out).unwrap_or_else(|error| panic!("{error}: {}", ran.words));
        assert_eq!(codes(&decision).contains(&"evidence-attester-not-allowed"), denied, "{attester}: {}", ran.out);
        assert!(ran.words.contains(note), "{attester}: {}", ran.words);
    }
    let without = eval(&[]);
    assert!(without.out.contains("evidence-attester-not-allowed") && !without.words.contains(note), "{}", without.out);
    for (attester, expected) in [
        ("sbom=release-manager", "`--evidence-attester` names the evidence `sbom`, which is missing"),
        ("pentest=service:", "pentest=service:"),
        ("pentest=supplier:acme", "a supplier attests evidence by a signature alone"),
    ] {
        let ran = eval(&["--evidence-attester", attester]);
        assert_eq!(ran.code, 3, "{attester}: {}", ran.words);
        assert!(ran.words.contains(expected), "{attester}: {}", ran.words);
    }
}
