//! A client of the demonstration: one request, one reply, over a real socket.

use std::io;
use std::net::SocketAddr;
use std::rc::Rc;

use futures::io::{AsyncBufReadExt as _, AsyncReadExt as _, AsyncWriteExt as _, BufReader};
use greenroom::net::{ReadHalf, TcpStream, WriteHalf};

/// One connection.
pub(crate) struct Client {
    read: BufReader<ReadHalf<Rc<TcpStream>>>,
    write: WriteHalf<Rc<TcpStream>>,
    line: String,
}

impl Client {
    pub(crate) async fn connect(address: SocketAddr) -> io::Result<Self> {
        let stream = TcpStream::connect(address).await?;
        stream.set_nodelay(true)?;
        let (read, write) = stream.into_split();
        Ok(Self { read: BufReader::new(read), write, line: String::new() })
    }

    /// Sends a request and waits for its reply: a text, or the text of an error. Null is empty.
    pub(crate) async fn ask(&mut self, words: &[&str]) -> io::Result<Result<String, String>> {
        let mut request = format!("*{}\r\n", words.len());
        for word in words {
            request.push_str(&format!("${}\r\n{word}\r\n", word.len()));
        }
        self.write.write_all(request.as_bytes()).await?;
        self.line.clear();
        if self.read.read_line(&mut self.line).await? == 0 {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
        let line = self.line.trim_end();
        let rest = line.get(1..).unwrap_or_default();
        match line.as_bytes().first() {
            Some(b'+' | b':') => Ok(Ok(rest.to_owned())),
            Some(b'-') => Ok(Err(rest.to_owned())),
            Some(b'$') if rest == "-1" => Ok(Ok(String::new())),
            Some(b'$') => {
                let length: usize = rest.parse().map_err(io::Error::other)?;
                let mut text = vec![0; length + 2];
                self.read.read_exact(&mut text).await?;
                text.truncate(length);
                String::from_utf8(text).map(Ok).map_err(io::Error::other)
            }
            _ => Err(io::Error::other(format!("a reply began with {line:?}"))),
        }
    }
}
