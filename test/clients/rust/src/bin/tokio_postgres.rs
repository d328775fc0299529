//! Client of tokio-postgres: every text prepared under a name that counts up in the
//! process and closed after use, many requests in flight on one connection.

use std::sync::LazyLock;
use std::time::{Duration, Instant};

use clients::*;
use futures_util::future::join_all;
use futures_util::{pin_mut, SinkExt, TryStreamExt};
use postgres_native_tls::MakeTlsConnector;
use tokio::sync::Mutex;
use tokio_postgres::config::SslMode;
use tokio_postgres::{Client, Config, Error};

// A sleeping query occupies a server and the watcher needs another one.
static CANCELLING: Mutex<()> = Mutex::const_new(());

// Made once: making it reads all the authorities of the system.
static TLS: LazyLock<MakeTlsConnector> = LazyLock::new(|| {
	let mut builder = native_tls::TlsConnector::builder();
	builder.danger_accept_invalid_certs(true).danger_accept_invalid_hostnames(true);
	MakeTlsConnector::new(must("tls", builder.build()))
});

async fn connect() -> Client {
	let mut config = Config::new();
	config
		.host(setting("PGHOST", "127.0.0.1"))
		.port(setting("PGPORT", "5432").parse().expect("PGPORT is a number"))
		.user(setting("PGUSER", "postgres"))
		.password(setting("PGPASSWORD", ""))
		.dbname(setting("PGDATABASE", "postgres"))
		.ssl_mode(match setting("PGSSLMODE", "disable").as_str() {
			"require" => SslMode::Require,
			_ => SslMode::Disable,
		});
	let (client, connection) = must("connect", config.connect(TLS.clone()).await);
	tokio::spawn(connection);
	client
}

fn sqlstate<T>(result: Result<T, Error>) -> String {
	match result {
		Ok(_) => "no error".to_string(),
		Err(error) => error.code().map_or(error.to_string(), |code| code.code().to_string()),
	}
}

async fn text(client: &Client, query: &str, mine: &str) -> String {
	must(query, client.query_one(query, &[&mine]).await).get(0)
}

/// Commit, roll back or fail: afterwards exactly the committed row is there.
async fn transaction(client: &mut Client, table: &str, n: i32, mine: &str) {
	let tx = must("begin", client.transaction().await);
	let insert = format!("insert into {table} values ($1, $2)");
	must("insert", tx.execute(&insert, &[&mine, &n]).await);
	let own = format!("select tag, n from {table} where tag = $1");
	let rows = must("select", tx.query(&own, &[&mine]).await);
	let came: Vec<(String, i32)> = rows.iter().map(|row| (row.get(0), row.get(1))).collect();
	expect("own row", vec![(mine.to_string(), n)], came);
	let series = "select $1::text || i from generate_series(1, 25) i";
	let portal = must("bind", tx.bind(series, &[&mine]).await);
	let mut came: Vec<String> = Vec::new();
	for _ in 0..3 {
		let part = must("portal", tx.query_portal(&portal, 10).await);
		came.extend(part.iter().map(|row| row.get::<_, String>(0)));
	}
	let expected: Vec<String> = (1..=25).map(|i| format!("{mine}{i}")).collect();
	expect("rows of a portal", expected, came);
	drop(portal);
	if n % 3 == 2 {
		expect("division", "22012".into(), sqlstate(tx.query_one("select 1/$1::int", &[&0]).await));
	}
	match n % 3 {
		0 => must("commit", tx.commit().await),
		_ => must("rollback", tx.rollback().await),
	}
	let left = must("count", client.query(&own, &[&mine]).await).len();
	expect("rows left", usize::from(n % 3 == 0), left);
}

async fn copy(client: &mut Client, table: &str, mine: &str) {
	let tx = must("begin", client.transaction().await);
	let sink = must("copy in", tx.copy_in(&format!("copy {table} from stdin")).await);
	pin_mut!(sink);
	for line in copy_text(mine).split_inclusive('\n') {
		must("copied row", sink.send(std::io::Cursor::new(line.as_bytes().to_vec())).await);
	}
	expect("rows in", COPY_ROWS as u64, must("copied rows", sink.finish().await));
	let stream = must("copy out", tx.copy_out(&copy_out_text(table, mine)).await);
	let parts: Vec<_> = must("rows out", stream.try_collect().await);
	must("rollback", tx.rollback().await);
	expect("copied rows", copy_text(mine).into_bytes(), parts.concat());
}

/// All are written before the first answer is read; one of them fails.
async fn pipeline(client: &Client, mine: &str) {
	let values: Vec<String> = (0..10).map(|i| format!("{mine}-p{i}")).collect();
	let asked = join_all(values.iter().map(|value| text(client, "select $1::text", value)));
	let failing = client.query_one("select 1/$1::int", &[&0]);
	let (came, failed, last) = tokio::join!(asked, failing, text(client, "select $1::text", mine));
	expect("pipelined answers", &values, &came);
	expect("division in a pipeline", "22012".into(), sqlstate(failed));
	expect("answer after the error", mine, &last);
}

async fn cancel(client: &Client, mine: &str) {
	let _one = CANCELLING.lock().await;
	let limit = Duration::from_secs(CANCEL_SECONDS);
	let start = Instant::now();
	let token = client.cancel_token();
	let query = format!("select pg_sleep(30) /* {mine} */");
	let stop = async {
		let other = connect().await;
		while start.elapsed() < limit {
			let asleep: i64 = must("watch", other.query_one(WATCH, &[&mine]).await).get(0);
			if asleep > 0 {
				break;
			}
			tokio::time::sleep(Duration::from_millis(10)).await;
		}
		must("cancel request", token.cancel_query(TLS.clone()).await);
	};
	let (slept, ()) = tokio::join!(client.batch_execute(&query), stop);
	expect("cancelled query", "57014".into(), sqlstate(slept));
	expect("cancelled in time", true, start.elapsed() < limit);
}

async fn session(number: i32, table: String) {
	let mut client = connect().await;
	let word = own_word(number);
	let own = must("prepare", client.prepare(&format!("select '{word}' || $1::text")).await);
	for n in 0..rounds() {
		let mine = tag(number, n);
		let seven: i32 = must("select", client.query_one("select 3 + 4", &[]).await).get(0);
		expect("no parameters", 7, seven);
		expect("parameter", &mine, &text(&client, "select $1::text", &mine).await);
		let came: String = must("own statement", client.query_one(&own, &[&mine]).await).get(0);
		expect("own statement", format!("{word}{mine}"), came);
		expect("division", "22012".into(), sqlstate(client.batch_execute("select 1/0").await));
		must("notice", client.batch_execute("do $$ begin raise notice 'ignored'; end $$").await);
		transaction(&mut client, &table, n, &mine).await;
		pipeline(&client, &mine).await;
		if n % 5 == 0 {
			copy(&mut client, &table, &mine).await;
		}
		if n == rounds() / 2 {
			cancel(&client, &mine).await;
		}
	}
}

#[tokio::main]
async fn main() {
	let table = table("tokio_postgres");
	let first = connect().await;
	let create = format!("create table if not exists {table} (tag text, n int)");
	must("create table", first.batch_execute(&create).await);
	let sessions = (0..clients()).map(|number| tokio::spawn(session(number, table.clone())));
	for ended in join_all(sessions).await {
		must("session", ended);
	}
	let rows = first.query_one(&format!("select count(*) from {table}"), &[]).await;
	expect("committed rows", committed(), must("count", rows).get(0));
	must("drop table", first.batch_execute(&format!("drop table {table}")).await);
	finish("tokio-postgres");
}
