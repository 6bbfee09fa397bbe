//! A key-value server that speaks the Redis protocol, built as a graph of actors.
//!
//! ```text
//!                    kv (rest_for_one)
//!      ╱           ╱            ╲              ╲
//!   pubsub     shards         connections      acceptor
//!              (one_for_one)  (dynamic)            │ accepts, hands over
//!              ╱   │   ╲       │  │  │             ▼
//!           shard shard shard  one for each client
//! ```
//!
//! `cargo run --release --example kv` serves on 127.0.0.1:6399; `-- --help` lists the flags and
//! `-- --demo 5` lets it be driven by clients of its own while shards are crashed.

mod acceptor;
mod command;
mod connection;
mod demo;
mod errors;
mod glob;
mod inflight;
mod journal;
mod latency;
mod local;
mod options;
mod pubsub;
mod route;
mod server;
mod shard;
mod store;
mod wire;

use std::process::ExitCode;

use options::Parsed;

fn main() -> ExitCode {
    let options = match options::parse(std::env::args().skip(1)) {
        Ok(Parsed::Run(options)) => options,
        Ok(Parsed::Help) => {
            print!("{}", options::HELP);
            return ExitCode::SUCCESS;
        }
        Err(error) => {
            eprintln!("kv: {error}");
            return ExitCode::from(2);
        }
    };
    let level = if options.demo.is_some() { tracing::Level::ERROR } else { tracing::Level::INFO };
    tracing_subscriber::fmt().with_max_level(level).with_writer(std::io::stderr).init();
    let outcome = match options.demo {
        Some(length) => demo::run(options, length),
        None => greenroom::run(async |system| server::serve(system, options).await),
    };
    match outcome {
        Ok(()) => ExitCode::SUCCESS,
        Err(fault) => {
            eprintln!("kv: {fault:#}");
            ExitCode::FAILURE
        }
    }
}
