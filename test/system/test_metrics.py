"""Metrics and probes over HTTP: that they say what SHOW says, to Prometheus itself, as long as
pgweir runs; who may ask; and that a hung thread or a lost server shows."""

import contextlib
import ctypes
import json
import os
import signal
import ssl
import subprocess
import urllib.error
import urllib.parse
import urllib.request

import pytest
from prometheus_client.openmetrics.parser import text_string_to_metric_families

from deploy import tools
from rawpg import Client, query
from scratch import free_port, wait_for
from servers import PEER
from test_exporter import LISTS, METRIC, LABEL, POOLS, TOTALS, pick, running

pytestmark = [
	pytest.mark.any_version,
	pytest.mark.skipif(PEER, reason="what is asked here is pgweir's own"),
]

QUERIES, SURVEYS_AT_ONCE = 7, 8
OPEN_METRICS = {"Accept": "application/openmetrics-text;version=1.0.0"}
PTRACE_ATTACH, PTRACE_DETACH, WALL = 16, 17, 0x40000000


class Page:
	"""What is served at a port."""

	def __init__(self, port, tls=None):
		self.port, self.tls = port, tls

	def ask(self, path, headers=(), method="GET"):
		"""(status, headers, body) of PATH."""
		url = "%s://localhost:%d%s" % ("https" if self.tls else "http", self.port, path)
		request = urllib.request.Request(url, headers=dict(headers), method=method)
		try:
			with urllib.request.urlopen(request, timeout=10, context=self.tls) as answer:
				return answer.status, answer.headers, answer.read().decode()
		except urllib.error.HTTPError as refusal:
			with refusal:
				return refusal.code, refusal.headers, refusal.read().decode()

	def status(self, path):
		return self.ask(path)[0]

	def metrics(self, headers=()):
		"""{(name, labels): value}."""
		status, _, body = self.ask("/metrics", headers)
		assert status == 200, body
		found = {}
		for line in body.splitlines():
			if not line.startswith("#"):
				name, labels, value = METRIC.fullmatch(line).groups()
				sample = name, frozenset(LABEL.findall(labels or ""))
				assert sample not in found, "twice: %s" % (sample,)
				found[sample] = float(value)
		return found

	def pick(self, name, /, **labels):
		return pick(self.metrics(), name, **labels)


@pytest.fixture
def watched(pooler):
	"""watched(**settings): a pooler that is watched."""

	def watched(**settings):
		port = free_port()
		one = pooler(metrics_listen="localhost:%d" % port, **settings)
		one.page = Page(port)
		return one

	return watched


@contextlib.contextmanager
def load(pooler):
	"""QUERIES have run, one client of pool one is in a transaction, two wait."""
	clients = [Client(pooler.address).login(database="one") for _ in range(4)]
	for n in range(QUERIES):
		assert clients[0].asks("select %d" % n) == str(n)
	clients[0].asks("begin; select 1")
	for waiting in clients[1:3]:
		waiting.send(query("select 1"))
	wait_for("two to wait", lambda: pooler.page.pick("pgweir_pool_clients_waiting",
		database="one") == 2)
	yield clients
	clients[0].does("commit")
	for client in clients:
		client.leave()


def check_values(pooler, metrics):
	"""METRICS are what SHOW says."""
	(row,) = [row for row in pooler.console("show pools") if row["database"] == "one"]
	assert row["cl_waiting"] == "2"
	for ours, theirs, column in [
		("clients_active", "client_active_connections", "cl_active"),
		("clients_waiting", "client_waiting_connections", "cl_waiting"),
		("servers_active", "server_active_connections", "sv_active"),
		("servers_idle", "server_idle_connections", "sv_idle"),
	]:
		assert pick(metrics, "pgweir_pool_" + ours, database="one") == int(row[column])
		assert pick(metrics, "pgbouncer_pools_" + theirs, database="one") == int(row[column])
	(row,) = [row for row in pooler.console("show stats_totals") if row["database"] == "one"]
	assert int(row["query_count"]) == QUERIES + 1
	for prefix in ("pgbouncer_stats_totals_", "pgbouncer_stats_"):
		assert pick(metrics, prefix + "queries_pooled_total", database="one") == QUERIES + 1
		assert pick(metrics, prefix + "sent_bytes_total", database="one") == int(
			row["bytes_sent"])
	assert pick(metrics, "pgweir_pool_queries_total", database="one") == QUERIES + 1
	(row,) = [row for row in pooler.console("show budget") if row["kind"] == "host"]
	server = {"server": row["name"]}
	assert pick(metrics, "pgweir_server_connections", **server) == int(row["used"])
	assert pick(metrics, "pgweir_server_limit", **server) == int(row["limit"])
	assert pick(metrics, "pgweir_server_limit_source", source=row["source"], **server) == int(
		row["limit"])
	assert pick(metrics, "pgweir_database_pool_size", database="three") == 3
	assert pick(metrics, "pgweir_pool_query_seconds_count", database="one") == QUERIES + 1
	assert pick(metrics, "pgweir_pool_query_seconds_bucket", database="one", le="+Inf"
		) == QUERIES + 1


def check_names(metrics):
	"""The names of pgbouncer_exporter are all there, under both prefixes of the totals."""
	names = {name for name, _ in metrics}
	assert {"pgbouncer_" + name for name in LISTS} <= names
	assert {"pgbouncer_pools_" + name for name in POOLS} <= names
	assert {"pgbouncer_stats_totals_" + name for name in TOTALS} <= names
	assert {"pgbouncer_stats_" + name for name in TOTALS} <= names
	assert pick(metrics, "pgbouncer_up") == 1
	assert pick(metrics, "pgbouncer_config_max_client_connections") == 500
	assert pick(metrics, "process_open_fds") > 0


def test_values_are_those_of_show(watched):
	pooler = watched()
	with load(pooler):
		metrics = pooler.page.metrics()
		check_values(pooler, metrics)
		check_names(metrics)
		status, headers, text = pooler.page.ask("/metrics", OPEN_METRICS)
		assert headers["Content-Type"].startswith("application/openmetrics-text; version=1.0.0")
		families = {family.name: family for family in text_string_to_metric_families(text)}
		assert families["pgweir_pool_query_seconds"].type == "histogram"
		assert families["pgweir_build"].type == "info"
		assert families["pgweir_pool_queries"].type == "counter"
		head = pooler.page.ask("/metrics", method="HEAD")
		assert head[0] == 200 and head[2] == "" and int(head[1]["Content-Length"]) > 1000
	assert pooler.page.ask("/metrics", method="POST")[0] in (405, 501)
	assert pooler.page.ask("/nothing")[0] == 404


@pytest.mark.parametrize("front", ["1-worker"], indirect=True)
def test_promtool_has_nothing_to_say(watched):
	promtool = tools.program("promtool")
	pooler = watched(metrics_exporter_names="pgweir")
	with load(pooler):
		_, headers, text = pooler.page.ask("/metrics")
	assert headers["Content-Type"].startswith("text/plain; version=0.0.4")
	assert "pgbouncer_" not in text.replace('"pgbouncer"', "")
	done = subprocess.run([promtool, "check", "metrics"], input=text, capture_output=True,
		text=True, timeout=30)
	assert (done.returncode, done.stdout + done.stderr) == (0, "")


@pytest.mark.parametrize("front", ["1-worker"], indirect=True)
def test_prometheus_scrapes(watched, folder):
	prometheus = tools.program("prometheus")
	pooler, port = watched(), free_port()
	conf, data = pooler.folder / "prometheus.yml", pooler.folder / "prometheus"
	conf.write_text(json.dumps({"scrape_configs": [{"job_name": "pgweir", "scrape_interval": "1s",
		"static_configs": [{"targets": ["localhost:%d" % pooler.page.port]}]}]}))
	data.mkdir()
	data.chmod(0o777)

	def value(expression):
		url = "http://127.0.0.1:%d/api/v1/query?query=%s" % (port, urllib.parse.quote(expression))
		with contextlib.suppress(OSError):
			with urllib.request.urlopen(url, timeout=5) as answer:
				found = json.load(answer)["data"]["result"]
			return float(found[0]["value"][1]) if found else None

	with load(pooler), running("nobody", [prometheus, "--config.file=%s" % conf,
			"--storage.tsdb.path=%s" % data, "--web.listen-address=127.0.0.1:%d" % port],
			pooler.folder / "prometheus.log"):
		wait_for("a scrape", lambda: value('pgweir_pool_clients_waiting{database="one"}') == 2, 30)
		assert value("up") == 1
		assert value("sum(pgbouncer_pools_client_waiting_connections)") == 2
		assert value("scrape_samples_scraped") == len(pooler.page.metrics())


def test_strangers_names_are_bounded(watched, postgres):
	any_name = "host=127.0.0.1 port=%d dbname=app pool_size=1" % postgres.port
	pooler = watched(databases={"*": any_name}, metrics_max_pools=3)
	names = ['a"b', "a\\b", "c\nd", "e", "f", "g"]
	clients = [Client(pooler.address).login(database=name) for name in names]
	for client in clients:
		client.asks("select 1")
	metrics = pooler.page.metrics()
	pools = {dict(labels)["database"]: value for (name, labels), value in metrics.items()
		if name == "pgweir_pool_queries_total"}
	assert pools == {'a\\"b': 1, "a\\\\b": 1, "c\\nd": 1, "(others)": 3}
	assert len([name for name, _ in metrics if name == "pgweir_database_servers"]) == 4
	for client in clients:
		client.leave()


@pytest.mark.parametrize("front", ["2-workers"], indirect=True)
def test_many_and_slow_visitors_keep_nobody_out(watched):
	pooler = watched()
	slow = [Client(("localhost", pooler.page.port)) for _ in range(150)]
	for one in slow:
		with contextlib.suppress(OSError):  # it may have been shown out already
			one.send(b"GET /metr")
	assert pooler.page.status("/livez") == 200
	wait_for("them to be shown out", lambda: pooler.page.pick("process_open_fds") < 110)
	for one in slow:
		one.close()


# --- probes ---


def test_probes_see_pauses_and_drains(watched):
	pooler = watched(shutdown_mode="drain", drain_accept_time=60, drain_time=60,
		drain_timeout=120)
	page = pooler.page
	client = Client(pooler.address).login(database="one")
	client.does("begin")
	for path in ("/startupz", "/livez", "/readyz"):
		wait_for(path, lambda path=path: page.status(path) == 200)
	pooler.console("pause three")
	assert page.status("/readyz") == 200
	pooler.console("resume three")
	pooler.process.send_signal(signal.SIGUSR1)
	wait_for("a pause", lambda: page.ask("/readyz")[::2] == (503, "paused\n"))
	assert page.pick("pgweir_paused") == 1 and page.pick("pgweir_ready") == 0
	pooler.process.send_signal(signal.SIGUSR2)
	wait_for("the end of it", lambda: page.status("/readyz") == 200)
	pooler.terminate()
	wait_for("a drain", lambda: page.ask("/readyz")[::2] == (503, "draining\n"))
	assert page.status("/livez") == 200
	assert page.pick("pgweir_draining") == 1
	client.leave()


def test_servers_matter_if_they_are_said_to(watched, postgres):
	port = free_port()
	pooler = watched(databases={"lost": "host=127.0.0.1 port=%d dbname=app" % port},
		readiness_databases="one, lost", query_wait_timeout=1, server_login_retry=0)
	wait_for("readiness: nobody has tried yet", lambda: pooler.page.status("/readyz") == 200)
	with contextlib.suppress(Exception):
		Client(pooler.address).login(database="lost")
	wait_for("a failure", lambda: pooler.page.status("/readyz") == 503)
	_, _, text = pooler.page.ask("/readyz")
	assert text == "no server of database lost\n"
	assert "refused" in pooler.page.ask("/readyz?verbose")[2]
	# nobody comes, and still it is found out that a server is there again
	pooler.databases["lost"] = "host=127.0.0.1 port=%d dbname=app" % postgres.port
	pooler.write_files()
	pooler.reload()
	wait_for("a server", lambda: pooler.page.status("/readyz") == 200)


@pytest.mark.parametrize("front", ["2-workers"], indirect=True)
def test_a_hung_thread_is_not_alive(watched):
	pooler = watched()
	assert pooler.page.status("/livez") == 200
	libc = ctypes.CDLL(None, use_errno=True)
	threads = sorted(int(t) for t in os.listdir("/proc/%d/task" % pooler.process.pid))
	worker = threads[-2]  # the last but the one that serves this
	if libc.ptrace(PTRACE_ATTACH, worker, None, None) != 0:
		pytest.skip("nobody may trace here")
	try:
		os.waitpid(worker, WALL)
		wait_for("a dead worker", lambda: pooler.page.status("/livez") == 503)
		assert "worker 1 has not answered" in pooler.page.ask("/livez")[2]
		asking = [Client(("localhost", pooler.page.port)) for _ in range(SURVEYS_AT_ONCE)]
		for one in asking:
			one.send(b"GET /metrics HTTP/1.1\r\nHost: here\r\n\r\n")
		assert pooler.page.ask("/metrics")[::2] == (503, "too many ask at once\n")
	finally:
		assert libc.ptrace(PTRACE_DETACH, worker, None, None) == 0
	wait_for("life", lambda: pooler.page.status("/livez") == 200)
	for one in asking:
		assert one.take(12) == b"HTTP/1.1 200"
		one.close()


# --- who may ask, and where ---


def test_tls_tokens_and_reload(watched, certs, folder):
	pooler = watched()
	token = pooler.folder / "token"
	token.write_text("sesame\n")
	before = pooler.page
	pooler.settings.update(metrics_listen="*:%d" % free_port(),
		metrics_tls_cert_file=certs / "server.crt",
		metrics_tls_key_file=pooler.settings["client_tls_key_file"],
		metrics_bearer_token_file=token, metrics_exporter_names="pgbouncer")
	pooler.write_files()
	pooler.reload()
	trust = ssl.create_default_context(cafile=certs / "ca.crt")
	trust.check_hostname = False
	page = Page(int(pooler.settings["metrics_listen"][2:]), trust)
	bearer = {"Authorization": "Bearer sesame"}

	def is_up():
		with contextlib.suppress(OSError):
			return page.status("/readyz") == 200

	wait_for("the other port", is_up)
	with pytest.raises(OSError):
		before.ask("/readyz")
	status, headers, _ = page.ask("/metrics")
	assert status == 401 and headers["WWW-Authenticate"].startswith("Bearer")
	assert page.ask("/metrics", {"Authorization": "Bearer Sesame"})[0] == 401
	metrics = page.metrics(bearer)
	assert not [name for name, _ in metrics if name.startswith("pgweir_")]
	with pytest.raises(OSError):  # not without TLS
		Page(page.port).ask("/readyz")

	# a file that is no good changes nothing
	pooler.settings.update(metrics_bearer_token_file=token, metrics_exporter_names="both")
	pooler.write_files()
	token.write_text("\n")
	pooler.reload()
	pooler.wait_until_logged("expected a token")
	assert page.metrics(bearer).keys() == metrics.keys()
	token.write_text("open\n")
	pooler.reload()
	wait_for("the new token", lambda: page.ask("/metrics",
		{"Authorization": "Bearer open"})[0] == 200)
	metrics = page.metrics({"Authorization": "Bearer open"})
	assert pick(metrics, "pgweir_config_last_reload_successful") == 1
	assert pick(metrics, "pgweir_certificate_expiry_seconds",
		setting="metrics_tls_cert_file") > 1e9
	assert pick(metrics, "pgweir_certificate_expiry_seconds",
		setting="client_tls_cert_file") > 1e9
