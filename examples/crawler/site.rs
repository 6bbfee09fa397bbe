//! A server on a free port of this machine, some of whose pages misbehave on purpose.

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::time::Duration;

use futures::AsyncWriteExt as _;
use greenroom::io::Reader;
use greenroom::net::{Connection, ServerOptions, TcpListener, serve};
use greenroom::prelude::*;
use greenroom::time::sleep;

use crate::http::Url;

const PAGES: usize = 24;

/// Opens it; it serves until the loop ends. Its pages.
pub(crate) async fn open() -> Result<Vec<Url>, Fault> {
    let listener = TcpListener::bind("127.0.0.1:0").await?;
    let visits = RefCell::new(BTreeMap::new());
    let handler = async move |connection: Connection| answer(connection, &visits).await;
    let server = serve(listener, ServerOptions::new().max_connections(100), handler);
    let root = server.local_addrs()[0];
    (1..=PAGES).map(|page| format!("http://{root}/{page}").parse()).collect()
}

async fn answer(
    connection: Connection,
    visits: &RefCell<BTreeMap<usize, u32>>,
) -> Result<(), Fault> {
    let mut reader = Reader::new(&connection);
    let request = String::from_utf8_lossy(reader.read_until("\r\n\r\n").await?).into_owned();
    let path = request.split(' ').nth(1).unwrap_or_default();
    let page: usize = path.trim_start_matches('/').parse().unwrap_or(0);
    let visit = {
        let mut visits = visits.borrow_mut();
        let visit = visits.entry(page).or_insert(0);
        *visit += 1;
        *visit
    };
    let body = html(page);
    let (status, body) = match (page, visit) {
        (5, 1) | (21, _) => ("500 Internal Server Error", String::new()),
        (18, _) => ("404 Not Found", String::new()),
        // The connection is dropped half-way.
        (9, 1) => ("200 OK", body[..body.len() / 2].to_owned()),
        (PAGES, _) => {
            sleep(Duration::from_secs(3600)).await;
            ("200 OK", body)
        }
        _ => ("200 OK", body),
    };
    // The three ways to say where a body ends.
    let (field, body) = match page % 3 {
        0 => (format!("Content-Length: {}\r\n", html(page).len()), body),
        1 => ("Transfer-Encoding: chunked\r\n".to_owned(), chunks(&body)),
        _ => (String::new(), body),
    };
    let answer = format!("HTTP/1.1 {status}\r\n{field}Connection: close\r\n\r\n{body}");
    Ok((&connection).write_all(answer.as_bytes()).await?)
}

fn html(page: usize) -> String {
    let links: String =
        (1..=page % 5).map(|to| format!("<a href=\"/{to}\">page {to}</a> ")).collect();
    let text = "all the world is a stage ".repeat(page * 50);
    format!("<html><title>Page {page}</title><body>{links}<p>{text}</p></body></html>")
}

fn chunks(body: &str) -> String {
    let chunks = body.as_bytes().chunks(1000).map(String::from_utf8_lossy);
    let chunks: String = chunks.map(|chunk| format!("{:x}\r\n{chunk}\r\n", chunk.len())).collect();
    chunks + "0\r\n\r\n"
}
