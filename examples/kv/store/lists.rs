//! The operations on lists.

use redis_protocol::bytes::Bytes;

use crate::command::End;
use crate::store::Store;
use crate::store::value::List;
use crate::wire::Reply;

type Outcome = Result<Reply, Reply>;

impl Store {
    pub(super) fn push(&mut self, key: &Bytes, end: End, values: Vec<Bytes>, now: u64) -> Outcome {
        let list = self.typed_or_new::<List>(key, now)?;
        for value in values {
            match end {
                End::Left => list.push_front(value),
                End::Right => list.push_back(value),
            }
        }
        let length = list.len();
        self.mark(key);
        Ok(Reply::count(length))
    }

    pub(super) fn pop(&mut self, key: &Bytes, end: End, count: Option<usize>, now: u64) -> Outcome {
        let pop = |list: &mut List| match end {
            End::Left => list.pop_front().map(Reply::Bulk),
            End::Right => list.pop_back().map(Reply::Bulk),
        };
        let popped = self.take_from(key, now, |list: &mut List| {
            let count = count.unwrap_or(1).min(list.len());
            (0..count).filter_map(|_| pop(list)).collect::<Vec<_>>()
        })?;
        if popped.as_ref().is_some_and(|values| !values.is_empty()) {
            self.mark(key);
        }
        Ok(match (popped, count) {
            (Some(values), Some(_)) => Reply::Array(values),
            (Some(values), None) => values.into_iter().next().unwrap_or(Reply::Null),
            (None, Some(_)) => Reply::NullArray,
            (None, None) => Reply::Null,
        })
    }

    pub(super) fn list_length(&mut self, key: &Bytes, now: u64) -> Outcome {
        Ok(Reply::count(self.typed::<List>(key, now)?.map_or(0, |list| list.len())))
    }

    /// Both ends are part of the range, and negative ones count from the end of the list.
    pub(super) fn list_range(&mut self, key: &Bytes, start: i64, stop: i64, now: u64) -> Outcome {
        let Some(list) = self.typed::<List>(key, now)? else {
            return Ok(Reply::Array(vec![]));
        };
        let length = i64::try_from(list.len()).unwrap_or(i64::MAX);
        let from_front = |index: i64| if index < 0 { index.saturating_add(length) } else { index };
        let start = from_front(start).max(0);
        let end = from_front(stop).min(length - 1) + 1;
        if start >= end {
            return Ok(Reply::Array(vec![]));
        }
        // Both lie between 0 and the length now.
        let range = start as usize..end as usize;
        Ok(Reply::Array(list.range(range).cloned().map(Reply::Bulk).collect()))
    }
}
