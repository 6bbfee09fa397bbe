//! Sockets at the limits of the process. Each test is its own child process, with limits of its
//! own.

use std::fs::File;
use std::io::{self, Read as _, Seek as _};
use std::process::Command;
use std::rc::Rc;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use futures::future::join_all;
use futures::io::{AsyncReadExt as _, AsyncWriteExt as _};
use greenroom::net::{Connection, ServerOptions, TcpListener, TcpStream, serve};
use greenroom::{task, time};

use super::{ANY, run};

const CHILD: &str = "GREENROOM_NET_TEST_CHILD";

/// Whether this is the child, with `descriptors` at most; if not, runs it and waits for its
/// success.
fn is_child(test: &str, descriptors: u32) -> bool {
    if std::env::var_os(CHILD).is_some() {
        return true;
    }
    let (_, module) = module_path!().split_once("::").expect("the tests are in a module");
    let output = Command::new("sh")
        .args(["-c", &format!("ulimit -n {descriptors} && exec \"$0\" \"$@\"")])
        .arg(std::env::current_exe().expect("a test knows its program"))
        .args(["--exact", "--nocapture", &format!("{module}::{test}")])
        .env(CHILD, test)
        .output()
        .expect("a shell can be run");
    let (out, err) =
        (String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
    assert!(output.status.success(), "the child ended with {}:\n{out}\n{err}", output.status);
    assert!(out.contains("1 passed"), "the child ran no test:\n{out}");
    false
}

/// The processor time of this process in ticks of 10 ms, from a file that was opened in time.
fn processor_ticks(stat: &mut File) -> u64 {
    let mut text = String::new();
    stat.rewind().expect("it can be read again");
    stat.read_to_string(&mut text).expect("it can be read again");
    let (_, fields) = text.rsplit_once(") ").expect("the name is in brackets");
    let ticks = |index| fields.split(' ').nth(index).and_then(|ticks| ticks.parse::<u64>().ok());
    ticks(11).zip(ticks(12)).map(|(user, kernel)| user + kernel).expect("Linux writes both")
}

/// What was logged.
#[derive(Clone, Default)]
struct Lines(Arc<Mutex<Vec<u8>>>);

impl io::Write for Lines {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let mut written = self.0.lock().expect("no test panics while it writes");
        io::Write::write(&mut *written, bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl Lines {
    fn count(&self, words: &str) -> usize {
        let bytes = self.0.lock().expect("no test panics while it writes");
        String::from_utf8_lossy(&bytes).matches(words).count()
    }
}

#[cfg(target_os = "linux")]
#[test]
fn out_of_descriptors_accept_waits_without_spinning_and_goes_on() {
    if !is_child("out_of_descriptors_accept_waits_without_spinning_and_goes_on", 64) {
        return;
    }
    let lines = Lines::default();
    let writer = lines.clone();
    let log = tracing_subscriber::fmt().with_ansi(false).with_writer(move || writer.clone());
    let _logging = tracing::subscriber::set_default(log.finish());
    run(async {
        let listener = Rc::new(TcpListener::bind(ANY).await?);
        let address = listener.local_addr()?;
        let mut stat = File::open("/proc/self/stat")?;
        let mut clients = Vec::new();
        for _ in 0..6 {
            clients.push(TcpStream::connect(address).await?);
        }
        let mut descriptors = Vec::new();
        while let Ok(file) = File::open("/dev/null") {
            descriptors.push(file);
        }
        let acceptors: Vec<_> = (0..3)
            .map(|_| {
                let listener = Rc::clone(&listener);
                task::spawn(async move {
                    for _ in 0..2 {
                        let (mut client, _) = listener.accept().await?;
                        client.write_all(b"late").await?;
                    }
                    io::Result::Ok(())
                })
            })
            .collect();
        let before = processor_ticks(&mut stat);
        // A caller that gives up and comes back does not make it spin either.
        for _ in 0..300 {
            let given_up = time::timeout(Duration::from_millis(10), listener.accept()).await;
            assert!(given_up.is_err(), "it cannot be accepted now");
        }
        let used = processor_ticks(&mut stat) - before;
        assert!(used < 100, "{used} ticks of processor time to wait 3 s");
        assert_eq!(lines.count("no connection can be accepted"), 1);
        assert_eq!(lines.count("accepting again"), 0);

        drop(descriptors);
        for client in &mut clients {
            let mut text = String::new();
            client.read_to_string(&mut text).await?;
            assert_eq!(text, "late");
        }
        for acceptor in acceptors {
            acceptor.await.expect("the task does not panic")?;
        }
        assert_eq!(lines.count("accepting again"), 1);
        Ok(())
    });
}

/// L12 of asyncio's cases: one record, and no spinning, of a server too.
#[cfg(target_os = "linux")]
#[test]
fn out_of_descriptors_a_server_waits_and_says_so_once() {
    if !is_child("out_of_descriptors_a_server_waits_and_says_so_once", 64) {
        return;
    }
    let lines = Lines::default();
    let writer = lines.clone();
    let log = tracing_subscriber::fmt().with_ansi(false).with_writer(move || writer.clone());
    let _logging = tracing::subscriber::set_default(log.finish());
    run(async {
        let hello = async |mut client: Connection| client.write_all(b"late").await;
        let server = serve(TcpListener::bind(ANY).await?, ServerOptions::new(), hello);
        let mut stat = File::open("/proc/self/stat")?;
        let mut clients = Vec::new();
        for _ in 0..6 {
            clients.push(std::net::TcpStream::connect(server.local_addrs()[0])?);
        }
        let mut descriptors = Vec::new();
        while let Ok(file) = File::open("/dev/null") {
            descriptors.push(file);
        }
        let before = processor_ticks(&mut stat);
        time::sleep(Duration::from_secs(2)).await;
        let used = processor_ticks(&mut stat) - before;
        assert!(used < 60, "{used} ticks of processor time to wait 2 s");
        assert_eq!(lines.count("no connection can be accepted"), 1);

        drop(descriptors);
        for client in clients {
            let mut text = String::new();
            TcpStream::from_std(client)?.read_to_string(&mut text).await?;
            assert_eq!(text, "late");
        }
        assert_eq!(lines.count("no connection can be accepted"), 1);
        assert_eq!(lines.count("accepting again"), 1);
        Ok(())
    });
}

#[test]
fn two_thousand_connections_are_served_at_once() {
    const CLIENTS: usize = 2_000;
    if !is_child("two_thousand_connections_are_served_at_once", 4_200) {
        return;
    }
    run(async {
        let listener = TcpListener::bind(ANY).await?;
        let address = listener.local_addr()?;
        let serving = task::spawn(async move {
            for _ in 0..CLIENTS {
                let (client, _) = listener.accept().await?;
                // The task goes on by itself until its client closes.
                task::spawn(async move {
                    let (reader, mut writer) = client.into_split();
                    futures::io::copy(reader, &mut writer).await
                });
            }
            io::Result::Ok(())
        });
        let connecting = (0..CLIENTS).map(|_| TcpStream::connect(address));
        let clients: io::Result<Vec<_>> = join_all(connecting).await.into_iter().collect();
        let talks = clients?.into_iter().zip(0_u32..).map(async |(mut stream, number)| {
            for round in 0..3 {
                let bytes = (number + round).to_be_bytes();
                stream.write_all(&bytes).await?;
                let mut answer = [0; 4];
                stream.read_exact(&mut answer).await?;
                assert_eq!(answer, bytes);
            }
            io::Result::Ok(stream)
        });
        let still_open: io::Result<Vec<_>> = join_all(talks).await.into_iter().collect();
        assert_eq!(still_open?.len(), CLIENTS);
        serving.await.expect("the task does not panic")
    });
}
