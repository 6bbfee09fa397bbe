//! stub
use crate::options::Options;
use greenroom::prelude::Fault;
pub(crate) fn run(_: Options, _: std::time::Duration) -> Result<(), Fault> {
    Ok(())
}
