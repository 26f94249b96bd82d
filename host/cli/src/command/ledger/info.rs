//! `lockgate ledger info`: what a ledger holds.

use lockgate_domain::counted;
use lockgate_ledger::{HeldContent, Holdings, Query, Source as _};
use serde_json::json;

use super::{DataArguments, LEDGER};
use crate::exit::Exit;
use crate::input::size;
use crate::print;
use crate::report::{Form, fields, grid};

/// What is said first where something is lost.
const LOST: &str = "LOST";

/// Which ledger.
#[derive(Debug, clap::Args)]
pub(crate) struct Info {
    #[command(flatten)]
    data: DataArguments,
    /// The format of the output.
    #[arg(short, long, value_enum, default_value_t)]
    output: Form,
}

impl Info {
    /// Tells it.
    pub(crate) fn run(self) -> anyhow::Result<Exit> {
        let storage = self.data.read_only()?;
        let head = storage.head()?;
        let Holdings { schema, bytes, streams, entries, content, requests } = storage.holdings()?;
        let at = |newest_first: bool| -> anyhow::Result<_> {
            let found = storage.entries(&Query { newest_first, limit: 1, ..Query::default() })?;
            Ok(found.first().map(|entry| entry.at))
        };
        let (since, until) = (at(false)?, at(true)?);
        let (recorded, loss) = (storage.recorded()?, storage.loss()?);
        match self.output {
            Form::Json => {
                let by_kind: serde_json::Map<String, serde_json::Value> =
                    entries.into_iter().map(|(kind, count)| (kind, count.into())).collect();
                let content = content.into_iter().map(|HeldContent { kind, count, bytes, deleted }| {
                    (kind, json!({ "count": count, "bytes": bytes, "deleted": deleted }))
                });
                print::data(print::json(&json!({
                    "log": head.key.name(),
                    "size": head.size,
                    "root": head.root,
                    "key": head.key,
                    "since": since,
                    "until": until,
                    "schema": schema,
                    "bytes": bytes,
                    "streams": streams,
                    "entries": by_kind,
                    "content": content.collect::<serde_json::Map<_, _>>(),
                    "requests": requests,
                    "head_file": recorded,
                    "loss": loss.map(|loss| json!({
                        "expected": loss.expected.tree(),
                        "found": loss.found,
                        "backed_up": loss.backed_up,
                        "message": loss.to_string(),
                    })),
                }))?)?;
            }
            Form::Table => {
                let moment = |at: Option<lockgate_domain::Timestamp>| at.map(|at| at.to_string()).unwrap_or_default();
                let mut facts = vec![
                    ("log", print::plain(head.key.name()).into_owned()),
                    ("entries", format!("{} in {}", head.size, counted(streams, "stream", "streams"))),
                    ("since", format!("{}, the last one {}", moment(since), moment(until))),
                    ("root", head.root.to_string()),
                    ("key", head.key.to_string()),
                    ("requests", format!("{requests} remembered")),
                    ("file", format!("{LEDGER}, {}, schema {schema}", size(bytes))),
                    ("head file", recorded.map_or_else(|| "none".to_owned(), |head| format!("{LEDGER}-head, {head}"))),
                ];
                if let Some(loss) = loss {
                    facts.insert(0, (LOST, print::plain(&loss.to_string()).into_owned()));
                }
                let facts = fields(facts);
                let entries = entries.into_iter().map(|(kind, count)| {
                    vec![print::plain(&kind).into_owned(), count.to_string(), String::new(), String::new()]
                });
                let content = content.into_iter().map(|HeldContent { kind, count, bytes, deleted }| {
                    let kind = format!("content: {}", print::plain(&kind));
                    vec![kind, count.to_string(), size(bytes), deleted.to_string()]
                });
                let kinds = grid(&["kind", "count", "size", "deleted"], entries.chain(content).collect());
                print::text(format!("{facts}\n\n{kinds}"))?;
            }
        }
        Ok(Exit::Success)
    }
}
