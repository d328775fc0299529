"""servers.py - scratch PostgreSQL servers and poolers in front of them.

Everything lives in a folder of the test run and on free ports, and ends with the run. The
processes run as users of their own, as neither of the two programs runs as root.
"""

import contextlib
import os
import pathlib
import shutil
import signal
import subprocess

import psycopg

import rawpg
from scratch import as_user, can_connect, end, free_port, fresh, give_to, run, spawn, wait_for

DEBIAN_BIN = pathlib.Path("/usr/lib/postgresql/15/bin")
DIRECT = os.environ.get("PGWEIR_DIRECT") == "1"  # no pooler: a second direct connection
PEER = os.environ.get("PGWEIR_PEER") == "1"  # PGWEIR is PgBouncer: none of our settings
SECRET = "secret"
# How PostgreSQL lets each role in.
USERS = {
	"app": "trust",
	"app_plain": "password",
	"app_md5": "md5",
	"app_scram": "scram-sha-256",
}
POOL_SIZES = {"one": 1, "two": 2, "three": 3}
ALARMS = (
	"insist",
	"AddressSanitizer",
	"LeakSanitizer",
	"ThreadSanitizer",
	"runtime error",
)

SCHEMA = """
create table copied (tag text, n int check (n < 1000));
create table kept (tag text, n int);
create function warns(what text) returns text language plpgsql as
	$$ begin raise notice '%', what; return what; end $$;
"""


def server_programs():
	"""The folders of server programs of this machine, by major version."""
	found = {}
	if (DEBIAN_BIN / "postgres").exists():
		found[15] = DEBIAN_BIN
	unpacked = os.environ.get("PG18_DIR")
	if unpacked:
		found[18] = pathlib.Path(unpacked) / "bin"
		assert (found[18] / "postgres").exists(), "PG18_DIR has no bin/postgres"
	return found


def secret_key(certs, folder, user):
	"""A copy of the server's private key that USER alone can read."""
	key = folder / "server.key"
	shutil.copy(certs / "server.key", key)
	key.chmod(0o600)
	give_to(user, key)
	return key


class PostgreSQL:
	"""One scratch server with database `app`, its tables, and a role for each login
	method."""

	def __init__(self, version, programs, folder, certs, max_connections=100):
		folder = fresh(folder)
		self.version, self.bin, self.folder = version, programs, folder
		self.port, self.process = free_port(), None
		self.address = ("127.0.0.1", self.port)
		self.newest_protocol = (
			rawpg.PROTOCOL_3_2 if version >= 18 else rawpg.PROTOCOL_3_0
		)
		folder.mkdir(mode=0o755)
		give_to("postgres", folder)
		self.data, self.log = folder / "data", folder / "postgres.log"
		run(
			*as_user("postgres", "KILL"),
			self.bin / "initdb",
			"-D",
			self.data,
			"-U",
			"postgres",
			"-A",
			"trust",
			"--no-sync",
			"-E",
			"UTF8",
			"--locale=C",
			cwd="/",
		)
		self.configure(certs, max_connections)

	def configure(self, certs, max_connections):
		key = secret_key(certs, self.folder, "postgres")
		settings = {
			"listen_addresses": "127.0.0.1",
			"port": self.port,
			"unix_socket_directories": "",
			"max_connections": max_connections,
			"fsync": "off",
			"shared_buffers": "16MB",
			"autovacuum": "off",
			"wal_level": "minimal",
			"max_wal_senders": 0,
			"ssl": "on",
			"ssl_cert_file": certs / "server.crt",
			"ssl_key_file": key,
		}
		with open(self.data / "postgresql.conf", "a") as conf:
			conf.writelines("%s = '%s'\n" % pair for pair in settings.items())
		with open(self.data / "pg_hba.conf", "w") as hba:
			hba.writelines(
				"host all %s 127.0.0.1/32 %s\n" % pair
				for pair in USERS.items()
			)
			hba.write("host all postgres 127.0.0.1/32 trust\n")

	def start(self):
		assert not can_connect(self.port), "port %d has been taken" % self.port
		self.process = spawn(
			"postgres",
			[self.bin / "postgres", "-D", self.data],
			self.log,
			"INT",
		)
		wait_for("PostgreSQL to accept, see %s" % self.log, self.accepts, 30)
		return self

	def accepts(self):
		assert self.process.poll() is None, self.log.read_text()
		try:
			self.sql("select 1", database="postgres")
			return True
		except psycopg.OperationalError:
			return False

	def fill(self):
		"""Make the roles, databases and tables that the tests use."""
		for name, method in USERS.items():
			kind = "md5" if method == "md5" else "scram-sha-256"
			self.sql(
				"set password_encryption = '%s'; create role %s login password '%s'"
				% (kind, name, SECRET),
				database="postgres",
			)
		self.sql("create database app owner app", database="postgres")
		self.sql("set role app; " + SCHEMA)
		self.sql("grant all on all tables in schema public to public")
		return self

	def sql(self, text, database="app"):
		"""Run TEXT as the superuser; its rows, if it has any."""
		with psycopg.connect(
			host="127.0.0.1",
			port=self.port,
			user="postgres",
			dbname=database,
			autocommit=True,
			connect_timeout=10,
		) as c:
			cursor = c.execute(text)
			while cursor.nextset():
				pass
			return cursor.fetchall() if cursor.description else None

	def wait_until_running(self, part):
		"""Wait until a client's query that contains PART, and sleeps or waits for a
		lock, has come that far: its columns are described."""
		wait_for(
			"a running %r" % part,
			lambda: self.sql(
				"select 1 from pg_stat_activity where state = 'active' and usename <> 'postgres' "
				"and wait_event_type in ('Timeout', 'Lock') "
				"and position('%s' in query) > 0" % part
			),
		)

	@contextlib.contextmanager
	def holding_a_lock(self):
		"""While inside, `select pg_advisory_xact_lock(1)` of anybody else
		waits."""
		with psycopg.connect(
			host="127.0.0.1",
			port=self.port,
			user="postgres",
			dbname="app",
			autocommit=True,
		) as c:
			c.execute("select pg_advisory_lock(1)")
			yield

	def stop(self):
		end(self.process, signal.SIGINT)

	def kill(self):
		"""Crash: no goodbye to anybody. start() recovers."""
		end(self.process, signal.SIGQUIT)

	def restart(self):
		self.stop()
		self.start()

	# As the second, direct side of a comparison it answers what a Pooler answers.
	direct, workers = True, 0

	def database(self, pool):
		return "app"

	def wait_until_waiting(self, pool, part):
		self.wait_until_running(part)

	def check(self):
		assert self.process.poll() is None, (
			"PostgreSQL has died, see %s" % self.log
		)


def own_environment():
	"""Our environment without PGWEIR_..., which the pooler would take for settings."""
	return {k: v for k, v in os.environ.items() if not k.startswith("PGWEIR_")}


def pooler_program():
	build = pathlib.Path(os.environ.get("BUILD_DIR", "."))
	return pathlib.Path(os.environ.get("PGWEIR") or build / "pgweir").resolve()


class Pooler:
	"""One pooler before SERVER in transaction mode, with pools one, two and three of
	that many servers.

	DATABASES adds entries; SETTINGS are lines of its main section, and win over the
	ones here.
	"""

	direct, newest_protocol = False, rawpg.PROTOCOL_3_2

	def __init__(self, server, folder, certs, workers=1, databases=None, **settings):
		folder = fresh(folder)
		self.server, self.folder, self.workers = server, folder, workers
		self.port, self.process = free_port(), None
		self.address = ("127.0.0.1", self.port)
		self.program, self.read_so_far = pooler_program(), 0
		self.prefix, self.options, self.env = [], [], {}  # of the command
		folder.mkdir(mode=0o755)
		give_to("nobody", folder)
		self.ini, self.log = folder / "pgweir.ini", folder / "pooler.log"
		self.databases = {
			pool: "host=127.0.0.1 port=%d dbname=app pool_size=%d"
			% (server.port, size)
			for pool, size in POOL_SIZES.items()
		}
		self.databases.update(databases or {})
		self.settings = {
			"listen_addr": "127.0.0.1",
			"listen_port": self.port,
			"unix_socket_dir": "",
			"pool_mode": "transaction",
			"max_client_conn": 500,
			"admin_users": "admin",
			"auth_type": "trust",
			"auth_file": folder / "userlist.txt",
			"query_wait_timeout": 30,
			"query_wait_notify": 0,
			"server_login_retry": 1,
			"client_tls_sslmode": "allow",
			"client_tls_cert_file": certs / "server.crt",
			"client_tls_key_file": secret_key(certs, folder, "nobody"),
		}
		if not PEER:
			self.settings["workers"] = workers
			# SIGTERM: as PgBouncer; drains are test_drain.py's
			self.settings["shutdown_mode"] = "pgbouncer"
		self.settings.update(settings)
		self.write_files()

	def write_files(self):
		"""Write the ini from self.databases and self.settings, and the user
		list."""
		lines = ["[databases]"]
		lines += ["%s = %s" % pair for pair in self.databases.items()]
		lines += ["", "[pgbouncer]"]
		lines += ["%s = %s" % pair for pair in self.settings.items()]
		self.ini.write_text("\n".join(lines) + "\n")
		(self.folder / "userlist.txt").write_text(
			"".join(
				'"%s" "%s"\n' % (name, SECRET)
				for name in [*USERS, "admin"]
			)
		)

	def start(self):
		assert not can_connect(self.port), "port %d has been taken" % self.port
		self.launch()
		wait_for("the pooler to accept", self.accepts, 30)
		return self

	def launch(self):
		"""Begin the process, whether or not it comes up."""
		env = {
			**own_environment(),
			"ASAN_OPTIONS": "abort_on_error=0",
			"UBSAN_OPTIONS": "print_stacktrace=1",
			"TSAN_OPTIONS": "second_deadlock_stack=1",
			**self.env,
		}
		assert self.program.exists(), (
			"no pooler at %s: set PGWEIR or BUILD_DIR" % self.program
		)
		self.process = spawn(
			"nobody",
			[*self.prefix, self.program, *self.options, self.ini],
			self.log,
			env=env,
		)

	def accepts(self):
		assert self.process.poll() is None, (
			"the pooler did not start:\n" + self.log.read_text()
		)
		return can_connect(self.port)

	def database(self, pool):
		return pool

	def console(self, command):
		"""Run COMMAND in the console by psql; rows as dicts by column name."""
		done = subprocess.run(
			[
				"psql",
				"-XAq",
				"-F",
				"\t",
				"-P",
				"footer=off",
				"-h",
				"127.0.0.1",
				"-p",
				str(self.port),
				"-U",
				"admin",
				"-d",
				"pgbouncer",
				"-c",
				command,
			],
			stdin=subprocess.DEVNULL,
			capture_output=True,
			text=True,
			timeout=30,
		)
		assert done.returncode == 0, "console %s: %s" % (command, done.stderr)
		lines = [line.split("\t") for line in done.stdout.splitlines()]
		return [dict(zip(lines[0], row)) for row in lines[1:]]

	def wait_until_waiting(self, pool, part):
		"""Wait until a client queues for POOL, or one that got a server runs a
		query with PART."""
		wait_for(
			"a waiting client in pool %s" % pool,
			lambda: any(
				row["database"] == pool and int(row["cl_waiting"]) > 0
				for row in self.console("show pools")
			),
		)

	def wait_until_logged(self, part):
		wait_for(
			"%r in the log" % part,
			lambda: part in self.log.read_text(errors="replace"),
		)

	def check(self):
		"""It lives, and its log says nothing alarming that an earlier check has
		not seen."""
		assert self.process.poll() is None, "the pooler ended with %s:\n%s" % (
			self.process.returncode,
			self.tail(),
		)
		self.check_log()

	def check_log(self):
		with open(self.log, errors="replace") as log:
			log.seek(self.read_so_far)
			new = log.read()
			self.read_so_far = log.tell()
		alarming = [
			line
			for line in new.splitlines()
			if any(word in line for word in ALARMS)
		]
		assert not alarming, (
			"\n".join(alarming[:20]) + "\n--- log\n" + self.tail()
		)

	def tail(self, lines=60):
		return "\n".join(
			self.log.read_text(errors="replace").splitlines()[-lines:]
		)

	def reload(self):
		self.process.send_signal(signal.SIGHUP)

	def terminate(self):
		"""Ask for an orderly end; it stays until its clients have left."""
		self.process.send_signal(signal.SIGTERM)

	def stop(self):
		"""End it at once; an exit code other than 0 or an alarm in its log is a
		failure."""
		if self.process is None:
			return
		code = end(self.process, signal.SIGTERM if PEER else signal.SIGQUIT)
		assert code == 0 or PEER, "the pooler ended with %s:\n%s" % (
			code,
			self.tail(),
		)
		self.check_log()
