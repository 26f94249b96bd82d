//! Tables and lists of facts, as wide as the terminal, and the choice between them and JSON.

use clap::ValueEnum;
use tabled::builder::Builder;
use tabled::settings::object::Columns;
use tabled::settings::{Modify, Padding, Style};
use textwrap::core::display_width;
use textwrap::wrap;

use crate::terminal::{self, FAINT, styled};

/// The output format of commands that do not print decisions.
#[derive(Clone, Copy, Debug, Default, ValueEnum)]
pub(crate) enum OutputFormat {
    /// Text for people.
    #[default]
    Table,
    /// JSON for tools.
    Json,
}

/// A table with column titles, at most as wide as the terminal: the last column is wrapped.
pub(crate) fn grid(titles: &[&str], rows: Vec<Vec<String>>) -> String {
    let titles = titles.iter().map(|title| if title.is_empty() { String::new() } else { styled(FAINT, title) });
    laid_out(std::iter::once(titles.collect()).chain(rows).collect())
}

/// A table of names and values, without column titles.
pub(crate) fn fields(rows: Vec<(&str, String)>) -> String {
    laid_out(rows.into_iter().map(|(name, value)| vec![styled(FAINT, name), value]).collect())
}

/// The space between columns and before the first, in characters.
const GAP: usize = 2;
/// A last column narrower than this many characters is not wrapped.
const NARROWEST: usize = 20;

fn laid_out(mut rows: Vec<Vec<String>>) -> String {
    let columns = rows.iter().map(Vec::len).max().unwrap_or_default();
    let width_of = |rows: &[Vec<String>], column: usize| {
        let cells = rows.iter().filter_map(|row| row.get(column));
        cells.flat_map(|cell| cell.lines()).map(display_width).max().unwrap_or_default()
    };
    let taken: usize = (0..columns.saturating_sub(1)).map(|column| width_of(&rows, column) + GAP).sum::<usize>() + GAP;
    if let Some(left) = terminal::width().and_then(|width| width.checked_sub(taken)).filter(|left| *left >= NARROWEST) {
        let options = terminal::wrap_options(left);
        for cell in rows.iter_mut().filter_map(|row| row.get_mut(columns - 1)) {
            *cell = cell.lines().flat_map(|line| wrap(line, &options)).collect::<Vec<_>>().join("\n");
        }
    }
    let mut builder = Builder::default();
    rows.into_iter().for_each(|row| builder.push_record(row));
    let mut table = builder.build();
    table
        .with(Style::empty())
        .with(Padding::new(0, GAP, 0, 0))
        .with(Modify::new(Columns::first()).with(Padding::new(GAP, GAP, 0, 0)));
    table.to_string().lines().map(str::trim_end).collect::<Vec<_>>().join("\n")
}
