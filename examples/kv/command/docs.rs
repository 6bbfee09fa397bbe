//! The replies of `COMMAND`, from the catalogue: `redis-cli` builds its help and hints on them.

use crate::command::catalog::{self, Spec};
use crate::wire::Reply;

pub(crate) fn count() -> Reply {
    Reply::count(catalog::CATALOG.len())
}

pub(crate) fn list() -> Reply {
    Reply::Array(catalog::CATALOG.iter().map(|spec| Reply::text(spec.name)).collect())
}

pub(crate) fn info_all() -> Reply {
    Reply::Array(catalog::CATALOG.iter().map(describe).collect())
}

/// One command's row of `COMMAND INFO`; a null array for an unknown one.
pub(crate) fn info(name: &[u8]) -> Reply {
    catalog::find(name).map_or(Reply::NullArray, describe)
}

pub(crate) fn docs_all() -> Reply {
    Reply::Array(catalog::CATALOG.iter().flat_map(document).collect())
}

/// `COMMAND DOCS name …`; unknown names are left out.
pub(crate) fn docs<'a>(names: impl Iterator<Item = &'a [u8]>) -> Reply {
    Reply::Array(names.filter_map(catalog::find).flat_map(document).collect())
}

fn describe(spec: &Spec) -> Reply {
    let (first, last, step) = spec.keys;
    let flags = spec.flags.split(' ').filter(|flag| !flag.is_empty());
    Reply::Array(vec![
        Reply::text(spec.name),
        Reply::Integer(spec.arity),
        Reply::Array(flags.map(Reply::Simple).collect()),
        Reply::Integer(first),
        Reply::Integer(last),
        Reply::Integer(step),
        // Access classes, tips, key specifications and subcommands are not kept.
        Reply::Array(vec![]),
        Reply::Array(vec![]),
        Reply::Array(vec![]),
        Reply::Array(vec![]),
    ])
}

fn document(spec: &Spec) -> [Reply; 2] {
    let fields = [("summary", spec.summary), ("group", spec.group)];
    let fields = fields.iter().flat_map(|(name, value)| [Reply::text(*name), Reply::text(*value)]);
    [Reply::text(spec.name), Reply::Array(fields.collect())]
}
