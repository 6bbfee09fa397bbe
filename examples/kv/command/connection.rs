//! Parsing of the commands that touch no key.

use redis_protocol::bytes::Bytes;

use crate::command::{Command, Local, docs};
use crate::errors;
use crate::wire::number::parse_i64;
use crate::wire::{Args, Reply};

type Parsed = Result<Command, Reply>;

fn answer(reply: Reply) -> Parsed {
    Ok(Command::Local(Local::Answer(reply)))
}

pub(crate) fn ping(args: Args<'_>) -> Parsed {
    match args.len() {
        1 => Ok(Command::Local(Local::Ping(None))),
        2 => Ok(Command::Local(Local::Ping(Some(args.owned(1))))),
        _ => Err(errors::wrong_arity("ping")),
    }
}

pub(crate) fn echo(args: Args<'_>) -> Parsed {
    answer(Reply::Bulk(args.owned(1)))
}

pub(crate) fn select(args: Args<'_>) -> Parsed {
    match parse_i64(args.get(1)) {
        Some(0) => answer(Reply::OK),
        Some(index) if i32::try_from(index).is_ok() => {
            Err(Reply::error("ERR DB index is out of range"))
        }
        Some(_) => Err(Reply::error(
            "ERR value is out of range, value must between -2147483648 and 2147483647",
        )),
        None => Err(errors::not_an_integer()),
    }
}

pub(crate) fn auth(args: Args<'_>) -> Parsed {
    match args.len() {
        2 => Err(Reply::error(
            "ERR AUTH <password> called without any password configured for the default user. \
             Are you sure your configuration is correct?",
        )),
        3 if args.get(1) == b"default" => answer(Reply::OK),
        3 => Err(wrong_password()),
        _ => Err(errors::syntax()),
    }
}

fn wrong_password() -> Reply {
    Reply::error("WRONGPASS invalid username-password pair or user is disabled.")
}

pub(crate) fn quit(_: Args<'_>) -> Parsed {
    Ok(Command::Local(Local::Quit))
}

pub(crate) fn reset(_: Args<'_>) -> Parsed {
    Ok(Command::Local(Local::Reset))
}

/// `HELLO [2 [AUTH user password] [SETNAME name]]`. Version 3 of the protocol is not spoken.
pub(crate) fn hello(args: Args<'_>) -> Parsed {
    let mut name = None;
    if args.len() > 1 {
        match parse_i64(args.get(1)) {
            Some(2) => {}
            Some(_) => return Err(Reply::error("NOPROTO unsupported protocol version")),
            None => {
                return Err(Reply::error("ERR Protocol version is not an integer or out of range"));
            }
        }
    }
    let mut at = 2;
    while at < args.len() {
        let option = args.get(at);
        let following = args.len() - at - 1;
        if option.eq_ignore_ascii_case(b"AUTH") && following >= 2 {
            if args.get(at + 1) != b"default" {
                return Err(wrong_password());
            }
            at += 3;
        } else if option.eq_ignore_ascii_case(b"SETNAME") && following >= 1 {
            name = Some(client_name(args.owned(at + 1))?);
            at += 2;
        } else {
            let option = errors::shown(option, 128);
            return Err(Reply::error_owned(format!("ERR Syntax error in HELLO option '{option}'")));
        }
    }
    Ok(Command::Local(Local::Hello { name }))
}

fn client_name(name: Bytes) -> Result<Bytes, Reply> {
    if name.iter().all(|byte| (b'!'..=b'~').contains(byte)) {
        return Ok(name);
    }
    Err(Reply::error("ERR Client names cannot contain spaces, newlines or special characters."))
}

/// Checks the number of arguments of a subcommand, the container's name counted.
fn arity(args: Args<'_>, wanted: usize, full_name: &str) -> Result<(), Reply> {
    if args.len() == wanted { Ok(()) } else { Err(errors::wrong_arity(full_name)) }
}

pub(crate) fn client(args: Args<'_>) -> Parsed {
    let local = match &args.get(1).to_ascii_uppercase()[..] {
        b"ID" => {
            arity(args, 2, "client|id")?;
            Local::ClientId
        }
        b"GETNAME" => {
            arity(args, 2, "client|getname")?;
            Local::ClientGetName
        }
        b"INFO" => {
            arity(args, 2, "client|info")?;
            Local::ClientInfo
        }
        b"SETNAME" => {
            arity(args, 3, "client|setname")?;
            Local::ClientSetName(client_name(args.owned(2))?)
        }
        b"SETINFO" => {
            arity(args, 4, "client|setinfo")?;
            Local::Answer(Reply::OK)
        }
        _ => return Err(errors::unknown_subcommand("CLIENT", args.get(1))),
    };
    Ok(Command::Local(local))
}

pub(crate) fn config(args: Args<'_>) -> Parsed {
    match &args.get(1).to_ascii_uppercase()[..] {
        b"GET" if args.len() >= 3 => Ok(Command::Local(Local::ConfigGet(args.owned_from(2)))),
        b"GET" => Err(errors::wrong_arity("config|get")),
        b"SET" if args.len() >= 4 && args.len().is_multiple_of(2) => {
            let name = errors::shown(args.get(2), 128);
            Err(Reply::error_owned(format!(
                "ERR CONFIG SET failed (possibly related to argument '{name}') - \
                 can't set immutable config"
            )))
        }
        b"SET" => Err(errors::wrong_arity("config|set")),
        b"RESETSTAT" => {
            arity(args, 2, "config|resetstat")?;
            answer(Reply::OK)
        }
        _ => Err(errors::unknown_subcommand("CONFIG", args.get(1))),
    }
}

pub(crate) fn command(args: Args<'_>) -> Parsed {
    if args.len() == 1 {
        return answer(docs::info_all());
    }
    match &args.get(1).to_ascii_uppercase()[..] {
        b"COUNT" => {
            arity(args, 2, "command|count")?;
            answer(docs::count())
        }
        b"INFO" if args.len() == 2 => answer(docs::info_all()),
        b"INFO" => answer(Reply::Array(args.from(2).map(docs::info).collect())),
        b"DOCS" if args.len() == 2 => answer(docs::docs_all()),
        b"DOCS" => answer(docs::docs(args.from(2))),
        b"LIST" => {
            arity(args, 2, "command|list")?;
            answer(docs::list())
        }
        _ => Err(errors::unknown_subcommand("COMMAND", args.get(1))),
    }
}

pub(crate) fn info(args: Args<'_>) -> Parsed {
    let sections = args.from(1).map(|word| errors::shown(word, 128).to_lowercase()).collect();
    Ok(Command::Local(Local::Info(sections)))
}

pub(crate) fn subscribe(args: Args<'_>) -> Parsed {
    Ok(Command::Local(Local::Subscribe(args.owned_from(1))))
}

pub(crate) fn unsubscribe(args: Args<'_>) -> Parsed {
    Ok(Command::Local(Local::Unsubscribe(args.owned_from(1))))
}

pub(crate) fn publish(args: Args<'_>) -> Parsed {
    Ok(Command::Local(Local::Publish { channel: args.owned(1), message: args.owned(2) }))
}
