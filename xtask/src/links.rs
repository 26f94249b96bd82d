//! The links of Markdown pages: written anew where a page is laid out elsewhere, and checked where it lies.

use std::collections::BTreeSet;
use std::fs;
use std::ops::Range;
use std::path::{Component, Path, PathBuf};

use anyhow::{Context as _, Result};

/// Where a path of the repository lies in the tree that is laid out. The first that fits counts, for a folder also for all
/// that is in it.
pub(crate) type Places = Vec<(PathBuf, PathBuf)>;

/// A page, with the links that lead to the repository leading to where their targets are in the tree. What the tree does not
/// have is linked to in the repository at `home`, as registries do it.
///
/// # Errors
/// A link leads nowhere in the repository at `root`.
pub(crate) fn relinked(page: &str, from: &Path, to: &Path, places: &Places, root: &Path, home: &str) -> Result<String> {
    let mut written = String::with_capacity(page.len());
    let mut copied = 0;
    for link in links(page) {
        let (target, anchor) = split(page.get(link.clone()).unwrap_or_default());
        if target.is_empty() {
            continue;
        }
        let found = normal(&from.parent().unwrap_or(Path::new("")).join(target));
        let found =
            found.with_context(|| format!("`{}` links to `{target}`, outside of the repository", from.display()))?;
        let there = root.join(&found);
        anyhow::ensure!(there.exists(), "`{}` links to `{target}`, which is not there", from.display());
        let place = places.iter().find_map(|(prefix, place)| Some(place.join(found.strip_prefix(prefix).ok()?)));
        let link_to = match place {
            Some(place) => relative(&place, to.parent().unwrap_or(Path::new(""))),
            None => {
                let kind = if there.is_dir() { "tree" } else { "blob" };
                format!("{home}/{kind}/HEAD/{}", slashes(&found))
            }
        };
        written.push_str(page.get(copied..link.start).unwrap_or_default());
        written.push_str(&format!("{link_to}{anchor}"));
        copied = link.end;
    }
    written.push_str(page.get(copied..).unwrap_or_default());
    Ok(written)
}

/// What is wrong with the links of all Markdown pages below a folder: each says which page, and which link.
///
/// # Errors
/// A file or folder cannot be read.
pub(crate) fn broken(folder: &Path) -> Result<Vec<String>> {
    let mut wrong = Vec::new();
    for path in pages(folder)? {
        let page = read(&path)?;
        for link in links(&page) {
            let link = page.get(link).unwrap_or_default();
            let (target, anchor) = split(link);
            let there = if target.is_empty() { path.clone() } else { path.parent().unwrap_or(folder).join(target) };
            let name = path.strip_prefix(folder).unwrap_or(&path).display();
            if !there.exists() {
                wrong.push(format!("{name}: `{link}` is not there"));
            } else if let Some(heading) = anchor.strip_prefix('#')
                && there.extension().is_some_and(|extension| extension == "md")
                && !anchors(&read(&there)?).contains(heading)
            {
                wrong.push(format!("{name}: `{link}` names no heading"));
            }
        }
    }
    Ok(wrong)
}

/// All Markdown files below a folder, in order.
///
/// # Errors
/// A folder cannot be read.
pub(crate) fn pages(folder: &Path) -> Result<Vec<PathBuf>> {
    let mut found = Vec::new();
    let entries = fs::read_dir(folder).with_context(|| format!("cannot read the folder `{}`", folder.display()))?;
    for entry in entries {
        let path = entry.with_context(|| format!("cannot read the folder `{}`", folder.display()))?.path();
        if path.is_dir() {
            found.extend(pages(&path)?);
        } else if path.extension().is_some_and(|extension| extension == "md") {
            found.push(path);
        }
    }
    found.sort();
    Ok(found)
}

fn read(path: &Path) -> Result<String> {
    fs::read_to_string(path).with_context(|| format!("cannot read `{}`", path.display()))
}

/// Where in a page the targets of its links are that lead to other files or to headings. Those of code, and those that lead
/// to other places on the network, are left out.
fn links(page: &str) -> Vec<Range<usize>> {
    let mut found = Vec::new();
    let (mut start, mut fence) = (0, None);
    for line in page.split_inclusive('\n') {
        let text = line.trim_start();
        let mark = ["```", "~~~"].into_iter().find(|mark| text.starts_with(mark));
        match (fence, mark) {
            (None, Some(_)) => fence = mark,
            (Some(open), Some(mark)) if open == mark => fence = None,
            (None, None) => found.extend(links_of(line).into_iter().map(|link| start + link.start..start + link.end)),
            _ => {}
        }
        start += line.len();
    }
    found.retain(|link| {
        let target = page.get(link.clone()).unwrap_or_default();
        !target.contains("://") && !target.starts_with("mailto:")
    });
    found
}

/// The same in one line of text, whatever the targets are.
fn links_of(line: &str) -> Vec<Range<usize>> {
    let mut found = Vec::new();
    let mut at = 0;
    while let Some(begin) = line.get(at..).and_then(|rest| rest.find("](")).map(|place| at + place + 2) {
        let Some(length) = line.get(begin..).and_then(|rest| rest.find(')')) else { break };
        // Within code, it is no link.
        if line.get(..begin).is_some_and(|before| before.matches('`').count() % 2 == 0) {
            found.push(begin..begin + length);
        }
        at = begin + length;
    }
    found
}

/// A target without its anchor, and the anchor with its `#`.
fn split(link: &str) -> (&str, &str) {
    link.find('#').and_then(|at| link.split_at_checked(at)).unwrap_or((link, ""))
}

/// The anchors of a page's headings, as GitHub makes them.
fn anchors(page: &str) -> BTreeSet<String> {
    let mut found = BTreeSet::new();
    let mut in_code = false;
    for line in page.lines() {
        in_code ^= line.trim_start().starts_with("```");
        let Some(heading) = line.strip_prefix('#').filter(|_| !in_code) else { continue };
        // Of a link, only the text counts.
        let mut text = heading.trim_start_matches('#').trim().to_owned();
        for link in links_of(&text).into_iter().rev() {
            text.replace_range(link.start - 1..link.end + 1, "");
        }
        let letters = text
            .to_lowercase()
            .chars()
            .filter_map(|c| match c {
                ' ' => Some('-'),
                c if c.is_alphanumeric() || c == '-' || c == '_' => Some(c),
                _ => None,
            })
            .collect::<String>();
        found.insert(letters);
    }
    found
}

/// A path without `.` and `..`; none if it leads out.
fn normal(path: &Path) -> Option<PathBuf> {
    let mut normal = PathBuf::new();
    for component in path.components() {
        match component {
            Component::Normal(name) => normal.push(name),
            Component::CurDir => {}
            Component::ParentDir => {
                if !normal.pop() {
                    return None;
                }
            }
            Component::RootDir | Component::Prefix(_) => return None,
        }
    }
    Some(normal)
}

/// The way from a folder to a path; both are relative to the same place.
fn relative(path: &Path, folder: &Path) -> String {
    let common = path.components().zip(folder.components()).take_while(|(one, other)| one == other).count();
    let up = folder.components().skip(common).map(|_| "..".to_owned());
    let down = path.components().skip(common).map(|part| part.as_os_str().to_string_lossy().into_owned());
    let parts: Vec<String> = up.chain(down).collect();
    if parts.is_empty() { ".".to_owned() } else { parts.join("/") }
}

fn slashes(path: &Path) -> String {
    path.components().map(|part| part.as_os_str().to_string_lossy()).collect::<Vec<_>>().join("/")
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

    use super::*;

    const PAGE: &str = "\
# A page

[one](two.md#part) and [the guide](../guide/), `[no](code.md)`, [net](https://example.org/x.md), [here](#a-page)

```md
[no](code.md)
```
";

    #[test]
    fn links_in_code_and_to_the_network_are_none_of_ours() {
        let found: Vec<&str> = links(PAGE).into_iter().map(|link| &PAGE[link]).collect();
        assert_eq!(found, ["two.md#part", "../guide/", "#a-page"]);
    }

    #[test]
    fn a_page_that_is_laid_out_elsewhere_leads_to_where_its_targets_are() {
        let root = tempfile::tempdir().unwrap();
        for folder in ["docs", "guide", "tests"] {
            fs::create_dir_all(root.path().join(folder)).unwrap();
        }
        fs::write(root.path().join("docs/two.md"), "# Part").unwrap();
        let page = "[two](two.md#part) [guide](../guide) [tests](../tests) [self](#top)";
        let places = vec![("docs".into(), "manual/docs".into()), ("guide".into(), "guide".into())];
        let relinked = |page| {
            relinked(page, Path::new("docs/one.md"), Path::new("manual/one.md"), &places, root.path(), "https://home")
        };
        assert_eq!(
            relinked(page).unwrap(),
            "[two](docs/two.md#part) [guide](../guide) [tests](https://home/tree/HEAD/tests) [self](#top)"
        );
        let wrong = relinked("[gone](gone.md)").unwrap_err().to_string();
        assert_eq!(wrong, "`docs/one.md` links to `gone.md`, which is not there");
    }

    #[test]
    fn a_link_to_nothing_and_one_to_no_heading_are_broken() {
        let folder = tempfile::tempdir().unwrap();
        fs::write(
            folder.path().join("one.md"),
            "# `model check` & [more](two.md)\n[a](two.md#good-news) [b](two.md#bad) [c](x) [d](#model-check--more)",
        )
        .unwrap();
        fs::write(folder.path().join("two.md"), "## Good news").unwrap();
        assert_eq!(
            broken(folder.path()).unwrap(),
            ["one.md: `two.md#bad` names no heading", "one.md: `x` is not there"]
        );
    }
}
