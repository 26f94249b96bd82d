//! Deployment models: governance teams write them, and a file may come from anywhere.

use lockgate_engine::model::{ModelFindings, Source, check};

/// Takes the bytes for a model's text, if they are UTF-8. Whether it was read.
///
/// # Panics
/// If a finding lies outside of the text or cannot be told, if a model that was read has no digest, or if reading it
/// again gives something else.
pub fn model(bytes: &[u8]) -> bool {
    let Ok(text) = std::str::from_utf8(bytes) else { return false };
    let source = Source::new("model.toml", text);
    let checked = check(&source);
    let was_read = checked.is_ok();
    let findings = match checked {
        Ok(read) => {
            assert!(!read.warnings.has_errors(), "a model with errors was read: {:?}", read.warnings);
            let again = check(&source).unwrap();
            assert_eq!(read.model.digest().unwrap(), again.model.digest().unwrap());
            read.warnings
        }
        Err(findings) => {
            assert!(findings.has_errors(), "a model without errors was refused: {findings:?}");
            findings
        }
    };
    assert_can_be_told(&findings, &source);
    was_read
}

fn assert_can_be_told(findings: &ModelFindings, source: &Source) {
    let text = source.text.as_str();
    for finding in findings.iter() {
        for span in std::iter::once(&finding.span).chain(finding.related.iter().map(|related| &related.span)) {
            assert!(text.get(span.clone()).is_some(), "{finding:?} lies outside of the text");
        }
        assert!(!finding.message.contains('\u{1b}'), "{finding:?} would steer a terminal");
    }
    assert!(findings.render(source, false).ends_with('\n'));
    assert_eq!(findings.located(source).len(), findings.iter().count());
}
