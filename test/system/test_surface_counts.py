"""What is counted and how: statistics, prepared statements, servers of a pool and their limits."""

import threading

import pytest

from rawpg import Client, bind, close, copy_data, copy_done, describe, execute, parse, query, sync
from scratch import wait_for
from servers import PEER
from surface import Poolers, in_log, row, rows, told

pytestmark = pytest.mark.any_version

BATCH = (parse("", "select 1"), bind(), execute(), sync())
# What a client sends, how many answers end it, and what that counts: queries, transactions.
COUNTED = {
	"one query": ([query("select 1")], 1, (1, 1)),
	"several statements": ([query("select 1; select 2; select 3")], 1, (1, 1)),
	"an empty query": ([query("")], 1, (1, 1)),
	"a lone sync": ([sync()], 1, (1, 1)),
	"three batches in one write": ([*BATCH * 3], 3, (1, 1)),
	"a transaction": (
		["begin", "select 1", "commit"],
		3,
		(3, 1),
	),
	"two transactions": (["begin", "commit", "begin", "rollback"], 4, (4, 2)),
	"an error": ([query("select 1/0")], 1, (1, 1)),
	"copy": ([query("copy kept from stdin"), copy_data("a\t1\n"), copy_done()], 1, (1, 1)),
}
COUNTERS = ("query_count", "xact_count")


@pytest.fixture
def poolers(front, postgres, folder, certs):
	if front.direct:
		pytest.skip("there is no pooler")
	made = Poolers(front, postgres, folder, certs)
	yield made
	made.end()


def console_of(poolers, at):
	return poolers.enter(at, "pgbouncer", user="admin")


def totals(console, database="two"):
	return row(console, "STATS_TOTALS", database)


def servers(console, database):
	return sorted(
		(r["state"], r["remote_pid"]) for r in rows(console, "SERVERS") if r["database"] == database
	)


def settled(what, look, expected):
	"""LOOK becomes EXPECTED, and stays so for several looks of the pooler at its pools."""
	wait_for("%s to be %r" % (what, expected), lambda: look() == expected)
	threading.Event().wait(0.7)
	assert look() == expected


def more(after, before, names):
	return tuple(after[name] - before[name] for name in names)


@pytest.mark.parametrize("case", COUNTED)
@pytest.mark.parametrize("mode", ["transaction", "session"])
def test_queries_and_transactions(poolers, case, mode):
	parts, answers, expected = COUNTED[case]
	at = poolers(pool_mode=mode)
	console, client = console_of(poolers, at), poolers.enter(at, "two")
	client.does("select 1")
	before = totals(console)
	if isinstance(parts[0], str):
		for sql in parts:
			client.does(sql)
	else:
		client.send(*parts)
		client.until_ready(answers)
	assert more(totals(console), before, COUNTERS) == expected
	client.leave()
	wait_for("its end", lambda: row(console, "CLIENTS", "two") is None)
	assert more(totals(console), before, COUNTERS) == expected


def test_bytes_and_assignments(poolers):
	at = poolers()
	console, client = console_of(poolers, at), poolers.enter(at, "two")
	client.does("select 1")
	before = totals(console)
	said = query("select '%s'" % ("x" * 1000))
	client.send(said)
	heard = sum(len(m.body) + 5 for m in client.until_ready())
	assert more(
		totals(console),
		before,
		("bytes_received", "bytes_sent", "server_assignment_count"),
	) == (len(said), heard, 1)


def test_times(poolers):
	at = poolers()
	console, client, other = console_of(poolers, at), poolers.enter(at), poolers.enter(at)
	before = totals(console, "one")
	client.does("begin")
	other.send(query("select 1"))
	wait_for("the wait", lambda: row(console, "POOLS", "one")["cl_waiting"] == 1)
	client.does("select pg_sleep(0.3)")
	client.does("commit")
	other.until_ready()
	query_time, xact_time, wait_time = more(
		totals(console, "one"), before, ("query_time", "xact_time", "wait_time")
	)
	assert 300_000 <= query_time < 3_000_000
	assert query_time <= xact_time < 3_000_000
	assert 300_000 <= wait_time < 3_000_000


@pytest.mark.skipif(PEER, reason="nothing newer or older")
def test_prepared_statements(poolers):
	at = poolers(max_prepared_statements=2)
	console, client, other = console_of(poolers, at), poolers.enter(at, "two"), poolers.enter(at, "two")
	names = ("client_parse_count", "server_parse_count", "bind_count")
	before = totals(console) if row(console, "STATS_TOTALS", "two") else dict.fromkeys(names, 0)

	def counted(*expected):
		assert more(totals(console), before, names) == expected

	def run(who, name, sql=None):
		who.send(*([parse(name, sql)] if sql else []), bind(name), execute(), sync())
		who.until_ready()

	run(client, "a", "select 1")
	counted(1, 1, 1)
	run(client, "a")
	counted(1, 1, 2)
	run(other, "b", "select 1")  # the server has it
	counted(2, 1, 3)
	run(client, "", "select 1")  # no name, nothing kept
	assert totals(console)["client_parse_count"] - before["client_parse_count"] <= 3
	mine = [r for r in rows(console, "CLIENTS") if r["database"] == "two"]
	assert sorted(r["prepared_statements"] for r in mine) == ["1", "1"]
	for name in "cde":
		run(client, name, "select '%s'" % name)
	(server,) = [r for r in rows(console, "SERVERS") if r["database"] == "two"]
	assert server["prepared_statements"] == "2"
	client.send(close("S", "c"), close("S", "never was"), sync())
	client.hears("3 3 Z:I")
	mine = [r for r in rows(console, "CLIENTS") if r["database"] == "two"]
	assert sorted(r["prepared_statements"] for r in mine) == ["1", "3"]
	run(client, "a")  # has been pushed out: is prepared again, nobody notices
	client.send(describe("S", "d"), sync())
	client.hears("t T Z:I")
	client.does("deallocate all")
	mine = [r for r in rows(console, "CLIENTS") if r["database"] == "two"]
	assert sorted(r["prepared_statements"] for r in mine) == ["0", "1"]


def test_nothing_is_counted_where_nothing_is_kept(poolers):
	at = poolers(max_prepared_statements=0)
	console, client = console_of(poolers, at), poolers.enter(at, "one")
	client.send(parse("a", "select 1"), bind("a"), execute(), sync())
	client.until_ready()
	found = totals(console, "one")
	assert (found["client_parse_count"], found["server_parse_count"], found["bind_count"]) == (0, 0, 0)


def test_servers_are_used_freshest_first_or_in_turn(poolers):
	if poolers.front.workers > 1:
		pytest.skip("each worker has its own order")
	for round_robin, expected in ((0, 1), (1, 3)):
		at = poolers(server_round_robin=round_robin)
		guests = [poolers.enter(at, "three") for _ in range(3)]
		for guest in guests:
			guest.does("begin")
		for guest in guests:
			guest.does("commit")
		used = {guests[0].asks("select pg_backend_pid()") for _ in range(6)}
		assert len(used) == expected


def test_the_reserve(poolers):
	at = poolers(
		databases={"spare": "pool_size=1 reserve_pool_size=2"}, reserve_pool_timeout=1
	)
	console = console_of(poolers, at)
	guests = [poolers.enter(at, "spare") for _ in range(5)]
	guests[0].does("begin")
	for guest in guests[1:]:
		guest.send(query("begin"))
	settled("servers", lambda: len(servers(console, "spare")), 3)
	in_log(at, "taking connection from reserve_pool", 2)
	assert row(console, "POOLS", "spare")["cl_waiting"] == 2
	assert row(console, "DATABASES", "spare", "name")["reserve_pool_size"] == 2


@pytest.mark.parametrize("whose", ["database", "user"])
def test_idle_servers_make_room(poolers, whose):
	"""For another pool of the same database or user; busy ones do not."""
	at = poolers(
		databases={
			"small": "pool_size=2" + (" max_db_connections=2" if whose == "database" else ""),
			"other": "pool_size=2",
		},
		users={"app": "max_user_connections=2"} if whose == "user" else None,
	)
	console = console_of(poolers, at)
	first, second = [poolers.enter(at, "small") for _ in range(2)]
	for guest in (first, second):
		guest.does("begin")
	first.does("commit")
	if whose == "database":
		third = poolers.enter(at, "small", user="app_plain")
	else:
		third = poolers.enter(at, "other")
	third.does("begin")
	in_log(at, "closing because: evicted", 1)
	first.send(query("select 'served'"))
	settled("the wait", lambda: sum(int(r["cl_waiting"]) for r in rows(console, "POOLS")), 1)
	third.does("commit")
	first.hears("T D:served C Z:I")
	second.does("commit")


def test_least_servers(poolers):
	"""Once somebody is there; for a fixed user at once; never above pool_size, evicting nobody."""
	at = poolers(
		databases={
			"ready": "user=app pool_size=5 min_pool_size=3",
			"small": "pool_size=2 min_pool_size=7",
			"tight": "pool_size=5 min_pool_size=5 max_db_connections=2",
		},
		server_idle_timeout=1,
	)
	console = console_of(poolers, at)
	settled("ready", lambda: len(servers(console, "ready")), 3)
	assert servers(console, "small") == servers(console, "tight") == []
	poolers.enter(at, "small")
	poolers.enter(at, "tight")
	settled("small", lambda: len(servers(console, "small")), 2)
	settled("tight", lambda: len(servers(console, "tight")), 2)
	assert "evicted" not in at.log.read_text()
	# but a client who would have none gets one of them
	assert poolers.enter(at, "tight", user="app_plain").asks("select 'served'") == "served"
	in_log(at, "closing because: evicted")


def test_ends_of_servers(poolers):
	at = poolers(server_idle_timeout=1)
	console, client = console_of(poolers, at), poolers.enter(at, "two")
	client.does("select 1")
	wait_for("its end", lambda: servers(console, "two") == [])
	in_log(at, "closing because: server idle timeout (age=")
	assert told(console, "SET server_idle_timeout=0").endswith("server_idle_timeout=0")
	assert told(console, "SET server_lifetime=1").endswith("server_lifetime=1")
	client.does("select 1")
	wait_for("its end", lambda: servers(console, "two") == [])
	in_log(at, "closing because: server lifetime over (age=")


def test_servers_of_yesterday(poolers):
	"""RECONNECT closes idle ones at once and busy ones as they become free; sizes on RELOAD close none."""
	at = poolers()
	console, busy, idle = console_of(poolers, at), poolers.enter(at, "two"), poolers.enter(at, "two")
	busy.does("begin")
	idle.does("select 1")
	before = servers(console, "two")
	assert len(before) == 2
	at.databases["two"] += " query_wait_timeout=9" if not PEER else ""
	at.write_files()
	assert told(console, "RELOAD").endswith("RELOAD")
	assert servers(console, "two") == before
	assert told(console, "RECONNECT two") == "RECONNECT"
	settled("servers", lambda: len(servers(console, "two")), 1)
	found = [r for r in rows(console, "SERVERS") if r["database"] == "two"]
	assert found[0]["close_needed"] == "1"
	busy.does("commit")
	wait_for("its end", lambda: servers(console, "two") == [])
	assert idle.asks("select 1") == "1"


def test_pools_as_tools_see_them(poolers):
	at = poolers()
	console = console_of(poolers, at)
	busy, waiting, idle = (poolers.enter(at, "one") for _ in range(3))
	busy.does("begin")
	waiting.send(query("select 1"))
	wait_for("the wait", lambda: row(console, "POOLS", "one")["cl_waiting"] == 1)
	found = row(console, "POOLS", "one")
	assert (found["cl_active"], found["sv_active"], found["sv_idle"]) == (2, 1, 0)
	states = sorted(r["state"] for r in rows(console, "CLIENTS") if r["database"] == "one")
	assert states == ["active", "idle", "waiting"]
	wait_for("maxwait", lambda: row(console, "POOLS", "one")["maxwait"] >= 1)
	busy.does("commit")
	waiting.until_ready()
	found = row(console, "POOLS", "one")
	assert (found["cl_active"], found["cl_waiting"], found["sv_idle"]) == (3, 0, 1)
	assert (found["maxwait"], found["maxwait_us"]) == (0, 0)
	assert idle.asks("select 1") == "1"


def test_users_that_are_nobody_leave_no_trace(poolers):
	at = poolers()
	console = console_of(poolers, at)
	before = [r["name"] for r in rows(console, "USERS")]
	stranger = Client(at.address)
	with pytest.raises(Exception, match="authentication failed"):
		stranger.login(user="nobody_known", database="one")
	assert [r["name"] for r in rows(console, "USERS")] == before
