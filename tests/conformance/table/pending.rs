//! Cases and rules whose tests are being written now. Temporary: it goes when the last is merged.

pub(super) const PENDING: &[&str] = &[
    "SUP-02", "SUP-03", "SUP-04", "SUP-05", "SUP-06", "SUP-07", "SUP-08", "SUP-09", "SUP-10",
    "SUP-11", "SUP-12", "SUP-13", "SUP-14", "SUP-15", "SUP-16", "SUP-17", "SUP-18", "SUP-19",
    "SUP-20", "SUP-21", "SUP-22", "SUP-23", "SUP-24", "SUP-25", "SUP-26", "SUP-27", "SUP-28",
    "SUP-29", "SUP-30", "SUP-31", "SUP-33", "SUP-34", "SUP-35", "SUP-36", "SUP-37", "SUP-40",
    "SUP-41", "SUP-42", "SUP-43", "SUP-44", "SIG-10", "ASK-01", "ASK-02", "ASK-03", "ASK-04",
    "ASK-05", "ASK-06", "ASK-07", "ASK-08", "ASK-09", "ASK-10", "ASK-11", "ASK-12", "ASK-13",
    "ASK-14", "MBX-04", "MBX-11", "MBX-12", "REG-01", "REG-02", "REG-03", "REG-04", "REG-05",
    "REG-06", "GRP-01", "TOP-01", "RCP-01", "RTR-01", "RTR-02", "RTR-03", "RTR-04", "TSK-01",
    "TSK-02", "TSK-03", "TSK-04", "FLW-01", "FLW-02", "FLW-03", "FLW-04", "SHD-01", "SHD-02",
    "SHD-03", "SHD-04", "EX-01", "EX-02", "D2", "D4", "D5", "D7", "D8", "D9", "D10", "D11", "D12",
    "D13", "R1.1", "R2.5", "R2.7", "R2.8", "R3.1", "R3.2", "R3.4", "R3.5", "R3.6", "R3.7", "R3.8",
    "R3.10", "R3.11", "R3.12", "R3.13", "R3.15", "R3.16", "R3.17", "R3.18", "R3.19", "R3.20",
    "R3.21", "R3.22", "R3.23", "R3.24", "R3.25", "R3.26", "R3.27", "R3.30", "R4.1", "R4.2", "R4.3",
    "R4.4", "R4.5", "R4.6", "R4.7", "R5.2", "R6.4", "R6.5", "R7.2", "R8.1", "R8.2", "R8.3", "R8.4",
    "R8.5", "R8.6", "R8.7", "R8.8", "R9.1", "R9.2", "R9.3", "R9.4", "R10.1", "R10.2", "R10.3",
    "R10.4", "R11.1", "R11.2", "R11.3", "E1", "E2", "E3",
];
