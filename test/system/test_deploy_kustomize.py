"""Plain manifests on port 6432: named databases, a user list in every form, an Alembic job that
comes before the server, Celery, mlflow, probes by pg_isready and psql, killall at the end."""

import contextlib
import json
import os
import signal
import socket
import subprocess
import types
import urllib.error
import urllib.request

import psycopg
import pytest

from deploy import tools
from deploy.authority import Authority
from deploy.bouncer import Bouncer, install
from deploy.database import Database
from deploy.machine import Pod, network  # noqa: F401
from scratch import can_connect, free_port, wait_for

pytestmark = [pytest.mark.xdist_group("deploy-kustomize"), pytest.mark.timeout(120)]

INI = (tools.HERE / "kustomize.ini").read_text()
QUOTED = 'with "quotes" \\ and $'
HBA = (
	"hostssl all admin_service all md5",
	"host all admin_service all reject",
	"host all all all scram-sha-256",
)
WORKERS, TASKS = 3, 40


def user_list(database):
	"""All forms that such files have: a verifier, plain words, an MD5 hash that only a
	forced user can use, doubled quotes, comments, three fields."""
	hashed = database.verifier("admin_service")
	return "\n".join((
		"; users of the pooler, rendered from Vault",
		'"app" "%s"' % database.verifier("app"),
		'"worker" "plain words"',
		";; next to nothing",
		'"mlflow" "%s"' % QUOTED.replace('"', '""'),
		"",
		'"admin_service" "%s"' % hashed,
		'"reporter" "secret" "a third field"',
		'"pgadmin" "console"',
		'"monitor" "metrics"',
		"",
	))


def url(cluster, user, password, database):
	from urllib.parse import quote

	return "postgresql+psycopg2://%s:%s@%s:6432/%s" % (
		user, quote(password, safe=""), cluster.pod.address, database)


def pod_with(cluster, name):
	"""A pod of the Deployment: Debian's paths, uid of the chart, PID 1."""
	pod = cluster.network.join(Pod(cluster.base / name))
	pod.knows(**{"postgres.db.svc": cluster.database.machine})
	pod.write("/etc/pgbouncer/pgbouncer.ini", INI)
	pod.write("/etc/userlist/userlist.txt", cluster.users, (0, 70), 0o640)
	install(pod, "/usr/bin/pgbouncer")
	return pod


def start(pod):
	return Bouncer(pod, ["/usr/bin/pgbouncer", "/etc/pgbouncer/pgbouncer.ini"], 6432,
		user=(70, 70), first=True)


@pytest.fixture(scope="module")
def cluster(folder, network):  # noqa: F811
	base = folder / "kustomize"
	base.mkdir()
	authority = Authority(base / "pki", "some-ca")
	server = authority.issue("elsewhere", "DNS:elsewhere")  # prefer asks no name
	database = Database(network, base / "db", (*server, authority.file), HBA, 15)
	database.start()
	cluster = types.SimpleNamespace(network=network, database=database, base=base)
	try:
		for name, password in (("app", "secret"), ("worker", "plain words"),
				("mlflow", QUOTED), ("reporter", "secret")):
			database.role(name, password)
		database.role("admin_service", "secret", "md5")
		for name, owner in (("tazlab", "app"), ("celery", "worker"), ("mlflow", "mlflow")):
			database.database(name, owner)
		cluster.users = user_list(database)
		# the pooler comes first, its server later
		database.stop()
		cluster.pod = pod_with(cluster, "pod")
		cluster.bouncer = start(cluster.pod)
		yield cluster
		cluster.bouncer.stop()
	finally:
		database.stop()


@pytest.fixture
def running(cluster):
	"""The cluster with its server up and its schema there."""
	if cluster.database.process.poll() is not None:
		cluster.database.start()
	migrate(cluster, "0001")
	return cluster


def connect(cluster, database, user="app", password="secret", **more):
	with cluster.network.inside():
		return psycopg.connect(**{"host": cluster.pod.address, "port": 6432,
			"dbname": database, "user": user, "password": password,
			"autocommit": True, "connect_timeout": 20, **more})


def migration(cluster, to, way="upgrade"):
	"""Words and environment of the Alembic job."""
	return [str(tools.script("alembic")), "-c", str(cluster.base / "alembic.ini"),
		way, to], {"CONCURRENTLY": "yes",
		"DATABASE_URL": url(cluster, "app", "secret", "tazlab_migrate")}


def migrate(cluster, to, way="upgrade", fails=False):
	(cluster.base / "alembic.ini").write_text(
		"[alembic]\nscript_location = %s\npath_separator = os\n"
		% (tools.HERE / "migrations"))
	words, env = migration(cluster, to, way)
	return tools.run_in(cluster.network, *words, env=env, cwd=cluster.base, fails=fails)


def test_probes_before_the_server_is_there(cluster):
	with cluster.pod.inside():
		assert can_connect(6432)  # tcpSocket: says nothing and leaves
	done = cluster.bouncer.run("pg_isready", "-h", "127.0.0.1", "-p", "6432")
	assert (done.returncode, done.stdout) == (0, "127.0.0.1:6432 - accepting connections\n")
	done = cluster.bouncer.run("psql", "-XAt", "-h", "127.0.0.1", "-p", "6432", "-U", "pgadmin",
		"pgbouncer", "-c", "SHOW VERSION", env={"PGPASSWORD": "console"})
	assert done.returncode == 0 and done.stdout.startswith("PgBouncer 1."), done.stdout
	done = cluster.bouncer.run("psql", "-XAt", "-h", "127.0.0.1", "-p", "6432", "-U", "monitor",
		"pgbouncer", "-c", "PAUSE", env={"PGPASSWORD": "metrics"})
	assert done.returncode == 1
	assert " WARNING " not in "\n".join(
		line for line in cluster.bouncer.text().splitlines()
		if "127.0.0.1" in line and "pgadmin" not in line and "monitor" not in line)


def test_the_job_waits_for_the_server_and_says_what_it_waited_for(cluster):
	if cluster.database.process.poll() is None:
		cluster.database.stop()
	said = migrate(cluster, "0001", fails=True)
	assert "query_wait_timeout" in said or "connect" in said, said
	# Kubernetes tries again: the next attempt waits while the server comes up
	words, env = migration(cluster, "0001")
	with cluster.network.inside():
		job = subprocess.Popen(
			["sh", "-c", 'for i in 1 2 3 4 5; do "$@" && exit; done; exit 1', "sh", *words],
			env={**os.environ, **env}, stdin=subprocess.DEVNULL,
			stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
	cluster.database.start()
	said, _ = job.communicate(timeout=60)
	assert job.returncode == 0, said
	assert cluster.database.sql("select count(*) from people", "tazlab") == [(1,)]
	assert cluster.database.sql("select indisvalid from pg_index where indexrelid = "
		"'people_name'::regclass", "tazlab") == [(True,)]


def test_every_form_of_the_user_list(running):
	for database, user, password, current in (
		("tazlab", "app", "secret", "app"),
		("celery", "worker", "plain words", "worker"),
		("mlflow", "mlflow", QUOTED, "mlflow"),
		("tazlab", "reporter", "secret", "reporter"),
		("admin_api", "app", "secret", "admin_service"),
	):
		with connect(running, database, user, password) as app:
			assert app.execute("select current_user::text").fetchone() == (current,)
	for user, password in (("app", "wrong"), ("worker", "plain"), ("nobody", "secret"),
			("app", running.database.verifier("app"))):
		with pytest.raises(psycopg.OperationalError, match="authentication failed"):
			connect(running, "tazlab", user, password)


def test_startup_parameters_of_drivers(running):
	for options in ("-c search_path=public -c statement_timeout=5s", "-c geqo=off"):
		with connect(running, "tazlab", options=options) as app:
			assert app.execute("select 1").fetchone() == (1,)
	with connect(running, "tazlab", application_name="billing") as app:
		name = app.execute("select application_name from pg_stat_activity "
			"where pid = pg_backend_pid()").fetchone()[0]
		assert name.startswith("billing - %s:" % running.network.address)


def test_a_user_with_limits_of_his_own(running):
	"""[users]: session mode and two servers; the third waits and hears why."""
	login = ("tazlab", "reporter", "secret")
	with contextlib.ExitStack() as stack:
		two = [stack.enter_context(connect(running, *login)) for _ in range(2)]
		pids = {c.execute("select pg_backend_pid()").fetchone() for c in two}
		assert len(pids) == 2
		two[0].execute("create temp table t as select 1 as n")
		assert two[0].execute("select n from t").fetchone() == (1,)
		with pytest.raises(psycopg.Error, match="query_wait_timeout"):
			connect(running, *login).execute("select 1")


EVERYTHING = "select * from people where id > %s"


def test_a_pod_outlives_a_migration(running):
	"""What it holds is as good as with PostgreSQL itself: it hears of the change once, and
	prepares anew."""
	with connect(running, "tazlab", prepare_threshold=0) as app:
		assert len(app.execute(EVERYTHING, (0,)).fetchone()) == 2
		migrate(running, "head")
		with contextlib.suppress(psycopg.errors.FeatureNotSupported):
			app.execute(EVERYTHING, (0,))
		assert app.execute("select 1").fetchone() == (1,)
		assert len(app.execute(EVERYTHING + " -- anew", (0,)).fetchone()) == 3


def test_a_new_pod_meets_no_old_plan(running):
	migrate(running, "0001", "downgrade")
	with connect(running, "tazlab", prepare_threshold=0) as old:
		old.execute(EVERYTHING, (0,))
		migrate(running, "head")
		with connect(running, "tazlab", prepare_threshold=0) as new:
			assert len(new.execute(EVERYTHING, (0,)).fetchone()) == 3


def test_a_change_past_the_pooler_is_met_but_once(running):
	"""A job that goes to the server itself: the pooler learns of it by the first error."""
	with contextlib.ExitStack() as several:
		# several servers know the statement
		pods = [several.enter_context(connect(running, "tazlab", prepare_threshold=0,
			autocommit=False)) for _ in range(4)]
		for old in pods:
			columns = len(old.execute(EVERYTHING, (0,)).fetchone())
		for old in pods:
			old.commit()
		running.database.sql("alter table people add column past text", "tazlab")
		with pytest.raises(psycopg.errors.FeatureNotSupported):
			old.execute(EVERYTHING, (0,))
		old.rollback()
		for _ in range(6):
			new = several.enter_context(connect(running, "tazlab", prepare_threshold=0,
				autocommit=False))
			for _ in range(3):
				assert len(new.execute(EVERYTHING, (0,)).fetchone()) == columns + 1
	running.database.sql("alter table people drop column past", "tazlab")


def test_celery_with_forked_workers(running):
	running.database.sql("drop table if exists work; create table work (n int);"
		"alter table work owner to worker", "celery")
	broker = running.base / "broker"
	(broker / "control").mkdir(parents=True)
	env = {"DATABASE_URL": url(running, "worker", "plain words", "celery"),
		"BROKER": str(broker), "C_FORCE_ROOT": "1", "PYTHONPATH": str(tools.HERE)}
	log = running.base / "celery.log"
	with running.network.inside(), open(log, "wb") as out:
		worker = subprocess.Popen(
			["setpriv", "--pdeathsig", "KILL", str(tools.script("celery")), "-A", "tasks",
				"worker", "--pool", "prefork", "--concurrency", str(WORKERS),
				"--without-gossip", "--without-mingle", "--without-heartbeat"],
			cwd=running.base, env={**os.environ, **env}, stdin=subprocess.DEVNULL,
			stdout=out, stderr=out)
	try:
		said = tools.run_in(running.network, tools.python(), tools.HERE / "tasks.py", TASKS,
			env=env, cwd=running.base)
		assert "%d results" % TASKS in said, log.read_text()
	finally:
		worker.terminate()
		worker.wait(20)
	assert running.database.sql("select count(*), sum(n) from work", "celery") == [
		(TASKS, sum(range(TASKS)))]
	assert running.database.sql("select count(*) from celery_taskmeta "
		"where status = 'SUCCESS'", "celery") == [(TASKS,)]
	# every task had connections of its own, the server few
	servers = running.database.sql("select count(*) from pg_stat_activity "
		"where usename = 'worker'")[0][0]
	assert 1 <= servers <= 5


def test_mlflow_keeps_its_runs(running):
	port, log = free_port(), running.base / "mlflow.log"
	with running.network.inside(), open(log, "wb") as out:
		server = subprocess.Popen(
			["setpriv", "--pdeathsig", "TERM", str(tools.script("mlflow")), "server",
				"--backend-store-uri", url(running, "mlflow", QUOTED, "mlflow"),
				"--artifacts-destination", str(running.base / "artifacts"),
				"--host", "127.0.0.1", "--port", str(port), "--workers", "1"],
			cwd=running.base, stdin=subprocess.DEVNULL, stdout=out, stderr=out,
			start_new_session=True,
			env={**os.environ, "MLFLOW_DISABLE_TELEMETRY": "true", "DO_NOT_TRACK": "true",
				"PATH": "%s:%s" % (tools.python().parent, os.environ["PATH"])})

	def call(what, **fields):
		request = urllib.request.Request(
			"http://127.0.0.1:%d/api/2.0/mlflow/%s" % (port, what),
			json.dumps(fields).encode(), {"Content-Type": "application/json"})
		with running.network.inside():
			return json.load(urllib.request.urlopen(request, timeout=20))

	def serves():
		assert server.poll() is None, log.read_text()
		with contextlib.suppress(OSError), running.network.inside():
			return urllib.request.urlopen(
				"http://127.0.0.1:%d/health" % port, timeout=20).status == 200

	try:
		wait_for("mlflow to serve", serves, 80)
		experiment = call("experiments/create", name="digits")["experiment_id"]
		run = call("runs/create", experiment_id=experiment)["run"]["info"]["run_id"]
		for step in range(20):
			call("runs/log-metric", run_id=run, key="loss", value=1 / (step + 1),
				timestamp=step, step=step)
		call("runs/log-parameter", run_id=run, key="rate", value="0.1")
		(found,) = call("runs/search", experiment_ids=[experiment])["runs"]
		assert found["data"]["metrics"][0]["value"] == 1 / 20
	finally:
		os.killpg(server.pid, signal.SIGTERM)
		server.wait(20)
	assert running.database.sql("select count(*) from metrics", "mlflow") == [(20,)]


def test_killall_ends_it(running):
	"""A preStop hook of many charts; idle clients do not hold it."""
	pod = pod_with(running, "leaving")
	bouncer = start(pod)
	idle = connect(running, "tazlab", host=pod.address)
	idle.execute("select 1")
	assert bouncer.run("killall", "-INT", "pgbouncer").returncode == 0
	assert bouncer.wait_for_end() == 0
	with pytest.raises(psycopg.OperationalError):
		idle.execute("select 1")
	with running.network.inside(), pytest.raises(ConnectionRefusedError):
		socket.create_connection((pod.address, 6432), 5)
	bouncer.check_log()
