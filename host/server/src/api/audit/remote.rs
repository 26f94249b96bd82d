//! The log of a server that runs, read from the other side.
//!
//! [`RemoteSource`] hands the pages on to an audit or a proof, which compute everything again. So what is left to do here
//! is to see that a page is one that was asked for: in order, within its bounds, and of the kind that was named. A server
//! that answers something else is told apart from one that cannot be reached: the first is
//! [corrupt](lockgate_ledger::Cause::Corrupt), because nobody can say what it is that it serves.

mod ask;
mod window;

use lockgate_domain::{Digest, Timestamp, counted};
use lockgate_ledger::tree::Hash;
use lockgate_ledger::{
    ContentState, Error, Head, InclusionProof, Query, Source, SourceEntry, StoredContent, StoredEntry, WithheldEntry,
};
use parking_lot::Mutex;
use serde::Deserialize;

use self::ask::{Asked, Line};
use self::window::Window;
use super::form::{Checkpoints, Contents, Entries, EntryDocument, HeadDocument, Nodes, WithheldEntryDocument};
use super::parameters::{MOST, MOST_NODES};
use super::{KIND_HEADER, MEDIA_TYPE_HEADER, SIZE_HEADER, STORED_HEADER};

use crate::auth::access::AccessReview;

pub use ask::InvalidServer;

/// How large a page may be, in bytes: it may hold one entry of 16 MiB in base64 besides what the server puts into one.
const LARGEST_PAGE: u64 = 64 << 20;
/// How large a piece of content may be, in bytes.
const LARGEST_CONTENT: u64 = 256 << 20;

/// The ledger of a server, by its address: to be audited, and to have entries proved. It needs the right to audit.
pub struct RemoteSource {
    line: Line,
    window: Mutex<Window>,
}

impl RemoteSource {
    /// The server at that address, for example `https://deploy.example.com`, and the token that it is to be asked with.
    /// Certificates are checked as the system does it.
    ///
    /// # Errors
    /// If the address is not `http` or `https`, or says more than where the server is.
    pub fn new(server: &str, token: Option<String>) -> Result<Self, InvalidServer> {
        Ok(Self { line: Line::new(server, token)?, window: Mutex::default() })
    }

    /// The proof of a decision, by its id. It takes only the right to read, and is not verified yet.
    ///
    /// # Errors
    /// If there is no such decision, or the server does not answer.
    pub fn decision_proof(&self, id: &str) -> Result<InclusionProof, Error> {
        self.page(&format!("/api/v1/decisions/{}/proof", ask::encoded(id)))
    }

    /// Who may do what at the gates of the models that the server has loaded. It takes the right to audit, to govern or to
    /// administer.
    ///
    /// # Errors
    /// If the server does not answer, or not as it should.
    pub fn access(&self, team: Option<&str>) -> Result<AccessReview, Error> {
        let query = team.map(|team| format!("?team={}", ask::encoded(team))).unwrap_or_default();
        self.page(&format!("/api/v1/access{query}"))
    }

    fn page<T: for<'de> Deserialize<'de>>(&self, path: &str) -> Result<T, Error> {
        match self.line.ask(path, LARGEST_PAGE)? {
            Asked::There { body, .. } => serde_json::from_slice(&body).map_err(|error| self.line.strange(path, &error)),
            Asked::Gone(_) => Err(Error::NotFound(format!("`{path}` is gone"))),
        }
    }

    fn audit<T: for<'de> Deserialize<'de>>(&self, path: &str) -> Result<T, Error> {
        self.page(&format!("{}{path}", super::PREFIX))
    }

    /// Reads page after page, until all is read or `take`, which gets each of them, needs no more: it says how many more.
    fn pages(&self, query: &Query, mut take: impl FnMut(Vec<SourceEntry>) -> usize) -> Result<(), Error> {
        let (mut query, mut needed) = (query.clone(), query.limit);
        while needed > 0 {
            query.limit = MOST.min(needed);
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
    fn entries_page(&self, query: &Query) -> Result<(Vec<SourceEntry>, bool), Error> {
        let path = entries_path(query);
        let lies = |what: String| self.line.lies(&path, &what);
        let Entries { entries, withheld, next } = self.audit(&path)?;
        if entries.len() + withheld.len() > query.limit {
            let count = entries.len() + withheld.len();
            return Err(lies(format!("{count} entries where at most {} were asked for", query.limit)));
        }
        let page = merged(entries, withheld, query.newest_first);
        let page: Vec<SourceEntry> = page
            .collect::<Result<_, u64>>()
            .map_err(|index| lies(format!("entry {index} without the bytes of its leaf")))?;
        let mut last = None;
        for entry in &page {
            if !wanted(query, last, entry) {
                return Err(lies(format!("entry {}, which was not asked for, or not there", entry.index())));
            }
            last = Some(entry.index());
        }
        let follows = last.map(|last| if query.newest_first { last } else { last + 1 });
        if next.is_some() && next != follows {
            return Err(lies(format!("that it goes on at {}", next.unwrap_or_default())));
        }
        Ok((page, next.is_some()))
    }
}

/// The entries of a page and those that are withheld, in the order of the page. The index of one whose leaf is no base64.
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
            return Some(document.stored().map(SourceEntry::Whole).ok_or(index));
        }
        let WithheldEntryDocument { index, hash } = withheld.next()?;
        Some(Ok(SourceEntry::Withheld(WithheldEntry { index, hash })))
    })
}

/// Whether an entry is one of those that were asked for, and in its place.
fn wanted(query: &Query, last: Option<u64>, entry: &SourceEntry) -> bool {
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

fn entries_path(query: &Query) -> String {
    let mut path = format!("/entries?from={}&limit={}", query.from, query.limit);
    if let Some(before) = query.before {
        path.push_str(&format!("&before={before}"));
    }
    for (name, value) in [("stream", &query.stream), ("kind", &query.kind), ("id", &query.id), ("team", &query.team)] {
        if let Some(value) = value {
            path.push_str(&format!("&{name}={}", ask::encoded(value)));
        }
    }
    if query.newest_first {
        path.push_str("&newest_first=true");
    }
    path
}

impl Source for RemoteSource {
    fn head(&self) -> Result<Head, Error> {
        let HeadDocument { size, root, checkpoint, key } = self.audit("/head")?;
        let key = key.parse().map_err(|error| self.line.lies("/head", &format!("a key that is none: {error}")))?;
        self.window.lock().grow(size);
        Ok(Head { size, root, checkpoint, key })
    }

    fn entries(&self, query: &Query) -> Result<Vec<StoredEntry>, Error> {
        let mut found = Vec::new();
        self.pages(query, |page| {
            found.extend(page.into_iter().filter_map(SourceEntry::whole));
            query.limit.saturating_sub(found.len())
        })?;
        Ok(found)
    }

    fn entries_with_withheld(&self, query: &Query) -> Result<Vec<SourceEntry>, Error> {
        let mut found = Vec::new();
        self.pages(query, |page| {
            found.extend(page);
            query.limit.saturating_sub(found.len())
        })?;
        Ok(found)
    }

    fn nodes(&self, nodes: &[u64]) -> Result<Vec<Hash>, Error> {
        let mut window = self.window.lock();
        if let Some(hashes) = window.all(nodes) {
            return Ok(hashes);
        }
        let asked = match nodes {
            [node] => window.following(*node, MOST_NODES),
            several => several.to_vec(),
        };
        let mut hashes = std::collections::HashMap::new();
        for some in asked.chunks(MOST_NODES) {
            let numbers: Vec<String> = some.iter().map(u64::to_string).collect();
            let path = format!("/nodes?nodes={}", numbers.join(","));
            let answer: Nodes = self.audit(&path)?;
            if answer.hashes.len() != some.len() {
                let hashes = counted(answer.hashes.len(), "hash", "hashes");
                let what = format!("{hashes} where {} were asked for", some.len());
                return Err(self.line.lies(&path, &what));
            }
            hashes.extend(some.iter().zip(answer.hashes).filter_map(|(node, hash)| Some((*node, hash?))));
        }
        window.keep(hashes);
        nodes.iter().map(|node| window.one(*node)).collect()
    }

    fn checkpoints(&self, above: u64, limit: usize) -> Result<Vec<(u64, String)>, Error> {
        let (mut all, mut above): (Vec<(u64, String)>, u64) = (Vec::new(), above);
        while all.len() < limit {
            let path = format!("/checkpoints?above={above}&limit={}", MOST.min(limit - all.len()));
            let Checkpoints { checkpoints, next } = self.audit(&path)?;
            for kept in checkpoints {
                if kept.size <= above {
                    return Err(self
                        .line
                        .lies(&path, &format!("a checkpoint of {}", counted(kept.size, "entry", "entries"))));
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
        let path = format!("{}/content/{digest}", super::PREFIX);
        match self.line.ask(&path, LARGEST_CONTENT) {
            Ok(Asked::There { headers, body }) => {
                let text = |name: &str| {
                    let value = headers.get(name).map(|value| String::from_utf8_lossy(value.as_bytes()).into_owned());
                    value.ok_or_else(|| self.line.lies(&path, &format!("content without the header `{name}`")))
                };
                let wrong = |name: &str| self.line.lies(&path, &format!("a header `{name}` that cannot be"));
                Ok(Some(StoredContent {
                    kind: text(KIND_HEADER)?,
                    media_type: text(MEDIA_TYPE_HEADER)?,
                    size: text(SIZE_HEADER)?.parse().map_err(|_| wrong(SIZE_HEADER))?,
                    stored: text(STORED_HEADER)?.parse().map_err(|_| wrong(STORED_HEADER))?,
                    state: ContentState::Present(body),
                }))
            }
            Ok(Asked::Gone(body)) => {
                let gone: Gone = serde_json::from_slice(&body).map_err(|error| self.line.strange(&path, &error))?;
                let Gone { kind, media_type, size, stored, deleted } = gone;
                Ok(Some(StoredContent { kind, media_type, size, stored, state: ContentState::Deleted(deleted) }))
            }
            Err(Error::NotFound(_)) => Ok(None),
            Err(error) => Err(error),
        }
    }

    fn contents(&self, after: Option<Digest>, limit: usize) -> Result<Vec<Digest>, Error> {
        let (mut all, mut after): (Vec<Digest>, Option<Digest>) = (Vec::new(), after);
        while all.len() < limit {
            let mut path = format!("/contents?limit={}", MOST.min(limit - all.len()));
            if let Some(after) = after {
                path.push_str(&format!("&after={after}"));
            }
            let Contents { contents, next } = self.audit(&path)?;
            for text in contents {
                let digest: Digest =
                    text.parse().map_err(|_| self.line.lies(&path, &format!("`{text}` as a digest")))?;
                if after.is_some_and(|after| digest <= after) {
                    return Err(self.line.lies(&path, &format!("`{digest}`, which was not asked for")));
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

/// What the problem says about content that was deleted.
#[derive(Deserialize)]
struct Gone {
    kind: String,
    media_type: String,
    size: u64,
    stored: Timestamp,
    deleted: Timestamp,
}
