//! ST-01 and ST-02: a reader's limit, and how it holds back its peer.

use futures::io::AsyncWriteExt as _;
use greenroom::io::{LimitError, ReadError, Reader};
use greenroom::net::TcpStream;
use greenroom::prelude::*;
use greenroom::{task, time};

use crate::st::{pair, run, settle};

/// A reader with a limit and the other end of its connection.
async fn reader(limit: usize) -> Result<(Reader<TcpStream>, TcpStream), Fault> {
    let (here, there) = pair().await?;
    Ok((Reader::with_limit(here, limit)?, there))
}

/// The limit, the length, and whether the separator had come.
fn exceeded<T: std::fmt::Debug>(read: Result<T, ReadError>) -> (usize, usize, bool) {
    match read {
        Err(ReadError::LimitExceeded { limit, length, complete }) => (limit, length, complete),
        other => panic!("the limit was not exceeded: {other:?}"),
    }
}

/// **S1** A line of exactly the limit is a line, its end not counted; with one byte more it is an
/// error, and the line is gone, so that the next one can be read. Where asyncio gives the rest of a
/// line that was cut off as if it was a line of its own, that rest is passed over here.
#[test]
fn st_01_a_line_of_the_limit_is_fine_and_one_byte_more_is_an_error() {
    run(async {
        let (mut reader, mut peer) = reader(7).await?;
        peer.write_all(b"1234567\n12345678\n7654\n").await?;
        assert_eq!(reader.read_line().await?, Some(&b"1234567\n"[..]));
        assert_eq!(reader.peek(14).await?, b"12345678\n7654\n");
        assert_eq!(exceeded(reader.read_line().await), (7, 8, true));
        assert_eq!(reader.buffer(), b"7654\n", "that line is gone and nothing else");
        assert_eq!(reader.read_line().await?, Some(&b"7654\n"[..]));

        peer.write_all(b"12345678").await?;
        assert_eq!(exceeded(reader.read_line().await), (7, 8, false));
        assert_eq!(reader.buffer(), b"", "nothing of it stays");
        peer.write_all(b"the rest of it\nnext\nlast").await?;
        assert_eq!(reader.read_line().await?, Some(&b"next\n"[..]));
        peer.close().await?;
        assert_eq!(reader.read_line().await?, Some(&b"last"[..]));
        assert!(reader.at_eof() && reader.read_line().await?.is_none());
        Ok(())
    });
}

/// **S1** The usual limit is 64 KiB, and there is none of 0.
#[test]
fn st_01_the_usual_limit_is_64_kib() {
    run(async {
        let (here, mut peer) = pair().await?;
        let mut reader = Reader::new(here);
        let sending = task::spawn(async move {
            let mut bytes = vec![b'x'; 65_536];
            bytes.push(b'\n');
            peer.write_all(&bytes).await?;
            bytes.insert(0, b'x');
            peer.write_all(&bytes).await
        });
        assert_eq!(reader.read_line().await?.map(<[u8]>::len), Some(65_537));
        assert_eq!(exceeded(reader.read_line().await), (65_536, 65_537, true));
        sending.await??;
        assert_eq!(Reader::with_limit(&b""[..], 0).unwrap_err(), LimitError::Zero);
        Ok(())
    });
}

/// **S1** At the limit `read_until` leaves everything in the buffer, whether the separator has come
/// or not, and says how many bytes come before it: with them out of the way it goes on.
#[test]
fn st_01_read_until_leaves_what_is_too_long_in_the_buffer() {
    run(async {
        let (mut reader, mut peer) = reader(3).await?;
        peer.write_all(b"dataAA").await?;
        assert_eq!(reader.peek(6).await?, b"dataAA");
        assert_eq!(exceeded(reader.read_until("AAA").await), (3, 4, false));
        assert_eq!(reader.buffer(), b"dataAA", "all of it stays");
        assert_eq!(
            exceeded(reader.read_until("AAA").await),
            (3, 4, false),
            "as often as it is asked"
        );

        peer.write_all(b"Arest").await?;
        reader.consume(4);
        assert_eq!(reader.read_until("AAA").await?, b"AAA");

        reader.read_exact(4).await?;
        peer.write_all(b"dataAA").await?;
        assert_eq!(reader.peek(6).await?, b"dataAA");
        peer.write_all(b"AB").await?;
        assert_eq!(exceeded(reader.read_until("AA").await), (3, 4, true));
        assert_eq!(reader.buffer(), b"dataAA", "it stays, though the separator has come");
        assert_eq!(reader.read_exact(8).await?, b"dataAAAB");
        Ok(())
    });
}

/// **S1** Of several separators the one that ends first counts, also if it is the longer one; the
/// limit counts what comes before the one that was found.
#[test]
fn st_01_of_several_separators_the_first_end_wins() {
    run(async {
        let (mut reader, mut peer) = reader(6).await?;
        peer.write_all(b"line 1\nline 2\r").await?;
        assert_eq!(reader.read_until_any(&["\r", "\n"]).await?, b"line 1\n");
        assert_eq!(reader.read_until_any(&["\r", "\n"]).await?, b"line 2\r");
        peer.write_all(b"ABCDEFG").await?;
        assert_eq!(reader.read_until_any(&["DEF", "BCDE"]).await?, b"ABCDE");
        assert_eq!(reader.read_exact(2).await?, b"FG");
        peer.write_all(b"1234567;\n").await?;
        assert_eq!(exceeded(reader.read_until_any(&["\n", ";"]).await), (6, 7, true));
        assert_eq!(reader.read_exact(9).await?, b"1234567;\n", "it was left there");

        let nothing: [&str; 0] = [];
        for refused in
            [reader.read_until("").await.err(), reader.read_until_any(&nothing).await.err()]
        {
            assert!(matches!(refused, Some(ReadError::NoSeparator)));
        }
        // A separator in pieces.
        let sending = task::spawn(async move {
            for piece in ["ab\r", "\n\r", "\ncd"] {
                peer.write_all(piece.as_bytes()).await?;
                settle().await;
            }
            peer.close().await
        });
        assert_eq!(reader.read_until("\r\n\r\n").await?, b"ab\r\n\r\n");
        match reader.read_until("\r\n\r\n").await {
            Err(ReadError::Incomplete { got, wanted: None }) => assert_eq!(got, b"cd"),
            other => panic!("it ended without a separator: {other:?}"),
        }
        assert!(reader.at_eof(), "what came is in the error and no longer in the buffer");
        sending.await??;
        Ok(())
    });
}

/// **S1** The limit is one of lines: whoever asks for a number of bytes gets them. Too early an end
/// gives what came.
#[test]
fn st_01_an_exact_length_may_be_more_than_the_limit() {
    run(async {
        let (mut reader, mut peer) = reader(3).await?;
        let sending = task::spawn(async move {
            peer.write_all(&[7; 100_000]).await?;
            peer.write_all(b"end").await?;
            peer.close().await
        });
        assert_eq!(reader.read_exact(0).await?, b"");
        assert_eq!(reader.read_exact(100_000).await?, [7; 100_000]);
        match reader.read_exact(4).await {
            Err(ReadError::Incomplete { got, wanted: Some(4) }) => assert_eq!(got, b"end"),
            other => panic!("it ended after three bytes: {other:?}"),
        }
        sending.await??;
        Ok(())
    });
}

/// **S1** No more than twice the limit is held, exactly: at that the reader reads no more, the
/// kernel's buffers fill, and the peer has to wait until something is taken.
///
/// asyncio reads ahead and so has to pause above 2·limit and to resume at or below the limit. Here
/// only somebody who waits reads, so 2·limit is a bound and not a mark, and reading resumes as soon
/// as somebody asks for what is not there.
#[test]
fn st_02_a_reader_holds_twice_its_limit_and_the_peer_waits() {
    run(async {
        const LIMIT: usize = 1_000;
        const TOTAL: usize = 32 << 20;
        let (mut reader, peer) = reader(LIMIT).await?;
        let sending = task::spawn(async move {
            let mut peer = peer;
            peer.write_all(&vec![b'x'; TOTAL]).await?;
            peer.close().await
        });
        assert_eq!(reader.peek(2 * LIMIT).await?.len(), 2 * LIMIT);
        assert_eq!(reader.peek(2 * LIMIT + 1).await?.len(), 2 * LIMIT, "that is all it holds");
        assert_eq!(exceeded(reader.read_until("\n").await), (LIMIT, 2 * LIMIT, false));
        for _ in 0..5 {
            settle().await;
            assert_eq!(reader.buffer().len(), 2 * LIMIT, "nobody asks for more");
            assert!(!sending.is_finished(), "the peer waits");
        }

        // With half of it taken there is room for as much, and no more.
        reader.consume(LIMIT);
        settle().await;
        assert_eq!(reader.buffer().len(), LIMIT, "nobody asks yet");
        assert_eq!(reader.peek(LIMIT + 1).await?.len(), LIMIT + 1);
        assert!(reader.buffer().len() <= 2 * LIMIT);

        let mut rest = TOTAL - LIMIT;
        loop {
            let length = reader.read(usize::MAX).await?.len();
            if length == 0 {
                break;
            }
            rest -= length;
            assert!(length <= 2 * LIMIT);
        }
        assert_eq!(rest, 0, "the peer went on, and nothing is lost");
        sending.await??;
        Ok(())
    });
}

/// **S1** A reader that is given up while it waits has lost nothing, and who waits for an exact
/// length beyond 2·limit does not wait for ever.
#[test]
fn st_02_waiting_for_more_than_is_held_reads_on() {
    run(async {
        let (mut reader, mut peer) = reader(10).await?;
        peer.write_all(&[7; 50]).await?;
        assert_eq!(reader.peek(20).await?.len(), 20);
        let limit = std::time::Duration::from_millis(10);
        assert!(time::timeout(limit, reader.read_exact(100)).await.is_err());
        peer.write_all(&[7; 50]).await?;
        assert_eq!(reader.read_exact(100).await?, [7; 100]);
        Ok(())
    });
}
