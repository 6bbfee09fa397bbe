//! The command line of the server: flags to options, or an error that says what is allowed.

use std::net::{Ipv4Addr, SocketAddr};
use std::path::PathBuf;
use std::time::Duration;

use crate::journal::Fsync;

/// What `--help` prints.
pub(crate) const HELP: &str = "\
A key-value server that speaks the Redis protocol, built from actors.

Usage: kv [FLAGS]

  --listen ADDR         address and port to listen on (default 127.0.0.1:6399)
  --shards N            actors that own the keys, 1 to 256 (default 4)
  --dir PATH            keep the keys in PATH/kv.sqlite; without it they live in memory only
  --fsync MODE          when acknowledged writes reach the disk (default everysec);
                        a crash of the process loses none of them in any mode
                          always    before the answer: a power cut loses none either
                          everysec  once a second: a power cut loses about the last second
                          no        when the kernel likes: a power cut may ruin the file
  --max-clients N       connections at the same time, 1 to 1000000 (default 20000)
  --demo [SECONDS]      drive the server with clients of its own while shards are crashed,
                        1 to 3600 seconds (default 5), print a table and exit
  --help                print this and exit

A value may also follow the flag after '=', as in --shards=8.
";

/// What the server was told to be.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) struct Options {
    pub(crate) listen: SocketAddr,
    /// 1 to 256.
    pub(crate) shards: usize,
    /// Where the journal is; without it keys live in memory only.
    pub(crate) dir: Option<PathBuf>,
    pub(crate) fsync: Fsync,
    pub(crate) max_clients: usize,
    /// How long the demonstration lasts, when one was asked for.
    pub(crate) demo: Option<Duration>,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            listen: SocketAddr::from((Ipv4Addr::LOCALHOST, 6399)),
            shards: 4,
            dir: None,
            fsync: Fsync::EverySec,
            max_clients: 20_000,
            demo: None,
        }
    }
}

/// What the command line asks for.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) enum Parsed {
    Run(Options),
    /// Print [`HELP`] and exit with status 0.
    Help,
}

/// Why the command line is not understood; the program exits with status 2.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
pub(crate) enum UsageError {
    #[error("unknown flag '{0}'; --help lists the flags")]
    UnknownFlag(String),
    #[error("unexpected argument '{0}'; every argument is a flag, --help lists them")]
    Stray(String),
    #[error("{flag} needs a value: {allowed}")]
    MissingValue { flag: &'static str, allowed: &'static str },
    #[error("{flag} cannot be '{value}': it takes {allowed}")]
    BadValue { flag: &'static str, value: String, allowed: &'static str },
    #[error("--help takes no value, but was given '{0}'")]
    HelpValue(String),
}

/// A flag that takes a value.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Flag {
    Listen,
    Shards,
    Dir,
    Fsync,
    MaxClients,
    Demo,
}

const DEMO: Duration = Duration::from_secs(5);

impl Flag {
    const ALL: [Self; 6] =
        [Self::Listen, Self::Shards, Self::Dir, Self::Fsync, Self::MaxClients, Self::Demo];

    fn name(self) -> &'static str {
        match self {
            Self::Listen => "--listen",
            Self::Shards => "--shards",
            Self::Dir => "--dir",
            Self::Fsync => "--fsync",
            Self::MaxClients => "--max-clients",
            Self::Demo => "--demo",
        }
    }

    fn allowed(self) -> &'static str {
        match self {
            Self::Listen => "an IP address and a port, such as 127.0.0.1:6399 or [::1]:6399",
            Self::Shards => "a whole number from 1 to 256",
            Self::Dir => "the path of a directory",
            Self::Fsync => "always, everysec or no",
            Self::MaxClients => "a whole number from 1 to 1000000",
            Self::Demo => "a whole number of seconds from 1 to 3600, or no value for 5",
        }
    }

    /// Puts `value` into `options`; `None` when this flag does not take it.
    fn set(self, value: &str, options: &mut Options) -> Option<()> {
        match self {
            Self::Listen => options.listen = value.parse().ok()?,
            Self::Shards => options.shards = number(value, 1, 256)?,
            Self::Dir if value.is_empty() => return None,
            Self::Dir => options.dir = Some(PathBuf::from(value)),
            Self::Fsync => {
                options.fsync = match value {
                    "always" => Fsync::Always,
                    "everysec" => Fsync::EverySec,
                    "no" => Fsync::No,
                    _ => return None,
                }
            }
            Self::MaxClients => options.max_clients = number(value, 1, 1_000_000)?,
            Self::Demo => {
                let seconds = number(value, 1, 3_600)?;
                options.demo = Some(Duration::from_secs(seconds as u64));
            }
        }
        Some(())
    }
}

fn number(text: &str, least: usize, most: usize) -> Option<usize> {
    text.parse().ok().filter(|n| (least..=most).contains(n))
}

/// Reads the arguments that follow the program's name. A flag given twice counts as given last.
///
/// # Errors
/// The first argument that is not understood, with what would be.
pub(crate) fn parse(args: impl Iterator<Item = String>) -> Result<Parsed, UsageError> {
    let mut args = args.peekable();
    let mut options = Options::default();
    let mut help = false;
    while let Some(arg) = args.next() {
        let (name, attached) = match arg.split_once('=') {
            Some((name, value)) => (name, Some(value.to_owned())),
            None => (arg.as_str(), None),
        };
        if name == "--help" || name == "-h" {
            match attached {
                Some(value) => return Err(UsageError::HelpValue(value)),
                None => help = true,
            }
            continue;
        }
        let Some(flag) = Flag::ALL.into_iter().find(|flag| flag.name() == name) else {
            return Err(match name.starts_with('-') {
                true => UsageError::UnknownFlag(name.to_owned()),
                false => UsageError::Stray(arg),
            });
        };
        // What begins like a flag is the next flag: a forgotten value must not swallow it.
        let value = attached.or_else(|| args.next_if(|next| !next.starts_with("--")));
        match value {
            Some(value) => flag.set(&value, &mut options).ok_or_else(|| UsageError::BadValue {
                flag: flag.name(),
                value,
                allowed: flag.allowed(),
            })?,
            None if flag == Flag::Demo => options.demo = Some(DEMO),
            None => {
                let (flag, allowed) = (flag.name(), flag.allowed());
                return Err(UsageError::MissingValue { flag, allowed });
            }
        }
    }
    Ok(if help { Parsed::Help } else { Parsed::Run(options) })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parsed(line: &str) -> Result<Parsed, UsageError> {
        parse(line.split_whitespace().map(str::to_owned))
    }

    #[test]
    fn flags_set_their_option_and_leave_the_others() {
        let base = Options::default;
        let seconds = |s| Some(Duration::from_secs(s));
        let table = [
            ("", base()),
            ("--listen 0.0.0.0:7000", Options { listen: ([0; 4], 7000).into(), ..base() }),
            ("--listen=[::1]:0", Options { listen: "[::1]:0".parse().unwrap(), ..base() }),
            ("--shards 1", Options { shards: 1, ..base() }),
            ("--shards=256", Options { shards: 256, ..base() }),
            ("--shards 8 --shards 9", Options { shards: 9, ..base() }),
            ("--dir a/b", Options { dir: Some("a/b".into()), ..base() }),
            ("--dir=a=b", Options { dir: Some("a=b".into()), ..base() }),
            ("--fsync always", Options { fsync: Fsync::Always, ..base() }),
            ("--fsync=everysec", base()),
            ("--fsync no", Options { fsync: Fsync::No, ..base() }),
            ("--max-clients 1", Options { max_clients: 1, ..base() }),
            ("--demo", Options { demo: seconds(5), ..base() }),
            ("--demo 30", Options { demo: seconds(30), ..base() }),
            ("--demo=7", Options { demo: seconds(7), ..base() }),
            ("--demo --shards 2", Options { demo: seconds(5), shards: 2, ..base() }),
        ];
        for (line, options) in table {
            assert_eq!(parsed(line), Ok(Parsed::Run(options)), "{line}");
        }
    }

    #[test]
    fn help_wins_over_every_other_good_flag() {
        for line in ["--help", "-h", "--shards 2 --help", "--help --demo"] {
            assert_eq!(parsed(line), Ok(Parsed::Help), "{line}");
        }
    }

    #[test]
    fn a_wrong_line_names_the_flag_the_value_and_what_is_allowed() {
        let shards = "it takes a whole number from 1 to 256";
        let table = [
            ("--shards 0", format!("--shards cannot be '0': {shards}")),
            ("--shards=257", format!("--shards cannot be '257': {shards}")),
            ("--shards -1", format!("--shards cannot be '-1': {shards}")),
            ("--shards=", format!("--shards cannot be '': {shards}")),
            ("--shards", "--shards needs a value: a whole number from 1 to 256".into()),
            ("--dir --demo", "--dir needs a value: the path of a directory".into()),
            ("--dir=", "--dir cannot be '': it takes the path of a directory".into()),
            (
                "--fsync sometimes",
                "--fsync cannot be 'sometimes': it takes always, everysec or no".into(),
            ),
            (
                "--listen 6399",
                "--listen cannot be '6399': it takes an IP address and a port, \
                 such as 127.0.0.1:6399 or [::1]:6399"
                    .into(),
            ),
            (
                "--max-clients lots",
                "--max-clients cannot be 'lots': it takes a whole number from 1 to 1000000".into(),
            ),
            (
                "--demo 0",
                "--demo cannot be '0': it takes a whole number of seconds from 1 to 3600, \
                 or no value for 5"
                    .into(),
            ),
            ("--port 1", "unknown flag '--port'; --help lists the flags".into()),
            ("--port=1", "unknown flag '--port'; --help lists the flags".into()),
            (
                "serve",
                "unexpected argument 'serve'; every argument is a flag, --help lists them".into(),
            ),
            ("--help=all", "--help takes no value, but was given 'all'".into()),
        ];
        for (line, text) in table {
            assert_eq!(parsed(line).unwrap_err().to_string(), text, "{line}");
        }
    }

    #[test]
    fn the_help_names_every_flag_and_every_default() {
        let default = Options::default();
        for flag in Flag::ALL {
            assert!(HELP.contains(&format!("  {} ", flag.name())), "{}", flag.name());
        }
        for value in [
            default.listen.to_string(),
            default.shards.to_string(),
            default.max_clients.to_string(),
            DEMO.as_secs().to_string(),
        ] {
            assert!(HELP.contains(&format!("(default {value})")), "{value}");
        }
        assert!(HELP.lines().all(|line| line.len() <= 100));
    }
}
