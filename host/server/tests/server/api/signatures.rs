//! Signed evidence over HTTP: the signature stands in a header, or in the envelope that is the body.

use lockgate_tests::signing::{EvidenceKey, envelope};
use serde_json::{Value, json};

use super::stand::Stand;

const PUT: &str = "PUT /api/v1/deployments/d-1/evidence/scan";

fn keys(key: &EvidenceKey) -> String {
    json!({"value": {"id": "gus", "keys": [{"id": "card", "public_key": key.pem()}]}}).to_string()
}

#[tokio::test]
async fn a_signature_beside_the_bytes_is_verified_and_a_wrong_one_is_recorded_and_told() {
    let (stand, gus) = (Stand::new().await, EvidenceKey::p256());
    stand.request("d-1").await;
    let json = "content-type: application/json";
    let entry = stand.send("gus", "PUT /api/v1/registers/people/gus", &[json], &keys(&gus)).await;
    assert_eq!(entry.status, 201, "{}", entry.body);
    let signature = format!("x-evidence-signature: {}", gus.sign_base64(b"report"));
    let told = |body: &Value| {
        let member = |name: &str| body[name].as_str().unwrap_or_default().to_owned();
        (member("verification"), member("verified_by"), member("signature"))
    };
    for key in ["card", "person:gus#card"] {
        let key = format!("x-evidence-key: {key}");
        let put = stand.send("rita", PUT, &[&signature, &key], "report").await;
        assert_eq!(put.status, 200, "{}", put.body);
        let verified = ["verified", "person:gus#card", "verified with `person:gus#card`"].map(str::to_owned);
        assert_eq!(told(&put.json()), verified.into());
    }
    let put = stand.send("rita", PUT, &[&signature], "another report").await;
    assert_eq!(put.status, 200, "{}", put.body);
    let (verification, by, why) = told(&put.json());
    assert_eq!((&*verification, &*by), ("failed", ""));
    assert!(why.starts_with("the signature is wrong, or its key is unknown: of 1 key of the registers"), "{why}");
    let shown = stand.get("rita", "/deployments/d-1").await.json();
    assert_eq!(shown["evidence"]["scan"]["verification"], "failed");

    let signed = envelope("text/plain", b"report", &[("", &gus)]).to_string();
    let kind = "content-type: application/vnd.dsse.envelope.v1+json";
    let put = stand.send("rita", PUT, &[kind], &signed).await;
    assert_eq!(put.json()["verified_by"], "person:gus#card", "{}", put.body);
    let plain = stand.send("rita", PUT, &[], "report").await.json();
    assert_eq!((&plain["verification"], plain.get("signature")), (&json!("absent"), None));
}

#[tokio::test]
async fn a_signature_or_a_key_that_cannot_be_read_is_refused_with_its_place() {
    let (stand, gus) = (Stand::new().await, EvidenceKey::ed25519());
    stand.request("d-1").await;
    let place = |body: &Value| body["errors"][0]["pointer"].clone();
    let put = stand.send("rita", PUT, &["x-evidence-signature: -----BEGIN"], "report").await;
    assert_eq!((put.status, place(&put.json())), (422, json!("/signature")), "{}", put.body);
    let put = stand.send("rita", PUT, &["x-evidence-key: card"], "report").await;
    assert!(put.status == 400 && put.body.contains("`x-evidence-signature` is missing"), "{} {}", put.status, put.body);
    let mut broken = envelope("text/plain", b"report", &[("", &gus)]);
    broken["signatures"][0]["sig"] = json!("%");
    let kind = "content-type: application/vnd.dsse.envelope.v1+json";
    let put = stand.send("rita", PUT, &[kind], &broken.to_string()).await;
    assert_eq!((put.status, place(&put.json())), (422, json!("/signatures/0/sig")), "{}", put.body);
    let entry = keys(&gus).replace("PUBLIC", "PRIVATE");
    let json = "content-type: application/json";
    let refused = stand.send("gus", "PUT /api/v1/registers/people/gus", &[json], &entry).await;
    let at = json!("/value/keys/0/public_key");
    assert_eq!((refused.status, place(&refused.json())), (422, at), "{}", refused.body);
    assert!(refused.body.contains("this is a private key"), "{}", refused.body);
}
