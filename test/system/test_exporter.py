"""Exporters of metrics, unchanged, before the console: prometheus-community's and Spreaker's; and
what the first reads, as its driver (lib/pq) sees it."""

import contextlib
import os
import re
import subprocess
import urllib.request

import pytest

from deploy import tools
from deploy.machine import Machine
from rawpg import Client, query
from scratch import end, free_port, spawn, wait_for
from servers import Pooler

pytestmark = pytest.mark.any_version

QUERIES, PREPARED = 7, 3
LISTS = {
	"databases", "users", "pools", "free_clients", "used_clients", "login_clients",
	"free_servers", "used_servers", "cached_dns_names", "cached_dns_zones",
	"in_flight_dns_queries",
}
POOLS = {
	"client_active_connections", "client_active_cancel_connections",
	"client_waiting_connections", "client_waiting_cancel_connections",
	"server_active_connections", "server_active_cancel_connections",
	"server_being_canceled_connections", "server_idle_connections",
	"server_used_connections", "server_testing_connections", "server_login_connections",
	"client_maxwait_seconds",
}
TOTALS = {
	"queries_pooled_total", "queries_duration_seconds_total", "received_bytes_total",
	"sent_bytes_total", "client_wait_seconds_total", "sql_transactions_pooled_total",
	"server_in_transaction_seconds_total", "client_parses_total", "server_parses_total",
	"binds_total",
}
METRIC = re.compile(r'(\w+)(?:\{(.*)\})? (\S+)')
LABEL = re.compile(r'(\w+)="((?:[^"\\]|\\.)*)"')


class Here(Machine):
	"""This very machine, as one of a deployment."""

	def __init__(self):
		pass

	@contextlib.contextmanager
	def inside(self):
		yield self


@pytest.fixture
def watched(front, postgres, folder, certs):
	"""A pooler of known load: QUERIES have run, one client is in a transaction, two wait."""
	if front.direct:
		pytest.skip("there is no pooler")
	base = folder / ("watched-" + os.urandom(4).hex())
	pooler = Pooler(postgres, base, certs, front.workers, stats_users="stats",
		auth_type="trust", pidfile=base / "pid", max_client_conn=77)
	pooler.write_files()
	with open(base / "userlist.txt", "a") as users:
		users.write('"stats" ""\n')
	pooler.start()
	clients = [Client(pooler.address).login(database="one") for _ in range(4)]
	for n in range(QUERIES):
		assert clients[0].asks("select %d" % n) == str(n)
	clients[0].asks("begin; select 1")
	for waiting in clients[1:3]:
		waiting.send(query("select 1"))
	wait_for("two to wait", lambda: [row for row in pooler.console("show pools")
		if row["database"] == "one" and row["cl_waiting"] == "2"])
	yield pooler
	for client in clients:
		client.leave()
	pooler.check()
	pooler.stop()


def scrape(port):
	"""{(name, labels): value} of /metrics on PORT."""
	def page():
		with contextlib.suppress(OSError):
			return urllib.request.urlopen(
				"http://127.0.0.1:%d/metrics" % port, timeout=10).read().decode()

	found = {}
	for line in wait_for("metrics", page, 20).splitlines():
		if line and not line.startswith("#"):
			name, labels, value = METRIC.fullmatch(line).groups()
			found[name, frozenset(LABEL.findall(labels or ""))] = float(value)
	return found


def pick(metrics, name, /, **labels):
	"""The one value of NAME with LABELS among its labels."""
	values = [value for (n, have), value in metrics.items()
		if n == name and set(labels.items()) <= have]
	assert len(values) == 1, "%s%s: %s" % (name, labels, values)
	return values[0]


def names(metrics, prefix):
	return {name[len(prefix):] for name, _ in metrics if name.startswith(prefix)}


@contextlib.contextmanager
def running(user, command, log):
	process = spawn(user, command, log)
	try:
		yield process
	finally:
		end(process)


def test_prometheus_community(watched, folder):
	exporter = tools.need(tools.cache() / "deploy" / "pgbouncer_exporter", "pgbouncer_exporter")
	port, log = free_port(), watched.folder / "exporter.log"
	mine = watched.folder / "pgbouncer_exporter"  # where its user can reach it
	mine.write_bytes(exporter.read_bytes())
	mine.chmod(0o755)
	with running("nobody", [mine, "--web.listen-address=127.0.0.1:%d" % port,
			"--pgBouncer.pid-file=%s" % (watched.folder / "pid"),
			"--pgBouncer.connectionString=postgres://stats:@127.0.0.1:%d/pgbouncer"
			"?sslmode=disable" % watched.port], log):
		metrics = scrape(port)
	said = log.read_text()
	assert "error" not in said.lower().replace("promhttp_metric_handler_errors", ""), said
	assert pick(metrics, "pgbouncer_up") == 1
	assert pick(metrics, "pgbouncer_config_max_client_connections") == 77
	assert pick(metrics, "pgbouncer_config_max_user_connections") == 0
	assert "PgBouncer 1." in next(iter(
		dict(labels)["version"] for name, labels in metrics
		if name == "pgbouncer_version_info"))
	assert LISTS <= {name[len("pgbouncer_"):] for name, _ in metrics
		if name.startswith("pgbouncer_")}
	assert names(metrics, "pgbouncer_pools_") == POOLS
	assert TOTALS <= names(metrics, "pgbouncer_stats_totals_")
	assert pick(metrics, "pgbouncer_pools_client_active_connections", database="one") == 2
	assert pick(metrics, "pgbouncer_pools_client_waiting_connections", database="one") == 2
	assert pick(metrics, "pgbouncer_pools_server_active_connections", database="one") == 1
	assert pick(metrics, "pgbouncer_stats_totals_queries_pooled_total", database="one"
		) == QUERIES + 1
	assert pick(metrics, "pgbouncer_databases_pool_size", name="three") == 3
	assert pick(metrics, "pgbouncer_databases_paused", name="three") == 0
	assert pick(metrics, "pgbouncer_process_open_fds") > 0
	assert not [labels for _, labels in metrics if "<invalid>" in dict(labels).values()]


def test_spreaker(watched):
	exporter = tools.need(tools.cache() / "deploy" / "venv" / "bin" / "pgbouncer-exporter",
		"collector")
	port, log = free_port(), watched.folder / "spreaker.log"
	conf = watched.folder / "spreaker.yml"
	conf.write_text("exporter_host: 127.0.0.1\nexporter_port: %d\npgbouncers:\n"
		"  - dsn: postgresql://stats:@127.0.0.1:%d/pgbouncer\n" % (port, watched.port))
	with open(log, "wb") as out:
		process = subprocess.Popen(
			["setpriv", "--pdeathsig", "KILL", exporter.parent / "python", exporter,
				"--config", conf],
			stdin=subprocess.DEVNULL, stdout=out, stderr=out)
	try:
		metrics = scrape(port)
	finally:
		process.kill()
		process.wait()
	assert "Unable" not in log.read_text()
	assert pick(metrics, "pgbouncer_up") == 1
	assert pick(metrics, "pgbouncer_config_max_client_conn") == 77
	assert pick(metrics, "pgbouncer_stats_queries_total", database="one") == QUERIES + 1
	assert pick(metrics, "pgbouncer_pools_client_waiting_connections", database="one") == 2
	assert pick(metrics, "pgbouncer_pools_server_active_connections", database="one") == 1
	assert pick(metrics, "pgbouncer_pools_client_maxwait_seconds", database="one") > 0
	assert pick(metrics, "pgbouncer_databases_database_pool_size", database="three") == 3


def number(value):
	"""VALUE as the exporter takes it, or None."""
	if isinstance(value, dict):
		value = value["bytes"]
	try:
		return float(value)
	except (TypeError, ValueError):
		return None


def test_what_lib_pq_sees(watched):
	"""One connection with extra_float_digits, labels of types that become labels, numbers that
	parse, and nothing more than that."""
	dsn = "postgres://stats:@127.0.0.1:%d/pgbouncer?sslmode=disable" % watched.port
	topics = {
		"SHOW databases;": ("name host port database force_user pool_mode",
			"pool_size max_connections current_connections paused disabled"),
		"SHOW stats_totals;": ("database", "query_count query_time bytes_received bytes_sent "
			"wait_time xact_count xact_time client_parse_count server_parse_count "
			"bind_count server_assignment_count"),
		"SHOW pools;": ("database user", "cl_active cl_active_cancel_req cl_waiting "
			"cl_waiting_cancel_req sv_active sv_active_cancel sv_being_canceled sv_idle "
			"sv_used sv_tested sv_login maxwait"),
		"SHOW CLIENTS;": ("database user state application_name", "wait"),
	}
	stats, version, lists, config, *rest = tools.ask(Here(), dsn, "SHOW STATS",
		"SHOW VERSION;", "SHOW LISTS;", "SHOW CONFIG;", *topics)
	assert stats["rows"]
	assert version["columns"] == ["version"] and len(version["rows"]) == 1
	assert len(lists["columns"]) == 2
	assert all(number(row[1]) is not None for row in lists["rows"])
	assert config["columns"] == ["key", "value", "default", "changeable"]
	settings = {row[0]: row[1] for row in config["rows"]}
	assert settings["max_client_conn"] == "77" and settings["max_user_connections"] == "0"
	assert all(isinstance(row[3], str) for row in config["rows"])
	for answer, (labels, numbers) in zip(rest, topics.values()):
		assert answer["rows"]
		for row in answer["rows"]:
			values = dict(zip(answer["columns"], row))
			for label in labels.split():
				assert values[label] is None or isinstance(values[label], (str, int)), label
			for name in numbers.split():
				assert number(values[name]) is not None, name


def test_a_scrape_leaves_nothing_behind(watched):
	"""An exporter connects anew each time; the console is no client of anybody's limit."""
	dsn = "postgres://stats:@127.0.0.1:%d/pgbouncer?sslmode=disable" % watched.port
	for _ in range(5):
		tools.ask(Here(), dsn, "SHOW STATS", "SHOW pools;")
	wait_for("the exporter's connections to be gone", lambda: not [
		row for row in watched.console("show clients") if row["user"] == "stats"])
	with pytest.raises(AssertionError, match="not allowed"):
		tools.ask(Here(), dsn.replace("stats:", "app:"), "SHOW STATS")
