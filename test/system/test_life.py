"""Servers that die, restart or are told to go; the pooler's own reload and end."""

import os
import signal

import pytest

from rawpg import Client, Closed, fields_of, query
from scratch import can_connect, wait_for
from servers import PEER, Pooler, PostgreSQL
from conftest import PROGRAMS


@pytest.fixture
def mortal(front, postgres, folder, certs):
	"""A PostgreSQL of a test's own, to be killed, and what stands before it."""
	server = (
		PostgreSQL(
			postgres.version,
			PROGRAMS[postgres.version],
			folder / ("mortal-" + os.urandom(4).hex()),
			certs,
		)
		.start()
		.fill()
	)
	pooler = None
	if not front.direct:
		pooler = Pooler(
			server,
			folder / ("before-" + os.urandom(4).hex()),
			certs,
			front.workers,
		).start()
	yield server, pooler or server
	if pooler:
		pooler.check()
		pooler.stop()
	server.stop()


@pytest.fixture
def pooler(front, postgres, folder, certs):
	"""A pooler of a test's own."""
	if front.direct:
		pytest.skip("there is no pooler")
	pooler = Pooler(
		postgres, folder / ("own-" + os.urandom(4).hex()), certs, front.workers
	)
	yield pooler.start()
	pooler.stop()


def enters(at, pool="one"):
	return Client(at.address).login(database=at.database(pool))


def test_the_last_words_of_a_server_reach_its_client(postgres, enter):
	client = enter("one")
	client.send(query("select pg_sleep(60) /* doomed */"))
	postgres.wait_until_running("doomed")
	postgres.sql(
		"select pg_terminate_backend(pid) from pg_stat_activity "
		"where query like 'select pg_sleep(60) /* doomed%'"
	)
	said = client.rest()
	assert [m.kind for m in said] == ["T", "E"] and fields_of(said[-1].body)[
		"C"
	] == "57P01"
	assert enter("one").asks("select 'a new server'") == "a new server"


@pytest.mark.parametrize("how", ["crash", "restart"])
def test_clients_between_transactions_outlive_a_server(front, mortal, how):
	"""A pooler's clients hold no server while idle, so its loss is none of theirs."""
	server, entrance = mortal
	idle, busy = enters(entrance), enters(entrance)
	busy.does("begin")
	server.kill() if how == "crash" else server.stop()
	server.start()
	with pytest.raises((Closed, AssertionError, OSError)):
		busy.asks("select 1")
	if not front.direct:
		assert idle.asks("select 'still here'") == "still here"
	assert enters(entrance).asks("select 1") == "1"


def test_reload_takes_new_databases_and_refuses_bad_files(pooler):
	client = enters(pooler)
	pooler.databases["fourth"] = pooler.databases["one"]
	pooler.write_files()
	pooler.reload()
	wait_for(
		"the new database",
		lambda: any(
			row["name"] == "fourth"
			for row in pooler.console("show databases")
		),
	)
	assert enters(pooler, "fourth").asks("select 4") == "4"
	size = pooler.log.stat().st_size
	pooler.settings["no_such_setting"] = 1
	pooler.databases.pop("two")
	pooler.write_files()
	pooler.reload()
	wait_for(
		"a word about the bad file",
		lambda: "no_such_setting" in pooler.log.read_text()[size:],
	)
	assert enters(pooler, "two").asks("select 2") == "2"
	assert client.asks("select 1") == "1"


def test_the_console_shows_what_is_going_on(pooler):
	busy, waiter = enters(pooler), enters(pooler)
	busy.does("begin")
	waiter.send(query("select 1"))
	pooler.wait_until_waiting("one", "select 1")
	(row,) = [row for row in pooler.console("show pools") if row["database"] == "one"]
	assert (row["user"], row["sv_active"], row["cl_waiting"], row["pool_mode"]) == (
		"app",
		"1",
		"1",
		"transaction",
	)
	busy.does("commit")
	waiter.hears("T D:1 C Z:I")


@pytest.mark.skipif(PEER, reason="Debian's PgBouncer ends at once")
def test_an_end_that_waits_for_clients(pooler):
	client = enters(pooler)
	pooler.terminate()
	wait_for("the pooler to listen no more", lambda: not can_connect(pooler.port))
	assert client.asks("select 'a last one'") == "a last one"
	client.leave()
	assert pooler.process.wait(15) == 0


def test_no_server_is_left_behind(pooler, postgres):
	def servers_of_it():
		return postgres.sql(
			"select count(*) from pg_stat_activity where application_name = 'left behind'"
		)[0][0]

	clients = [enters(pooler, "three") for _ in range(3)]
	for client in clients:
		client.does("set application_name = 'left behind'")
	for client in clients:
		client.does("begin")
	assert servers_of_it() == 3
	pooler.process.send_signal(signal.SIGTERM if PEER else signal.SIGQUIT)
	pooler.process.wait(15)
	wait_for("the servers to go", lambda: servers_of_it() == 0)
