//! What the Rust clients share: their settings, their tags and the counting of checks.
//!
//! Every value a client sends carries a tag that no other session and no other process
//! uses, so an answer that went to the wrong session cannot pass for the right one.

use std::env;
use std::fmt::{Debug, Display};
use std::process::{exit, id};
use std::sync::atomic::{AtomicUsize, Ordering};

pub const COPY_ROWS: i32 = 50;
pub const CANCEL_SECONDS: u64 = 5;

/// Counts the queries asleep whose text has the tag $1 in it.
pub const WATCH: &str = "select count(*) from pg_stat_activity \
	where wait_event = 'PgSleep' and strpos(query, $1) > 0";

static CHECKS: AtomicUsize = AtomicUsize::new(0);

pub fn setting(name: &str, otherwise: &str) -> String {
	env::var(name).unwrap_or_else(|_| otherwise.to_string())
}

pub fn clients() -> i32 {
	setting("CLIENTS", "12").parse().expect("CLIENTS is a number")
}

pub fn rounds() -> i32 {
	setting("ROUNDS", "20").parse().expect("ROUNDS is a number")
}

/// Rows that all sessions leave together: every third transaction commits.
pub fn committed() -> i64 {
	i64::from(clients() * ((rounds() + 2) / 3))
}

/// Count one check, or say what was expected and what came and end the process.
pub fn expect<T: PartialEq + Debug>(what: &str, expected: T, came: T) {
	if expected != came {
		fail(&format!("{what}: expected {expected:?}, got {came:?}"));
	}
	CHECKS.fetch_add(1, Ordering::Relaxed);
}

pub fn fail(text: &str) -> ! {
	eprintln!("failed: {text}");
	exit(1)
}

/// The value of RESULT, or the end of the process.
pub fn must<T, E: Debug + Display>(what: &str, result: Result<T, E>) -> T {
	result.unwrap_or_else(|error| fail(&format!("{what}: expected no error, got {error:?}")))
}

pub fn tag(session: i32, n: i32) -> String {
	format!("{}-s{session}-r{n}", id())
}

pub fn own_word(session: i32) -> String {
	format!("p{}s{session}", id())
}

pub fn table(driver: &str) -> String {
	format!("clients_{driver}_{}", id())
}

/// What a COPY of the rows of MINE looks like in text.
pub fn copy_text(mine: &str) -> String {
	(0..COPY_ROWS).map(|i| format!("{mine}-c{i}\t{i}\n")).collect()
}

pub fn copy_out_text(table: &str, mine: &str) -> String {
	format!("copy (select * from {table} where strpos(tag, '{mine}-c') = 1 order by n) to stdout")
}

/// Print the line of success; the version of DRIVER is the one its manifest pins.
pub fn finish(driver: &str) {
	let start = format!("{driver} = ");
	let line = include_str!("../Cargo.toml").lines().find(|line| line.starts_with(&start));
	let version = line.and_then(|line| line.split(['=', '"']).find(|part| part.contains('.')));
	let checks = CHECKS.load(Ordering::Relaxed);
	println!("ok {driver} {} {checks} checks", version.unwrap_or("unknown"));
}
