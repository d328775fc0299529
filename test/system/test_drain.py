"""Drains: what clients hear while a pooler ends (SIGTERM, SHUTDOWN DRAIN), and restarts that
no application notices.

PGWEIR_DRAIN_CLIENTS: so many instead of 30 (test/drain/run).
"""

import contextlib
import os
import random
import signal
import time

import psycopg
import pytest
import sqlalchemy

from rawpg import Client, query
from rolling import Workers, service
from scratch import can_connect, free_port, wait_for
from servers import PEER, Pooler
from test_process import launch_with_filters

pytestmark = [
	pytest.mark.any_version,
	pytest.mark.skipif(PEER, reason="what is asked here is pgweir's own"),
]
CLIENTS = int(os.environ.get("PGWEIR_DRAIN_CLIENTS", "30"))
GOODBYE = "terminating connection due to administrator command"
AT_ONCE = {"drain_accept_time": 0, "drain_time": 0, "drain_timeout": 0}


@pytest.fixture
def own(front, postgres, folder, certs):
	"""own(**settings): a pooler that drains, started."""
	if front.direct:
		pytest.skip("there is no pooler")
	poolers = []

	def own(start=True, **settings):
		where = folder / ("drain-" + os.urandom(4).hex())
		settings = {"shutdown_mode": "drain", "unix_socket_dir": where, **settings}
		poolers.append(Pooler(postgres, where, certs, front.workers, **settings))
		return poolers[-1].start() if start else poolers[-1]

	yield own
	for pooler in poolers:
		if pooler.process and pooler.process.poll() is None:
			pooler.stop()
		pooler.check_log()


def enters(at, pool="one"):
	return Client(at.address).login(database=pool)


def console(at):
	return psycopg.connect(
		host=str(at.folder), port=at.port, dbname="pgbouncer", user="admin", autocommit=True
	)


def state(connection):
	return dict(connection.execute("show state").fetchall())


def ends_well(pooler, seconds=15):
	assert pooler.process.wait(seconds) == 0
	pooler.check_log()


# --- what clients hear ------------------------------------------------------------------


def test_everybody_is_told_between_two_transactions(own):
	pooler = own(drain_accept_time=1, drain_time=0.5, drain_timeout=0)
	idle, busy, waiting = enters(pooler), enters(pooler), enters(pooler)
	busy.does("begin")
	waiting.send(query("select 'served'"))
	pooler.wait_until_waiting("one", "served")
	pooler.terminate()
	pooler.wait_until_logged("draining: clients are let in for 1.0 s more; 3 are here")
	late = enters(pooler, "two")
	assert late.asks("select 'let in yet'") == "let in yet"
	wait_for("the doors to close", lambda: not can_connect(pooler.port))
	for client in (idle, late):
		client.hears("E:57P01")
	assert busy.asks("select 'goes on'") == "goes on"
	pooler.wait_until_logged("draining: drain_time is over, 2 clients leave")
	busy.send(query("commit"))
	busy.hears("C Z:I E:57P01")
	waiting.hears("T D:served C Z:I E:57P01")
	assert GOODBYE in pooler.log.read_text()
	ends_well(pooler)
	assert "draining: all clients are gone after" in pooler.log.read_text()


def test_in_the_end_what_runs_is_canceled(own, postgres):
	pooler = own(drain_accept_time=0, drain_time=0.2, drain_timeout=0.5)
	busy, lazy = enters(pooler), enters(pooler, "two")
	busy.send(query("select pg_sleep(77)"))
	lazy.does("begin")
	postgres.wait_until_running("pg_sleep(77)")
	began = time.monotonic()
	pooler.terminate()
	assert lazy.hears("E:57P01") and GOODBYE in str(lazy.heard[-1])
	assert busy.rest()[-1].kind == "E"
	ends_well(pooler, 5)
	assert 0.4 < time.monotonic() - began < 3.5
	assert not postgres.sql(
		"select 1 from pg_stat_activity where state = 'active' and position('sleep(77)' in query) > 0 "
		"and pid <> pg_backend_pid()"
	)
	assert "2 clients are still here after 0." in pooler.log.read_text()


def test_the_console_sees_it_through(own):
	pooler = own(drain_accept_time=30, drain_time=0, drain_timeout=0)
	busy = enters(pooler)
	with console(pooler) as admin:
		assert "draining" not in state(admin)
		admin.execute("shutdown drain")
		wait_for("draining", lambda: state(admin).get("draining") == "yes")
		assert state(admin)["draining_accepts"] == "yes"
		assert float(state(admin)["draining_seconds"]) < 10
		admin.execute("reload")
		for refused in ("suspend", "pause", "shutdown wait_for_clients", "shutdown drain"):
			with pytest.raises(psycopg.Error, match="shutting down"):
				admin.execute(refused)
		assert busy.asks("select 'as ever'") == "as ever"
		with pytest.raises(psycopg.OperationalError):
			admin.execute("shutdown")
	ends_well(pooler)


def test_consoles_are_told_last_and_hold_nobody_up(own):
	pooler = own(**AT_ONCE)
	busy, admin = enters(pooler), console(pooler)
	busy.does("begin")
	pooler.terminate()
	wait_for("the doors to close", lambda: state(admin).get("draining_accepts") == "no")
	with pytest.raises(psycopg.OperationalError, match="pooler is shutting down"):
		psycopg.connect(host=str(pooler.folder), port=pooler.port, dbname="one", user="app")
	busy.send(query("commit"))
	busy.hears("C Z:I E:57P01")
	ends_well(pooler)
	with pytest.raises(psycopg.OperationalError, match=GOODBYE):
		admin.execute("show state")


def test_a_paused_pool_is_resumed_and_drains(own):
	pooler = own(**AT_ONCE)
	waiting = enters(pooler)
	with console(pooler) as admin:
		admin.execute("pause")
		waiting.send(query("select 'at last'"))
		pooler.wait_until_waiting("one", "at last")
		pooler.terminate()
		wait_for("draining", lambda: state(admin).get("draining_accepts") == "no")
		admin.execute("resume")
		waiting.hears("T D C Z:I E:57P01")
		ends_well(pooler)


def test_sigterm_behind_a_hook_drains(own):
	"""A preStop hook that says SHUTDOWN WAIT_FOR_CLIENTS and does not wait itself."""
	pooler = own(**AT_ONCE)
	idle, busy = enters(pooler), enters(pooler, "two")
	busy.does("begin")
	with console(pooler) as admin:
		admin.execute("shutdown wait_for_clients")
	wait_for("the doors to close", lambda: not can_connect(pooler.port))
	assert idle.asks("select 1") == "1"
	pooler.terminate()
	idle.hears("E:57P01")
	assert busy.asks("select 'not cut'") == "not cut"
	busy.send(query("commit"))
	busy.hears("C Z:I E:57P01")
	ends_well(pooler)


# --- rolling restarts -------------------------------------------------------------------


@pytest.fixture
def requests(postgres):
	"""requests(port): COUNT applications that work at PORT; in the end no request has
	failed, and each was done once."""
	tag = os.urandom(4).hex()

	insert = sqlalchemy.text("insert into kept values (:tag, :n)")

	@contextlib.contextmanager
	def requests(port, count=CLIENTS):
		engines = []

		def work(index):
			# each its own pool, as an engine that has met one goodbye renews all it has
			engine = sqlalchemy.create_engine(
				"postgresql+psycopg://app@127.0.0.1:%d/three" % port,
				pool_size=1,
				max_overflow=0,
				pool_pre_ping=True,
				connect_args={"connect_timeout": 10},
			)
			engines.append(engine)

			def once():
				with engine.begin() as c:
					c.execute(insert, {"tag": tag, "n": index})
					if random.random() < 0.2:
						time.sleep(0.02)
					c.execute(sqlalchemy.text("select 1"))

			return once

		workers = Workers(count, work, 0.2)
		with contextlib.ExitStack() as at_end:
			at_end.callback(lambda: [engine.dispose() for engine in engines])
			at_end.callback(workers.stop)
			yield workers
		(kept,) = postgres.sql("select count(*) from kept where tag = '%s'" % tag)[0]
		print(
			"%d applications, %d requests, %d failed, the longest took %.2f s"
			% (count, sum(workers.done), len(workers.failures), workers.longest)
		)
		assert workers.failures == []
		assert kept == sum(workers.done)

	yield requests
	postgres.sql("delete from kept where tag = '%s'" % tag)


@pytest.mark.parametrize("front", ["2-workers"], indirect=True)
def test_a_deployment_is_rolled_and_nobody_notices(own, requests):
	"""Two poolers behind a Service that looks at /readyz: each is ended and begun anew."""
	probes = [free_port(), free_port()]
	poolers = [
		own(
			metrics_listen="127.0.0.1:%d" % probe,
			drain_accept_time=0.8,
			drain_time=CLIENTS / 12,
			drain_timeout=25,
		)
		for probe in probes
	]
	with service([(p.port, probe) for p, probe in zip(poolers, probes)], 0.2) as port:
		with requests(port) as workers:
			workers.progress()
			for pooler in poolers:
				pooler.terminate()
				ends_well(pooler, 30)
				pooler.start()
				workers.progress()


@pytest.mark.skipif(os.geteuid() != 0, reason="only root may give capabilities")
@pytest.mark.parametrize("front", ["2-workers"], indirect=True)
def test_on_a_shared_port_nobody_notices(own, requests):
	"""so_reuseport: it closes its doors at once, whatever drain_accept_time says."""
	port = free_port()
	shared = {"so_reuseport": 1, "listen_port": port, "drain_accept_time": 60}
	elder, younger = (
		own(start=False, drain_time=CLIENTS / 12, drain_timeout=0, **shared) for _ in range(2)
	)
	elder.port = younger.port = port
	launch_with_filters(elder)
	with requests(port) as workers:
		workers.progress()
		launch_with_filters(younger)
		elder.process.send_signal(signal.SIGTERM)
		ends_well(elder, 30)
		workers.progress()
