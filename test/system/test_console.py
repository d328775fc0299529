"""The console: what it shows to which driver, who may do what, and what its commands do."""

import asyncio
import contextlib
import os
import subprocess
import threading

import asyncpg
import psycopg
import pytest

from rawpg import (
	Client,
	Closed,
	Refused,
	Wire,
	Wrong,
	bind,
	cancel,
	execute,
	fields_of,
	parse,
	query,
	row_of,
	startup,
	strings,
	sync,
)
from scratch import wait_for
from servers import PEER, SECRET, Pooler

pytestmark = [
	pytest.mark.any_version,
	pytest.mark.skipif(PEER, reason="what is asked here is pgweir's own"),
]

OURS = "budget counters hba helpers latency settings".split()
TOPICS = """active_sockets clients config databases dns_hosts dns_zones lists mem peer_pools peers
	pools servers sockets state stats stats_averages stats_totals totals users version""".split() + OURS
PRETENDED = """client_encoding datestyle default_transaction_isolation standard_conforming_strings
	timezone transaction_isolation""".split()

# What operators read by position; PgBouncer 1.25.
STATS = """database total_server_assignment_count total_xact_count total_query_count
	total_received total_sent total_xact_time total_query_time total_wait_time
	total_client_parse_count total_server_parse_count total_bind_count
	avg_server_assignment_count avg_xact_count avg_query_count avg_recv avg_sent
	avg_xact_time avg_query_time avg_wait_time avg_client_parse_count
	avg_server_parse_count avg_bind_count""".split()


@pytest.fixture
def pooler(front, postgres, folder, certs):
	"""A pooler of a test's own: admin may do everything, app may look."""
	if front.direct:
		pytest.skip("there is no pooler")
	pooler = Pooler(
		postgres,
		folder / ("console-" + os.urandom(4).hex()),
		certs,
		front.workers,
		{
			"secret": "host=127.0.0.1 port=%d dbname=app user=app password=hidden-word"
			% postgres.port
		},
		stats_users="app",
	)
	yield pooler.start()
	pooler.stop()


@pytest.fixture
def console(pooler):
	"""console(user="admin"): one more console, which leaves with the test."""
	guests = []

	def console(user="admin"):
		guests.append(Client(pooler.address).login(user=user, database="pgbouncer"))
		return guests[-1]

	yield console
	for guest in guests:
		guest.leave()


def enters(pooler, pool="one", **login):
	return Client(pooler.address).login(database=pool, **login)


def refused(guest, sql):
	"""SQLSTATE and text of the error that SQL is answered with; the session goes on."""
	guest.send(query(sql))
	heard = guest.until_ready()
	(error,) = [fields_of(m.body) for m in heard if m.kind == "E"]
	assert error["S"] == "ERROR"
	return error["C"], error["M"]


def tag(guest, sql):
	guest.send(query(sql))
	(done,) = [m for m in guest.until_ready() if m.kind == "C"]
	return strings(done.body)[0]


def table(guest, topic):
	"""Rows of SHOW TOPIC as dicts."""
	guest.send(query("show " + topic))
	heard = guest.until_ready()
	columns, at = [], 2
	body = heard[0].body
	for _ in range(int.from_bytes(body[:2], "big")):
		end = body.index(b"\0", at)
		columns.append(body[at:end].decode())
		at = end + 19
	return [dict(zip(columns, row_of(m.body))) for m in heard if m.kind == "D"]


def silent(guest, seconds=0.3):
	"""GUEST hears nothing for a while."""
	guest.socket.settimeout(seconds)
	try:
		guest.hear()
	except Wrong:
		return True
	finally:
		guest.socket.settimeout(15)
	return False


# --- to whom --------------------------------------------------------------------------------


def by_psql(pooler, topic):
	done = subprocess.run(
		["psql", "-X", "-A", "-F", "\t", "-P", "footer=off", "-h", "127.0.0.1"]
		+ ["-p", str(pooler.port), "-U", "admin", "-d", "pgbouncer", "-c", "show " + topic],
		capture_output=True,
		text=True,
		timeout=30,
	)
	assert done.returncode == 0, done.stderr
	return done.stdout.splitlines()[0].split("\t")


def by_psycopg(pooler, topic, cursor):
	with psycopg.connect(
		host="127.0.0.1",
		port=pooler.port,
		user="admin",
		dbname="pgbouncer",
		autocommit=True,
		cursor_factory=cursor,
	) as c:
		answer = c.execute("SHOW " + topic.upper() + ";")
		answer.fetchall()
		return [column.name for column in answer.description]


async def by_asyncpg(pooler, topics):
	c = await asyncpg.connect(
		host="127.0.0.1", port=pooler.port, user="admin", database="pgbouncer", ssl=False
	)
	try:
		found = {}
		for topic in topics:
			statement = await c.prepare("SHOW " + topic)
			await statement.fetch()
			found[topic] = [a.name for a in statement.get_attributes()]
		return found
	finally:
		await c.close()


def test_every_topic_is_read_by_every_driver(pooler):
	busy = enters(pooler)
	assert busy.asks("select 1") == "1"
	columns = asyncio.run(by_asyncpg(pooler, TOPICS + PRETENDED))
	assert columns["stats"] == STATS
	for topic in TOPICS + PRETENDED:
		for cursor in (psycopg.Cursor, psycopg.ClientCursor):
			assert by_psycopg(pooler, topic, cursor) == columns[topic], topic
		assert by_psql(pooler, topic) == columns[topic], topic
	busy.leave()


def test_help_names_everything(console):
	admin = console()
	admin.send(query("SHOW HELP"))
	notice = fields_of(admin.hears("N C:SHOW Z:I")[0].body)
	assert (notice["C"], notice["M"]) == ("00000", "Console usage")
	said = notice["D"].lower()
	for word in TOPICS:
		assert word in said, word
	for word in "suspend pause resume kill reconnect wait_close reload shutdown".split():
		assert word in said, word
	assert "fds" not in said


def test_who_may_enter_and_do_what(pooler, console):
	with pytest.raises(Refused, match="FATAL 08P01: not allowed"):
		console("app_md5")
	guest = console("app")
	assert table(guest, "state")[0] == {"key": "active", "value": "yes"}
	for sql in (
		"pause|pause one|suspend|resume|resume one|kill one|disable one|enable one|"
		"reconnect|wait_close|reload|shutdown|kill_client 1|set default_pool_size = 1|show fds"
	).split("|"):
		assert refused(guest, sql) == ("08P01", "admin access needed"), sql
	code, why = refused(console(), "show fds")
	assert code == "0A000" and "so_reuseport" in why and "[peers]" in why
	assert enters(pooler).asks("select 1") == "1"


# --- what is shown --------------------------------------------------------------------------


def test_secrets_are_not_shown(pooler, console):
	admin = console()
	for topic in TOPICS:
		cells = [cell for row in table(admin, topic) for cell in row.values() if cell]
		assert "hidden-word" not in " ".join(cells), topic
		# one of the databases has that name
		assert topic in ("databases", "budget") or SECRET not in cells, topic


def test_peers_are_sorted_by_number(pooler, console):
	pooler.ini.write_text(
		"".join("%s\n" % line for line in (
			"[peers]", "10 = host=/ten", "9 = host=/nine port=7 pool_size=3"))
		+ pooler.ini.read_text()
	)
	admin = console()
	admin.send(query("reload"))
	assert "E" not in [m.kind for m in admin.until_ready()]
	assert table(admin, "peers") == [
		{"peer_id": "9", "host": "/nine", "port": "7", "pool_size": "3"},
		{"peer_id": "10", "host": "/ten", "port": "6432", "pool_size": "20"},
	]
	assert [list(row.values()) for row in table(admin, "peer_pools")] == [
		["9", "0", "0", "0", "0"],
		["10", "0", "0", "0", "0"],
	]


def test_users_are_those_who_are_configured_or_came_in(pooler, console):
	admin = console()
	pooler.settings["auth_type"] = "scram-sha-256"
	pooler.write_files()
	admin.send(query("reload"))
	assert "E" not in [m.kind for m in admin.until_ready()]
	for user, secret in (("stranger", "x"), ("app_scram", "wrong")):
		with pytest.raises(Refused):
			enters(pooler, user=user, secret=secret)
	names = [row["name"] for row in table(admin, "users")]
	assert names == ["admin", "app", "app_md5", "app_plain", "app_scram", "pgbouncer"]


def test_names_of_strangers_are_harmless(pooler, console):
	admin = console()
	assert tag(admin, "set auth_type = 'scram-sha-256'").startswith("SET")
	stranger = Wire(pooler.address)
	stranger.send(startup(user="new\nline \x1b[2J", database=b"\xff\xc3\xa4"))
	assert stranger.receive().kind == "R"  # it is asked to prove who it is
	(row,) = [r for r in table(admin, "sockets") if r["state"] == "cl_login"]
	assert (row["user"], row["database"]) == (r"new\x0aline \x1b[2J", "\\xff\u00e4")
	assert "S" not in [r["type"] for r in table(admin, "sockets")], "no server is touched"
	stranger.close()


def test_clients_and_servers_belong_together(pooler, console):
	admin, busy = console(), enters(pooler, application_name="worker 7")
	busy.does("begin")
	(client,) = [r for r in table(admin, "clients") if r["database"] == "one"]
	(server,) = table(admin, "servers")
	assert (client["state"], server["state"]) == ("active", "active")
	assert (client["link"], server["link"]) == (server["ptr"], client["ptr"])
	assert server["application_name"] == client["application_name"] == "worker 7"
	assert int(server["remote_pid"]) == int(busy.asks("select pg_backend_pid()"))
	(pool,) = [r for r in table(admin, "pools") if r["database"] == "one"]
	assert (pool["cl_active"], pool["sv_active"], pool["sv_idle"]) == ("1", "1", "0")
	counted = {r["counter"]: r for r in table(admin, "counters") if r["database"] == "one"}
	assert counted["client_logins"]["total"] == "1"
	busy.does("commit")
	assert tag(admin, "kill_client " + client["id"]) == "KILL_CLIENT"
	(word,) = [fields_of(m.body) for m in busy.rest()]
	assert (word["S"], word["M"]) == ("FATAL", "admin forced disconnect")
	assert refused(admin, "kill_client " + client["id"]) == ("08P01", "client not found")


# --- what commands do -----------------------------------------------------------------------


def test_pause_waits_and_a_cancel_request_ends_it(pooler, console):
	admin, other, busy = console(), console(), enters(pooler)
	busy.does("begin")
	admin.send(query("pause"))
	wait_for("PAUSE", lambda: table(other, "state")[1]["value"] == "yes")
	assert refused(other, "pause") == ("08P01", "already suspended/paused")
	waiter = enters(pooler)
	waiter.send(query("select 'after'"))
	assert silent(admin)
	cancel(pooler.address, admin.pid, admin.key)
	admin.hears("E:57014 Z:I")
	waiter.send(query(""))
	assert refused(other, "resume") == ("08P01", "pooler is not paused/suspended")
	busy.does("commit")
	waiter.hears("T D:after C Z:I I Z:I")
	# what has been answered can be resumed by a late cancel request, too
	assert tag(admin, "pause") == "PAUSE"
	cancel(pooler.address, admin.pid, admin.key)
	assert waiter.asks("select 'again'") == "again"


def test_wait_close_answers_its_own_asker(pooler, console):
	admin, pauser, waiter = console(), console(), console()
	one, two = enters(pooler, "one"), enters(pooler, "two")
	one.does("begin")
	two.does("begin")
	pauser.send(query("pause one"))
	assert tag(admin, "reconnect two") == "RECONNECT"
	waiter.send(query("wait_close two"))
	assert silent(waiter) and silent(pauser)
	two.does("commit")
	waiter.hears("C:WAIT_CLOSE Z:I")
	assert silent(pauser)
	one.does("commit")
	pauser.hears("C:PAUSE Z:I")
	assert tag(admin, "resume one") == "RESUME"
	assert one.asks("select 1") == "1"


def test_suspend_stops_everything_until_resume(pooler, console):
	admin, other = console(), console()
	busy, idle = enters(pooler), enters(pooler, "two")
	busy.does("begin")
	assert idle.asks("select 1") == "1"
	assert tag(admin, "suspend") == "SUSPEND"
	assert [row["value"] for row in table(other, "state")] == ["no", "no", "yes"]
	busy.send(query("select 'late'"))
	idle.send(query("select 'later'"))
	assert silent(busy) and silent(idle)
	# who is new waits, too
	with psycopg.connect(
		host="127.0.0.1", port=pooler.port, user="app", dbname="one", autocommit=True
	) as new:
		answers = []
		asking = threading.Thread(
			target=lambda: answers.append(new.execute("select 7").fetchone())
		)
		asking.start()
		asking.join(0.3)
		assert asking.is_alive()
		assert tag(other, "resume") == "RESUME"
		busy.hears("T D:late C Z:T")
		idle.hears("T D:later C Z:I")
		busy.does("commit")
		asking.join(15)
		assert answers == [(7,)]
	assert refused(admin, "resume") == ("08P01", "pooler is not paused/suspended")


def test_nobody_is_late_while_suspended(pooler, console):
	admin, idle, busy = console(), enters(pooler, "two"), enters(pooler)
	assert idle.asks("select 1") == "1"
	busy.does("begin")
	for setting in ("client_idle_timeout", "idle_transaction_timeout", "query_timeout"):
		tag(admin, "set %s = 1" % setting)
	assert tag(admin, "suspend") == "SUSPEND"
	assert silent(idle, 2) and silent(busy, 0.1)
	assert tag(admin, "resume") == "RESUME"
	assert [m.kind for m in idle.rest()] == ["E"]  # now it is


def test_suspend_ends_with_its_console(pooler, console):
	admin, other, busy = console(), console(), enters(pooler)
	assert tag(admin, "suspend") == "SUSPEND"
	other.leave()
	busy.send(query("select 'well'"))
	assert silent(busy)
	admin.leave()
	busy.hears("T D:well C Z:I")


def test_suspend_closes_who_takes_nothing(pooler, console):
	admin, greedy = console(), enters(pooler)
	assert tag(admin, "set suspend_timeout = 1") == "SET suspend_timeout=1"
	greedy.send(query("select repeat('x', 1000000) from generate_series(1, 100)"))
	wait_for(
		"bytes that wait for their client",
		lambda: any(int(r["send_remain"]) > 0 for r in table(admin, "active_sockets")),
	)
	assert tag(admin, "suspend") == "SUSPEND"
	pooler.wait_until_logged("closing because: suspend_timeout")
	with contextlib.suppress(Closed):
		while True:
			assert greedy.hear().kind != "Z"
	assert tag(admin, "resume") == "RESUME"
	assert enters(pooler).asks("select 1") == "1"


def test_kill_and_a_plain_resume(pooler, console):
	admin, client = console(), enters(pooler)
	assert client.asks("select 1") == "1"
	assert tag(admin, "kill one") == "KILL"
	(word,) = [fields_of(m.body) for m in client.rest()]
	assert (word["S"], word["M"]) == ("FATAL", "database removed")
	(row,) = [r for r in table(admin, "databases") if r["name"] == "one"]
	assert (row["paused"], row["current_connections"]) == ("1", "0")
	assert tag(admin, "resume") == "RESUME"
	assert enters(pooler).asks("select 2") == "2"


def test_disabled_databases_take_nobody_new(pooler, console):
	admin, inside = console(), enters(pooler)
	assert tag(admin, 'DISABLE "one";') == "DISABLE"
	with pytest.raises(Refused, match='database "one" is disabled'):
		enters(pooler)
	assert inside.asks("select 1") == "1"
	assert tag(admin, "enable one") == "ENABLE"
	assert enters(pooler).asks("select 1") == "1"


def test_reload_tells_what_it_did(pooler, console):
	admin = console()

	def reload():
		admin.send(query("reload"))
		return fields_of(admin.hears("N C:RELOAD Z:I")[0].body)["D"]

	assert "unchanged" in reload()
	pooler.settings.update(query_timeout=77, listen_backlog=99)
	pooler.write_files()
	told = reload()
	assert "applied: query_timeout 0 -> 77" in told
	assert "needs restart: listen_backlog" in told
	pooler.settings["no_such_setting"] = 1
	pooler.write_files()
	assert refused(admin, "reload") == (
		"F0000",
		"RELOAD failed, see logs for additional details",
	)


def test_settings_are_set_and_shown(console):
	admin = console()

	def value(key):
		return [r["value"] for r in table(admin, "config") if r["key"] == key][0]

	assert tag(admin, "SET query_timeout='5.5'") == "SET query_timeout=5.5"
	assert value("query_timeout") == "5.5"
	assert refused(admin, "set query_timeout = maybe") == ("08P01", "SET failed")
	assert refused(admin, "set no_such = 1") == ("08P01", "SET failed")
	assert value("query_timeout") == "5.5"
	admin.send(query("set client_encoding to 'latin1'"))
	admin.hears("N C:SET Z:I")
	assert value("unix_socket_mode") == "511"


def test_commands_by_the_extended_protocol(pooler, console):
	admin, busy = console(), enters(pooler)

	def ask(sql):
		admin.send(parse("", sql), bind(), execute(), sync())

	ask("reconnect")
	admin.hears("1 2 C:RECONNECT Z:I")
	busy.does("begin")
	ask("pause one")
	admin.hears("1 2")
	assert silent(admin)
	busy.does("commit")
	admin.hears("C:PAUSE Z:I")
	ask("resume one")
	admin.hears("1 2 C:RESUME Z:I")
	ask("resume one")
	error = fields_of(admin.hears("1 2 E:08P01 Z:I")[2].body)
	assert error["M"] == "database one is not paused"
