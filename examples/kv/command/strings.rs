//! Parsing of the commands on strings.

use crate::command::{
    Command, Deadline, KeyOp, SetCondition, SetExpiry, SetOptions, Spread, pairs,
};
use crate::errors;
use crate::wire::number::parse_i64;
use crate::wire::{Args, Reply};

type Parsed = Result<Command, Reply>;

pub(crate) fn get(args: Args<'_>) -> Parsed {
    Ok(Command::key(args, KeyOp::Get))
}

pub(crate) fn getset(args: Args<'_>) -> Parsed {
    Ok(Command::key(args, KeyOp::GetSet(args.owned(2))))
}

pub(crate) fn getdel(args: Args<'_>) -> Parsed {
    Ok(Command::key(args, KeyOp::GetDelete))
}

pub(crate) fn setnx(args: Args<'_>) -> Parsed {
    Ok(Command::key(args, KeyOp::SetNew(args.owned(2))))
}

pub(crate) fn append(args: Args<'_>) -> Parsed {
    Ok(Command::key(args, KeyOp::Append(args.owned(2))))
}

pub(crate) fn strlen(args: Args<'_>) -> Parsed {
    Ok(Command::key(args, KeyOp::StringLength))
}

pub(crate) fn incr(args: Args<'_>) -> Parsed {
    Ok(Command::key(args, KeyOp::Add(1)))
}

pub(crate) fn decr(args: Args<'_>) -> Parsed {
    Ok(Command::key(args, KeyOp::Add(-1)))
}

pub(crate) fn incrby(args: Args<'_>) -> Parsed {
    let by = parse_i64(args.get(2)).ok_or_else(errors::not_an_integer)?;
    Ok(Command::key(args, KeyOp::Add(by)))
}

pub(crate) fn decrby(args: Args<'_>) -> Parsed {
    let by = parse_i64(args.get(2)).ok_or_else(errors::not_an_integer)?;
    let by = by.checked_neg().ok_or_else(|| Reply::error("ERR decrement would overflow"))?;
    Ok(Command::key(args, KeyOp::Add(by)))
}

pub(crate) fn mget(args: Args<'_>) -> Parsed {
    Ok(Command::Spread(Spread::GetMany(args.owned_from(1))))
}

pub(crate) fn mset(args: Args<'_>) -> Parsed {
    if args.len().is_multiple_of(2) {
        return Err(errors::wrong_arity("mset"));
    }
    Ok(Command::Spread(Spread::SetMany(pairs(args, 1))))
}

pub(crate) fn msetnx(args: Args<'_>) -> Parsed {
    if args.len().is_multiple_of(2) {
        return Err(errors::wrong_arity("msetnx"));
    }
    Ok(Command::Spread(Spread::SetManyNew(pairs(args, 1))))
}

pub(crate) fn setex(args: Args<'_>) -> Parsed {
    set_for(args, true, "setex")
}

pub(crate) fn psetex(args: Args<'_>) -> Parsed {
    set_for(args, false, "psetex")
}

fn set_for(args: Args<'_>, seconds: bool, command: &'static str) -> Parsed {
    let deadline = deadline(args.get(2), seconds, true, command)?;
    Ok(Command::key(
        args,
        KeyOp::Set(Box::new(SetOptions {
            value: args.owned(3),
            expiry: SetExpiry::New(deadline),
            condition: None,
            get: false,
        })),
    ))
}

/// The unit and the kind of time of an option of `SET`.
#[derive(Clone, Copy, PartialEq, Eq)]
struct Unit {
    seconds: bool,
    relative: bool,
}

pub(crate) fn set(args: Args<'_>) -> Parsed {
    let mut condition = None;
    let mut get = false;
    let mut keep = false;
    // The unit and where its number is. Checked last, because Redis does it in this order.
    let mut expiry: Option<(Unit, usize)> = None;
    let mut at = 3;
    while at < args.len() {
        let option = args.get(at).to_ascii_uppercase();
        match &option[..] {
            b"NX" if condition != Some(SetCondition::IfPresent) => {
                condition = Some(SetCondition::IfMissing);
            }
            b"XX" if condition != Some(SetCondition::IfMissing) => {
                condition = Some(SetCondition::IfPresent);
            }
            b"GET" => get = true,
            b"KEEPTTL" if expiry.is_none() => keep = true,
            b"EX" | b"PX" | b"EXAT" | b"PXAT" => {
                let unit = Unit { seconds: option[0] == b'E', relative: !option.ends_with(b"AT") };
                at += 1;
                let clashes = expiry.is_some_and(|(other, _)| other != unit);
                if keep || clashes || at == args.len() {
                    return Err(errors::syntax());
                }
                expiry = Some((unit, at));
            }
            _ => return Err(errors::syntax()),
        }
        at += 1;
    }
    let expiry = match expiry {
        Some((unit, at)) => {
            SetExpiry::New(deadline(args.get(at), unit.seconds, unit.relative, "set")?)
        }
        None if keep => SetExpiry::Keep,
        None => SetExpiry::Discard,
    };
    let options = SetOptions { value: args.owned(2), expiry, condition, get };
    Ok(Command::key(args, KeyOp::Set(Box::new(options))))
}

/// A time to live for a new value, which unlike that of `EXPIRE` must be positive.
fn deadline(
    text: &[u8],
    seconds: bool,
    relative: bool,
    command: &'static str,
) -> Result<Deadline, Reply> {
    let amount = parse_i64(text).ok_or_else(errors::not_an_integer)?;
    let ms = if seconds { amount.checked_mul(1000) } else { Some(amount) };
    match ms {
        Some(ms) if ms > 0 => Ok(Deadline { ms, relative, command }),
        _ => Err(errors::invalid_expiry(command)),
    }
}
