//! The log of a running server, read page by page.
//!
//! An audit or a proof computes everything again. So this module only checks that a page is the requested one: in
//! order, within its bounds, and of the right kind. A server that answers something else is [corrupt](Cause::Corrupt),
//! because nobody can know what it serves. A server that cannot be reached or refuses is not.

mod node_cache;
#[cfg(test)]
mod tests;

use std::collections::HashMap;

use lockgate_client::{Client, Error as ClientError, RequestPath};
use lockgate_domain::api::LEDGER_DAMAGED;
use lockgate_domain::api::audit::{
    Checkpoints, Contents, DeletedContent, Entries, EntryDocument, HeadDocument, KIND_HEADER, MEDIA_TYPE_HEADER,
    MOST_ITEMS, MOST_NODES, Nodes, PATH, SIZE_HEADER, STORED_HEADER, WithheldEntryDocument,
};
use lockgate_domain::{Digest, counted, shortened};
use lockgate_ledger::tree::Hash;
use lockgate_ledger::{
    ContentState, EntryQuery, Error, FailureCause, InclusionProof, LogHead, LogSource, SourceEntry, StorageFailure,
    StoredContent, StoredEntry, WithheldEntry,
};
use parking_lot::Mutex;
use serde::de::DeserializeOwned;

use self::node_cache::NodeCache;

/// The largest piece of content, in bytes.
const LARGEST_CONTENT: u64 = 256 << 20;
/// How much of a path a message shows, in characters.
const LONGEST_PATH: usize = 100;

/// The log of a running server: to be audited, and to have entries proved. The token needs the right `audit`.
pub(super) struct ServerLog {
    client: Client,
    nodes: Mutex<NodeCache>,
}

/// A path of the audit log, below [`PATH`].
fn path(name: &str) -> RequestPath {
    RequestPath::new(PATH).segment(name)
}

impl ServerLog {
    /// The log of the server that the client asks.
    pub(super) fn new(client: Client) -> Self {
        Self { client, nodes: Mutex::default() }
    }

    /// The address of the server.
    pub(super) fn address(&self) -> &str {
        self.client.address().as_str()
    }

    /// The proof of a decision, by its id, unverified. The token needs only the right `read`.
    pub(super) fn decision_proof(&self, id: &str) -> Result<InclusionProof, Error> {
        get(&self.client, &RequestPath::new("/api/v1/decisions").segment(id).segment("proof"))
    }

    fn get<T: DeserializeOwned>(&self, path: &RequestPath) -> Result<T, Error> {
        get(&self.client, path)
    }

    /// Reads page after page, until all is read or `take`, which gets each page, returns that it needs no more entries.
    fn pages(&self, query: &EntryQuery, mut take: impl FnMut(Vec<SourceEntry>) -> usize) -> Result<(), Error> {
        let (mut query, mut needed) = (query.clone(), query.limit);
        while needed > 0 {
            query.limit = MOST_ITEMS.min(needed);
            let (page, more) = self.entries_page(&query)?;
            match page.last().map(SourceEntry::index) {
                Some(last) if more && query.newest_first => query.before = Some(last),
                Some(last) if more => query.from = last + 1,
                _ => needed = 0,
            }
            needed = needed.min(take(page));
        }
        Ok(())
    }

    /// One page of entries, and whether there may be more.
    fn entries_page(&self, query: &EntryQuery) -> Result<(Vec<SourceEntry>, bool), Error> {
        let path = entries_path(query);
        let contradicts = |answer: String| contradiction(&path, &answer);
        let Entries { entries, withheld, next } = self.get(&path)?;
        if entries.len() + withheld.len() > query.limit {
            let count = entries.len() + withheld.len();
            return Err(contradicts(format!("{count} entries where at most {} were asked for", query.limit)));
        }
        let page: Vec<SourceEntry> = merged(entries, withheld, query.newest_first)
            .collect::<Result<_, u64>>()
            .map_err(|index| contradicts(format!("entry {index} without the bytes of its leaf")))?;
        let mut last = None;
        for entry in &page {
            if !is_expected(query, last, entry) {
                return Err(contradicts(format!("entry {}, which was not asked for, or not there", entry.index())));
            }
            last = Some(entry.index());
        }
        let follows = last.map(|last| if query.newest_first { last } else { last + 1 });
        match next {
            Some(next) if follows != Some(next) => Err(contradicts(format!("that it goes on at {next}"))),
            next => Ok((page, next.is_some())),
        }
    }
}

fn get<T: DeserializeOwned>(client: &Client, path: &RequestPath) -> Result<T, Error> {
    client.get(path).map_err(ledger_error)
}

/// A failed request, as the ledger names failures.
fn ledger_error(error: ClientError) -> Error {
    let mut hint = "";
    if let Some(refusal) = error.refusal() {
        let message = || refusal.message().unwrap_or_default().to_owned();
        match (refusal.status(), refusal.code()) {
            (_, Some(LEDGER_DAMAGED)) => {
                return StorageFailure { cause: FailureCause::Corrupt, message: message() }.into();
            }
            (404, Some("not-found")) => return Error::NotFound(message()),
            (401 | 403, _) => hint = "; the token needs the right `audit`",
            _ => {}
        }
    }
    StorageFailure { cause: FailureCause::Other, message: format!("{error}{hint}") }.into()
}

/// The server answers in Lockgate's format, but not what the request asked for.
fn contradiction(path: &RequestPath, answer: &str) -> Error {
    let shown = shortened(&path.to_string(), LONGEST_PATH);
    let message = format!("the server was asked for `{shown}`, and answered {answer}");
    StorageFailure { cause: FailureCause::Corrupt, message }.into()
}

/// The entries of a page and those that are withheld, in the order of the page. An error is the index of an entry whose leaf is not
/// base64.
fn merged(
    entries: Vec<EntryDocument>,
    withheld: Vec<WithheldEntryDocument>,
    newest_first: bool,
) -> impl Iterator<Item = Result<SourceEntry, u64>> {
    let (mut entries, mut withheld) = (entries.into_iter().peekable(), withheld.into_iter().peekable());
    std::iter::from_fn(move || {
        let whole_is_next = match (entries.peek(), withheld.peek()) {
            (Some(entry), Some(withheld)) => (entry.index < withheld.index) != newest_first,
            (whole, _) => whole.is_some(),
        };
        if whole_is_next {
            let document = entries.next()?;
            let index = document.index;
            return Some(stored_entry(document).map(SourceEntry::Whole).ok_or(index));
        }
        let WithheldEntryDocument { index, hash } = withheld.next()?;
        Some(Ok(SourceEntry::Withheld(WithheldEntry { index, hash })))
    })
}

/// The entry of a document; none if its leaf is not base64.
fn stored_entry(document: EntryDocument) -> Option<StoredEntry> {
    let leaf = document.leaf_bytes()?;
    let EntryDocument { index, stream, sequence, kind, id, at, team, hash, leaf: _, damage } = document;
    Some(StoredEntry { index, stream, sequence, kind, id, at, team, hash, leaf, damage })
}

/// Whether an entry is one of the requested ones, and in its place.
fn is_expected(query: &EntryQuery, last: Option<u64>, entry: &SourceEntry) -> bool {
    let index = entry.index();
    let follows = last.is_none_or(|last| if query.newest_first { index < last } else { index > last });
    let within = index >= query.from && query.before.is_none_or(|before| index < before);
    let is = |wanted: &Option<String>, is: Option<&String>| wanted.as_ref().is_none_or(|wanted| Some(wanted) == is);
    let named = match entry {
        SourceEntry::Whole(entry) => {
            is(&query.stream, Some(&entry.stream))
                && is(&query.kind, Some(&entry.kind))
                && is(&query.id, entry.id.as_ref())
                && is(&query.team, entry.team.as_ref())
        }
        SourceEntry::Withheld(_) => !query.is_filtered(),
    };
    follows && within && named
}

fn entries_path(query: &EntryQuery) -> RequestPath {
    let mut path = path("entries").query("from", query.from).query("limit", query.limit);
    if let Some(before) = query.before {
        path = path.query("before", before);
    }
    for (name, value) in [("stream", &query.stream), ("kind", &query.kind), ("id", &query.id), ("team", &query.team)] {
        if let Some(value) = value {
            path = path.query(name, value);
        }
    }
    if query.newest_first {
        path = path.query("newest_first", true);
    }
    path
}

impl LogSource for ServerLog {
    fn head(&self) -> Result<LogHead, Error> {
        let path = path("head");
        let HeadDocument { size, root, checkpoint, key } = self.get(&path)?;
        let key = key.parse().map_err(|error| contradiction(&path, &format!("a key that is none: {error}")))?;
        self.nodes.lock().grow(size);
        Ok(LogHead { size, root, checkpoint, key })
    }

    fn entries(&self, query: &EntryQuery) -> Result<Vec<StoredEntry>, Error> {
        let mut found = Vec::new();
        self.pages(query, |page| {
            found.extend(page.into_iter().filter_map(SourceEntry::whole));
            query.limit.saturating_sub(found.len())
        })?;
        Ok(found)
    }

    fn entries_with_withheld(&self, query: &EntryQuery) -> Result<Vec<SourceEntry>, Error> {
        let mut found = Vec::new();
        self.pages(query, |page| {
            found.extend(page);
            query.limit.saturating_sub(found.len())
        })?;
        Ok(found)
    }

    fn nodes(&self, nodes: &[u64]) -> Result<Vec<Hash>, Error> {
        let mut cache = self.nodes.lock();
        if let Some(hashes) = cache.all(nodes) {
            return Ok(hashes);
        }
        let asked = match nodes {
            [node] => cache.following(*node, MOST_NODES),
            several => several.to_vec(),
        };
        let mut hashes = HashMap::new();
        for some in asked.chunks(MOST_NODES) {
            let numbers: Vec<String> = some.iter().map(u64::to_string).collect();
            let path = path("nodes").query("nodes", numbers.join(","));
            let answer: Nodes = self.get(&path)?;
            if answer.hashes.len() != some.len() {
                let hashes = counted(answer.hashes.len(), "hash", "hashes");
                return Err(contradiction(&path, &format!("{hashes} where {} were asked for", some.len())));
            }
            hashes.extend(some.iter().zip(answer.hashes).filter_map(|(node, hash)| Some((*node, hash?))));
        }
        cache.keep(hashes);
        nodes.iter().map(|node| cache.one(*node)).collect()
    }

    fn checkpoints(&self, above: u64, limit: usize) -> Result<Vec<(u64, String)>, Error> {
        let (mut all, mut above): (Vec<(u64, String)>, u64) = (Vec::new(), above);
        while all.len() < limit {
            let path = path("checkpoints").query("above", above).query("limit", MOST_ITEMS.min(limit - all.len()));
            let Checkpoints { checkpoints, next } = self.get(&path)?;
            for kept in checkpoints {
                if kept.size <= above {
                    let answer = format!("a checkpoint of {}", counted(kept.size, "entry", "entries"));
                    return Err(contradiction(&path, &answer));
                }
                above = kept.size;
                all.push((kept.size, kept.note));
            }
            if next != Some(above) {
                break;
            }
        }
        all.truncate(limit);
        Ok(all)
    }

    fn content(&self, digest: &Digest) -> Result<Option<StoredContent>, Error> {
        let path = path("content").segment(digest);
        let download = match self.client.download(&path, LARGEST_CONTENT) {
            Ok(download) => download,
            Err(error) => {
                if let Some(deleted) = deleted_content(&error) {
                    return Ok(Some(deleted));
                }
                return match ledger_error(error) {
                    Error::NotFound(_) => Ok(None),
                    error => Err(error),
                };
            }
        };
        let text = |name: &str| {
            download.header(name).ok_or_else(|| contradiction(&path, &format!("content without the header `{name}`")))
        };
        let invalid = |name: &str| contradiction(&path, &format!("a header `{name}` that cannot be"));
        let (kind, media_type) = (text(KIND_HEADER)?, text(MEDIA_TYPE_HEADER)?);
        let size = text(SIZE_HEADER)?.parse().map_err(|_| invalid(SIZE_HEADER))?;
        let stored = text(STORED_HEADER)?.parse().map_err(|_| invalid(STORED_HEADER))?;
        Ok(Some(StoredContent { kind, media_type, size, stored, state: ContentState::Present(download.into_body()) }))
    }

    fn contents(&self, after: Option<Digest>, limit: usize) -> Result<Vec<Digest>, Error> {
        let (mut all, mut after): (Vec<Digest>, Option<Digest>) = (Vec::new(), after);
        while all.len() < limit {
            let mut path = path("contents").query("limit", MOST_ITEMS.min(limit - all.len()));
            if let Some(after) = after {
                path = path.query("after", after);
            }
            let Contents { contents, next } = self.get(&path)?;
            for text in contents {
                let digest: Digest =
                    text.parse().map_err(|_| contradiction(&path, &format!("`{text}` as a digest")))?;
                if after.is_some_and(|after| digest <= after) {
                    return Err(contradiction(&path, &format!("`{digest}`, which was not asked for")));
                }
                after = Some(digest);
                all.push(digest);
            }
            if next.is_none() || next != after.as_ref().map(Digest::text) {
                break;
            }
        }
        all.truncate(limit);
        Ok(all)
    }
}

/// The content that retention deleted, if that is what the server answered.
fn deleted_content(error: &ClientError) -> Option<StoredContent> {
    let problem = error.refusal().filter(|refusal| refusal.status() == 410)?.problem()?;
    let deleted = serde_json::from_value(problem.members.clone().into()).ok()?;
    let DeletedContent { kind, media_type, size, stored, deleted } = deleted;
    Some(StoredContent { kind, media_type, size, stored, state: ContentState::Deleted(deleted) })
}
