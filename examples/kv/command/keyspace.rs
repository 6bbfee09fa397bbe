//! Parsing of the commands on keys of any type, and on the key space as a whole.

use redis_protocol::bytes::Bytes;

use crate::command::{Command, Deadline, ExpireCondition, KeyOp, Scan, Spread};
use crate::errors;
use crate::wire::number::parse_i64;
use crate::wire::{Args, Reply};

type Parsed = Result<Command, Reply>;

/// How many elements `SCAN` visits when it is not told.
const SCAN_COUNT: usize = 10;
/// How many elements `SCAN` visits at most in one call, so that the shard is not held up.
const SCAN_COUNT_MAX: usize = 10_000;

pub(crate) fn del(args: Args<'_>) -> Parsed {
    if args.len() == 2 {
        return Ok(Command::key(args, KeyOp::Delete));
    }
    Ok(Command::Spread(Spread::Delete(args.owned_from(1))))
}

pub(crate) fn exists(args: Args<'_>) -> Parsed {
    if args.len() == 2 {
        return Ok(Command::key(args, KeyOp::Exists));
    }
    Ok(Command::Spread(Spread::Exists(args.owned_from(1))))
}

pub(crate) fn expire(args: Args<'_>) -> Parsed {
    expire_in(args, true, "expire")
}

pub(crate) fn pexpire(args: Args<'_>) -> Parsed {
    expire_in(args, false, "pexpire")
}

fn expire_in(args: Args<'_>, seconds: bool, command: &'static str) -> Parsed {
    let condition = expire_condition(args)?;
    let amount = parse_i64(args.get(2)).ok_or_else(errors::not_an_integer)?;
    let ms = if seconds { amount.checked_mul(1000) } else { Some(amount) };
    let ms = ms.ok_or_else(|| errors::invalid_expiry(command))?;
    let deadline = Deadline { ms, relative: true, command };
    Ok(Command::key(args, KeyOp::Expire { deadline, condition }))
}

fn expire_condition(args: Args<'_>) -> Result<Option<ExpireCondition>, Reply> {
    let (mut nx, mut xx, mut gt, mut lt) = (false, false, false, false);
    for option in args.from(3) {
        match &option.to_ascii_uppercase()[..] {
            b"NX" => nx = true,
            b"XX" => xx = true,
            b"GT" => gt = true,
            b"LT" => lt = true,
            _ => {
                let option = errors::shown(option, 128);
                return Err(Reply::error_owned(format!("ERR Unsupported option {option}")));
            }
        }
    }
    if nx && (xx || gt || lt) {
        return Err(Reply::error(
            "ERR NX and XX, GT or LT options at the same time are not compatible",
        ));
    }
    if gt && lt {
        return Err(Reply::error("ERR GT and LT options at the same time are not compatible"));
    }
    Ok(match (nx, xx, gt, lt) {
        (true, ..) => Some(ExpireCondition::Endless),
        // GT alone already fails without a time to live, so XX adds nothing to it.
        (_, _, true, _) => Some(ExpireCondition::Later),
        (_, true, _, true) => Some(ExpireCondition::EndingAndEarlier),
        (_, _, _, true) => Some(ExpireCondition::Earlier),
        (_, true, ..) => Some(ExpireCondition::Ending),
        _ => None,
    })
}

pub(crate) fn ttl(args: Args<'_>) -> Parsed {
    Ok(Command::key(args, KeyOp::TimeToLive { seconds: true }))
}

pub(crate) fn pttl(args: Args<'_>) -> Parsed {
    Ok(Command::key(args, KeyOp::TimeToLive { seconds: false }))
}

pub(crate) fn persist(args: Args<'_>) -> Parsed {
    Ok(Command::key(args, KeyOp::Persist))
}

pub(crate) fn kind(args: Args<'_>) -> Parsed {
    Ok(Command::key(args, KeyOp::Type))
}

pub(crate) fn keys(args: Args<'_>) -> Parsed {
    Ok(Command::Spread(Spread::Keys(args.owned(1))))
}

pub(crate) fn dbsize(_: Args<'_>) -> Parsed {
    Ok(Command::Spread(Spread::Size))
}

/// `FLUSHALL` and `FLUSHDB`; SYNC and ASYNC make no difference here.
pub(crate) fn flush(args: Args<'_>) -> Parsed {
    let known = |option: &[u8]| {
        option.eq_ignore_ascii_case(b"SYNC") || option.eq_ignore_ascii_case(b"ASYNC")
    };
    if args.len() > 2 || !args.from(1).all(known) {
        return Err(errors::syntax());
    }
    Ok(Command::Spread(Spread::Clear))
}

pub(crate) fn scan(args: Args<'_>) -> Parsed {
    let cursor = std::str::from_utf8(args.get(1)).ok().and_then(|text| text.parse().ok());
    let cursor = cursor.ok_or_else(|| Reply::error("ERR invalid cursor"))?;
    let mut scan = Scan { cursor, count: SCAN_COUNT, pattern: None, kind: None };
    let mut at = 2;
    while at < args.len() {
        if at + 1 == args.len() {
            return Err(errors::syntax());
        }
        match &args.get(at).to_ascii_uppercase()[..] {
            b"COUNT" => {
                let count = parse_i64(args.get(at + 1)).ok_or_else(errors::not_an_integer)?;
                if count < 1 {
                    return Err(errors::syntax());
                }
                scan.count = usize::try_from(count).unwrap_or(usize::MAX).min(SCAN_COUNT_MAX);
            }
            b"MATCH" => scan.pattern = Some(args.owned(at + 1)),
            b"TYPE" => scan.kind = Some(Bytes::from(args.get(at + 1).to_ascii_lowercase())),
            _ => return Err(errors::syntax()),
        }
        at += 2;
    }
    Ok(Command::Scan(scan))
}

pub(crate) fn debug(args: Args<'_>) -> Parsed {
    if args.len() == 3 && args.get(1).eq_ignore_ascii_case(b"PANIC") {
        let command = crate::command::KeyCommand { key: args.owned(2), op: KeyOp::Panic };
        return Ok(Command::Key(command));
    }
    let subcommand = errors::shown(args.get(1), 128);
    Err(Reply::error_owned(format!(
        "ERR unknown subcommand or wrong number of arguments for '{subcommand}'. Try DEBUG HELP."
    )))
}
