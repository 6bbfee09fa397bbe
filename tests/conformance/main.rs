//! Each case of the semantics as one test that bears its id, on the public API only.
//!
//! `docs/CONFORMANCE.md` is made from these files: see `table.rs`. A test's documentation begins
//! with the rules that it shows, in bold: `/// **R3.3, R3.14** …`.

mod cycles;
mod family;
mod harness;
mod lease;
mod machine;
mod mbx;
mod scripted;
mod sig;
mod statem;
mod statem_random;
mod statem_timeouts;
mod sup_start;
mod tim;
mod worker;
