//! Parsing of the commands on lists, sets and hashes.

use crate::command::{Command, End, KeyOp, pairs};
use crate::errors;
use crate::wire::number::parse_i64;
use crate::wire::{Args, Reply};

type Parsed = Result<Command, Reply>;

pub(crate) fn lpush(args: Args<'_>) -> Parsed {
    Ok(Command::key(args, KeyOp::Push { end: End::Left, values: args.owned_from(2) }))
}

pub(crate) fn rpush(args: Args<'_>) -> Parsed {
    Ok(Command::key(args, KeyOp::Push { end: End::Right, values: args.owned_from(2) }))
}

pub(crate) fn lpop(args: Args<'_>) -> Parsed {
    Ok(Command::key(args, KeyOp::Pop { end: End::Left, count: pop_count(args, "lpop")? }))
}

pub(crate) fn rpop(args: Args<'_>) -> Parsed {
    Ok(Command::key(args, KeyOp::Pop { end: End::Right, count: pop_count(args, "rpop")? }))
}

fn pop_count(args: Args<'_>, command: &str) -> Result<Option<usize>, Reply> {
    match args.len() {
        2 => Ok(None),
        3 => {
            let count = parse_i64(args.get(2)).and_then(|count| usize::try_from(count).ok());
            Ok(Some(count.ok_or_else(errors::not_positive)?))
        }
        _ => Err(errors::wrong_arity(command)),
    }
}

pub(crate) fn llen(args: Args<'_>) -> Parsed {
    Ok(Command::key(args, KeyOp::ListLength))
}

pub(crate) fn lrange(args: Args<'_>) -> Parsed {
    let start = parse_i64(args.get(2)).ok_or_else(errors::not_an_integer)?;
    let stop = parse_i64(args.get(3)).ok_or_else(errors::not_an_integer)?;
    Ok(Command::key(args, KeyOp::ListRange { start, stop }))
}

pub(crate) fn sadd(args: Args<'_>) -> Parsed {
    Ok(Command::key(args, KeyOp::SetAdd(args.owned_from(2))))
}

pub(crate) fn srem(args: Args<'_>) -> Parsed {
    Ok(Command::key(args, KeyOp::SetRemove(args.owned_from(2))))
}

pub(crate) fn smembers(args: Args<'_>) -> Parsed {
    Ok(Command::key(args, KeyOp::SetMembers))
}

pub(crate) fn sismember(args: Args<'_>) -> Parsed {
    Ok(Command::key(args, KeyOp::SetContains(args.owned(2))))
}

pub(crate) fn scard(args: Args<'_>) -> Parsed {
    Ok(Command::key(args, KeyOp::SetCount))
}

pub(crate) fn spop(args: Args<'_>) -> Parsed {
    if args.len() > 3 {
        return Err(errors::syntax());
    }
    Ok(Command::key(args, KeyOp::SetPop { count: pop_count(args, "spop")? }))
}

pub(crate) fn hset(args: Args<'_>) -> Parsed {
    if !args.len().is_multiple_of(2) {
        return Err(errors::wrong_arity("hset"));
    }
    Ok(Command::key(args, KeyOp::HashSet(pairs(args, 2))))
}

pub(crate) fn hget(args: Args<'_>) -> Parsed {
    Ok(Command::key(args, KeyOp::HashGet(args.owned(2))))
}

pub(crate) fn hdel(args: Args<'_>) -> Parsed {
    Ok(Command::key(args, KeyOp::HashDelete(args.owned_from(2))))
}

pub(crate) fn hgetall(args: Args<'_>) -> Parsed {
    Ok(Command::key(args, KeyOp::HashAll))
}

pub(crate) fn hlen(args: Args<'_>) -> Parsed {
    Ok(Command::key(args, KeyOp::HashLength))
}
