//! A listener and its connections in memory, so that servers can be tested on a virtual clock.

use std::cell::RefCell;
use std::collections::VecDeque;
use std::future::poll_fn;
use std::io;
use std::rc::Rc;
use std::task::{Context, Poll, Waker};

use greenroom::net::{Listener, Socket};

/// How many bytes wait in one direction at most.
const CAPACITY: usize = 100;

#[derive(Default, Debug)]
struct Direction {
    bytes: VecDeque<u8>,
    ended: bool,
    waiting: Vec<Waker>,
}

impl Direction {
    fn wait(&mut self, cx: &Context<'_>) -> Poll<io::Result<usize>> {
        self.waiting.push(cx.waker().clone());
        Poll::Pending
    }
}

type Shared = Rc<RefCell<Direction>>;

fn wake(shared: &Shared) {
    let waiting = std::mem::take(&mut shared.borrow_mut().waiting);
    waiting.into_iter().for_each(Waker::wake);
}

/// One end of a connection.
#[derive(Debug)]
pub(crate) struct End {
    read: Shared,
    write: Shared,
}

impl End {
    pub(crate) fn pair() -> (Self, Self) {
        let (a, b) = (Shared::default(), Shared::default());
        (Self { read: Rc::clone(&a), write: Rc::clone(&b) }, Self { read: b, write: a })
    }

    pub(crate) async fn read(&self, most: usize) -> io::Result<Vec<u8>> {
        let mut bytes = vec![0; most];
        let length = poll_fn(|cx| self.poll_read(cx, &mut bytes)).await?;
        bytes.truncate(length);
        Ok(bytes)
    }

    pub(crate) async fn write(&self, bytes: &[u8]) -> io::Result<usize> {
        poll_fn(|cx| self.poll_write(cx, bytes)).await
    }
}

impl Socket for End {
    type Addr = u32;

    fn poll_read(&self, cx: &mut Context<'_>, buffer: &mut [u8]) -> Poll<io::Result<usize>> {
        let mut read = self.read.borrow_mut();
        if read.bytes.is_empty() && !read.ended {
            return read.wait(cx);
        }
        let length = read.bytes.len().min(buffer.len());
        for (place, byte) in buffer.iter_mut().zip(read.bytes.drain(..length)) {
            *place = byte;
        }
        drop(read);
        wake(&self.read);
        Poll::Ready(Ok(length))
    }

    fn poll_write(&self, cx: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        let mut write = self.write.borrow_mut();
        let length = bytes.len().min(CAPACITY - write.bytes.len());
        if length == 0 {
            return write.wait(cx);
        }
        write.bytes.extend(&bytes[..length]);
        drop(write);
        wake(&self.write);
        Poll::Ready(Ok(length))
    }

    fn end_write(&self) -> io::Result<()> {
        self.write.borrow_mut().ended = true;
        wake(&self.write);
        Ok(())
    }
}

impl Drop for End {
    fn drop(&mut self) {
        let _ = self.end_write();
    }
}

/// Those who knock, and the waker of who opens; the number of a client is its address.
#[derive(Clone, Default)]
pub(crate) struct Door(Rc<RefCell<(VecDeque<Knock>, Option<Waker>)>>);

/// A connection, or how the listener breaks.
type Knock = Result<(End, u32), io::Error>;

impl Door {
    pub(crate) fn connect(&self, number: u32) -> End {
        let (here, there) = End::pair();
        self.knock(Ok((there, number)));
        here
    }

    pub(crate) fn breaks(&self, error: io::Error) {
        self.knock(Err(error));
    }

    fn knock(&self, knock: Knock) {
        self.0.borrow_mut().0.push_back(knock);
        let waker = self.0.borrow_mut().1.take();
        waker.into_iter().for_each(Waker::wake);
    }

    /// How many have not been let in.
    pub(crate) fn waiting(&self) -> usize {
        self.0.borrow().0.len()
    }
}

impl Listener for Door {
    type Socket = End;

    fn local_addr(&self) -> io::Result<u32> {
        Ok(0)
    }

    async fn accept(&self) -> io::Result<(End, u32)> {
        poll_fn(|cx| {
            let mut door = self.0.borrow_mut();
            match door.0.pop_front() {
                Some(knock) => {
                    // An error of this kind stands for a bug.
                    let bug = |error: &io::Error| error.kind() == io::ErrorKind::Unsupported;
                    assert!(!knock.as_ref().is_err_and(bug), "a bug of the listener");
                    Poll::Ready(knock)
                }
                None => {
                    door.1 = Some(cx.waker().clone());
                    Poll::Pending
                }
            }
        })
        .await
    }
}
