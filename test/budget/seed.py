"""seed.py - a shop that has more clients than its PostgreSQL has connections: what made somebody
want a pooler with a budget.

Two workers of a web application with 60 sessions each, a migration job that runs again and again,
four Celery workers whose broker is in PostgreSQL too, dashboards, pgAdmin: processes of their own
(shop/), each with a role of its own, before a PostgreSQL with max_connections = 100. First straight
at it, for the errors that come without a budget, then through two poolers that share it by
budget_peers and listen on the same port, so that the kernel spreads connections over them as a
Service does. Needs the clients of the deployments: test/system/deploy/prepare CACHE.
"""

import collections
import contextlib
import json
import os
import pathlib
import socket
import subprocess
import sys
import time
import urllib.parse

import psycopg
from psycopg.rows import dict_row

import servers
from dns_server import NameServer
from measure import Helper, report
from scratch import end, wait_for

HERE = pathlib.Path(__file__).resolve().parent
SHOP = HERE / "shop"
MAX, RESERVED = 100, 3
NAME, PASSWORD = "shop-poolers.test", "se cret"
ROLES = {"web": "", "owner": "", "celery": "", "grafana": "",
	 "pgadmin": "createdb createrole in role pg_monitor, pg_signal_backend"}
CELERY_WORKERS, CHILDREN = 4, 2
STRAIGHT = 20	# seconds without poolers
GRACE = 60	# seconds until a process of the shop has its last answer
REFUSALS = ("sorry, too many clients", "remaining connection slots")


def venv(name):
	cache = pathlib.Path(os.environ.get("PGWEIR_CACHE") or HERE.parents[1] / "build/cache")
	path = cache / "deploy/venv/bin" / name
	if not path.exists():
		sys.exit("test/budget/run: expected %s, run test/system/deploy/prepare %s" % (path, cache))
	return path


class PostgreSQL(servers.PostgreSQL):
	"""The shop's server: each role has a password."""

	def configure(self, certs, max_connections):
		super().configure(certs, max_connections)
		with open(self.data / "pg_hba.conf", "a") as hba:
			hba.write("host all all 127.0.0.1/32 scram-sha-256\n")

	def fill(self):
		for role, options in ROLES.items():
			self.sql("create role %s login password '%s' %s" % (role, PASSWORD, options), "postgres")
		self.sql("create database shop owner owner", "postgres")
		self.sql("create database celery owner celery", "postgres")
		self.sql("alter schema public owner to owner", "shop")
		return self

	def refusals(self):
		"""How many logins it has refused because it was full."""
		text = self.log.read_text(errors="replace")
		return sum(text.count(words) for words in REFUSALS)


class Pooler(servers.Pooler):
	"""One of two on one port, with an address of its own for the other to know it by. Pools are as
	wide as the server: only the budget says how many connections there are."""

	def __init__(self, server, folder, certs, number, port, names, workers):
		self.own = "127.0.0.%d" % (20 + number)
		super().__init__(
			server, folder, certs, workers, {"*": "host=127.0.0.1 port=%d" % server.port},
			listen_addr=self.own + ",127.0.0.1", so_reuseport=1, auth_type="scram-sha-256",
			max_client_conn=1000, default_pool_size=MAX, query_wait_timeout=60,
			budget_peers=NAME, resolv_conf=names.conf)
		self.port = port or self.port
		self.settings["listen_port"] = self.port
		for pool in servers.POOL_SIZES:
			del self.databases[pool]
		self.write_files()

	def write_files(self):
		super().write_files()
		with open(self.folder / "userlist.txt", "a") as users:
			users.writelines('"%s" "%s"\n' % (role, PASSWORD) for role in ROLES)

	def start(self):
		self.launch()
		wait_for("the pooler to accept", self.accepts, 30)
		return self

	def accepts(self):
		assert self.process.poll() is None, "the pooler did not start:\n" + self.tail()
		with contextlib.suppress(OSError):
			socket.create_connection((self.own, self.port), 1).close()
			return True
		return False

	def latency(self, kind):
		"""How often there was what SHOW LATENCY calls KIND, and the longest in seconds."""
		with psycopg.connect(host=self.own, port=self.port, user="admin", password=servers.SECRET,
				     dbname="pgbouncer", autocommit=True, row_factory=dict_row) as c:
			rows = [row for row in c.execute("show latency").fetchall() if row["kind"] == kind]
		return (sum(int(row["total_count"]) for row in rows),
			max((int(row["total_max"]) for row in rows), default=0) / 1e6)


class Sampler(Helper):
	"""How many connections PostgreSQL has, every 50 ms; this one is among them."""

	def __init__(self, server):
		super().__init__()
		self.most, self.count = 0, 0
		self.c = psycopg.connect(host="127.0.0.1", port=server.port, user="postgres",
					 dbname="postgres", autocommit=True)

	def act(self):
		(n,) = self.c.execute("select count(*) from pg_stat_activity "
				      "where backend_type = 'client backend'").fetchone()
		self.most, self.count = max(self.most, n), self.count + 1
		self.over.wait(0.05)


class Shop:
	"""The processes that ask at PORT. A failed one is an error of its own; what they said is in
	FOLDER."""

	def __init__(self, port, folder, seconds):
		folder.mkdir()
		self.port, self.folder, self.seconds, self.celery = port, folder, seconds, []
		self.ini = folder / "alembic.ini"
		self.ini.write_text(
			"[alembic]\nscript_location = %s\npath_separator = os\n" % (SHOP / "migrations"))
		self.env = {
			**os.environ, "PYTHONPATH": str(SHOP), "PYTHONDONTWRITEBYTECODE": "1", "C_FORCE_ROOT": "1",
			"PGDATESTYLE": "ISO, MDY", "CELERY_URL": self.url("celery", "celery", "psycopg2"),
			"SHOP_URL": self.url("celery", "shop", "psycopg2"),
			"DATABASE_URL": self.url("owner", "shop", "psycopg2"),
		}

	def url(self, role, database, driver):
		return "postgresql+%s://%s:%s@127.0.0.1:%d/%s" % (
			driver, role, urllib.parse.quote(PASSWORD), self.port, database)

	def dsn(self, role, *more):
		where = "host=127.0.0.1 port=%d user=%s password='%s'" % (self.port, role, PASSWORD)
		return " ".join([where, *more])

	def start(self, name, *words):
		with open(self.folder / name, "wb") as out, open(self.folder / (name + ".err"), "wb") as err:
			return subprocess.Popen(
				["setpriv", "--pdeathsig", "KILL", *map(str, words)], cwd=self.folder,
				env=self.env, stdin=subprocess.DEVNULL, stdout=out, stderr=err)

	def prepare(self):
		"""The first migration, and Celery's tables."""
		for name, words in (
			("prepare-shop", (venv("alembic"), "-c", self.ini, "upgrade", "0001")),
			("prepare-celery", (venv("python"), SHOP / "tasks.py", 0)),
		):
			assert self.start(name, *words).wait(60) == 0, self.said(name + ".err")

	def said(self, name):
		return (self.folder / name).read_text(errors="replace")

	def start_celery(self):
		"""Workers, until they take tasks."""
		names = ["celery-%d" % n for n in range(CELERY_WORKERS)]
		self.celery = [self.start(
			name, venv("celery"), "-A", "tasks", "worker", "--hostname", name + "@%h",
			"--loglevel", "INFO", "--pool", "prefork", "--concurrency", CHILDREN,
			"--without-gossip", "--without-mingle", "--without-heartbeat")
			for name in names]
		for name in names:
			wait_for(name, lambda: "ready." in self.said(name + ".err"), 60)

	def clients(self):
		python, seconds = venv("python"), self.seconds
		return {
			"web-1": (python, SHOP / "web.py", self.url("web", "shop", "asyncpg"), 1, seconds),
			"web-2": (python, SHOP / "web.py", self.url("web", "shop", "asyncpg"), 2, seconds),
			"tasks": (python, SHOP / "tasks.py", seconds),
			"grafana": (python, SHOP / "grafana.py", self.dsn("grafana", "dbname=shop"), seconds),
			"pgadmin": (python, SHOP / "pgadmin.py", self.dsn("pgadmin"), seconds),
			"migration": (python, SHOP / "migrate.py", self.ini, seconds),
		}

	def run(self):
		"""What each kind of client has counted, by name."""
		try:
			self.start_celery()
			running = {name: self.start(name, *words) for name, words in self.clients().items()}
			until = time.monotonic() + self.seconds + GRACE
			for name, process in running.items():
				process.wait(max(1, until - time.monotonic()))
				assert process.returncode == 0, "%s: %s" % (name, self.said(name + ".err"))
			return {name: json.loads(self.said(name).splitlines()[-1]) for name in running}
		finally:
			for process in self.celery:
				process.terminate()
			for process in self.celery:
				end(process)


def total(counted, what):
	return sum(one[what] for one in counted.values())


def show(counted):
	for name, one in counted.items():
		print("| %s: %d asked, %d answered; p50 %.3f s, p99 %.3f s, longest %.3f s | | | |" % (
			name, one["asked"], one["answered"], *one["took"]))


@contextlib.contextmanager
def two_poolers(server, folder, certs, workers):
	names = NameServer()
	names.ttl, names.conf = 1, names.write_resolv_conf(folder / "shop-resolv.conf")
	first = Pooler(server, folder / "shop-pooler-1", certs, 1, None, names, workers)
	second = Pooler(server, folder / "shop-pooler-2", certs, 2, first.port, names, workers)
	names.hosts[NAME] = [first.own, second.own]
	try:
		yield [pooler.start() for pooler in (first, second)]
	finally:
		for pooler in (first, second):
			pooler.stop()
		names.stop()


def straight(server, folder, seconds):
	"""The same without poolers: how many requests hear of a full server."""
	shop = Shop(server.port, folder / "shop-straight", seconds)
	shop.prepare()
	counted = shop.run()
	asked, answered, full = (total(counted, what) for what in ("asked", "answered", "full"))
	return [report("straight at PostgreSQL, %g s: requests that heard 53300, of all" % seconds,
		       "%d of %d, and %d more failed" % (full, asked, asked - answered - full),
		       "> 0", full > 0)]


def right(server, counted):
	"""Whether exactly what was answered has been done."""
	orders = server.sql("select count(*) from orders", "shop")[0][0]
	shipments = server.sql("select count(*) from shipments", "shop")[0][0]
	return (orders, shipments) == (
		counted["web-1"]["answered"] + counted["web-2"]["answered"], counted["tasks"]["answered"])


def show_waits(poolers):
	for number, pooler in enumerate(poolers, 1):
		print("| pooler %d: %d transactions, longest wait for a connection %.3f s | | | |" % (
			number, pooler.latency("transaction")[0], pooler.latency("wait")[1]))


def through(server, folder, certs, options):
	server.sql("truncate orders, shipments", "shop")
	before = server.refusals()
	with two_poolers(server, folder, certs, options.workers) as poolers:
		time.sleep(5)	# they have heard of each other
		sampler = Sampler(server)
		sampler.start()
		counted = Shop(poolers[0].port, folder / "shop-pooled", options.seconds).run()
		sampler.end()
		for pooler in poolers:
			pooler.check()
		show_waits(poolers)
	show(counted)
	asked, answered = total(counted, "asked"), total(counted, "answered")
	errors = sum((collections.Counter(one["errors"]) for one in counted.values()), collections.Counter())
	done = right(server, counted)
	# no promise: what one has borrowed another may want back at the same moment
	print("| logins of poolers that PostgreSQL refused | %d | | |"
	      % (server.refusals() - before))
	return [
		report("through two poolers, %g s: requests answered, of all" % options.seconds,
		       "%d of %d" % (answered, asked), "all", answered == asked),
		report("requests that heard 53300", total(counted, "full"), 0, not total(counted, "full")),
		report("other errors", "%d %s" % (sum(errors.values()), list(errors)[:5] or ""), 0, not errors),
		report("what is in the tables is what was answered", done, True, done),
		report("most connections, of %d samples" % sampler.count, sampler.most, MAX - RESERVED,
		       sampler.most <= MAX - RESERVED),
	]


def seed(_, folder, certs, options):
	"""The scene; its server is its own."""
	programs = servers.server_programs()
	version = min(programs)
	server = PostgreSQL(version, programs[version], folder / "shop-postgres", certs, MAX).start().fill()
	try:
		return straight(server, folder, STRAIGHT) + through(server, folder, certs, options)
	finally:
		server.stop()
