"""Errors and notices word for word, where drivers, runbooks and PgBouncer's own users look for them, and
the reasons in the log."""

import socket
import struct
import threading

import pytest

from rawpg import (
	Client,
	Refused,
	bind,
	execute,
	fields_of,
	parse,
	query,
	request,
	startup,
	sync,
)
from scratch import wait_for
from servers import PEER, SECRET
from surface import Poolers, in_log, last_words, row, rows, told

pytestmark = pytest.mark.any_version

# What a login is refused with: settings, parameters of the login, the text.
LOGINS = {
	"no such database": ({}, {"database": "nosuchdb"}, "no such database: nosuchdb"),
	"trust": ({}, {"user": "nobody_known"}, '"trust" authentication failed'),
	"plain": (
		{"auth_type": "plain"},
		{"secret": "wrong"},
		"password authentication failed",
	),
	"plain, unknown": (
		{"auth_type": "plain"},
		{"user": "nobody_known"},
		"password authentication failed",
	),
	"plain, empty": (
		{"auth_type": "plain"},
		{"secret": ""},
		"empty password returned by client",
	),
	"md5": ({"auth_type": "md5"}, {"secret": "wrong"}, "password authentication failed"),
	"scram": (
		{"auth_type": "scram-sha-256"},
		{"secret": "wrong"},
		"SASL authentication failed",
	),
	"scram, unknown": (
		{"auth_type": "scram-sha-256"},
		{"user": "nobody_known"},
		"SASL authentication failed",
	),
	"plain, wrong and no such database": (
		{"auth_type": "plain"},
		{"database": "nosuchdb", "secret": "wrong"},
		"password authentication failed",
	),
	"tls": (
		{"client_tls_sslmode": "require"},
		{},
		"SSL required",
	),
	"any without a user": (
		{"auth_type": "any"},
		{},
		"bouncer config error",
	),
	"console": ({}, {"database": "pgbouncer"}, "not allowed"),
}
TIMEOUTS = {
	"query timeout": ({"query_timeout": 1}, ["select pg_sleep(20)"]),
	"transaction timeout": ({"transaction_timeout": 1}, ["begin", "select pg_sleep(20)"]),
	"idle transaction timeout": ({"idle_transaction_timeout": 1}, ["begin"]),
	"client_idle_timeout": ({"client_idle_timeout": 1}, ["select 1"]),
}
newer = pytest.mark.skipif(PEER, reason="older PgBouncers do not have it, or have it wrong")
QUEUED = "No server connection available in postgres backend, client being queued"


@pytest.fixture
def poolers(front, postgres, folder, certs):
	if front.direct:
		pytest.skip("there is no pooler")
	made = Poolers(front, postgres, folder, certs)
	yield made
	made.end()


def refusal(pooler, **login):
	with pytest.raises(Refused) as why:
		Client(pooler.address).login(**{"database": "one", **login})
	assert why.value.fields["S"] == "FATAL"
	return why.value.fields["C"], why.value.fields["M"]


def ended(client, text, sqlstate="08P01"):
	fields = last_words(client)
	assert (fields["S"], fields["C"], fields["M"]) == ("FATAL", sqlstate, text)


@pytest.mark.parametrize("case", LOGINS)
def test_refused_logins(poolers, case):
	settings, login, text = LOGINS[case]
	at = poolers(**settings)
	code, said = refusal(at, **login)
	assert said == text
	assert code == "08P01"
	in_log(at, "pooler error: " + text)
	if text != "SSL required":  # nobody in particular yet: no line of its own
		in_log(at, "closing because: %s (age=" % text)


def test_old_versions_and_no_name(poolers):
	at = poolers()
	for hello, text in (
		(struct.pack("!II", 9, 2 << 16) + b"\0", "old V2 protocol not supported"),
		(startup(database="one"), "no username supplied"),
	):
		wire = Client(at.address)
		wire.send(hello)
		ended(wire, text)


@newer
@pytest.mark.parametrize("text", TIMEOUTS)
def test_timeouts(poolers, text):
	settings, statements = TIMEOUTS[text]
	at = poolers(**settings)
	client = poolers.enter(at)
	for sql in statements[:-1]:
		client.does(sql)
	client.send(query(statements[-1]))
	client.socket.settimeout(10)
	ended(client, text)
	in_log(at, "closing because: %s (age=" % text, 2 if "client" not in text else 1)
	assert poolers.enter(at).asks("select 'next'") == "next"


@newer
@pytest.mark.parametrize("text", TIMEOUTS)
def test_timeouts_of_one_user(poolers, text):
	settings, statements = TIMEOUTS[text]
	(name,) = settings
	at = poolers(users={"app_plain": name + "=1"})
	others, client = poolers.enter(at, "two"), poolers.enter(at, "two", user="app_plain")
	others.does("select 1")
	for sql in statements[:-1]:
		client.does(sql)
	client.send(query(statements[-1]))
	client.socket.settimeout(10)
	ended(client, text)
	assert others.asks("select 'stays'") == "stays"


@newer
def test_a_timeout_of_queries_is_none_between_them(poolers):
	at = poolers(query_timeout=1)
	client = poolers.enter(at)
	client.does("begin")
	threading.Event().wait(1.6)  # longer than the limit and a look at it
	assert client.asks("select 'goes on'") == "goes on"


def test_waiting_in_vain(poolers):
	at = poolers(query_wait_timeout=1)
	holder, client = poolers.enter(at), poolers.enter(at)
	holder.does("begin")
	client.send(query("select 1"))
	client.socket.settimeout(10)
	ended(client, "query_wait_timeout")
	holder.does("commit")


def test_waiting_longer_than_a_query_may_take(poolers):
	at = poolers(query_timeout=1, query_wait_timeout=20)
	holder, client = poolers.enter(at), poolers.enter(at)
	holder.does("begin")
	client.send(query("select 1"))
	client.socket.settimeout(10)
	ended(client, "query_timeout")


@newer
@pytest.mark.parametrize("least", ["database", "user"])
def test_whose_wait_counts(poolers, least):
	"""The client's user before the entry before the rest."""
	at = poolers(
		users={"app_plain": "query_wait_timeout=1"} if least == "user" else None,
		databases={
			"waits": "pool_size=1 user=app query_wait_timeout=%d"
			% (20 if least == "user" else 1)
		},
		query_wait_timeout=20,
	)
	holder = poolers.enter(at, "waits", user="app_md5")
	holder.does("begin")
	client = poolers.enter(at, "waits", user="app_plain")
	client.send(query("select 1"))
	client.socket.settimeout(10)
	ended(client, "query_wait_timeout")
	holder.does("commit")


@newer
def test_told_once_that_it_waits(poolers):
	at = poolers(query_wait_notify=1)
	holder, client = poolers.enter(at), poolers.enter(at)
	holder.does("begin")
	client.send(query("select 'served'"))
	(notice,) = client.hears("N")
	fields = fields_of(notice.body)
	assert (fields["C"], fields["M"]) == ("00000", QUEUED)
	holder.does("commit")
	client.hears("T D:served C Z:I")


@newer
def test_a_notice_at_login(poolers):
	at = poolers(login_notify_message="mind the gap")
	client = poolers.enter(at)
	kinds = [m.kind for m in client.login_heard]
	assert kinds[-3:] == ["K", "N", "Z"]
	assert fields_of(client.login_heard[-2].body)["M"] == "mind the gap"


def test_servers_words_reach_who_waits(poolers, postgres):
	"""With the server's SQLSTATE; a refused login is tried once, however many wait."""
	postgres.sql("alter role app_md5 nologin")
	try:
		at = poolers(
			databases={
				"gone": "dbname=nothing_there user=app",
				"barred": "user=app_md5",
				"wrong": "user=app_scram password=wrong",
			}
		)
		for database, code, text in (
			("gone", "3D000", 'database "nothing_there" does not exist'),
			("barred", "28000", 'role "app_md5" is not permitted to log in'),
			("wrong", "28P01", 'password authentication failed for user "app_scram"'),
		):
			waiting = [Client(at.address) for _ in range(3)]
			for client in waiting:
				client.send(startup(user="app", database=database))
			for client in waiting:
				ended(client, text, code)
			in_log(at, "server login failed: FATAL " + text)
			in_log(at, "%s (age=" % text, 4)
	finally:
		postgres.sql("alter role app_md5 login")


def test_secrets_that_do_not_fit_the_server(poolers):
	at = poolers(databases={"hash": "user=app_scram password=md5" + "0" * 32})
	assert refusal(at, database="hash")[1].endswith("wrong password type")


@newer
def test_a_wrong_setting_at_a_login(poolers):
	"""PostgreSQL's own words at once, where PgBouncer closes both sides at the first query."""
	code, text = refusal(poolers(), datestyle="no such style")
	assert code == "22023" and text.startswith('invalid value for parameter "DateStyle"')


def test_who_is_in_the_way_of_an_end(poolers):
	at = poolers(unix_socket_dir="/tmp")
	holder, waiting, late = (poolers.enter(at) for _ in range(3))
	console = poolers.enter(at, "pgbouncer", user="admin")
	holder.does("begin")
	waiting.send(query("select 1"))
	wait_for("the wait", lambda: row(console, "POOLS", "one")["cl_waiting"] == 1)
	assert told(console, "SHUTDOWN WAIT_FOR_SERVERS") == "SHUTDOWN"
	ended(waiting, "server shutting down")
	late.send(query("select 1"))
	ended(late, "server shutting down")
	assert holder.asks("select 'still here'") == "still here"
	assert told(console, "RESUME") == "ERROR 08P01 pooler is shutting down"
	with pytest.raises(OSError):
		socket.create_connection(at.address, 5)
	wire = Client.__new__(Client)
	wire.socket = socket.socket(socket.AF_UNIX)
	wire.socket.settimeout(15)
	wire.socket.connect("/tmp/.s.PGSQL.%d" % at.port)
	wire.pending = bytearray()
	wire.send(startup(user="app", database="one"))
	ended(wire, "pooler is shutting down")
	holder.does("commit")
	assert poolers.made.pop().process.wait(15) == 0


def test_what_an_operator_ends(poolers):
	at = poolers()
	console = poolers.enter(at, "pgbouncer", user="admin")
	one, two = poolers.enter(at), poolers.enter(at, "two")
	assert told(console, "KILL one") == "KILL"
	ended(one, "database removed")
	assert told(console, "RESUME one") == "RESUME"
	assert told(console, "DISABLE one") == "DISABLE"
	assert refusal(at) == ("08P01", 'database "one" is disabled')
	assert told(console, "ENABLE one") == "ENABLE"
	del at.databases["two"]
	at.write_files()
	assert told(console, "RELOAD").endswith("RELOAD")
	ended(two, "database removed")
	assert refusal(at, database="two") == ("08P01", "no such database: two")


def test_a_reload_that_fails(poolers):
	at = poolers()
	console = poolers.enter(at, "pgbouncer", user="admin")
	at.settings["query_timeout"] = "soon"
	at.write_files()
	assert (
		told(console, "RELOAD")
		== "ERROR F0000 RELOAD failed, see logs for additional details"
	)
	assert told(console, "RELOAD now").startswith("ERROR 08P01 invalid command")


def test_too_many_clients(poolers):
	at = poolers(max_client_conn=2)
	console = poolers.enter(at, "pgbouncer", user="admin")
	poolers.enter(at)
	assert refusal(at) == ("08P01", "no more connections allowed (max_client_conn)")
	assert len(rows(poolers.enter(at, "pgbouncer", user="admin"), "CLIENTS")) == 3
	assert console.heard == []


def test_a_server_that_dies(poolers, postgres):
	at = poolers()
	client = poolers.enter(at)
	pid = client.asks("select pg_backend_pid()")
	client.does("begin")
	postgres.sql("select pg_terminate_backend(%s)" % pid)
	fields = last_words(client)
	assert fields["M"] in (
		"server conn crashed?",
		"terminating connection due to administrator command",
	)
	assert poolers.enter(at).asks("select 'next'") == "next"


def test_words_of_disconnections(poolers):
	at = poolers()
	console = poolers.enter(at, "pgbouncer", user="admin")
	poolers.enter(at).leave()
	in_log(at, "closing because: client close request (age=")
	hasty = poolers.enter(at, "two")
	hasty.close()
	in_log(at, "closing because: client unexpected eof (age=")
	poolers.guests.remove(hasty)
	assert told(console, "PAUSE") == "PAUSE"


def test_extended_protocol_with_unknown_statement(poolers):
	at = poolers(max_prepared_statements=10)
	client = poolers.enter(at)
	client.send(bind("nothing"), execute(), sync())
	if PEER:
		ended(client, "prepared statement did not exist")
		return
	client.hears("E:26000 Z:I")
	client.send(parse("name", "select 1"), parse("name", "select 2"), sync())
	client.hears("1 E:42P05 Z:I")


def test_cancel_requests_of_another_length(poolers):
	"""Nobody hears anything, and nobody is hurt."""
	at = poolers()
	wire = Client(at.address)
	wire.send(request(80877102, struct.pack("!I", 1) + b"x"))
	assert wire.rest() == [] or PEER
	assert SECRET and poolers.enter(at).asks("select 1") == "1"
