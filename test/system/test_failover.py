"""Failover: two real PostgreSQL that replicate, one after the other the primary, and clients who write
and read through the pooler all the time. What happens and what must be true stands in
test/failover/scenes.py; test/failover/run shows more of it, with figures."""

import pathlib
import subprocess
import sys

import pytest

import scratch
from dns_server import NameServer
from servers import DIRECT, PEER, DEBIAN_BIN

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "failover"))

import scenes  # noqa: E402
from cluster import Cluster  # noqa: E402
from scenes import PREFER, READ, WRITE  # noqa: E402

scenes.SLACK = 4.0  # other tests and instruments take their time; test/failover/run is strict

pytestmark = [
	pytest.mark.xdist_group("failover"),
	pytest.mark.skipif(DIRECT or PEER, reason="a matter of pgweir"),
	pytest.mark.skipif(not (DEBIAN_BIN / "postgres").exists(), reason="no PostgreSQL 15"),
]


@pytest.fixture(scope="module")
def cluster(folder):
	cluster = Cluster(folder / "cluster").start()
	yield cluster
	cluster.stop()


@pytest.fixture
def whole(cluster):
	"""CLUSTER with all its nodes, whatever the test before did."""
	for node in cluster.nodes:
		if node.process.poll() is not None:
			node.start() if node is cluster.primary else cluster.bring_back(node)
	return cluster


@pytest.fixture
def before(whole, folder, certs):
	"""before(host=None, started=True, **settings): a pooler before the cluster."""
	made = []

	def before(started=True, **settings):
		made.append(scenes.Pooler(whole, folder / "failover", certs, **settings))
		return made[-1].start() if started else made[-1]

	yield before
	for one in made:
		one.stop()


@pytest.fixture
def names():
	server = NameServer()
	yield server
	server.stop()


@pytest.mark.parametrize("way", ["between", "under way", "read-only"])
def test_planned_switchover_is_a_pause(whole, before, way):
	scenes.planned(whole, before(), way).check()


@pytest.mark.parametrize("workers", [2], ids=["2-workers"])
def test_crash_costs_only_what_was_under_way(whole, before, workers):
	scenes.crash(whole, before(workers=workers)).check()


def test_readers_have_their_standby(whole, before):
	scenes.readers(whole, before()).check()


def test_a_name_moves_to_the_new_primary(whole, before, names, folder):
	names.hosts["db.test"] = [whole.primary.host]
	names.ttl = 1
	pooler = before(
		host="db.test", resolv_conf=names.write_resolv_conf(folder / "resolv-failover"))
	scenes.moved_name(whole, pooler, names, "db.test").check()


def test_the_pooler_starts_before_its_servers(whole, before):
	scenes.nobody_there(whole, before(started=False)).check()


def is_ready(pooler, database, *words):
	"""The exit status of pg_isready: 0 accepting, 1 rejecting, 2 no answer."""
	return subprocess.run(
		[DEBIAN_BIN / "pg_isready", "-h", "127.0.0.1", "-p", str(pooler.port), "-U", "app",
		 "-d", database, *words], stdout=subprocess.DEVNULL).returncode


def test_pg_isready_is_told_the_truth(whole, before):
	pooler = before(isready_checks_server=1)
	assert [is_ready(pooler, name) for name in (WRITE, READ, PREFER, "pgbouncer")] == [0, 0, 0, 0]
	whole.primary.stop()
	assert [is_ready(pooler, name) for name in (WRITE, READ, PREFER, "pgbouncer")] == [1, 0, 0, 0]
	whole.primary.start()
	scratch.wait_for("the primary to be found", lambda: is_ready(pooler, WRITE) == 0)
	pooler.settings["isready_checks_server"] = 0
	pooler.write_files()
	pooler.reload()
	whole.primary.stop()
	scratch.wait_for("the old answer", lambda: is_ready(pooler, WRITE) == 0)
