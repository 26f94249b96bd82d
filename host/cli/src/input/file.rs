//! Reads files: they must exist, be files, be small enough, and be UTF-8 where text is expected.

use std::fs::File;
use std::io::{self, Read as _};
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use crate::diagnostic::{Diagnostic, InvalidInput, SourceText};

/// The largest deployment, snapshot, decision or settings file: 16 MiB.
pub(super) const LARGEST_DOCUMENT: u64 = 16 << 20;

/// The largest piece of evidence: 64 MiB.
pub(super) const LARGEST_EVIDENCE: u64 = 64 << 20;

/// The largest signature beside a piece of evidence: 64 KiB.
pub(super) const LARGEST_SIGNATURE: u64 = 64 << 10;

/// The largest file with entries of a register, or samples: 64 MiB.
pub(super) const LARGEST_REGISTER: u64 = LARGEST_EVIDENCE;

/// Whether standard input was read already: read again, it would be empty.
static STANDARD_INPUT_TAKEN: AtomicBool = AtomicBool::new(false);

/// Reads a file; `-` is standard input. Messages call it `what`, for example "deployment".
///
/// # Errors
/// If the file does not exist, cannot be read, or has more than `largest` bytes.
pub(crate) fn read_bytes(path: &Path, what: &str, largest: u64) -> Result<Vec<u8>, InvalidInput> {
    let name = path.display();
    let unreadable = |error: &io::Error| Diagnostic::error(format!("cannot read the {what} `{name}`: {error}"));
    let reader: Box<dyn io::Read> = if path == Path::new("-") {
        if STANDARD_INPUT_TAKEN.swap(true, Ordering::Relaxed) {
            let title =
                format!("cannot read the {what} from standard input: another document was read from it already");
            return Err(Diagnostic::error(title).help("give all but one of them as files").into());
        }
        Box::new(io::stdin().lock())
    } else {
        let metadata = std::fs::metadata(path).map_err(|error| match error.kind() {
            io::ErrorKind::NotFound => not_found(path, what),
            _ => unreadable(&error),
        })?;
        if metadata.is_dir() {
            return Err(Diagnostic::error(format!("the {what} `{name}` is a folder, not a file"))
                .help(format!("give a file{}", examples_in(path)))
                .into());
        }
        if metadata.len() > largest {
            return Err(too_large(path, what, &size(metadata.len()), largest));
        }
        Box::new(File::open(path).map_err(|error| unreadable(&error))?)
    };
    let mut bytes = Vec::new();
    reader.take(largest + 1).read_to_end(&mut bytes).map_err(|error| unreadable(&error))?;
    if bytes.len() as u64 > largest {
        return Err(too_large(path, what, "more bytes", largest));
    }
    Ok(bytes)
}

/// Reads a text file. A byte order mark at its start is dropped.
///
/// # Errors
/// As [`read_bytes`], or if the file is empty or not UTF-8.
pub(crate) fn read_text(path: &Path, what: &str, largest: u64) -> Result<Arc<SourceText>, InvalidInput> {
    let source = read_text_or_nothing(path, what, largest)?;
    if source.text.trim().is_empty() {
        return Err(Diagnostic::error(format!("the {what} `{}` is empty", source.name))
            .help("was it written completely?")
            .into());
    }
    Ok(source)
}

/// Reads a text file, which may be empty. A byte order mark at its start is dropped.
///
/// # Errors
/// As [`read_bytes`], or if the file is not UTF-8.
pub(super) fn read_text_or_nothing(path: &Path, what: &str, largest: u64) -> Result<Arc<SourceText>, InvalidInput> {
    let bytes = read_bytes(path, what, largest)?;
    let name = path.display().to_string();
    let mut text = String::from_utf8(bytes).map_err(|error| {
        let valid = error.utf8_error().valid_up_to();
        let bytes = error.as_bytes();
        let line = bytes.iter().take(valid).filter(|byte| **byte == b'\n').count() + 1;
        let found = bytes.get(valid).copied().unwrap_or_default();
        let diagnostic = Diagnostic::error(format!("the {what} `{name}` is not UTF-8"))
            .note(format!("byte {valid} (line {line}) is 0x{found:02x}, which is invalid there"));
        InvalidInput::from(diagnostic.help(match bytes {
            [0xff, 0xfe, ..] | [0xfe, 0xff, ..] => "it looks like UTF-16: save it as UTF-8",
            _ => "save it as UTF-8",
        }))
    })?;
    if text.starts_with('\u{feff}') {
        text.drain(..'\u{feff}'.len_utf8());
    }
    Ok(Arc::new(SourceText { name, text }))
}

/// The diagnostic for a file that does not exist, with the name that was probably meant.
pub(crate) fn not_found(path: &Path, what: &str) -> Diagnostic {
    let diagnostic = Diagnostic::error(format!("{what} not found: `{}`", path.display()));
    let parent = path.parent().filter(|parent| !parent.as_os_str().is_empty()).unwrap_or(Path::new("."));
    let Ok(entries) = std::fs::read_dir(parent) else {
        return diagnostic.help(format!("the folder `{}` does not exist", parent.display()));
    };
    let names: Vec<String> = entries.flatten().filter_map(|entry| entry.file_name().into_string().ok()).collect();
    let wanted = path.file_name().and_then(|name| name.to_str()).unwrap_or_default();
    match lockgate_domain::closest(wanted, names.iter().map(String::as_str)) {
        Some(near) => diagnostic.help(format!("did you mean `{}`?", path.with_file_name(near).display())),
        None => match std::env::current_dir() {
            Ok(current) if path.is_relative() => {
                diagnostic.note(format!("the working folder is `{}`", current.display()))
            }
            _ => diagnostic,
        },
    }
}

fn examples_in(folder: &Path) -> String {
    let entries = std::fs::read_dir(folder).into_iter().flatten().flatten();
    let is_wanted = |name: &String| match Path::new(name).extension().and_then(|extension| extension.to_str()) {
        Some(extension) => ["json", "toml", "wasm", "zst", "xml"].contains(&extension),
        None => false,
    };
    let mut names: Vec<String> = entries
        .filter(|entry| entry.file_type().is_ok_and(|kind| kind.is_file()))
        .filter_map(|entry| entry.file_name().into_string().ok())
        .filter(is_wanted)
        .collect();
    names.sort();
    names.truncate(5);
    if names.is_empty() { String::new() } else { format!(", for example `{}`", names.join("`, `")) }
}

fn too_large(path: &Path, what: &str, found: &str, largest: u64) -> InvalidInput {
    let diagnostic = Diagnostic::error(format!("the {what} `{}` is too large", path.display()))
        .note(format!("it has {found}; the limit is {}", size(largest)));
    match largest {
        // Nothing may be larger than evidence.
        LARGEST_EVIDENCE => diagnostic.into(),
        _ => {
            let path = path.display();
            diagnostic.help(format!("pass large documents as evidence: `--evidence <name>={path}`")).into()
        }
    }
}

/// A number of bytes for people, for example `12 bytes`, `4.0 KiB` or `47.7 MiB`.
pub(crate) fn size(bytes: u64) -> String {
    #[expect(clippy::cast_precision_loss, reason = "one digit after the point is shown")]
    let scaled = |unit: u64| bytes as f64 / unit as f64;
    match bytes {
        0..1024 => format!("{bytes} bytes"),
        1024..0x10_0000 => format!("{:.1} KiB", scaled(1 << 10)),
        _ => format!("{:.1} MiB", scaled(1 << 20)),
    }
}
