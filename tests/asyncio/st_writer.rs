//! ST-03: the water marks of a writer.

use std::cell::RefCell;
use std::rc::Rc;

use futures::FutureExt as _;
use futures::io::AsyncReadExt as _;
use greenroom::io::{LimitError, WriteError, Writer, WriterOptions};
use greenroom::net::{SocketOptions, TcpStream};
use greenroom::prelude::*;
use greenroom::task;

use crate::st::{pair, run, settle};

const KIB: usize = 1024;

/// A writer whose peer reads nothing, with more than the high mark in its buffer and the kernel's
/// buffers full; and the peer.
async fn stuck(options: WriterOptions) -> Result<(Writer, TcpStream), Fault> {
    let (here, there) = pair().await?;
    here.set_options(SocketOptions::new().send_buffer(16 * KIB))?;
    let writer = Writer::with_options(here, options)?;
    let mut before = 0;
    loop {
        writer.push(vec![7; 128 * KIB])?;
        settle().await;
        // Once a whole block stays, the kernel takes no more.
        if writer.buffered() >= before + 128 * KIB {
            return Ok((writer, there));
        }
        before = writer.buffered();
    }
}

/// **S2** With 64 KiB in the buffer `drain` does not wait, with one byte more it does, until there
/// are no more than 16 KiB. Any number may wait, and all go on.
#[test]
fn st_03_drain_waits_above_64_kib_until_at_most_16_kib_are_left() {
    run(async {
        let (here, _there) = pair().await?;
        let writer = Writer::new(here);
        writer.push(vec![7; 64 * KIB])?;
        assert!(writer.drain().now_or_never().is_some_and(|drained| drained.is_ok()));
        writer.push([7])?;
        assert!(writer.drain().now_or_never().is_none());

        let (writer, mut peer) = stuck(WriterOptions::new()).await?;
        let seen = Rc::new(RefCell::new(Vec::new()));
        let waiting: Vec<_> = (0..3)
            .map(|_| {
                let (writer, seen) = (writer.clone(), Rc::clone(&seen));
                task::spawn(async move {
                    writer.drain().await?;
                    seen.borrow_mut().push(writer.buffered());
                    Ok::<(), WriteError>(())
                })
            })
            .collect();
        let mut block = vec![0; 8 * KIB];
        while writer.buffered() > 16 * KIB {
            assert!(seen.borrow().is_empty(), "there is too much yet");
            peer.read_exact(&mut block).await?;
            settle().await;
        }
        for waiting in waiting {
            waiting.await??;
        }
        let seen = seen.take();
        assert!(seen.len() == 3 && seen.iter().all(|buffered| *buffered <= 16 * KIB), "{seen:?}");
        Ok(())
    });
}

/// **S2** Many small writes count like a large one.
#[test]
fn st_03_many_small_pushes_hold_back_too() {
    run(async {
        let (here, mut there) = pair().await?;
        let writer = Writer::new(here);
        for _ in 0..64 * KIB / 8 {
            writer.push([7; 8])?;
        }
        assert!(writer.drain().now_or_never().is_some());
        writer.push([7; 8])?;
        assert!(writer.drain().now_or_never().is_none());
        let reading = task::spawn(async move {
            let mut bytes = Vec::new();
            there.read_to_end(&mut bytes).await.map(|_| bytes)
        });
        writer.drain().await?;
        writer.close().await?;
        assert_eq!(reading.await??.len(), 64 * KIB + 8);
        Ok(())
    });
}

/// **S2** The marks can be set, before and later; a low one above the high one is refused, and then
/// nothing changes.
#[test]
fn st_03_the_marks_are_settable_and_a_low_above_a_high_is_refused() {
    run(async {
        let (here, _there) = pair().await?;
        let refused = Writer::with_options(here, WriterOptions::new().high(10).low(11));
        let contradiction = LimitError::LowAboveHigh { low: 11, high: 10 };
        assert_eq!(refused.expect_err("low is above high"), contradiction);

        let (here, _there) = pair().await?;
        let writer = Writer::with_options(here, WriterOptions::new().high(10).low(4))?;
        writer.push([7; 10])?;
        assert!(writer.drain().now_or_never().is_some());
        writer.push([7])?;
        assert!(writer.drain().now_or_never().is_none(), "11 is above 10");
        assert_eq!(writer.set_water_marks(10, 11), Err(contradiction));
        assert!(writer.drain().now_or_never().is_none(), "nothing has changed");
        writer.set_water_marks(100, 10)?;
        assert!(writer.drain().now_or_never().is_none(), "11 is above the low mark");
        writer.set_water_marks(100, 11)?;
        assert!(writer.drain().now_or_never().is_some());
        writer.set_water_marks(0, 0)?;
        writer.drain().await?;
        assert_eq!(writer.buffered(), 0, "with marks of 0 it waits for everything");
        Ok(())
    });
}

/// **S2** A lost connection is an error for everybody who waits, and for whoever writes later.
#[test]
fn st_03_drain_fails_when_the_connection_is_lost() {
    run(async {
        let (writer, peer) = stuck(WriterOptions::new()).await?;
        let waiting = [writer.clone(), writer.clone()]
            .map(|writer| task::spawn(async move { writer.drain().await }));
        settle().await;
        assert!(waiting.iter().all(|task| !task.is_finished()));
        peer.set_options(SocketOptions::new().reset_on_close(true))?;
        drop(peer);
        for task in waiting {
            let lost = task.await?.expect_err("the peer is gone");
            assert!(matches!(&lost, WriteError::Lost(_)), "{lost}");
        }
        assert!(matches!(writer.push("late"), Err(WriteError::Lost(_))));
        assert!(matches!(writer.drain().await, Err(WriteError::Lost(_))));
        assert!(writer.is_closing());
        Ok(())
    });
}

/// **S2, S3** A loop that writes and drains notices that somebody else has closed the writer. What
/// was pushed before is written, nothing after it.
#[test]
fn st_03_writing_after_close_is_an_error() {
    run(async {
        let (here, mut there) = pair().await?;
        let writer = Writer::new(here);
        let writes = writer.clone();
        let looping = task::spawn(async move {
            loop {
                writes.push("again ")?;
                writes.drain().await?;
                task::yield_now().await;
            }
            #[allow(unreachable_code, reason = "it says what the loop fails with")]
            Ok::<(), WriteError>(())
        });
        settle().await;
        writer.close().await?;
        assert!(matches!(looping.await?, Err(WriteError::Closed)));
        assert!(matches!(writer.push("late"), Err(WriteError::Closed)));
        assert!(matches!(writer.drain().await, Err(WriteError::Closed)));
        let mut text = String::new();
        there.read_to_string(&mut text).await?;
        assert!(!text.is_empty() && text.replace("again ", "").is_empty(), "{text}");
        Ok(())
    });
}

/// **S2** Greenroom is stricter: who never drains does not fill the memory. At the maximum the
/// writer fails, with a reason, and the connection ends.
#[test]
fn st_03_a_peer_that_reads_too_slowly_is_given_up_at_the_maximum() {
    run(async {
        let options = WriterOptions::new().maximum(512 * KIB);
        let (writer, mut peer) = stuck(options).await?;
        let error = loop {
            if let Err(error) = writer.push([7; KIB]) {
                break error;
            }
            assert!(writer.buffered() <= 512 * KIB);
        };
        assert!(matches!(error, WriteError::TooSlow { maximum: 524_288, .. }), "{error}");
        assert!(matches!(writer.drain().await, Err(WriteError::TooSlow { .. })));
        // What the kernel had taken is read, and then the end.
        peer.read_to_end(&mut Vec::new()).await?;
        Ok(())
    });
}
