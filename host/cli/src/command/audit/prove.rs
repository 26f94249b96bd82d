//! `lockgate audit prove`: a proof as a file, for somebody who has nothing but a key.

use std::fs;
use std::path::{Path, PathBuf};

use anyhow::Context as _;
use clap::ValueEnum;
use lockgate_domain::{Digest, counted};
use lockgate_ledger::note::{Checkpoint, Note, VerifyingKey};
use lockgate_ledger::tree::Hash;
use lockgate_ledger::verify::Consistent;
use lockgate_ledger::{
    ConsistencyProof, Error, Head, InclusionProof, Query, Source, SourceEntry, StoredContent, StoredEntry,
    prove_consistency, prove_inclusion, verify,
};

use super::check::leaf_file;
use super::proved_entry::told;
use super::source::{Opened, SourceArguments};
use super::trust::{KeyArguments, read_checkpoint};
use crate::diagnostic::{Diagnostic, InvalidInput};
use crate::exit::Exit;
use crate::options::Global;
use crate::print;
use crate::terminal::{BAD, styled};

/// How many entries with the same id are looked at.
const MOST_OF_ONE_ID: usize = 100;

/// What to prove.
#[derive(Debug, clap::Args)]
pub(crate) struct Prove {
    /// The id of a decision, or the place of an entry in the log, from 0.
    #[arg(value_name = "DECISION|INDEX", required_unless_present = "consistency", conflicts_with = "consistency")]
    what: Option<String>,
    /// Proves that the log only grew since a checkpoint that was kept: up to now, or up to another checkpoint.
    #[arg(long, num_args = 1..=2, value_names = ["OLD", "NEW"])]
    consistency: Option<Vec<PathBuf>>,
    #[command(flatten)]
    source: SourceArguments,
    #[command(flatten)]
    key: KeyArguments,
    /// Writes the proof there instead of printing it.
    #[arg(long, value_name = "FILE")]
    out: Option<PathBuf>,
    /// The form of the proof.
    #[arg(long, value_enum, default_value_t)]
    form: ProofForm,
}

/// The form of a proof.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
enum ProofForm {
    /// JSON that holds all that it takes to check it, the entry among it.
    #[default]
    Json,
    /// As c2sp.org/tlog-proof writes it, for other tools; the bytes of the entry go into a file beside it.
    TlogProof,
}

impl Prove {
    /// Proves it, checks the proof, and writes it.
    pub(crate) fn run(self, global: &Global) -> anyhow::Result<Exit> {
        let opened = self.source.open()?;
        match &self.consistency {
            Some(files) => self.consistency(files, &opened, global),
            None => self.inclusion(self.what.as_deref().unwrap_or_default(), &opened, global),
        }
    }

    fn inclusion(&self, what: &str, opened: &Opened, global: &Global) -> anyhow::Result<Exit> {
        if self.form == ProofForm::TlogProof && self.out.is_none() {
            let diagnostic =
                Diagnostic::error("a proof of that form has two files: itself, and the bytes of the entry");
            return Err(InvalidInput::from(diagnostic.help("say with `--out` where they are to go")).into());
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
        match self.form {
            ProofForm::Json => self.write(&json)?,
            ProofForm::TlogProof => {
                self.write(proof.to_tlog_proof().trim_end_matches('\n'))?;
                if let Some(out) = &self.out {
                    write(&leaf_file(out), &included.entry.leaf()?)?;
                }
            }
        }
        if !global.quiet {
            print::words(told(&included));
        }
        Ok(Exit::Success)
    }

    fn consistency(&self, files: &[PathBuf], opened: &Opened, global: &Global) -> anyhow::Result<Exit> {
        if self.form == ProofForm::TlogProof {
            let diagnostic = Diagnostic::error("there is no such form of a proof that the log only grew");
            return Err(InvalidInput::from(diagnostic.help("leave `--form` out")).into());
        }
        let notes = files.iter().map(|path| read_checkpoint(path)).collect::<Result<Vec<_>, _>>()?;
        let source = opened.source();
        let proof = match notes.as_slice() {
            [older, newer] => prove_consistency(&Pinned::new(source, newer)?, older),
            [older, ..] => prove_consistency(source, older),
            [] => return Err(InvalidInput::from(Diagnostic::error("no checkpoint was handed in")).into()),
        };
        let proof: ConsistencyProof = match proof {
            Err(Error::NotFound(message)) => {
                let diagnostic = Diagnostic::error(format!("the log did not grow from one to the other: {message}"));
                return Err(InvalidInput::from(diagnostic.help("give the smaller checkpoint first")).into());
            }
            outcome => outcome?,
        };
        let json = print::json(&proof)?;
        let key = match self.key.read()? {
            Some(key) => key,
            None => first_key(source)?,
        };
        let Consistent { older, newer } = match verify::consistency(&json, &key) {
            Ok(consistent) => consistent,
            Err(error) => return Ok(not_proven(&error.to_string())),
        };
        self.write(&json)?;
        if !global.quiet {
            print::words(format!(
                "proves that the log of {} only grew to {}",
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
    fs::write(path, bytes).with_context(|| format!("`{}` cannot be written", path.display()))
}

fn not_proven(error: &str) -> Exit {
    print::words(format!("{}: {}", styled(BAD, "the log does not prove it"), print::plain(error)));
    Exit::Tampered
}

/// The proof of what was asked for.
fn find(what: &str, opened: &Opened) -> anyhow::Result<InclusionProof> {
    let source = opened.source();
    if let Ok(index) = what.parse::<u64>() {
        let size = source.head()?.size;
        if index >= size {
            let diagnostic = Diagnostic::error(format!("the log has no entry {index}"));
            return Err(InvalidInput::from(diagnostic.note(format!("it has {size}, and the first is entry 0"))).into());
        }
        return Ok(prove_inclusion(source, index)?);
    }
    // This takes no right to audit. Whatever comes of it: the log itself is asked next, and says what is wrong.
    if let Opened::Server(log) = opened
        && let Ok(proof) = log.decision_proof(what)
        && proof.entry.id.as_deref() == Some(what)
    {
        return Ok(proof);
    }
    Ok(prove_inclusion(source, of_id(what, source)?)?)
}

/// The entry of an id: the decision, if there is one.
fn of_id(id: &str, source: &dyn Source) -> anyhow::Result<u64> {
    let query = Query { id: Some(id.to_owned()), limit: MOST_OF_ONE_ID, ..Query::default() };
    let found = source.entries(&query)?;
    if let Some(decision) = found.iter().find(|entry| entry.kind == "decision") {
        return Ok(decision.index);
    }
    match found.as_slice() {
        [] => {
            let diagnostic =
                Diagnostic::error(format!("the log has no decision `{id}`, and no other entry of that id"));
            Err(InvalidInput::from(diagnostic.help("name an entry by its place in the log, from 0")).into())
        }
        [one] => Ok(one.index),
        several => {
            let listed =
                several.iter().map(|entry| format!("{} (a `{}` of `{}`)", entry.index, entry.kind, entry.stream));
            let listed: Vec<String> = listed.collect();
            let diagnostic = Diagnostic::error(format!("`{id}` is the id of {} entries", several.len()));
            Err(InvalidInput::from(diagnostic.note(listed.join(", ")).help("name one of them by its place")).into())
        }
    }
}

/// The first key of the log, as it says: to see that a proof holds before it is handed out, not to trust the key.
fn first_key(source: &dyn Source) -> anyhow::Result<VerifyingKey> {
    let found = source.entries(&Query { before: Some(1), limit: 1, ..Query::default() })?;
    let entry = found.first().context("the log has no first entry")?.read().map_err(anyhow::Error::msg)?;
    let key = entry.body.get("key").and_then(serde_json::Value::as_str).unwrap_or_default();
    key.parse().context("the first entry of the log does not name its key")
}

/// A log as it was at a checkpoint.
struct Pinned<'a> {
    source: &'a dyn Source,
    head: Head,
}

impl<'a> Pinned<'a> {
    fn new(source: &'a dyn Source, note: &str) -> anyhow::Result<Self> {
        let head = source.head()?;
        let parsed = Note::parse(note)?;
        let checkpoint = Checkpoint::parse(parsed.text())?;
        if checkpoint.size > head.size {
            let diagnostic = Diagnostic::error(format!(
                "the newer checkpoint is of {}, and the log has {}",
                counted(checkpoint.size, "entry", "entries"),
                head.size
            ));
            let note = "a log that has fewer entries than were signed was cut back: `lockgate audit verify` says more";
            return Err(InvalidInput::from(diagnostic.note(note)).into());
        }
        let Checkpoint { size, root, .. } = checkpoint;
        Ok(Self { source, head: Head { size, root, checkpoint: note.to_owned(), key: head.key } })
    }
}

impl Source for Pinned<'_> {
    fn head(&self) -> Result<Head, Error> {
        Ok(self.head.clone())
    }

    fn entries(&self, query: &Query) -> Result<Vec<StoredEntry>, Error> {
        self.source.entries(query)
    }

    fn entries_with_withheld(&self, query: &Query) -> Result<Vec<SourceEntry>, Error> {
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
