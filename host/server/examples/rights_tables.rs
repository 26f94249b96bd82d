//! Prints `docs/authentication.md` with its tables of rights made anew: `cargo xtask openapi` writes them into the page.

use std::error::Error;

fn main() -> Result<(), Box<dyn Error>> {
    let page = std::fs::read_to_string(concat!(env!("CARGO_MANIFEST_DIR"), "/../../docs/authentication.md"))?;
    print!("{}", lockgate_server::api::with_rights_tables(&page)?);
    Ok(())
}
