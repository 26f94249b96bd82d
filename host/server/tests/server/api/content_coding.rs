//! Bodies that come packed, or in a form.

use std::io::Write as _;

use flate2::Compression;
use flate2::write::GzEncoder;
use lockgate_domain::Digest;
use serde_json::json;

use crate::api::stand::Stand;
use crate::decision_support::deployment;
use crate::http_support::{Answer, send};

const EVIDENCE: &str = "PUT /api/v1/deployments/d-1/evidence/sbom";
const GZIP: &str = "content-encoding: gzip";
const JSON: &str = "content-type: application/json";

fn gzip(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::best());
    encoder.write_all(bytes).unwrap();
    encoder.finish().unwrap()
}

/// Sends bytes as rita.
async fn post(stand: &Stand, line: &str, headers: &[&str], body: &[u8]) -> Answer {
    let (bearer, headers) = (stand.bearer("rita"), headers.join("\r\n"));
    let length = body.len();
    let head = format!(
        "{line} HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\n{bearer}\r\n{headers}\r\ncontent-length: {length}\r\n\r\n"
    );
    Answer::read(&send(stand.running.address(), &[head.as_bytes(), body].concat()).await)
}

#[tokio::test]
async fn evidence_that_comes_packed_is_kept_unpacked() {
    let stand = Stand::new().await;
    stand.request("d-1").await;
    let sbom = br#"{"bomFormat":"CycloneDX"}"#;
    let members = [gzip(&sbom[..10]), gzip(&sbom[10..])].concat();
    for (coding, body) in [
        (GZIP, gzip(sbom)),
        ("content-encoding: GZip", gzip(sbom)),
        ("content-encoding: x-gzip", gzip(sbom)),
        ("content-encoding: identity, gzip", gzip(sbom)),
        (GZIP, members),
        ("content-encoding: identity", sbom.to_vec()),
    ] {
        let put = post(&stand, EVIDENCE, &[coding, JSON], &body).await;
        assert_eq!(put.status, 200, "{coding}: {}", put.body);
        let (digest, size) = (&put.json()["digest"], &put.json()["size"]);
        assert_eq!((digest, size), (&json!(Digest::of(sbom)), &json!(sbom.len())), "{coding}");
        let kept = stand.get("rita", "/deployments/d-1/evidence/sbom").await;
        assert_eq!((kept.header("content-type"), kept.body.as_bytes()), (Some("application/json"), &sbom[..]));
        assert_eq!(kept.header("content-encoding"), None);
    }
    let empty = post(&stand, EVIDENCE, &[GZIP, JSON], &gzip(b"")).await;
    assert_eq!((empty.status, &empty.json()["size"]), (200, &json!(0)), "{}", empty.body);
    // Without its head it is no gzip.
    let nothing = post(&stand, EVIDENCE, &[GZIP, JSON], b"").await;
    assert_eq!(nothing.status, 400, "{}", nothing.body);
    let other = post(&stand, EVIDENCE, &["content-type: application/json; charset=utf-16"], b"{}").await;
    assert_eq!(other.status, 415, "{}", other.body);
}

#[tokio::test]
async fn documents_that_come_packed_are_read() {
    let stand = Stand::new().await;
    stand.request("d-1").await;
    let evaluation = json!({
        "subject": {"type": "user", "id": "rita"}, "action": {"name": "plan-and-approve.entrance"},
        "resource": {"type": "deployment", "id": "d-1"},
    });
    for (line, body, status) in [
        ("POST /api/v1/deployments", json!({"deployment": deployment("d-2")}), 201),
        ("PATCH /api/v1/deployments/d-1", json!({"labels": {"a": "b"}}), 200),
        ("POST /access/v1/evaluation", evaluation, 200),
        ("POST /v1/data/lockgate/plan-and-approve/entrance", json!({"input": {"deployment": "d-1"}}), 200),
    ] {
        let answer = post(&stand, line, &[GZIP, JSON], &gzip(body.to_string().as_bytes())).await;
        assert_eq!(answer.status, status, "{line}: {}", answer.body);
    }
}

#[tokio::test]
async fn limits_hold_for_what_a_body_unpacks_to() {
    let stand = Stand::with(|config| {
        config.limits.body = "1 KiB".parse().unwrap();
        config.limits.evidence = "4 KiB".parse().unwrap();
    })
    .await;
    let exact = post(&stand, EVIDENCE, &[GZIP], &gzip(&[b' '; 4096])).await;
    // It is read, and then there is no such deployment.
    assert_eq!(exact.status, 404, "{}", exact.body);
    for (line, size) in [(EVIDENCE, 4097), ("POST /api/v1/deployments", 1025), (EVIDENCE, 1 << 20)] {
        let refused = post(&stand, line, &[GZIP, JSON], &gzip(&vec![b' '; size])).await;
        assert_eq!(refused.status, 413, "{line} {size}: {}", refused.body);
        assert!(refused.body.contains("when unpacked"), "{}", refused.body);
    }
}

#[tokio::test]
async fn what_a_body_unpacks_to_takes_memory_as_an_unpacked_body_does() {
    let stand = Stand::with(|config| {
        (config.limits.bodies, config.limits.bodies_per_credential) =
            ("2 MiB".parse().unwrap(), "1 MiB".parse().unwrap());
    })
    .await;
    stand.request("d-1").await;
    let bomb = gzip(&vec![0; 8 << 20]);
    assert!(bomb.len() < 64 << 10);
    let refused = post(&stand, EVIDENCE, &[GZIP], &bomb).await;
    assert_eq!(refused.status, 429, "{}", refused.body);
    // Many values take more memory than their text.
    let values = gzip(format!("[{}]", "{},".repeat(20_000)).as_bytes());
    let refused = post(&stand, "POST /api/v1/deployments", &[GZIP, JSON], &values).await;
    assert_eq!(refused.status, 413, "{}", refused.body);
    // The memory is free again.
    let taken = post(&stand, EVIDENCE, &[GZIP], &gzip(&vec![0; 900 << 10])).await;
    assert_eq!(taken.status, 200, "{}", taken.body);
}

#[tokio::test]
async fn other_codings_are_refused_with_the_one_that_is_taken() {
    let stand = Stand::new().await;
    for coding in ["br", "deflate", "zstd", "compress", "gzip, gzip", "gzip, br", "\u{e9}"] {
        for line in [EVIDENCE, "POST /api/v1/deployments", "POST /access/v1/evaluation", "POST /v1/data"] {
            let header = format!("content-encoding: {coding}");
            let refused = post(&stand, line, &[header.as_str(), JSON], b"{}").await;
            assert_eq!((refused.status, refused.header("accept-encoding")), (415, Some("gzip")), "{line} {coding}");
            assert!(refused.body.contains("send the body without one, or with `gzip`"), "{}", refused.body);
        }
    }
}

#[tokio::test]
async fn a_body_that_is_not_packed_as_it_says_cannot_be_read() {
    let stand = Stand::new().await;
    let whole = gzip(b"a text that is long enough to be cut off");
    let (cut, changed) = (&whole[..whole.len() - 5], [&whole[..whole.len() - 8], &[0; 8]].concat());
    for body in [b"{}".as_slice(), cut, &changed, &[whole.as_slice(), b"rest"].concat()] {
        let refused = post(&stand, EVIDENCE, &[GZIP], body).await;
        assert_eq!(refused.status, 400, "{}", refused.body);
        assert!(refused.body.contains("not valid gzip"), "{}", refused.body);
    }
}

#[tokio::test]
async fn a_form_is_refused_with_the_way_to_send_a_file() {
    let stand = Stand::new().await;
    stand.request("d-1").await;
    let form = b"--x\r\ncontent-disposition: form-data; name=\"file\"\r\n\r\n{}\r\n--x--\r\n";
    for line in [EVIDENCE, "POST /api/v1/deployments", "POST /access/v1/evaluation", "POST /v1/data"] {
        for kind in ["multipart/form-data; boundary=x", "Multipart/Form-Data;boundary=x", "multipart/mixed; boundary=x"]
        {
            let refused = post(&stand, line, &[&format!("content-type: {kind}")], form).await;
            assert_eq!(refused.status, 415, "{line}: {}", refused.body);
            assert!(refused.body.contains("--data-binary @file"), "{}", refused.body);
        }
    }
    for kind in ["application/x-www-form-urlencoded", "Application/X-WWW-Form-Urlencoded; charset=utf-8"] {
        let refused = post(&stand, EVIDENCE, &[&format!("content-type: {kind}")], b"{}").await;
        assert_eq!(refused.status, 415, "{}", refused.body);
        assert!(refused.body.contains("--data-binary @file"), "{}", refused.body);
    }
    for kind in ["text", "text/", "text/plain, text/html", "/json"] {
        let refused = post(&stand, EVIDENCE, &[&format!("content-type: {kind}")], b"{}").await;
        assert_eq!(refused.status, 415, "{}", refused.body);
        assert!(refused.body.contains("is not a media type"), "{}", refused.body);
    }
    assert_eq!(stand.get("rita", "/deployments/d-1/evidence/sbom").await.status, 404);
}

#[tokio::test]
async fn json_in_another_encoding_than_utf_8_is_refused() {
    let stand = Stand::new().await;
    for line in ["POST /api/v1/deployments", "POST /access/v1/evaluation", "POST /v1/data/lockgate/fulfill/entrance"] {
        for charset in ["iso-8859-1", "\"Latin1\"", "utf-8; charset=utf-16"] {
            let header = format!("content-type: application/json; charset={charset}");
            let refused = post(&stand, line, &[&header], b"{}").await;
            assert_eq!(refused.status, 415, "{line} {charset}: {}", refused.body);
            assert!(refused.body.contains("send it in UTF-8"), "{}", refused.body);
        }
        for charset in ["utf-8", "\"UTF-8\""] {
            let header = format!("content-type: application/json; charset={charset}");
            assert_ne!(post(&stand, line, &[&header], b"{}").await.status, 415, "{line} {charset}");
        }
    }
}

#[tokio::test]
async fn a_header_that_is_there_twice_is_refused_with_its_name() {
    let stand = Stand::new().await;
    stand.request("d-1").await;
    for header in [
        "content-type: text/plain",
        "content-encoding: gzip",
        "x-evidence-made: 2026-11-24T20:00:00Z",
        "x-evidence-source: ci",
        "idempotency-key: a",
        "if-match: \"1\"",
        "x-request-id: a",
    ] {
        let refused = post(&stand, EVIDENCE, &[header, header], b"a").await;
        let name = header.split_once(':').unwrap().0;
        assert_eq!(refused.status, 400, "{}", refused.body);
        assert!(refused.body.contains(&format!("the header `{name}` appears more than once")), "{}", refused.body);
    }
    let unknown = post(&stand, EVIDENCE, &["x-evidence-collected: 2026-11-24T20:00:00Z"], b"a").await;
    assert_eq!(unknown.status, 400);
    assert!(
        unknown.body.contains(
            "did you mean `x-evidence-key` or `x-evidence-made` or `x-evidence-signature` or `x-evidence-source`?"
        ),
        "{}",
        unknown.body
    );
    assert_eq!(stand.get("rita", "/deployments/d-1/evidence/sbom").await.status, 404);
}
