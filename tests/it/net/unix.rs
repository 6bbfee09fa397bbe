//! Unix sockets: the same as TCP and UDP, by path.

use std::io::ErrorKind;
use std::path::PathBuf;

use futures::StreamExt as _;
use futures::future::try_join;
use futures::io::{AsyncReadExt as _, AsyncWriteExt as _};
use greenroom::net::{Connection, ServerOptions, UnixDatagram, UnixListener, UnixStream, serve};
use greenroom::task;

use super::{exchange, pattern, run};

/// A path that is free before and after the test.
struct SocketPath(PathBuf);

impl SocketPath {
    fn new(name: &str) -> Self {
        let file = format!("greenroom-{}-{name}.sock", std::process::id());
        let path = std::env::temp_dir().join(file);
        let _ = std::fs::remove_file(&path);
        Self(path)
    }
}

impl Drop for SocketPath {
    fn drop(&mut self) {
        let _ = std::fs::remove_file(&self.0);
    }
}

#[test]
fn a_client_that_ends_its_side_still_gets_the_whole_answer() {
    let path = SocketPath::new("echo");
    run(async {
        let listener = UnixListener::bind(&path.0)?;
        assert_eq!(listener.local_path()?.as_ref(), Some(&path.0));
        let serving = async {
            let mut client = listener.incoming().next().await.expect("it never ends")?;
            let mut request = Vec::new();
            client.read_to_end(&mut request).await?;
            client.write_all(&request).await?;
            client.close().await
        };
        let asking = async {
            let mut stream = UnixStream::connect(&path.0)?;
            let request = pattern(1 << 20);
            stream.write_all(&request).await?;
            stream.close().await?;
            let mut answer = Vec::new();
            stream.read_to_end(&mut answer).await?;
            assert!(answer == request, "{} bytes came back changed", answer.len());
            Ok(())
        };
        try_join(serving, asking).await
    });
}

#[test]
fn sixty_four_mebibytes_go_both_ways_between_the_halves() {
    run(async {
        let (mut here, there) = UnixStream::pair()?;
        let (there_reads, there_writes) = there.into_split();
        let there = task::spawn(exchange(there_reads, there_writes));
        let (reader, writer) = here.halves();
        exchange(reader, writer).await?;
        there.await.expect("the task does not panic")
    });
}

#[test]
fn errors_name_the_path_and_say_what_can_be_done() {
    let (path, nobody) = (SocketPath::new("taken"), SocketPath::new("nobody"));
    run(async {
        let listener = UnixListener::bind(&path.0)?;
        let error = UnixListener::bind(&path.0).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::AddrInUse);
        assert!(error.to_string().contains(&*path.0.to_string_lossy()), "{error}");
        assert!(error.to_string().contains("remove the file"), "{error}");
        drop(listener);
        let error = UnixStream::connect(&path.0).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::ConnectionRefused);
        assert!(error.to_string().contains("no program uses that socket now"), "{error}");
        let error = UnixStream::connect(&nobody.0).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::NotFound);
        assert!(error.to_string().contains(&*nobody.0.to_string_lossy()), "{error}");
        Ok(())
    });
}

#[test]
fn datagrams_go_by_path_and_tell_their_sender() {
    let (here, there) = (SocketPath::new("here"), SocketPath::new("there"));
    run(async {
        let (a, b) = (UnixDatagram::bind(&here.0)?, UnixDatagram::bind(&there.0)?);
        a.send_to(b"ping", &there.0).await?;
        let mut buffer = [0; 16];
        assert_eq!(b.recv_from(&mut buffer).await?, (4, Some(here.0.clone())));
        b.connect(&here.0)?;
        b.send(b"pong!").await?;
        assert_eq!(a.recv(&mut buffer).await?, 5);
        UnixDatagram::unbound()?.send_to(b"x", &here.0).await?;
        let a = UnixDatagram::from_std(a.into_std()?)?;
        assert_eq!(a.recv_from(&mut buffer).await?, (1, None));
        drop(b);
        let error = a.send_to(b"late", &there.0).await.unwrap_err();
        assert!(error.to_string().contains(&*there.0.to_string_lossy()), "{error}");
        Ok(())
    });
}

#[test]
fn a_server_removes_its_file_and_no_other() {
    let path = SocketPath::new("server");
    run(async {
        let hello = async |mut connection: Connection<UnixStream>| {
            assert_eq!(*connection.peer_addr(), None);
            connection.write_all(b"hello").await
        };
        let server = serve(UnixListener::bind(&path.0)?, ServerOptions::new(), hello);
        assert_eq!(server.local_addrs(), [Some(path.0.clone())]);
        let mut text = String::new();
        UnixStream::connect(&path.0)?.read_to_string(&mut text).await?;
        assert_eq!(text, "hello");
        server.close();
        assert!(!path.0.exists());

        let server = serve(UnixListener::bind(&path.0)?, ServerOptions::new(), hello);
        std::fs::remove_file(&path.0)?;
        let others = UnixListener::bind(&path.0)?;
        server.close();
        assert!(path.0.exists(), "it is another's");
        drop(others);
        Ok(())
    });
}
