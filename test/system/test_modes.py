"""Pool modes, and what the operator asks of servers between clients: checks, resets, connect_query;
what he forbids: simple queries, long messages, sessions over servers that must go."""

import pytest

from rawpg import (
	Client,
	bind,
	execute,
	fields_of,
	parse,
	query,
	sync,
)
from scratch import wait_for

pytestmark = pytest.mark.any_version


def enters(pooler, database="one", **login):
	return Client(pooler.address).login(database=database, **login)


def last_words(client):
	"""The error that ends CLIENT."""
	said = client.rest()
	assert said and said[-1].kind == "E", said
	fields = fields_of(said[-1].body)
	assert (fields["S"], fields["C"]) == ("FATAL", "08P01")
	return fields["M"]


def servers(pooler, database="one"):
	return [row for row in pooler.console("show servers") if row["database"] == database]


# --- pool modes ---


def test_statement_mode(pooler):
	at = pooler(pool_mode="statement")
	one, two = enters(at), enters(at)
	assert one.asks("select pg_backend_pid()") == two.asks("select pg_backend_pid()")
	one.send(query("select 1; select 2"))
	one.hears("T D:1 C T D:2 C Z:I")
	one.send(parse("p", "select 3"), sync(), bind("p"), execute(), sync())
	one.hears("1 Z:I 2 D:3 C Z:I")
	one.send(query("begin"))
	assert (
		last_words(one) == "transaction blocks not allowed in statement pooling mode"
	)
	assert two.asks("select 1") == "1"


def test_statement_mode_and_a_failed_transaction(pooler):
	at = pooler(pool_mode="statement")
	client = enters(at)
	client.send(query("begin; select 1/0"))
	assert (
		last_words(client) == "transaction blocks not allowed in statement pooling mode"
	)
	assert enters(at).asks("select 1") == "1"


def test_session_mode_keeps_its_server(pooler):
	at = pooler(pool_mode="session")
	client = enters(at)
	pid = client.asks("select pg_backend_pid()")
	client.does("create temp table mine (n int)")
	client.does("set statement_timeout = 12345")
	client.does("prepare kept as select 'prepared'")
	assert client.asks("select pg_backend_pid()") == pid
	client.leave()
	after = enters(at)
	assert after.asks("select pg_backend_pid()") == pid
	assert after.asks("show statement_timeout") == "0"
	assert after.asks("select count(*) from pg_class where relname = 'mine'") == "0"
	assert after.asks("select count(*) from pg_prepared_statements") == "0"


def test_a_user_of_another_mode(pooler):
	at = pooler()
	at.databases["one"] += " pool_mode=session"
	at.write_files()
	with open(at.ini, "a") as ini:
		ini.write("[users]\napp_plain = pool_mode=transaction\n")
	at.reload()
	wait_for(
		"the new modes",
		lambda: any(row["pool_mode"] == "transaction" for row in at.console("show users")),
	)
	holder = enters(at, "two", user="app_plain")
	holder.does("select 1")
	session = enters(at)
	session.does("select 1")
	wait_for(
		"a session that holds its server",
		lambda: [row["state"] for row in servers(at)] == ["active"],
	)
	assert [row["state"] for row in servers(at, "two")] == ["idle"]


# --- reset, check, connect ---


def test_reset_query_after_every_transaction(pooler):
	at = pooler(server_reset_query_always=1)
	one, two = enters(at), enters(at)
	one.does("set statement_timeout = 12345")
	assert two.asks("show statement_timeout") == "0"


def test_reset_query_not_after_transactions(pooler):
	at = pooler(server_reset_query="select 1/0", pool_mode="transaction")
	client = enters(at)
	pid = client.asks("select pg_backend_pid()")
	assert client.asks("select pg_backend_pid()") == pid


def test_reset_query_that_fails(pooler):
	at = pooler(server_reset_query="select 1/0", pool_mode="session")
	client = enters(at)
	pid = client.asks("select pg_backend_pid()")
	client.leave()
	wait_for("the server's end", lambda: servers(at) == [])
	assert enters(at).asks("select pg_backend_pid()") != pid


@pytest.mark.parametrize(
	"check, delay, checked",
	[
		("insert into kept values ('checked', 1)", 0, 3),
		("insert into kept values ('checked', 1)", 30, 0),
		("", 0, 0),
		("<empty>", 0, 0),
	],
	ids=["every use", "fresh ones", "none", "empty query"],
)
def test_check_query(pooler, postgres, check, delay, checked):
	"""Counted by its effect: PostgreSQL's log is not ours."""
	at = pooler(server_check_query=check, server_check_delay=delay)
	postgres.sql("truncate kept")
	client = enters(at)
	before = int(postgres.sql("select count(*) from kept")[0][0])
	for _ in range(3):
		assert client.asks("select 1") == "1"
	assert int(postgres.sql("select count(*) from kept")[0][0]) - before == checked


def test_check_query_finds_a_dead_server(pooler, postgres):
	at = pooler(server_check_delay=0, query_wait_timeout=5)
	client = enters(at)
	client.does("select 1")
	postgres.sql(
		"select pg_terminate_backend(pid) from pg_stat_activity where usename = 'app'"
	)
	wait_for("its end", lambda: servers(at) == [])
	assert client.asks("select 'a new one'") == "a new one"


@pytest.mark.parametrize(
	"connect_query, shown",
	[
		("set statement_timeout = 7000", "7s"),
		("begin; set local statement_timeout = 7000", "0"),
		("select 1/0", "0"),
		("begin; select 1/0", "0"),
		("copy kept from stdin", "0"),
	],
	ids=["sets", "leaves a transaction", "fails", "fails in a transaction", "copies"],
)
def test_connect_query(pooler, connect_query, shown):
	at = pooler()
	at.databases["one"] += " connect_query='%s'" % connect_query
	at.write_files()
	at.reload()
	wait_for("the reload", lambda: at.console("show databases") and enters_well(at))
	assert enters(at).asks("show statement_timeout") == shown
	assert len(servers(at)) == 1


def enters_well(at):
	client = enters(at)
	try:
		return client.asks("select 1") == "1"
	finally:
		client.leave()


def test_failing_connect_query_is_told_to_the_log(pooler):
	at = pooler()
	at.databases["one"] += " connect_query='select 1/0'"
	at.write_files()
	at.reload()
	wait_for("the reload", lambda: "1/0" in at.ini.read_text() and enters_well(at))
	at.console("reconnect")
	enters_well(at)
	at.wait_until_logged("connect_query failed: division by zero")


# --- what is forbidden ---


def test_simple_queries(pooler):
	at = pooler(disable_pqexec=1)
	client = enters(at)
	client.send(parse("", "select 'extended'"), bind(), execute(), sync())
	client.hears("1 2 D:extended C Z:I")
	client.send(query("select 1"))
	assert last_words(client) == "PQexec disallowed"
	assert at.console("show version")  # the console has nothing else


def test_long_messages(pooler):
	at = pooler(max_packet_size=10000)
	client = enters(at)
	most = "select '%s'" % ("x" * (10000 - 1 - 4 - 1 - len("select ''")))
	client.send(query(most))
	assert [m.kind for m in client.until_ready()] == ["T", "D", "C", "Z"]
	client.send(query(most + " "))
	assert (
		last_words(client)
		== "bad packet header: expected at most max_packet_size, 10000 bytes, got 10001"
	)
	client = enters(at)
	client.send(query("select repeat('x', 10000 - 11)"))
	assert [m.kind for m in client.until_ready()] == ["T", "D", "C", "Z"]
	client.send(query("select repeat('x', 10000 - 10)"))
	assert last_words(client) == "server sent a message longer than max_packet_size"
	client = enters(at)
	client.send(parse("", "select repeat('x', n) from generate_series(9980, 9995) n"))
	client.send(bind(), execute(), sync())
	assert last_words(client) == "server sent a message longer than max_packet_size"
	assert enters(at).asks("select 1") == "1"


def test_sessions_over_servers_that_must_go(pooler):
	at = pooler(pool_mode="session", server_fast_close=1)
	idle, busy = enters(at, "two"), enters(at, "two")
	idle.does("select 1")
	busy.does("begin")
	at.console("reconnect")
	assert last_words(idle) == "database configuration changed"
	assert busy.asks("select 'not yet'") == "not yet"
	busy.send(query("commit"))
	assert last_words(busy) == "database configuration changed"
	wait_for("no server", lambda: servers(at, "two") == [])
	assert enters(at, "two").asks("select 1") == "1"


def test_sessions_stay_without_fast_close(pooler):
	at = pooler(pool_mode="session")
	client = enters(at, "two")
	pid = client.asks("select pg_backend_pid()")
	at.console("reconnect")
	assert client.asks("select pg_backend_pid()") == pid
	client.leave()
	wait_for("no server", lambda: servers(at, "two") == [])
