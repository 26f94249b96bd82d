//! Reads entries: one, its versions, and lists.

use lockgate_client::{Client, RequestPath};
use lockgate_domain::{PersonId, RegisterEntry, RegisterKind};
use lockgate_service::Page;

use super::show::{self, ListFormat};
use super::{OwnerArguments, entry_path, register_name};
use crate::exit::Exit;
use crate::layout::OutputFormat;

/// The most items of a page that a server sends.
const LARGEST_PAGE: usize = 200;

#[derive(Debug, clap::Args)]
pub(crate) struct GetCommand {
    /// The register.
    #[arg(value_parser = register_name())]
    register: RegisterKind,
    /// The id of the entry.
    id: String,
    #[command(flatten)]
    owner: OwnerArguments,
    /// Output format.
    #[arg(short, long, value_enum, default_value_t)]
    output: OutputFormat,
}

impl GetCommand {
    pub(super) fn run(self) -> anyhow::Result<Exit> {
        let entry: RegisterEntry = self.owner.client()?.get(&self.owner.entry(self.register, &self.id))?;
        show::entry(&entry, self.output)?;
        Ok(Exit::Success)
    }
}

#[derive(Debug, clap::Args)]
pub(crate) struct HistoryCommand {
    /// The register.
    #[arg(value_parser = register_name())]
    register: RegisterKind,
    /// The id of the entry.
    id: String,
    #[command(flatten)]
    owner: OwnerArguments,
    /// The most versions [default: all].
    #[arg(long, value_name = "NUMBER")]
    limit: Option<usize>,
    /// Output format.
    #[arg(short, long, value_enum, default_value_t)]
    output: ListFormat,
}

impl HistoryCommand {
    pub(super) fn run(self) -> anyhow::Result<Exit> {
        let path = self.owner.within(entry_path(self.register, &self.id).segment("history"));
        let versions = all_pages(&self.owner.client()?, &path, self.limit)?;
        show::history(&versions, self.output)?;
        Ok(Exit::Success)
    }
}

#[derive(Debug, clap::Args)]
pub(crate) struct ListCommand {
    /// The register.
    #[arg(value_parser = register_name())]
    register: RegisterKind,
    #[command(flatten)]
    owner: OwnerArguments,
    /// Only entries that concern the product with this id.
    #[arg(long, value_name = "ID")]
    product: Option<String>,
    /// Only entries that concern the environment with this name.
    #[arg(long, value_name = "NAME")]
    environment: Option<String>,
    /// Only entries that the person or service with this id attested.
    #[arg(long, value_name = "ID")]
    attester: Option<PersonId>,
    /// The most entries [default: all].
    #[arg(long, value_name = "NUMBER")]
    limit: Option<usize>,
    /// Output format.
    #[arg(short, long, value_enum, default_value_t)]
    output: ListFormat,
}

impl ListCommand {
    pub(super) fn run(self) -> anyhow::Result<Exit> {
        let mut path = self.owner.path(self.register);
        if let Some(product) = &self.product {
            path = path.query("product", product);
        }
        if let Some(environment) = &self.environment {
            path = path.query("environment", environment);
        }
        if let Some(attester) = &self.attester {
            path = path.query("attester", attester.written());
        }
        let entries = all_pages(&self.owner.client()?, &path, self.limit)?;
        let is_filtered = self.product.is_some() || self.environment.is_some() || self.attester.is_some();
        let none = match is_filtered {
            true => format!("No entries of `{}` fit `--product`, `--environment` and `--attester`.", self.register),
            false => format!("No entries of `{}`.", self.register),
        };
        show::list(&none, &entries, self.output)?;
        Ok(Exit::Success)
    }
}

/// Reads page after page, up to a number of entries.
fn all_pages(client: &Client, path: &RequestPath, limit: Option<usize>) -> anyhow::Result<Vec<RegisterEntry>> {
    let most = limit.unwrap_or(usize::MAX);
    let (mut entries, mut cursor) = (Vec::new(), None);
    while entries.len() < most {
        let mut page_path = path.clone().query("limit", LARGEST_PAGE.min(most - entries.len()));
        if let Some(cursor) = cursor {
            page_path = page_path.query("cursor", cursor);
        }
        let Page { items, next } = client.get::<Page<RegisterEntry>>(&page_path)?;
        entries.extend(items);
        match next {
            Some(next) => cursor = Some(next),
            None => break,
        }
    }
    entries.truncate(most);
    Ok(entries)
}
