//! Prints the description of the endpoint: `cargo xtask openapi` writes it into `docs/openapi.json`.

fn main() {
    print!("{}", lockgate_server::api::openapi_text());
}
