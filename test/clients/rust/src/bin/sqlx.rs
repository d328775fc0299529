//! Client of sqlx: every text prepared under a name of the driver's, kept in a cache of
//! the connection's. It has no cancel request of its own.

use clients::*;
use futures_util::future::join_all;
use futures_util::TryStreamExt;
use sqlx::pool::PoolConnection;
use sqlx::postgres::{PgConnectOptions, PgPool, PgPoolOptions};
use sqlx::{AssertSqlSafe, Connection, Error, Executor, Postgres};

type Conn = PoolConnection<Postgres>;

fn sqlstate<T>(result: Result<T, Error>) -> String {
	match result {
		Ok(_) => "no error".to_string(),
		Err(Error::Database(error)) => error.code().unwrap_or_default().to_string(),
		Err(error) => error.to_string(),
	}
}

async fn text(conn: &mut Conn, query: &str, mine: &str) -> String {
	let asked = sqlx::query_scalar(AssertSqlSafe(query)).bind(mine);
	must(query, asked.fetch_one(&mut **conn).await)
}

/// Commit, roll back or fail: afterwards exactly the committed row is there.
async fn transaction(conn: &mut Conn, table: &str, n: i32, mine: &str) {
	let mut tx = must("begin", conn.begin().await);
	let insert = format!("insert into {table} values ($1, $2)");
	let asked = sqlx::query(AssertSqlSafe(insert)).bind(mine).bind(n);
	must("insert", asked.execute(&mut *tx).await);
	let own = format!("select tag, n from {table} where tag = $1");
	let asked = sqlx::query_as(AssertSqlSafe(own.as_str())).bind(mine);
	let came: Vec<(String, i32)> = must("select", asked.fetch_all(&mut *tx).await);
	expect("own row", vec![(mine.to_string(), n)], came);
	if n % 3 == 2 {
		let asked = sqlx::query("select 1/$1::int").bind(0);
		expect("division", "22012".into(), sqlstate(asked.execute(&mut *tx).await));
	}
	match n % 3 {
		0 => must("commit", tx.commit().await),
		_ => must("rollback", tx.rollback().await),
	}
	let asked = sqlx::query(AssertSqlSafe(own.as_str())).bind(mine);
	let left = must("count", asked.fetch_all(&mut **conn).await).len();
	expect("rows left", usize::from(n % 3 == 0), left);
}

async fn copy(conn: &mut Conn, table: &str, mine: &str) {
	let mut tx = must("begin", conn.begin().await);
	let into = format!("copy {table} from stdin");
	let mut sink = must("copy in", tx.copy_in_raw(&into).await);
	for line in copy_text(mine).split_inclusive('\n') {
		must("copied row", sink.send(line.as_bytes()).await);
	}
	expect("rows in", COPY_ROWS as u64, must("copied rows", sink.finish().await));
	let out = copy_out_text(table, mine);
	let parts: Vec<_> = {
		let stream = must("copy out", tx.copy_out_raw(&out).await);
		must("rows out", stream.try_collect().await)
	};
	must("rollback", tx.rollback().await);
	expect("copied rows", copy_text(mine).into_bytes(), parts.concat());
}

async fn session(number: i32, table: String, pool: PgPool) {
	let mut conn = must("acquire", pool.acquire().await);
	let word = own_word(number);
	let own = format!("select '{word}' || $1");
	for n in 0..rounds() {
		let mine = tag(number, n);
		let asked = sqlx::query_scalar("select 3 + 4").fetch_one(&mut *conn).await;
		expect("no parameters", 7, must("select", asked));
		expect("parameter", &mine, &text(&mut conn, "select $1::text", &mine).await);
		expect("own statement", format!("{word}{mine}"), text(&mut conn, &own, &mine).await);
		let many = AssertSqlSafe(format!("select 1; select '{mine}'"));
		let rows = must("two statements", conn.fetch_all(sqlx::raw_sql(many)).await);
		let came: String = sqlx::Row::get(&rows[1], 0);
		expect("second of two statements", &mine, &came);
		let asked = sqlx::query("select 1/$1::int").bind(0);
		expect("division", "22012".into(), sqlstate(asked.execute(&mut *conn).await));
		must("notice", conn.execute("do $$ begin raise notice 'ignored'; end $$").await);
		transaction(&mut conn, &table, n, &mine).await;
		if n % 5 == 0 {
			copy(&mut conn, &table, &mine).await;
		}
	}
}

#[tokio::main]
async fn main() {
	let table = table("sqlx");
	// The options read the PG* variables; "require" does not look at the certificate.
	let pool = PgPoolOptions::new().max_connections(clients() as u32);
	let pool = must("pool", pool.connect_with(PgConnectOptions::new()).await);
	let create = format!("create table if not exists {table} (tag text, n int)");
	must("create table", pool.execute(AssertSqlSafe(create)).await);
	let one = |number| tokio::spawn(session(number, table.clone(), pool.clone()));
	for ended in join_all((0..clients()).map(one)).await {
		must("session", ended);
	}
	let count = AssertSqlSafe(format!("select count(*) from {table}"));
	let rows = sqlx::query_scalar(count).fetch_one(&pool).await;
	expect("committed rows", committed(), must("count", rows));
	must("drop table", pool.execute(AssertSqlSafe(format!("drop table {table}"))).await);
	pool.close().await;
	finish("sqlx");
}
