//! The codecs by tables and by random pieces; the writer against a stream that is under control.

use std::cell::{Cell, RefCell};
use std::io;
use std::pin::Pin;
use std::rc::Rc;
use std::task::{Context, Poll, Waker};
use std::time::Duration;

use futures::io::{AsyncRead, AsyncReadExt, AsyncWrite};
use futures::{FutureExt as _, SinkExt as _, StreamExt as _, join};
use proptest::prelude::*;

use super::*;
use crate::{EventLoop, task, time};

/// Runs `future` on a virtual clock, with a limit.
fn run<T>(future: impl Future<Output = T>) -> T {
    let limited = time::timeout(Duration::from_secs(1_000_000), future);
    let mut event_loop = EventLoop::builder().virtual_clock(1).build().expect("a loop can be made");
    event_loop.run(limited).expect("it comes to its end")
}

/// A stream that comes in pieces, with a pause before each.
struct Pieces {
    pieces: Vec<Vec<u8>>,
    paused: bool,
}

impl Pieces {
    fn new(bytes: &[u8], sizes: &[usize]) -> Self {
        let (mut pieces, mut rest) = (Vec::new(), bytes);
        for size in sizes.iter().cycle() {
            if rest.is_empty() {
                break;
            }
            let (piece, after) = rest.split_at((*size).clamp(1, rest.len()));
            pieces.push(piece.to_vec());
            rest = after;
        }
        pieces.reverse();
        Self { pieces, paused: false }
    }
}

impl AsyncRead for Pieces {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buffer: &mut [u8],
    ) -> Poll<io::Result<usize>> {
        self.paused = !self.paused;
        if self.paused {
            cx.waker().wake_by_ref();
            return Poll::Pending;
        }
        let Some(mut piece) = self.pieces.pop() else { return Poll::Ready(Ok(0)) };
        let length = piece.len().min(buffer.len());
        buffer[..length].copy_from_slice(&piece[..length]);
        piece.drain(..length);
        if !piece.is_empty() {
            self.pieces.push(piece);
        }
        Poll::Ready(Ok(length))
    }
}

/// A stream that takes as many bytes as it is allowed to.
#[derive(Default)]
struct Tap {
    allowed: Cell<usize>,
    taken: RefCell<Vec<u8>>,
    writes: Cell<usize>,
    waker: RefCell<Option<Waker>>,
    broken: Cell<bool>,
    closed: Cell<bool>,
}

impl Tap {
    fn allow(&self, bytes: usize) {
        self.allowed.set(self.allowed.get() + bytes);
        self.wake();
    }

    fn wake(&self) {
        if let Some(waker) = self.waker.take() {
            waker.wake();
        }
    }

    fn breaks(&self) {
        self.broken.set(true);
        self.wake();
    }
}

struct Into(Rc<Tap>);

impl AsyncWrite for Into {
    fn poll_write(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        let tap = &self.0;
        if tap.broken.get() {
            return Poll::Ready(Err(io::ErrorKind::ConnectionReset.into()));
        }
        let length = bytes.len().min(tap.allowed.get());
        if length == 0 {
            *tap.waker.borrow_mut() = Some(cx.waker().clone());
            return Poll::Pending;
        }
        tap.allowed.set(tap.allowed.get() - length);
        tap.writes.set(tap.writes.get() + 1);
        tap.taken.borrow_mut().extend_from_slice(&bytes[..length]);
        Poll::Ready(Ok(length))
    }

    fn poll_flush(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }

    fn poll_close(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.0.closed.set(true);
        Poll::Ready(Ok(()))
    }
}

fn writer(options: WriterOptions) -> (Writer, Rc<Tap>) {
    let tap = Rc::new(Tap::default());
    let writer = Writer::with_options(Into(Rc::clone(&tap)), options).expect("the limits agree");
    (writer, tap)
}

async fn settle() {
    for _ in 0..20 {
        task::yield_now().await;
    }
}

#[test]
fn what_is_pushed_in_a_turn_is_one_write_in_order() {
    run(async {
        let (writer, tap) = writer(WriterOptions::new());
        tap.allow(100);
        let others = [writer.clone(), writer.clone()].map(|writer| {
            task::spawn(async move {
                task::yield_now().await;
                writer.push("c")
            })
        });
        writer.push("a")?;
        writer.push("b")?;
        writer.flush().await?;
        for other in others {
            other.await.expect("it does not panic")?;
        }
        writer.close().await?;
        assert_eq!(*tap.taken.borrow(), b"abcc");
        assert_eq!(tap.writes.get(), 1);
        assert!(tap.closed.get());
        Ok::<(), WriteError>(())
    })
    .expect("no operation fails");
}

// B2: in order and once, or the writer says that it failed; here what each of its ends says.
#[test]
fn every_end_of_a_writer_is_told_to_all_who_use_it() {
    run(async {
        let small = WriterOptions::new().high(4).low(1).maximum(10);
        for (end, text) in [
            ("close", "was closed"),
            ("abort", "was aborted"),
            ("lost", "the stream failed: connection reset"),
            ("slow", "there would be more than 10"),
            ("stall", "took nothing for 9s while 8 bytes"),
        ] {
            let (writer, tap) = writer(small.stall(Duration::from_secs(9)));
            writer.push("12345678").expect("it is open");
            settle().await;
            let drains = (writer.drain(), writer.drain());
            let ending = async {
                match end {
                    "close" => drop(writer.close().now_or_never()),
                    "abort" => writer.abort(),
                    "lost" => tap.breaks(),
                    "slow" => drop(writer.push("910")),
                    _ => {}
                }
            };
            let (one, two, ()) = join!(drains.0, drains.1, ending);
            let (one, two) = (one.expect_err("it ended"), two.expect_err("it ended"));
            let push = writer.push("late").expect_err("it ended");
            let drain = writer.drain().await.expect_err("it ended");
            for error in [one, two, push, drain] {
                assert!(error.to_string().contains(text), "{end}: {error}");
            }
            if end == "close" {
                assert!(!tap.closed.get(), "not before all is written");
                tap.allow(100);
            }
            assert_eq!(writer.close().await.is_ok(), end == "close");
            assert_eq!(writer.flush().await.is_ok(), end == "close");
            assert_eq!(tap.closed.get(), end == "close");
            assert_eq!(Rc::strong_count(&tap), 1, "the stream is dropped");
        }
    });
}

#[test]
fn a_writer_that_all_have_dropped_writes_on_and_gives_up_a_dead_stream() {
    run(async {
        let (one, tap) = writer(WriterOptions::new());
        one.push("hello").expect("it is open");
        drop((one.clone(), one));
        settle().await;
        tap.allow(100);
        settle().await;
        assert!(tap.taken.borrow().as_slice() == b"hello" && tap.closed.get());

        let (two, tap) = writer(WriterOptions::new());
        two.push("hello").expect("it is open");
        settle().await;
        time::sleep(Duration::from_secs(100)).await;
        assert_eq!(two.buffered(), 5, "somebody has it, so it is patient");
        drop(two.close().now_or_never());
        drop(two);
        time::sleep(Duration::from_secs(29)).await;
        assert_eq!(Rc::strong_count(&tap), 2);
        time::sleep(Duration::from_secs(2)).await;
        assert_eq!(Rc::strong_count(&tap), 1, "the stream is dropped");
    });
}

#[test]
fn a_writer_whose_loop_is_gone_says_so() {
    let mut first = EventLoop::new().expect("a loop can be made");
    let began = first.run(async {
        let (writer, _) = writer(WriterOptions::new());
        writer.push("hello").expect("it is open");
        settle().await;
        writer
    });
    let never_began = first.run(async { writer(WriterOptions::new()).0 });
    drop(first);
    for writer in [began, never_began] {
        assert!(matches!(writer.push("late"), Err(WriteError::NoLoop)));
        let flushed = futures::executor::block_on(async { join!(writer.flush(), writer.close()) });
        assert!(matches!(flushed, (_, Err(WriteError::NoLoop))));
    }
}

#[test]
fn a_dropped_read_loses_nothing() {
    run(async {
        let bytes = b"one\ntwo;12345rest";
        let mut reader = Reader::new(Pieces::new(bytes, &[1]));
        let mut tries = 0;
        macro_rules! stubborn {
            ($read:expr) => {
                loop {
                    tries += 1;
                    if let Some(read) = $read.now_or_never() {
                        break read.expect("it does not fail").to_vec();
                    }
                }
            };
        }
        assert_eq!(stubborn!(reader.read_until("\n")), b"one\n");
        assert_eq!(stubborn!(reader.read_until_any(&[";", "\n"])), b"two;");
        assert_eq!(stubborn!(reader.peek(5)), b"12345");
        assert_eq!(stubborn!(reader.read_exact(5)), b"12345");
        assert_eq!(stubborn!(reader.read_to_end(100)), b"rest");
        assert!(tries > bytes.len() && reader.at_eof());
    });
}

#[test]
fn a_line_that_is_too_long_is_passed_over_also_where_it_is_still_to_come() {
    run(async {
        for size in 1..20 {
            let bytes = b"12\n12345678901\n1234\n12345\n12";
            let mut reader = Reader::with_limit(Pieces::new(bytes, &[size]), 4).expect("not zero");
            let mut lines = Vec::new();
            loop {
                match reader.read_line().await {
                    Ok(Some(line)) => lines.push(String::from_utf8_lossy(line).into_owned()),
                    Ok(None) => break,
                    Err(ReadError::LimitExceeded { .. }) => lines.push("?".to_owned()),
                    Err(other) => panic!("{other}"),
                }
                assert!(reader.buffer().len() <= 8);
            }
            assert_eq!(lines, ["12\n", "?", "1234\n", "?", "12"], "in pieces of {size}");
        }
    });
}

#[test]
fn a_reader_is_a_reader_for_others_too() {
    run(async {
        let mut reader = Reader::new(Pieces::new(b"head\nbody", &[3]));
        assert_eq!(reader.read_line().await?, Some(&b"head\n"[..]));
        let mut body = String::new();
        AsyncReadExt::read_to_string(&mut reader, &mut body).await?;
        assert_eq!(body, "body");
        let taken = AsyncReadExt::take(&mut reader, 5);
        assert_eq!(taken.limit(), 5);
        Ok::<(), ReadError>(())
    })
    .expect("no operation fails");
}

/// All that a codec makes of bytes in pieces; errors as their text.
fn frames<C>(codec: C, bytes: &[u8], sizes: &[usize]) -> Vec<String>
where
    C: Decoder<Frame: std::fmt::Debug> + Unpin,
{
    run(Framed::new(Pieces::new(bytes, sizes), codec)
        .map(|frame| frame.map_or_else(|error| error.to_string(), |frame| format!("{frame:?}")))
        .collect())
}

#[test]
fn codecs_go_on_behind_what_is_no_frame() {
    let too_long =
        |length| format!("a frame of {length} bytes or more, where at most 4 are allowed");
    for size in 1..20 {
        let lines = frames(Lines::with_maximum(4), b"1234\r\n123456789\n\xff\n\n12\r", &[size]);
        assert_eq!(lines[0], "\"1234\"", "in pieces of {size}");
        assert!(lines[1].contains("where at most 4 are allowed"), "{}", lines[1]);
        assert!(lines[2].starts_with("not a frame: invalid utf-8"), "{}", lines[2]);
        assert_eq!(lines[3..], ["\"\"", "\"12\\r\""], "in pieces of {size}");

        let codec = LengthPrefix::two().maximum(4);
        let bytes = frames(codec, b"\0\x021\n\0\x0512345\0\0\0\x041234\0\x0912", &[size]);
        let expected = ["[49, 10]", &too_long(5), "[]", "[49, 50, 51, 52]", &too_long(9)];
        assert_eq!(bytes, expected, "in pieces of {size}");

        let cut = frames(LengthPrefix::four(), b"\0\0\0\x05123", &[size]);
        assert_eq!(cut, ["the stream ended in the middle of a frame, of which 7 bytes had come"]);
    }
}

#[test]
fn a_codec_that_does_not_get_on_ends_the_stream() {
    struct Stuck(bool);
    impl Decoder for Stuck {
        type Frame = ();
        fn decode(&mut self, _: &mut &[u8]) -> Result<Option<()>, FrameError> {
            if self.0 { Err(FrameError::invalid("never")) } else { Ok(None) }
        }
        fn bytes_max(&self) -> usize {
            10
        }
    }
    assert_eq!(frames(Stuck(true), b"123", &[1]), ["not a frame: never"]);
    let bounded = frames(Stuck(false), &[7; 1_000], &[3]);
    assert_eq!(bounded, ["a frame of 10 bytes or more, where at most 10 are allowed"]);
}

#[test]
fn a_frame_that_is_refused_leaves_nothing_behind() {
    struct Half;
    impl Encoder<u8> for Half {
        fn encode(&mut self, frame: u8, output: &mut Vec<u8>) -> Result<(), FrameError> {
            output.push(frame);
            if frame > 9 { Err(FrameError::invalid("too high")) } else { Ok(()) }
        }
    }
    run(async {
        let mut frames = Framed::new(Vec::new(), Half);
        frames.feed(1).await.expect("it is a frame");
        frames.feed(10).await.expect_err("it is none");
        frames.send(2).await.expect("it is a frame");
        assert_eq!(*frames.get_ref(), [1, 2]);
        let error = Framed::new(Vec::new(), LengthPrefix::one()).send([0; 256]).await;
        assert!(matches!(error, Err(FrameError::TooLong { length: 256, maximum: 255 })));
    });
}

#[test]
fn frames_wait_while_the_stream_takes_nothing() {
    run(async {
        let tap = Rc::new(Tap::default());
        let mut frames = Framed::new(Into(Rc::clone(&tap)), LengthPrefix::four());
        let mut fed = 0;
        while frames.feed([7; 1_000]).now_or_never().is_some() {
            fed += 1;
            assert!(fed < 1_000, "it is bounded");
        }
        assert_eq!(fed, 66, "64 KiB and one frame");
        tap.allow(1_000_000);
        frames.close().await.expect("the stream does not fail");
        assert_eq!(tap.taken.borrow().len(), 66 * 1_004);
        assert!(tap.closed.get());
    });
}

#[test]
fn a_copy_that_was_given_up_goes_on_where_it_was() {
    run(async {
        let tap = Rc::new(Tap::default());
        let bytes: Vec<u8> = (0..200_000_u32).map(|at| (at % 251) as u8).collect();
        let mut copying = copy(Pieces::new(&bytes, &[70_000]), Into(Rc::clone(&tap)));
        let mut told = 0;
        while (&mut copying).now_or_never().is_none() {
            assert!(copying.copied() >= told);
            told = copying.copied();
            tap.allow(999);
        }
        assert_eq!(copying.copied(), 200_000);
        assert!(*tap.taken.borrow() == bytes, "every byte once and in order");
    });
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn what_is_encoded_comes_back_in_whatever_pieces(
        lines in prop::collection::vec("[^\r\n]{0,20}", 0..20),
        sizes in prop::collection::vec(1..9_usize, 1..5),
        width in 0..4_usize, little: bool,
    ) {
        let made = [LengthPrefix::one, LengthPrefix::two, LengthPrefix::four, LengthPrefix::eight];
        let prefix = if little { made[width]().little_endian() } else { made[width]() };
        let (mut as_lines, mut as_frames) = (Vec::new(), Vec::new());
        for line in &lines {
            Lines::new().encode(line, &mut as_lines).expect("it holds no line break");
            prefix.clone().encode(line, &mut as_frames).expect("it is short");
        }
        let text: Vec<_> = lines.iter().map(|line| format!("{line:?}")).collect();
        prop_assert_eq!(frames(Lines::new(), &as_lines, &sizes), text);
        let bytes: Vec<_> = lines.iter().map(|line| format!("{:?}", line.as_bytes())).collect();
        prop_assert_eq!(frames(prefix, &as_frames, &sizes), bytes);
    }

    #[test]
    fn arbitrary_bytes_never_panic_a_codec_or_make_it_spin(
        bytes: Vec<u8>, sizes in prop::collection::vec(1..9_usize, 1..5),
    ) {
        prop_assert!(frames(Lines::with_maximum(3), &bytes, &sizes).len() <= bytes.len() + 1);
        for prefix in [LengthPrefix::one(), LengthPrefix::eight()] {
            let made = frames(prefix.maximum(3), &bytes, &sizes);
            prop_assert!(made.len() <= bytes.len() + 1);
        }
    }
}
