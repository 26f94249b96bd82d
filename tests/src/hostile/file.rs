//! What stands in the file of a hostile guest.

use std::collections::BTreeMap;
use std::fmt;
use std::fs;
use std::path::Path;
use std::time::Duration;

use lockgate_runtime::{Grants, Limits};
use serde::Deserialize;
use serde_json::json;

use super::{Damage, Hostile, Listed, Met, Peer};
use crate::Guest;

/// Why a file is no hostile guest.
#[derive(Debug)]
pub struct Unreadable(String);

impl Unreadable {
    pub(super) fn new(path: &Path, why: &dyn fmt::Display) -> Self {
        Self(format!("{}: {why}", path.display()))
    }
}

impl fmt::Display for Unreadable {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl std::error::Error for Unreadable {}

/// The file.
#[derive(Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
struct File {
    /// What it tries, in a sentence.
    what: String,
    /// See [`Met`].
    at: String,
    /// See [`Met`].
    failure: String,
    /// What the message must hold.
    #[serde(default)]
    says: String,
    /// A whole component as WAT, in place of a filled-in frame.
    component: Option<String>,
    /// What is no WebAssembly that could be written as text, in hexadecimal.
    bytes: Option<String>,
    /// The frame.
    guest: Option<Frame>,
    /// An attack of the guest in Rust.
    rust: Option<String>,
    /// Texts that stand for themselves many times.
    #[serde(default)]
    repeat: BTreeMap<String, Repeat>,
    /// In bytes: what nobody reads is added until it is that large.
    pad_to: Option<usize>,
    #[serde(default)]
    grants: Granted,
    #[serde(default)]
    limits: Limited,
    #[serde(default)]
    setup: Limited,
    damage: Option<Damage>,
    peer: Option<Peer>,
}

/// A text for the place `{name}` in WAT.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Repeat {
    /// In it, `{n}` is the number of the time, from 0 on, and `{next}` the one after.
    text: String,
    /// What comes once more for each time, behind all of them: what closes what `text` opened.
    #[serde(default)]
    close: String,
    times: usize,
}

/// What is filled into the frame; see [`Guest`].
#[derive(Default, Deserialize)]
#[serde(default, deny_unknown_fields, rename_all = "kebab-case")]
struct Frame {
    world: Option<String>,
    interfaces: String,
    schema: Option<String>,
    imports: String,
    fields: String,
    describe: String,
    configure: String,
    decide: String,
    realloc: String,
    gives_back: Option<bool>,
    memory: Option<String>,
}

/// What it is granted beside the least.
#[derive(Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
struct Granted {
    log: Option<bool>,
    evidence: Vec<String>,
    facts: Vec<String>,
    files: bool,
}

/// Limits that differ from those that all hostile guests have.
#[derive(Default, Deserialize)]
#[serde(default, deny_unknown_fields, rename_all = "kebab-case")]
struct Limited {
    fuel: Option<u64>,
    memory: Option<u64>,
    result_size: Option<u64>,
    wall_clock_ms: Option<u64>,
}

impl Limited {
    /// Small, so that all of them are through soon; the clock is generous, so that it is never what stops a guest which
    /// does not ask for that.
    fn limits(&self) -> Limits {
        Limits {
            fuel: self.fuel.unwrap_or(50_000_000),
            memory: self.memory.unwrap_or(16 << 20),
            result_size: self.result_size.unwrap_or(64 << 10),
            wall_clock: Duration::from_millis(self.wall_clock_ms.unwrap_or(20_000)),
            ..Limits::default()
        }
    }
}

impl File {
    fn read(path: &Path) -> Result<Self, Unreadable> {
        let text = fs::read_to_string(path).map_err(|error| Unreadable::new(path, &error))?;
        toml::from_str(&text).map_err(|error| Unreadable::new(path, &error))
    }

    fn listed(&self, path: &Path) -> Listed {
        Listed {
            name: path.file_stem().unwrap_or_default().to_string_lossy().into_owned(),
            what: self.what.clone(),
            must: Met { at: self.at.clone(), failure: self.failure.clone() },
        }
    }
}

/// What is known of one without making it.
pub(super) fn list(path: &Path) -> Result<Listed, Unreadable> {
    Ok(File::read(path)?.listed(path))
}

/// Makes one, if it must meet what is `wanted`.
pub(super) fn read(path: &Path, wanted: impl Fn(&Met) -> bool) -> Result<Option<Hostile>, Unreadable> {
    let file = File::read(path)?;
    let Listed { name, what, must } = file.listed(path);
    if !wanted(&must) {
        return Ok(None);
    }
    let mut settings = json!({});
    let component = match (&file.component, &file.bytes, &file.guest, &file.rust) {
        (Some(wat), None, None, None) => {
            wat::parse_str(file.spelt_out(wat)).map_err(|error| Unreadable::new(path, &error))?
        }
        (None, Some(hex), None, None) => {
            bytes(hex).ok_or_else(|| Unreadable::new(path, &"`bytes` is no hexadecimal"))?
        }
        (None, None, Some(frame), None) => file.framed(frame),
        (None, None, None, Some(attack)) => {
            settings = json!({ "attack": attack });
            attacks(path)?
        }
        _ => return Err(Unreadable::new(path, &"it needs one of `component`, `bytes`, `guest` and `rust`")),
    };
    let grants = Grants {
        log: file.grants.log.unwrap_or(true),
        evidence: file.grants.evidence.clone(),
        facts: file.grants.facts.clone(),
        ..Grants::default()
    };
    Ok(Some(Hostile {
        name,
        component: padded(component, file.pad_to.unwrap_or_default()).into(),
        settings,
        grants,
        limits: file.limits.limits(),
        setup: file.setup.limits(),
        what,
        must,
        says: file.says,
        damage: file.damage,
        peer: file.peer,
        files: file.grants.files,
    }))
}

impl File {
    fn framed(&self, frame: &Frame) -> Vec<u8> {
        let usual = Guest::default();
        let schema = self.spelt_out(frame.schema.as_deref().unwrap_or(usual.schema));
        let (imports, fields) = (self.spelt_out(&frame.imports), self.spelt_out(&frame.fields));
        let [describe, configure, decide] =
            [&frame.describe, &frame.configure, &frame.decide].map(|text| self.spelt_out(text));
        Guest {
            world: frame.world.as_deref().unwrap_or(usual.world),
            interfaces: &frame.interfaces,
            schema: &schema,
            imports: &imports,
            fields: &fields,
            describe: &describe,
            configure: &configure,
            decide: &decide,
            realloc: &frame.realloc,
            gives_back: frame.gives_back.unwrap_or(usual.gives_back),
            memory: frame.memory.as_deref().unwrap_or(usual.memory),
        }
        .component()
    }

    /// The text with everything that is to be repeated in its place, also in what is repeated.
    fn spelt_out(&self, text: &str) -> String {
        self.repeat.iter().fold(text.to_owned(), |text, (name, repeat)| {
            let place = format!("{{{name}}}");
            if text.contains(&place) { text.replace(&place, &self.spelt_out(&repeat.spelt_out())) } else { text }
        })
    }
}

impl Repeat {
    fn spelt_out(&self) -> String {
        let numbered = self.text.contains("{n}") || self.text.contains("{next}");
        let mut all = if numbered {
            let time = |n: usize| self.text.replace("{n}", &n.to_string()).replace("{next}", &(n + 1).to_string());
            (0..self.times).map(time).collect()
        } else {
            self.text.repeat(self.times)
        };
        all.push_str(&self.close.repeat(self.times));
        all
    }
}

/// The guest in Rust, which attacks as its settings say.
fn attacks(path: &Path) -> Result<Vec<u8>, Unreadable> {
    let built = crate::tree("../hostile/attacks.wasm");
    fs::read(&built).map_err(|error| {
        let built = built.display();
        Unreadable::new(path, &format_args!("it needs `{built}`: {error}: run `cargo xtask dist` first"))
    })
}

/// What pairs of hexadecimal digits, with spaces between them at will, stand for.
fn bytes(hex: &str) -> Option<Vec<u8>> {
    let digits: Vec<u32> = hex.chars().filter(|c| *c != ' ').map(|c| c.to_digit(16)).collect::<Option<_>>()?;
    digits.chunks(2).map(|pair| u8::try_from(pair.first()? * 16 + pair.get(1)?).ok()).collect()
}

/// A component with a custom section behind it that makes it that large.
fn padded(mut component: Vec<u8>, size: usize) -> Vec<u8> {
    // The id of a custom section, its length in five bytes, and its name, which is empty, in one.
    const HEAD: usize = 7;
    let Some(length) = size.checked_sub(component.len() + HEAD) else { return component };
    let length = u32::try_from(length + 1).unwrap();
    component.push(0);
    component.extend((0..5).map(|byte| (length >> (7 * byte)) as u8 & 0x7f | if byte < 4 { 0x80 } else { 0 }));
    component.resize(size, 0);
    component
}
