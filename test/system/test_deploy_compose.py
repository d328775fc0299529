"""docker compose: a stack whose image writes the ini from its environment, and a web application
of two processes with 60 SQLAlchemy sessions over asyncpg each, before a server of 100."""

import contextlib
import json
import os
import subprocess
import threading
import types

import psycopg
import pytest

from deploy import tools
from deploy.bouncer import Bouncer, console, install
from deploy.database import Database
from deploy.machine import Pod, network  # noqa: F401
from scratch import wait_for

pytestmark = [pytest.mark.xdist_group("deploy-compose"), pytest.mark.timeout(120)]

PASSWORD, OTHER = "not-the-default", "another one"
WORKERS, SESSIONS, ROUNDS, POOL_SIZE = 2, 60, 8, 40

# What edoburu's script writes of DB_HOST, DB_USER, AUTH_TYPE and so on.
INI = """\
################## Auto generated ##################
[databases]
app = host=db port=5432 auth_user=app
[pgbouncer]
listen_addr = 0.0.0.0
listen_port = 5432
unix_socket_dir =
user = postgres
auth_file = /etc/pgbouncer/userlist.txt
auth_type = scram-sha-256
pool_mode = transaction
max_client_conn = 500
default_pool_size = %d
ignore_startup_parameters = extra_float_digits
admin_users = app
stats_users = app
################## end file ##################
""".replace("_dir =", "_dir = ") % POOL_SIZE  # it ends with a blank
ENV = {
	"DB_HOST": "db", "DB_USER": "app", "DB_PASSWORD": PASSWORD, "DB_NAME": "app",
	"AUTH_TYPE": "scram-sha-256", "POOL_MODE": "transaction", "MAX_CLIENT_CONN": "500",
	"DEFAULT_POOL_SIZE": str(POOL_SIZE), "ADMIN_USERS": "app", "STATS_USERS": "app",
	"IGNORE_STARTUP_PARAMETERS": "extra_float_digits",
}


def make_pod(stack, name):
	"""A container of the image: its user postgres, /etc/pgbouncer its own."""
	pod = stack.network.join(Pod(stack.base / name))
	pod.knows(db=stack.database.machine)
	users = pod.path("/etc/passwd").read_text().replace("postgres:x:", "debian:x:")
	pod.write("/etc/passwd", users + "postgres:x:70:70::/var/lib/postgresql:/bin/sh\n")
	pod.path("/etc/pgbouncer").mkdir()
	os.chown(pod.path("/etc/pgbouncer"), 70, 70)
	install(pod, "/usr/bin/pgbouncer")
	return pod


@pytest.fixture(scope="module")
def stack(folder, network):  # noqa: F811
	base = folder / "compose"
	base.mkdir()
	database = Database(network, base / "db", None, ("host all all all scram-sha-256",), 15,
		max_connections=100)
	database.start()
	stack = types.SimpleNamespace(network=network, database=database, base=base)
	try:
		database.role("app", PASSWORD)
		database.database("app", "app")
		database.sql("create table hits (worker int, tag text); alter table hits owner to app",
			"app")
		pod = stack.pod = make_pod(stack, "pgbouncer")
		pod.write("/etc/pgbouncer/pgbouncer.ini", INI, (70, 70))
		pod.write("/etc/pgbouncer/userlist.txt", '"app" "%s"\n' % PASSWORD, (70, 70), 0o600)
		stack.bouncer = Bouncer(pod, ["/usr/bin/pgbouncer", "/etc/pgbouncer/pgbouncer.ini"],
			5432, user=(70, 70), first=True)
		(base / "alembic.ini").write_text(
			"[alembic]\nscript_location = %s\npath_separator = os\n"
			% (tools.HERE / "migrations"))
		yield stack
		stack.bouncer.stop()
	finally:
		database.stop()


def connect(stack, **more):
	with stack.network.inside():
		return psycopg.connect(**{"host": stack.pod.address, "user": "app",
			"password": PASSWORD, "dbname": "app", "autocommit": True,
			"connect_timeout": 10, **more})


class Watch(threading.Thread):
	"""Looks how many connections of the application the server has, until told."""

	def __init__(self, database):
		super().__init__()
		self.database, self.done, self.most = database.connect(), threading.Event(), 0

	def run(self):
		while not self.done.wait(0.05):
			self.most = max(self.most, self.database.execute(
				"select count(*) from pg_stat_activity where usename = 'app'"
				).fetchone()[0])

	def end(self):
		self.done.set()
		self.join()
		self.database.close()
		return self.most


def test_two_processes_with_sixty_sessions_each(stack):
	url = "postgresql+asyncpg://app:%s@%s:5432/app" % (PASSWORD, stack.pod.address)
	watch = Watch(stack.database)
	watch.start()
	with stack.network.inside():
		workers = [subprocess.Popen(
			["setpriv", "--pdeathsig", "KILL", tools.python(), tools.HERE / "web.py", url,
				str(number), str(SESSIONS), str(ROUNDS)],
			cwd=stack.base, env=os.environ, stdin=subprocess.DEVNULL,
			stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
			for number in range(WORKERS)]
	said = [worker.communicate(timeout=80) for worker in workers]
	most = watch.end()
	for worker, (out, err) in zip(workers, said):
		assert worker.returncode == 0, err
		assert json.loads(out.splitlines()[-1]) == {
			"right": SESSIONS * ROUNDS, "most": SESSIONS}
	assert 1 <= most <= POOL_SIZE
	# one of them migrated, the other waited for the lock and found it done
	assert stack.database.sql("select version_num from alembic_version", "app") == [("0002",)]
	assert stack.database.sql("select worker, count(*), count(distinct tag) from hits "
		"group by 1 order by 1", "app") == [
			(n, SESSIONS * ROUNDS * 3 // 4, SESSIONS * ROUNDS * 3 // 4)
			for n in range(WORKERS)]


def test_healthcheck(stack):
	done = stack.bouncer.run("pg_isready", "-h", "localhost", user=(70, 70))
	assert (done.returncode, done.stdout) == (0, "localhost:5432 - accepting connections\n")


def test_startup_settings_of_asyncpg(stack):
	"""server_settings of a client hold for it, and for nobody else."""
	program = """
import asyncio, asyncpg, sys
async def main():
	login = dict(host=sys.argv[1], user="app", password=sys.argv[2], database="app")
	ours = await asyncpg.connect(server_settings={"search_path": "hidden,public",
		"jit": "off", "application_name": "web"}, **login)
	others = [await asyncpg.connect(**login) for _ in range(3)]
	for _ in range(3):
		assert await ours.fetchval("show search_path") == "hidden,public"
		assert await ours.fetchval("show jit") == "off"
		for other in others:
			assert await other.fetchval("show search_path") != "hidden,public"
			assert await other.fetchval("show jit") == "on"
	for one in [ours, *others]:
		await one.close()
	print("each its own")
asyncio.run(main())
"""
	said = tools.run_in(stack.network, tools.python(), "-c", program, stack.pod.address, PASSWORD)
	assert said == "each its own\n"


@pytest.mark.xfail(strict=True, raises=AssertionError,
	reason="in transaction mode only what the server reports follows its client")
def test_what_asyncpg_sets_to_look_into_types_is_its_own(stack):
	"""Before it asks for an unknown type it turns jit off, and on again afterwards in another
	transaction, which may meet another server."""
	with contextlib.ExitStack() as all_of_them:
		one = all_of_them.enter_context(connect(stack))
		one.execute("select set_config('jit', 'off', false)")
		servers = stack.database.sql("select count(*) from pg_stat_activity "
			"where usename = 'app'")[0][0]
		for _ in range(servers):  # each in a transaction, so that every server is met
			other = all_of_them.enter_context(connect(stack, autocommit=False))
			assert other.execute("show jit").fetchone() == ("on",)


def test_the_console_of_the_application(stack):
	with stack.network.inside(), console(stack.pod.address, user="app", password=PASSWORD) as c:
		rows = c.execute("SHOW DATABASES").fetchall()
		assert [row[0] for row in rows if row[0] == "app"] == ["app"]
		assert "PgBouncer 1." in c.execute("SHOW VERSION").fetchone()[0]


def test_nobody_else_comes_in(stack):
	for login in ({"password": OTHER}, {"user": "nobody"}, {"user": "postgres", "password": "postgres"}):
		with pytest.raises(psycopg.OperationalError):
			connect(stack, **login)
	text = stack.bouncer.text()
	assert PASSWORD not in text and OTHER not in text


def test_an_image_that_knows_only_its_environment(stack):
	pod = make_pod(stack, "from-env")
	pod.write("/entrypoint.sh", (tools.TOP / "contrib" / "entrypoint.sh").read_text(),
		mode=0o755)
	bouncer = Bouncer(pod, ["/entrypoint.sh", "/usr/bin/pgbouncer",
		"/etc/pgbouncer/pgbouncer.ini"], 5432, user=(70, 70), first=True, env=ENV)
	with connect(stack, host=pod.address) as app:
		assert app.execute("select current_user::text").fetchone() == ("app",)
	with stack.network.inside(), console(pod.address, user="app", password=PASSWORD) as c:
		settings = {row[0]: row[1] for row in c.execute("SHOW CONFIG").fetchall()}
	for name in ("pool_mode", "max_client_conn", "default_pool_size", "auth_type"):
		assert settings[name] == ENV[name.upper()]
	pod.run("kill", "-TERM", bouncer.inner_pid())
	assert bouncer.wait_for_end() == 0
	bouncer.check_log()


def test_the_stack_goes_down_and_comes_up(stack):
	"""compose restarts the server; sessions that wait are served afterwards."""
	client = connect(stack)
	client.execute("select 1")
	stack.database.stop()
	waiting = threading.Thread(target=lambda: outcome.append(answer()))
	outcome = []

	def answer():
		with connect(stack) as late:
			return late.execute("select 42").fetchone()

	waiting.start()
	stack.database.start()
	waiting.join(30)
	assert outcome == [(42,)]

	def serves():
		try:
			return client.execute("select 1").fetchone() == (1,)
		except psycopg.Error:
			return False

	wait_for("the older session to be served", serves)
	client.close()
