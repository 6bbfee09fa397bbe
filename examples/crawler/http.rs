//! A GET by HTTP/1.1 over a plain `TcpStream`: as much of it as a crawler needs.
//!
//! For https, `futures-rustls` goes over a `TcpStream` too (`tests/it/net/tls.rs`); but whom to
//! trust is a matter of the machine, and too much for an example.

use std::fmt;
use std::io;
use std::str::FromStr;

use futures::AsyncWriteExt as _;
use greenroom::io::{ReadError, Reader};
use greenroom::net::TcpStream;
use greenroom::prelude::Fault;

/// The most bytes of a page. Its head may have as many as a `Reader` takes by itself: 64 KiB.
const BODY_MAX: usize = 4 << 20;

/// Why a page was not to be had.
#[derive(Debug, thiserror::Error)]
pub(crate) enum GetError {
    #[error("https needs TLS, which this example leaves out")]
    Https,
    #[error("status {0}")]
    Status(u16),
    #[error("the answer is no HTTP/1.1")]
    NotHttp,
    #[error("too large: more than 64 KiB of head, or {} MiB of page", BODY_MAX >> 20)]
    TooLarge,
    #[error("the server hung up half-way")]
    HungUp,
    #[error("no connection")]
    Connect(#[source] io::Error),
    #[error("the connection failed")]
    Io(#[from] io::Error),
}

impl GetError {
    /// Whether another try may do better.
    pub(crate) fn may_pass(&self) -> bool {
        matches!(self, Self::Status(429 | 500..) | Self::HungUp | Self::Connect(_) | Self::Io(_))
    }
}

impl From<ReadError> for GetError {
    fn from(error: ReadError) -> Self {
        match error {
            ReadError::LimitExceeded { .. } => Self::TooLarge,
            ReadError::Incomplete { .. } => Self::HungUp,
            error => Self::Io(error.into()),
        }
    }
}

/// Gets a page; only an answer of 2xx is one.
pub(crate) async fn get(url: &Url) -> Result<Vec<u8>, GetError> {
    if url.secure {
        return Err(GetError::Https);
    }
    let mut stream = TcpStream::connect(url.host.as_str()).await.map_err(GetError::Connect)?;
    let request = format!(
        "GET {} HTTP/1.1\r\nHost: {}\r\nAccept-Encoding: identity\r\nConnection: close\r\n\r\n",
        url.path, url.host
    );
    stream.write_all(request.as_bytes()).await?;
    let mut reader = Reader::new(stream);
    let head = loop {
        let head = Head::parse(reader.read_until("\r\n\r\n").await?)?;
        if head.status >= 200 {
            break head; // those before it only say that it comes
        }
    };
    match head {
        Head { status, .. } if status >= 300 => Err(GetError::Status(status)),
        Head { chunked: true, .. } => read_chunks(&mut reader).await,
        Head { length: Some(length), .. } if length > BODY_MAX => Err(GetError::TooLarge),
        Head { length: Some(length), .. } => Ok(reader.read_exact(length).await?.to_vec()),
        Head { length: None, .. } => Ok(reader.read_to_end(BODY_MAX).await?),
    }
}

/// Chunks, each with its length in front; the last one is empty.
async fn read_chunks(reader: &mut Reader<TcpStream>) -> Result<Vec<u8>, GetError> {
    let mut body = Vec::new();
    loop {
        let line = String::from_utf8_lossy(reader.read_until("\r\n").await?).into_owned();
        let length = line.split(';').next().unwrap_or_default().trim();
        match usize::from_str_radix(length, 16).map_err(|_| GetError::NotHttp)? {
            0 => return Ok(body),
            length if length > BODY_MAX - body.len() => return Err(GetError::TooLarge),
            length => body.extend_from_slice(reader.read_exact(length).await?),
        }
        reader.read_until("\r\n").await?;
    }
}

/// What the head of an answer says of its body.
struct Head {
    status: u16,
    chunked: bool,
    length: Option<usize>,
}

impl Head {
    fn parse(head: &[u8]) -> Result<Self, GetError> {
        let head = String::from_utf8_lossy(head);
        let (first, fields) = head.split_once("\r\n").ok_or(GetError::NotHttp)?;
        let status = first.strip_prefix("HTTP/1.").and_then(|rest| rest.split(' ').nth(1));
        let status = status.and_then(|status| status.parse().ok()).ok_or(GetError::NotHttp)?;
        let mut head = Self { status, chunked: false, length: None };
        for (name, value) in fields.lines().filter_map(|field| field.split_once(':')) {
            match name.to_ascii_lowercase().as_str() {
                "transfer-encoding" => head.chunked = true,
                "content-length" => {
                    head.length = Some(value.trim().parse().map_err(|_| GetError::NotHttp)?);
                }
                _ => {}
            }
        }
        Ok(head)
    }
}

/// `http://host[:port][/path]`.
pub(crate) struct Url {
    text: String,
    secure: bool,
    /// With its port.
    host: String,
    path: String,
}

impl FromStr for Url {
    type Err = Fault;

    fn from_str(text: &str) -> Result<Self, Fault> {
        let wrong = || {
            Fault::new(format!(
                "`{text}` is no URL; say `http://host[:port][/path]`, or `@file` for a list"
            ))
        };
        let plain = text.bytes().all(|byte| byte.is_ascii_graphic());
        let (scheme, rest) = text.split_once("://").filter(|_| plain).ok_or_else(wrong)?;
        let rest = rest.split('#').next().unwrap_or_default();
        let (host, path) = rest.split_at(rest.find(['/', '?']).unwrap_or(rest.len()));
        if host.is_empty() || !matches!(scheme, "http" | "https") {
            return Err(wrong());
        }
        let port = host.rsplit_once(':').is_some_and(|(_, port)| port.parse::<u16>().is_ok());
        Ok(Self {
            text: text.to_owned(),
            secure: scheme == "https",
            host: if port { host.to_owned() } else { format!("{host}:80") },
            path: if path.starts_with('/') { path.to_owned() } else { format!("/{path}") },
        })
    }
}

impl fmt::Display for Url {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}
