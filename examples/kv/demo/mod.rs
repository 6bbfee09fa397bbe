//! `--demo`: the server, driven by real clients from another thread while its shards are crashed.
//!
//! The clients count what they were promised: every `INCR` that was answered must be in the counter
//! at the end, whatever crashed meanwhile. An `INCR` that was answered by an error may be there or
//! not; the error said so.

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::io::Write as _;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::rc::Rc;
use std::time::Duration;

use futures::channel::oneshot;
use greenroom::prelude::*;
use greenroom::{EventLoop, task, time};

use crate::latency::{Histogram, human};
use crate::options::Options;
use crate::server;

mod client;

use client::Client;

const CLIENTS: usize = 64;
/// Counters that each client owns, so that it knows what they must be.
const COUNTERS: usize = 8;
const CRASH_EVERY: Duration = Duration::from_millis(200);

/// Runs server and clients for `length` and prints what happened.
///
/// # Errors
/// When a reply is missing, or something is lost that was promised.
pub(crate) fn run(mut options: Options, length: Duration) -> Result<(), Fault> {
    let scratch = Scratch::for_demo(&mut options)?;
    let panics = std::panic::take_hook();
    std::panic::set_hook(Box::new(move |info| {
        // Crashes on purpose would only hide the live line.
        let text = info.payload().downcast_ref::<String>().map_or("", String::as_str);
        if !text.starts_with("DEBUG PANIC") {
            panics(info);
        }
    }));
    let outcome = greenroom::run(async |system| {
        let server = server::start(system, options).await?;
        println!("kv listening on {}", server.address);
        println!("{CLIENTS} clients for {length:?}, a shard is crashed every {CRASH_EVERY:?}");
        let address = server.address;
        let (done, finished) = oneshot::channel();
        std::thread::Builder::new().name("kv-demo".to_owned()).spawn(move || {
            let _ = done.send(drive(address, length));
        })?;
        let mut report = finished.await??;
        report.restarts = server.shared.counters.restarts.get();
        server.tree.stop();
        server.until_stopped().await?;
        Ok::<Report, Fault>(report)
    });
    drop(scratch);
    let report = outcome?;
    report.print(length);
    report.verdict()
}

/// A directory for the journal when none was given; it is removed in the end.
struct Scratch(Option<PathBuf>);

impl Scratch {
    fn for_demo(options: &mut Options) -> Result<Self, Fault> {
        if options.dir.is_some() {
            return Ok(Self(None));
        }
        let path = std::env::temp_dir().join(format!("greenroom-kv-demo-{}", std::process::id()));
        std::fs::create_dir_all(&path)?;
        options.dir = Some(path.clone());
        Ok(Self(Some(path)))
    }
}

impl Drop for Scratch {
    fn drop(&mut self) {
        if let Some(path) = &self.0 {
            // What cannot be removed is in the system's temporary directory.
            let _ = std::fs::remove_dir_all(path);
        }
    }
}

/// What the clients saw.
#[derive(Default)]
struct Report {
    requests: u64,
    errors: BTreeMap<String, u64>,
    missing: u64,
    lost: u64,
    crashes: u64,
    restarts: u64,
    latency: Histogram,
}

impl Report {
    fn print(&self, length: Duration) {
        let per_second = self.requests as f64 / length.as_secs_f64();
        println!("\n{:<28}{:>14}", "requests", self.requests);
        println!("{:<28}{per_second:>14.0}", "requests a second");
        for (kind, count) in &self.errors {
            println!("{:<28}{count:>14}", format!("errors: {kind}"));
        }
        println!("{:<28}{:>14}", "replies missing", self.missing);
        println!("{:<28}{:>14}", "acknowledged writes lost", self.lost);
        println!("{:<28}{:>14}", "shards crashed", self.crashes);
        println!("{:<28}{:>14}", "shard restarts", self.restarts);
        println!("{:<28}{:>14}", "latency p50", human(self.latency.p50()));
        println!("{:<28}{:>14}", "latency p99", human(self.latency.p99()));
    }

    fn verdict(&self) -> Result<(), Fault> {
        let unexpected: Vec<_> =
            self.errors.keys().filter(|kind| kind.as_str() != "CRASHED").collect();
        if self.missing > 0 || self.lost > 0 {
            let text = format!("{} replies missing, {} writes lost", self.missing, self.lost);
            return Err(Fault::new(text));
        }
        if !unexpected.is_empty() {
            return Err(Fault::new(format!("errors that no crash explains: {unexpected:?}")));
        }
        if self.requests == 0 || self.crashes == 0 || self.restarts < self.crashes {
            return Err(Fault::new("nothing was shown: too few requests, crashes or restarts"));
        }
        println!("nothing was lost that was promised");
        Ok(())
    }
}

/// All clients, on a loop of their own.
fn drive(address: SocketAddr, length: Duration) -> Result<Report, Fault> {
    EventLoop::new()?.run(async {
        let report = Rc::new(RefCell::new(Report::default()));
        let end = time::now() + length;
        let progress = task::spawn(show_progress(Rc::clone(&report), end));
        let crasher = task::spawn(crash(address, end, Rc::clone(&report)));
        let clients: Vec<_> = (0..CLIENTS)
            .map(|number| task::spawn(count(address, number, end, Rc::clone(&report))))
            .collect();
        crasher.await??;
        let mut counted = Vec::new();
        for client in clients {
            counted.push(client.await??);
        }
        progress.await?;
        check(address, &counted, &report).await?;
        Ok(report.take())
    })
}

async fn show_progress(report: Rc<RefCell<Report>>, end: std::time::Instant) {
    let mut ticks = time::interval(Duration::from_millis(250));
    while time::now() < end {
        ticks.tick().await;
        let report = report.borrow();
        let errors: u64 = report.errors.values().sum();
        print!(
            "\r{:>10} requests  {errors:>5} errors  {:>4} crashes  p99 {:>9}   ",
            report.requests,
            report.crashes,
            human(report.latency.p99()),
        );
        let _ = std::io::stdout().flush();
    }
}

/// Crashes the shards, one after another.
async fn crash(
    address: SocketAddr,
    end: std::time::Instant,
    report: Rc<RefCell<Report>>,
) -> Result<(), Fault> {
    let mut client = Client::connect(address).await?;
    let mut ticks = time::interval(CRASH_EVERY);
    ticks.tick().await;
    for number in 0_u64.. {
        ticks.tick().await;
        if time::now() >= end {
            break;
        }
        let answer = client.ask(&["DEBUG", "PANIC", &format!("crash:{number}")]).await?;
        match answer {
            Err(error) if error.starts_with("CRASHED") => report.borrow_mut().crashes += 1,
            other => return Err(Fault::new(format!("DEBUG PANIC was answered by {other:?}"))),
        }
    }
    Ok(())
}

/// What one client was promised about its counters.
struct Counted {
    number: usize,
    acknowledged: [u64; COUNTERS],
    unknown: [u64; COUNTERS],
}

fn counter(client: usize, index: usize) -> String {
    format!("demo:{}:{client}:{index}", std::process::id())
}

/// Counts up until the end.
async fn count(
    address: SocketAddr,
    number: usize,
    end: std::time::Instant,
    report: Rc<RefCell<Report>>,
) -> Result<Counted, Fault> {
    let mut client = Client::connect(address).await?;
    let (acknowledged, unknown) = ([0; COUNTERS], [0; COUNTERS]);
    let mut counted = Counted { number, acknowledged, unknown };
    for round in 0_usize.. {
        let begun = time::now();
        if begun >= end {
            break;
        }
        let index = round % COUNTERS;
        let key = counter(number, index);
        let reading = round % 5 == 4;
        let request = if reading { ["GET", key.as_str()] } else { ["INCR", key.as_str()] };
        let asked = time::timeout(Duration::from_secs(10), client.ask(&request)).await;
        let mut report = report.borrow_mut();
        report.requests += 1;
        let Ok(Ok(answer)) = asked else {
            report.missing += 1;
            break;
        };
        report.latency.record_duration(time::now() - begun);
        match answer {
            Ok(value) => {
                let (least, most) = (
                    counted.acknowledged[index] + u64::from(!reading),
                    counted.acknowledged[index] + counted.unknown[index] + u64::from(!reading),
                );
                let value = value.parse().unwrap_or(0);
                report.lost += least.saturating_sub(value) + value.saturating_sub(most);
                if !reading {
                    counted.acknowledged[index] += 1;
                }
            }
            Err(error) => {
                let kind = error.split(' ').next().unwrap_or_default().to_owned();
                *report.errors.entry(kind).or_default() += 1;
                counted.unknown[index] += u64::from(!reading);
            }
        }
    }
    Ok(counted)
}

/// Compares every counter with what was promised about it.
async fn check(
    address: SocketAddr,
    counted: &[Counted],
    report: &RefCell<Report>,
) -> Result<(), Fault> {
    let mut client = Client::connect(address).await?;
    for counted in counted {
        for index in 0..COUNTERS {
            let answer = client.ask(&["GET", &counter(counted.number, index)]).await?;
            let value: u64 = answer.map_err(Fault::new)?.parse().unwrap_or(0);
            let least = counted.acknowledged[index];
            let most = least + counted.unknown[index];
            report.borrow_mut().lost += least.saturating_sub(value) + value.saturating_sub(most);
        }
    }
    Ok(())
}
