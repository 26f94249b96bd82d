//! The registers of the demo: what the change authority and operations attest of the change, the environment and the instances
//! that the demo measured.

#![allow(clippy::disallowed_methods, reason = "the demo decides without a ledger, by the clock of this machine")]

use std::fs;
use std::path::PathBuf;
use std::sync::Arc;

use anyhow::{Context as _, Result};
use lockgate_domain::{Deployment, Person, RegisterKind, Timestamp};
use serde_json::{Value, json};

use super::files::place;
use crate::diagnostic::SourceText;
use crate::input::{JsonDocument, RegisterArgument, RegisterFiles};
use crate::print;

/// The registers, as files in a folder, and who attests their entries.
pub(super) struct DemoRegisters<'a> {
    pub(super) folder: PathBuf,
    pub(super) change_authority: &'a Person,
    pub(super) operations: &'a Person,
}

impl DemoRegisters<'_> {
    /// Writes what the owners attest now, and joins the deployment with it, as `lockgate eval --register` does.
    pub(super) fn attest(&self, deployment: &mut Deployment) -> Result<()> {
        fs::create_dir_all(&self.folder).with_context(|| place(&self.folder))?;
        let now = Timestamp::now();
        let entry = |by: &Person, value: Value, concerns: Value| {
            let attested = json!({
                "by": by.id, "kind": "person", "roles": by.roles, "credential": "demo", "recorded": now,
            });
            json!({"value": value, "concerns": concerns, "attested": attested})
        };
        let about = json!({"products": [deployment.product.id]});
        let instances = deployment.actual_instances.iter();
        let registers = [
            (RegisterKind::Changes, vec![entry(self.change_authority, json!(deployment.change), json!({}))]),
            (RegisterKind::Environments, vec![entry(self.operations, json!(deployment.environment), json!({}))]),
            (
                RegisterKind::Instances,
                instances.map(|instance| entry(self.operations, json!(instance), about.clone())).collect(),
            ),
        ];
        let mut files = Vec::new();
        for (register, entries) in registers {
            let path = self.folder.join(format!("{register}.ndjson"));
            let lines: String = entries.iter().map(|entry| format!("{entry}\n")).collect();
            fs::write(&path, lines).with_context(|| place(&path))?;
            files.push(RegisterArgument { register, path });
        }
        let source = SourceText { name: "the deployment of the demo".to_owned(), text: print::json(deployment)? };
        let mut document = JsonDocument::parse(Arc::new(source), "deployment")?;
        RegisterFiles::read(&files)?.join(deployment, &mut document, now)?;
        Ok(())
    }
}
