//! Fetches many pages side by side: with a limit, a time-out, retries, and parsing in the pool.
//!
//! Without arguments it crawls a server of its own, some of whose pages are slow or broken on
//! purpose (`site.rs`). Ctrl-C ends it in order: what is under way is dropped, what is done counts.
//!
//! ```text
//! cargo run --release --example crawler
//! cargo run --release --example crawler -- http://127.0.0.1:8000/ @list-of-urls.txt
//! ```

mod http;
mod site;

use std::collections::BTreeMap;
use std::fs::read_to_string;
use std::pin::pin;
use std::process::ExitCode;
use std::time::Duration;

use futures::StreamExt as _;
use greenroom::offload::{OffloadError, offload};
use greenroom::prelude::*;
use greenroom::task;
use greenroom::time::{Elapsed, sleep, timeout};

use http::{GetError, Url};

/// How many pages are fetched at once.
const CONCURRENCY: usize = 8;
/// How long one try may take.
const LIMIT: Duration = Duration::from_secs(2);
const TRIES: u32 = 3;
const FIRST_PAUSE: Duration = Duration::from_millis(100);

/// What a page says.
struct Page {
    title: String,
    links: usize,
    words: usize,
    bytes: usize,
}

/// Why there is no page.
#[derive(Debug, thiserror::Error)]
enum Failure {
    #[error(transparent)]
    TimedOut(#[from] Elapsed),
    #[error(transparent)]
    Get(#[from] GetError),
    #[error(transparent)]
    Parse(#[from] OffloadError),
}

/// One try: waiting for the network is for the loop, parsing is for a thread of the pool.
async fn fetch(url: &Url) -> Result<Page, Failure> {
    let body = timeout(LIMIT, http::get(url)).await??;
    Ok(offload(move || parse(&body)).await?)
}

/// Tries again after failures that may pass, and waits twice as long each time; with the URL and
/// the number of tries.
async fn visit(url: Url) -> (Url, u32, Result<Page, Failure>) {
    let (mut tries, mut pause) = (1, FIRST_PAUSE);
    loop {
        let outcome = fetch(&url).await;
        let may_pass = match &outcome {
            Err(Failure::TimedOut(_)) => true,
            Err(Failure::Get(error)) => error.may_pass(),
            Err(Failure::Parse(_)) | Ok(_) => false,
        };
        if tries == TRIES || !may_pass {
            return (url, tries, outcome);
        }
        sleep(pause).await;
        (tries, pause) = (tries + 1, pause * 2);
    }
}

/// A task for each URL, so many at a time; what they give comes in the order of the URLs.
async fn crawl(system: &System, urls: Vec<Url>) -> Result<ExitCode, Fault> {
    let urls = if std::env::args().len() > 1 { urls } else { site::open().await? };
    let (all, mut visited, mut retries, mut bytes) = (urls.len(), 0, 0, 0);
    let mut failures = BTreeMap::new();
    let visits = task::stream(urls, visit).max_concurrency(CONCURRENCY)?;
    let mut visits = pin!(visits.take_until(system.stopped()));
    while let Some(visit) = visits.next().await {
        let (url, tries, outcome) = visit?;
        match outcome {
            Ok(Page { title, links, words, bytes: more }) => {
                println!("{url}: {title:?}, {links} links, {words} words, tries: {tries}");
                bytes += more;
            }
            Err(failure) => {
                *failures.entry(failure.to_string()).or_insert(0) += 1;
                println!("{url}: {:#}, tries: {tries}", Fault::from(failure));
            }
        }
        (visited, retries) = (visited + 1, retries + tries - 1);
    }
    let failed: usize = failures.values().sum();
    println!("pages: {}, bytes: {bytes}, retries: {retries}, failed: {failed}", visited - failed);
    failures.iter().for_each(|(kind, times)| println!("- {kind}: {times}"));
    if visited < all {
        println!("interrupted: {} of {all} were not visited", all - visited);
        return Ok(ExitCode::from(130));
    }
    Ok(ExitCode::SUCCESS)
}

fn parse(body: &[u8]) -> Page {
    let html = String::from_utf8_lossy(body);
    let (mut title, mut links, mut words) = ("", 0, 0);
    for part in html.split('<') {
        let (tag, text) = part.split_once('>').unwrap_or(("", part));
        match tag.split_whitespace().next().unwrap_or_default() {
            "title" => title = text.trim(),
            "a" => links += 1,
            _ => {}
        }
        words += text.split_whitespace().count();
    }
    Page { title: title.to_owned(), links, words, bytes: body.len() }
}

/// Each argument is a URL, or `@` and a file with a list of them.
fn urls(arguments: impl Iterator<Item = String>) -> Result<Vec<Url>, Fault> {
    let mut list = String::new();
    for argument in arguments {
        match argument.strip_prefix('@') {
            Some(path) => {
                let named = |error| Fault::new(format!("{path}: {error}"));
                list += &read_to_string(path).map_err(named)?;
            }
            None => list += &argument,
        }
        list.push('\n');
    }
    list.split_whitespace().map(str::parse).collect()
}

fn main() -> Result<ExitCode, Fault> {
    match urls(std::env::args().skip(1)) {
        Ok(urls) => greenroom::run(async |system| crawl(system, urls).await),
        Err(wrong) => {
            eprintln!("crawler: {wrong}");
            Ok(ExitCode::from(2))
        }
    }
}
