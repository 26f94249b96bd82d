//! `lockgate audit prove`: writes proofs that can be checked with nothing but the log's public key.

use std::fs;
use std::path::{Path, PathBuf};

use anyhow::Context as _;
use clap::ValueEnum;
use lockgate_domain::{Digest, counted};
use lockgate_ledger::note::{Checkpoint, Note, VerifyingKey};
use lockgate_ledger::tree::Hash;
use lockgate_ledger::verify::ProvenConsistency;
use lockgate_ledger::{
    ConsistencyProof, EntryQuery, Error, InclusionProof, LogHead, LogSource, SourceEntry, StoredContent, StoredEntry,
    prove_consistency, prove_inclusion, verify,
};

use super::check::leaf_file;
use super::proved_entry::entry_report;
use super::source::{LogSourceArguments, OpenLog};
use super::trust::{KeyArguments, read_checkpoint};
use crate::diagnostic::{Diagnostic, InvalidInput};
use crate::exit::Exit;
use crate::options::GlobalOptions;
use crate::print;
use crate::terminal::{BAD, styled};

/// The most entries with the same id that are searched.
const MOST_OF_ONE_ID: usize = 100;

#[derive(Debug, clap::Args)]
pub(crate) struct ProveCommand {
    /// The id of a decision, or the index of an entry in the log (the first entry is 0).
    #[arg(value_name = "DECISION|INDEX", required_unless_present = "consistency", conflicts_with = "consistency")]
    what: Option<String>,
    /// Prove that the log only grew since a checkpoint: until now, or until a newer checkpoint.
    #[arg(long, num_args = 1..=2, value_names = ["OLD", "NEW"])]
    consistency: Option<Vec<PathBuf>>,
    #[command(flatten)]
    key: KeyArguments,
    /// Write the proof to this file instead of standard output.
    #[arg(long, value_name = "FILE")]
    out: Option<PathBuf>,
    /// The format of the proof.
    #[arg(long, value_enum, default_value_t)]
    format: ProofFormat,
    // Last, because its heading applies to all options after it.
    #[command(flatten)]
    source: LogSourceArguments,
}

/// The format of a proof.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
enum ProofFormat {
    /// JSON with everything that a check needs, including the entry.
    #[default]
    Json,
    /// The format of c2sp.org/tlog-proof, for other tools. The bytes of the entry are written to a file beside it.
    TlogProof,
}

impl ProveCommand {
    pub(crate) fn run(self, global: &GlobalOptions) -> anyhow::Result<Exit> {
        let opened = self.source.open()?;
        match &self.consistency {
            Some(files) => self.consistency(files, &opened, global),
            None => self.inclusion(self.what.as_deref().unwrap_or_default(), &opened, global),
        }
    }

    fn inclusion(&self, what: &str, opened: &OpenLog, global: &GlobalOptions) -> anyhow::Result<Exit> {
        if self.format == ProofFormat::TlogProof && self.out.is_none() {
            let diagnostic =
                Diagnostic::error("`--format tlog-proof` writes two files, the proof and the bytes of the entry");
            return Err(InvalidInput::from(diagnostic.help("give the file of the proof with `--out <file>`")).into());
        }
        let proof = find(what, opened)?;
        let json = print::json(&proof)?;
        let key = match self.key.read()? {
            Some(key) => key,
            None => opened.source().head()?.key,
        };
        let included = match verify::inclusion(&json, &key) {
            Ok(included) => included,
            Err(error) => return Ok(not_proven(&error.to_string())),
        };
        match self.format {
            ProofFormat::Json => self.write(&json)?,
            ProofFormat::TlogProof => {
                self.write(proof.to_tlog_proof().trim_end_matches('\n'))?;
                if let Some(out) = &self.out {
                    write(&leaf_file(out), &included.entry.leaf()?)?;
                }
            }
        }
        if !global.quiet {
            print::message(entry_report(&included));
        }
        Ok(Exit::Success)
    }

    fn consistency(&self, files: &[PathBuf], opened: &OpenLog, global: &GlobalOptions) -> anyhow::Result<Exit> {
        if self.format == ProofFormat::TlogProof {
            let diagnostic = Diagnostic::error("`--format tlog-proof` cannot be combined with `--consistency`");
            return Err(InvalidInput::from(diagnostic.help("remove `--format`")).into());
        }
        let notes = files.iter().map(|path| read_checkpoint(path)).collect::<Result<Vec<_>, _>>()?;
        let source = opened.source();
        let proof = match notes.as_slice() {
            [older, newer] => prove_consistency(&LogAtCheckpoint::new(source, newer)?, older),
            [older, ..] => prove_consistency(source, older),
            [] => return Err(InvalidInput::from(Diagnostic::error("no checkpoint was given")).into()),
        };
        let proof: ConsistencyProof = match proof {
            Err(Error::NotFound(message)) => {
                let diagnostic =
                    Diagnostic::error(format!("the log did not grow from one checkpoint to the other: {message}"));
                return Err(InvalidInput::from(diagnostic.help("give the older checkpoint first")).into());
            }
            outcome => outcome?,
        };
        let json = print::json(&proof)?;
        let key = match self.key.read()? {
            Some(key) => key,
            None => first_key(source)?,
        };
        let ProvenConsistency { older, newer } = match verify::consistency(&json, &key) {
            Ok(consistent) => consistent,
            Err(error) => return Ok(not_proven(&error.to_string())),
        };
        self.write(&json)?;
        if !global.quiet {
            print::message(format!(
                "proven: the log only grew, from {} to {}",
                counted(older.size, "entry", "entries"),
                newer.size
            ));
        }
        Ok(Exit::Success)
    }

    fn write(&self, proof: &str) -> anyhow::Result<()> {
        match &self.out {
            Some(out) => write(out, format!("{proof}\n").as_bytes()),
            None => print::data(proof),
        }
    }
}

fn write(path: &Path, bytes: &[u8]) -> anyhow::Result<()> {
    fs::write(path, bytes).with_context(|| format!("cannot write `{}`", path.display()))
}

fn not_proven(error: &str) -> Exit {
    print::message(format!("{}: {}", styled(BAD, "the log has no valid proof"), print::plain(error)));
    Exit::Tampered
}

/// The proof of an entry, by index or id.
fn find(what: &str, opened: &OpenLog) -> anyhow::Result<InclusionProof> {
    let source = opened.source();
    if let Ok(index) = what.parse::<u64>() {
        let size = source.head()?.size;
        if index >= size {
            let diagnostic = Diagnostic::error(format!("the log has no entry {index}"));
            return Err(InvalidInput::from(
                diagnostic.note(format!("it has {size} entries, from 0 to {}", size.saturating_sub(1))),
            )
            .into());
        }
        return Ok(prove_inclusion(source, index)?);
    }
    // This does not need the right `audit`. If it fails, searching the log says why.
    if let OpenLog::Server(log) = opened
        && let Ok(proof) = log.decision_proof(what)
        && proof.entry.id.as_deref() == Some(what)
    {
        return Ok(proof);
    }
    Ok(prove_inclusion(source, index_of(what, source)?)?)
}

/// The index of the entry with an id: of the decision, if there is one.
fn index_of(id: &str, source: &dyn LogSource) -> anyhow::Result<u64> {
    let query = EntryQuery { id: Some(id.to_owned()), limit: MOST_OF_ONE_ID, ..EntryQuery::default() };
    let found = source.entries(&query)?;
    if let Some(decision) = found.iter().find(|entry| entry.kind == "decision") {
        return Ok(decision.index);
    }
    match found.as_slice() {
        [] => {
            let diagnostic =
                Diagnostic::error(format!("the log has no decision and no other entry with the id `{id}`"));
            Err(InvalidInput::from(diagnostic.help("give the index of the entry instead")).into())
        }
        [one] => Ok(one.index),
        several => {
            let listed =
                several.iter().map(|entry| format!("{} (`{}` in `{}`)", entry.index, entry.kind, entry.stream));
            let listed: Vec<String> = listed.collect();
            let diagnostic = Diagnostic::error(format!("{} entries have the id `{id}`", several.len()));
            Err(InvalidInput::from(diagnostic.note(listed.join(", ")).help("give the index of one of them")).into())
        }
    }
}

/// The first key in the log. It only serves to check a proof before it is written, not as a key to trust.
fn first_key(source: &dyn LogSource) -> anyhow::Result<VerifyingKey> {
    let found = source.entries(&EntryQuery { before: Some(1), limit: 1, ..EntryQuery::default() })?;
    let entry = found.first().context("the log has no first entry")?.read().map_err(anyhow::Error::msg)?;
    let key = entry.body.get("key").and_then(serde_json::Value::as_str).unwrap_or_default();
    key.parse().context("the first entry of the log does not name its key")
}

/// A log as it was at a checkpoint.
struct LogAtCheckpoint<'a> {
    source: &'a dyn LogSource,
    head: LogHead,
}

impl<'a> LogAtCheckpoint<'a> {
    fn new(source: &'a dyn LogSource, note: &str) -> anyhow::Result<Self> {
        let head = source.head()?;
        let parsed = Note::parse(note)?;
        let checkpoint = Checkpoint::parse(parsed.text())?;
        if checkpoint.size > head.size {
            let diagnostic = Diagnostic::error(format!(
                "the newer checkpoint has {}, and the log has {}",
                counted(checkpoint.size, "entry", "entries"),
                head.size
            ));
            let note = "entries are missing at the end of the log; run `lockgate audit verify`";
            return Err(InvalidInput::from(diagnostic.note(note)).into());
        }
        let Checkpoint { size, root, .. } = checkpoint;
        Ok(Self { source, head: LogHead { size, root, checkpoint: note.to_owned(), key: head.key } })
    }
}

impl LogSource for LogAtCheckpoint<'_> {
    fn head(&self) -> Result<LogHead, Error> {
        Ok(self.head.clone())
    }

    fn entries(&self, query: &EntryQuery) -> Result<Vec<StoredEntry>, Error> {
        self.source.entries(query)
    }

    fn entries_with_withheld(&self, query: &EntryQuery) -> Result<Vec<SourceEntry>, Error> {
        self.source.entries_with_withheld(query)
    }

    fn nodes(&self, nodes: &[u64]) -> Result<Vec<Hash>, Error> {
        self.source.nodes(nodes)
    }

    fn checkpoints(&self, above: u64, limit: usize) -> Result<Vec<(u64, String)>, Error> {
        self.source.checkpoints(above, limit)
    }

    fn content(&self, digest: &Digest) -> Result<Option<StoredContent>, Error> {
        self.source.content(digest)
    }

    fn contents(&self, after: Option<Digest>, limit: usize) -> Result<Vec<Digest>, Error> {
        self.source.contents(after, limit)
    }
}
