"""One budget a PostgreSQL server: pools of several databases and users before a server
that takes 20 connections, of which others take some."""

import os
import threading
import time

import psycopg
import pytest

from conftest import PROGRAMS
from rawpg import Client, Refused, query
from scratch import wait_for
from servers import Pooler, PostgreSQL

MAX = 20  # max_connections; 3 are reserved for superusers

pytestmark = pytest.mark.any_version


@pytest.fixture(scope="module")
def small(postgres, folder, certs):
	"""A PostgreSQL with few connections."""
	version = postgres.version
	server = PostgreSQL(
		version, PROGRAMS[version], folder / ("small-" + os.urandom(4).hex()), certs, MAX)
	yield server.start().fill()
	server.stop()


@pytest.fixture
def make(front, small, folder, certs):
	"""make(**settings): a pooler of a test's own before that server."""
	if front.direct:
		pytest.skip("there is no pooler")
	poolers = []

	def make(**settings):
		host = "host=127.0.0.1 port=%d dbname=app " % small.port
		databases = {name: host for name in ("d1", "d2", "d3")}
		poolers.append(
			Pooler(small, folder / ("budget-" + os.urandom(4).hex()), certs,
			       front.workers, databases, **settings).start())
		return poolers[-1]

	yield make
	for pooler in poolers:
		pooler.check()
		pooler.stop()


def row(pooler, kind, name=None):
	rows = [r for r in pooler.console("show budget")
		if r["kind"] == kind and (name is None or r["name"] == name)]
	assert len(rows) == 1, rows
	return rows[0]


class Crowd:
	"""Clients that work until told to stop, each on a thread of its own."""

	def __init__(self, pooler, clients, work="select pg_sleep(0.005)"):
		self.pooler, self.work = pooler, work
		self.stopping, self.errors, self.waits = threading.Event(), [], {}
		self.threads = [threading.Thread(target=self.run, args=c) for c in enumerate(clients)]

	def run(self, number, where):
		user, database = where
		waits = self.waits.setdefault((number, where), [])
		try:
			with psycopg.connect(
				host="127.0.0.1", port=self.pooler.port, user=user, password="secret",
				dbname=database, autocommit=True) as connection:
				while not self.stopping.is_set():
					began = time.monotonic()
					connection.execute(self.work)
					waits.append(time.monotonic() - began)
		except psycopg.Error as error:
			self.errors.append("%s@%s: %s" % (user, database, error))

	def start(self):
		for thread in self.threads:
			thread.start()
		return self

	def stop(self):
		self.stopping.set()
		for thread in self.threads:
			thread.join(60)
		return self


def used(small):
	rows = small.sql(
		"select count(*) from pg_stat_activity where backend_type = 'client backend' "
		"and usename <> 'postgres'")
	return int(rows[0][0])


def test_the_limit_is_found_out(make, small):
	pooler = make(default_pool_size=50)
	client = Client(pooler.address).login(database="d1")
	assert client.asks("select 1") == "1"
	host = row(pooler, "host")
	assert (host["limit"], host["source"]) == (str(MAX - 3 - 3), "discovered")
	assert (host["server_limit"], host["server_reserved"]) == (str(MAX), "3")
	assert host["name"].endswith(":%d" % small.port)
	client.leave()


def test_more_clients_than_connections(make, small):
	"""Three databases, three users, a stranger who takes and returns connections: nobody
	hears of a full server, and it is never full because of us."""
	pooler = make(default_pool_size=20)
	clients = [(user, database) for user in ("app", "app_scram", "app_md5")
		   for database in ("d1", "d2", "d3") for _ in range(6)]
	crowd = Crowd(pooler, clients).start()
	most, strangers = 0, []
	ends = time.monotonic() + 6
	while time.monotonic() < ends:
		if len(strangers) < 5:
			try:
				strangers.append(psycopg.connect(
					host="127.0.0.1", port=small.port, user="app", dbname="app"))
			except psycopg.OperationalError as error:
				assert "connection" in str(error)
		else:
			for stranger in strangers:
				stranger.close()
			strangers = []
		most = max(most, used(small))
		time.sleep(0.05)
	for stranger in strangers:
		stranger.close()
	crowd.stop()
	assert crowd.errors == []
	assert most <= MAX - 3
	for who, waits in crowd.waits.items():
		assert len(waits) > 5, "%s was served %d times" % (who, len(waits))


def test_a_flood_does_not_drown_the_small(make, small):
	pooler = make(default_pool_size=50)
	alone = Client(pooler.address).login(user="app_scram", database="d2")
	assert alone.asks("select 1") == "1"
	flood = Crowd(pooler, [("app", "d1")] * 40, "select pg_sleep(0.01)").start()
	wait_for("the server to be used up", lambda: used(small) >= MAX - 6)
	waits = []
	for _ in range(30):
		began = time.monotonic()
		assert alone.asks("select 1") == "1"
		waits.append(time.monotonic() - began)
		time.sleep(0.05)
	flood.stop()
	assert flood.errors == []
	# it keeps a server of its own, so it waits for nobody
	assert sorted(waits)[len(waits) // 2] < 0.1, waits
	alone.leave()


def test_idle_pools_make_room(make, small):
	pooler = make(default_pool_size=50)
	idle = [Client(pooler.address).login(user=user, database=database)
		for user in ("app", "app_scram", "app_md5", "app_plain") for database in ("d1", "d2", "d3")]
	for client in idle:
		assert client.asks("select 1") == "1"
	busy = [Client(pooler.address).login(database="d1") for _ in range(MAX - 6)]
	began = time.monotonic()
	for client in busy:
		client.send(query("begin"))
	for client in busy:
		client.until_ready()
	assert time.monotonic() - began < 10
	assert used(small) == MAX - 6
	for client in (*busy, *idle):
		client.leave()


def test_the_error_says_who_has_it(make):
	pooler = make(query_wait_timeout=1, max_db_connections=1)
	waiter = Client(pooler.address).login(user="app_scram", database="d2")
	waiter.does("begin")
	other = Client(pooler.address)
	with pytest.raises(Refused) as refused:  # it waits to be welcomed
		other.login(database="d2")
	fields = refused.value.fields
	assert fields["M"] == "query_wait_timeout"
	assert "database d2 uses 1 of 1 server connections" in fields["D"]
	assert "d2/app_scram has most of them, 1" in fields["D"]
	assert "max_db_connections" in fields["H"]
	waiter.leave()
