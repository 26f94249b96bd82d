//! `lockgate audit check`: checks a proof or a checkpoint, without a server, a ledger or a clock.

use std::path::{Path, PathBuf};

use lockgate_domain::counted;
use lockgate_ledger::note::{Note, VerifyingKey};
use lockgate_ledger::verify::{self, ProofError, ProvenConsistency, ProvenInclusion};
use lockgate_ledger::{Entry, note};
use serde_json::{Value, json};

use super::proved_entry::entry_report;
use super::trust::KeyArguments;
use crate::diagnostic::{Diagnostic, InvalidInput};
use crate::exit::Exit;
use crate::input::{read_bytes, read_text};
use crate::layout::{OutputFormat, fields};
use crate::print;
use crate::terminal::{BAD, GOOD, styled};

/// The largest proof, in bytes: it contains an entry of at most 16 MiB.
const LARGEST_PROOF: u64 = 64 << 20;
/// The end of the name of a file with the bytes of an entry.
const LEAF_ENDING: &str = ".leaf.json";
/// The first line of a proof in the format of c2sp.org/tlog-proof.
const TLOG_PROOF: &str = "c2sp.org/tlog-proof@v1\n";

#[derive(Debug, clap::Args)]
pub(crate) struct CheckProofCommand {
    /// The file of a proof or a signed checkpoint.
    #[arg(value_name = "PROOF")]
    proof: PathBuf,
    #[command(flatten)]
    key: KeyArguments,
    /// The bytes of the entry, for a proof that does not contain them [default: `<PROOF>.leaf.json`].
    #[arg(long, value_name = "FILE")]
    leaf: Option<PathBuf>,
    /// Output format.
    #[arg(short, long, value_enum, default_value_t)]
    output: OutputFormat,
}

/// What was proven.
enum ProvenStatement {
    Included(Box<ProvenInclusion>),
    Consistent(ProvenConsistency),
    Signed(note::Checkpoint),
}

impl CheckProofCommand {
    pub(crate) fn run(self) -> anyhow::Result<Exit> {
        let key = self.key.required()?;
        let source = read_text(&self.proof, "proof", LARGEST_PROOF)?;
        let checked = self.checked(&source.text, &key)?;
        match self.output {
            OutputFormat::Table => print::text(match &checked {
                Ok(proved) => proved.table(&key),
                Err(error) => format!("{}: {}", styled(BAD, "not proven"), print::plain(&error.to_string())),
            })?,
            OutputFormat::Json => print::data(print::json(&match &checked {
                Ok(proved) => proved.document(),
                Err(error) => json!({ "proven": false, "why": error.to_string() }),
            })?)?,
        }
        Ok(if checked.is_ok() { Exit::Success } else { Exit::Tampered })
    }

    fn checked(&self, text: &str, key: &VerifyingKey) -> Result<Result<ProvenStatement, ProofError>, InvalidInput> {
        if let Some(rest) = text.strip_prefix(TLOG_PROOF) {
            let leaf = self.leaf.clone().unwrap_or_else(|| leaf_file(&self.proof));
            let json = self.translated(rest, &leaf)?;
            return Ok(json
                .and_then(|json| verify::inclusion(&json, key))
                .map(|included| ProvenStatement::Included(Box::new(included))));
        }
        let document: Option<Value> = serde_json::from_str(text).ok();
        let format = document.as_ref().and_then(|document| document.get("format")?.as_str());
        match format {
            Some("lockgate-inclusion-proof/v1") => {
                Ok(verify::inclusion(text, key).map(|included| ProvenStatement::Included(Box::new(included))))
            }
            Some("lockgate-consistency-proof/v1") => {
                Ok(verify::consistency(text, key).map(ProvenStatement::Consistent))
            }
            None if document.is_none() && Note::parse(text).is_ok() => {
                Ok(verify::checkpoint(text, key).map(ProvenStatement::Signed))
            }
            format => Err(self.not_a_proof(format)),
        }
    }

    fn not_a_proof(&self, format: Option<&str>) -> InvalidInput {
        let diagnostic = Diagnostic::error(format!("`{}` is neither a proof nor a checkpoint", self.proof.display()));
        match format {
            Some(format) => {
                diagnostic.note(format!("its format is `{format}`, which this version of Lockgate does not support"))
            }
            None => diagnostic,
        }
        .help("give the output of `lockgate audit prove` or `lockgate audit checkpoint`")
        .into()
    }

    /// Converts a proof in the format of c2sp.org/tlog-proof and the bytes of its entry into the JSON format.
    fn translated(&self, rest: &str, leaf: &Path) -> Result<Result<String, ProofError>, InvalidInput> {
        let bytes = read_bytes(leaf, "entry of the proof", LARGEST_PROOF)?;
        let wrong = |what: &str| Ok(Err(ProofError::Malformed(what.to_owned())));
        let Ok(entry) = Entry::from_leaf(&bytes) else {
            return wrong("the file with the bytes of the entry is not an entry in canonical form");
        };
        let Some((head, checkpoint)) = rest.split_once("\n\n") else { return wrong("it has no checkpoint") };
        let mut lines = head.lines().filter(|line| !line.starts_with("extra "));
        if lines.next() != Some(format!("index {}", entry.index).as_str()) {
            return wrong("it is for another index of the log than the entry");
        }
        let hashes: Vec<&str> = lines.collect();
        let proof = json!({
            "format": "lockgate-inclusion-proof/v1",
            "entry": entry,
            "hashes": hashes,
            "checkpoint": checkpoint,
            "keys": [],
        });
        Ok(Ok(proof.to_string()))
    }
}

impl ProvenStatement {
    fn table(&self, key: &VerifyingKey) -> String {
        match self {
            Self::Included(included) => entry_report(included),
            Self::Consistent(ProvenConsistency { older, newer }) => format!(
                "{}: the log grew from {} to {}, and no earlier entry changed\n\n{}",
                styled(GOOD, "proven"),
                counted(older.size, "entry", "entries"),
                newer.size,
                fields(vec![
                    ("log", print::plain(&newer.origin).into_owned()),
                    ("older root", older.root.to_string()),
                    ("newer root", newer.root.to_string()),
                ])
            ),
            Self::Signed(checkpoint) => format!(
                "{}: `{key}` signed the log with {}\n\n{}",
                styled(GOOD, "proven"),
                counted(checkpoint.size, "entry", "entries"),
                fields(vec![
                    ("log", print::plain(&checkpoint.origin).into_owned()),
                    ("root", checkpoint.root.to_string()),
                ])
            ),
        }
    }

    fn document(&self) -> Value {
        let head = |checkpoint: &note::Checkpoint| json!({ "log": checkpoint.origin, "size": checkpoint.size, "root": checkpoint.root });
        match self {
            Self::Included(included) => {
                let ProvenInclusion { entry, checkpoint, key } = included.as_ref();
                json!({
                    "proven": true, "what": "inclusion", "entry": entry, "in": head(checkpoint), "signed_by": key,
                })
            }
            Self::Consistent(ProvenConsistency { older, newer }) => json!({
                "proven": true, "what": "consistency", "older": head(older), "newer": head(newer),
            }),
            Self::Signed(checkpoint) => json!({ "proven": true, "what": "checkpoint", "in": head(checkpoint) }),
        }
    }
}

/// The file with the bytes of the entry of a tlog-proof.
pub(super) fn leaf_file(proof: &Path) -> PathBuf {
    let mut name = proof.as_os_str().to_owned();
    name.push(LEAF_ENDING);
    name.into()
}
