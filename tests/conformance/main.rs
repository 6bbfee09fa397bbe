//! Each case of the semantics as one test that bears its id, on the public API only.
//!
//! `docs/CONFORMANCE.md` is made from these files: see `table`. A test's documentation begins
//! with the rules that it shows, in bold: `/// **R3.3, R3.14** …`.

mod ask_collections;
mod ask_delegate;
mod ask_limits;
mod ask_order;
mod ask_outcomes;
mod ask_pipe;
mod callee;
mod cycles;
mod ex;
mod family;
mod flw;
mod grp;
mod harness;
mod lease;
mod machine;
mod mbx;
mod mbx_letters;
mod rcp;
mod reg;
mod reg_directory;
mod reg_lookup;
mod reg_start;
mod rtr;
mod scripted;
mod shd;
mod sig;
mod sig_order;
mod statem;
mod statem_random;
mod statem_timeouts;
mod sup_admin;
mod sup_auto;
mod sup_backoff;
mod sup_budget;
mod sup_group;
mod sup_recovery;
mod sup_restart;
mod sup_scale;
mod sup_start;
mod sup_start_fails;
mod sup_stop;
mod table;
mod tim;
mod top;
mod tree;
mod tsk;
mod tsk_stream;
mod wake;
mod worker;
