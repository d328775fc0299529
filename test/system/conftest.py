"""conftest.py - the servers, poolers and noise of a run, started once and used by many
tests."""

import os
import pathlib
import shutil
import tempfile

import pytest

import scratch
import servers
from dialogue import Same
from noise import Noise
from rawpg import Client

PROGRAMS = servers.server_programs()
# The pooler of each run: how many workers, and whether it speaks TLS with its servers.
FRONTS = {"1-worker": (1, "disable"), "2-workers": (2, "require")}
# What a program has in it that was built with a sanitizer.
SANITIZERS = {"asan": b"__asan_init", "tsan": b"__tsan_init"}


def check_sanitizer():
	"""A run that is said to be under a sanitizer (PGWEIR_INSTRUMENTS) is."""
	mark = SANITIZERS.get(os.environ.get("PGWEIR_INSTRUMENTS"))
	if not mark:
		return
	program = pathlib.Path(servers.pooler_program())
	behind = program.with_name(program.name + ".bin")  # test/run may put a script before it
	if not any(mark in p.read_bytes() for p in (program, behind) if p.exists()):
		raise pytest.UsageError("%s is not built with %s" % (program, mark.decode()))


@pytest.fixture(scope="session")
def folder():
	"""A folder for the run, readable by the users that servers run as."""
	path = pathlib.Path(tempfile.mkdtemp(prefix="pgweir-system-"))
	path.chmod(0o755)
	yield path
	if not os.environ.get("PGWEIR_KEEP"):  # set: leave all logs to be read
		shutil.rmtree(path)


@pytest.fixture(scope="session")
def certs(folder):
	(folder / "certs").mkdir()
	return scratch.certificates(folder / "certs")


@pytest.fixture(
	scope="session", params=sorted(PROGRAMS) or [None], ids=lambda v: "pg%s" % v
)
def postgres(request, folder, certs):
	"""A PostgreSQL of each version that this machine has."""
	if request.param is None:
		pytest.skip("no PostgreSQL server programs on this machine")
	name = "postgres-%d" % request.param
	server = servers.PostgreSQL(
		request.param, PROGRAMS[request.param], folder / name, certs
	)
	try:
		yield server.start().fill()
	finally:
		if server.process:
			server.stop()


@pytest.fixture(scope="session", params=FRONTS)
def front(request, postgres, folder, certs):
	"""What the clients of a test connect to: the pooler, or PostgreSQL with
	PGWEIR_DIRECT=1."""
	if servers.DIRECT:
		yield postgres
		return
	workers, server_tls = FRONTS[request.param]
	pooler = servers.Pooler(
		postgres,
		folder / ("pooler-" + request.param),
		certs,
		workers,
		server_tls_sslmode=server_tls,
	)
	pooler.start()
	yield pooler
	pooler.stop()


@pytest.fixture(scope="session")
def pool(postgres, front):
	"""The pool of a comparison: each size meets each version and each number of
	workers in some run."""
	return "one" if (postgres.version == 15) == (front.workers == 1) else "three"


@pytest.fixture(scope="session")
def noise(front, pool):
	"""Noisy clients of the pool; they rest unless a test holds them up."""
	noise = Noise(front.address, front.database(pool))
	yield noise
	noise.stop()


@pytest.fixture
def same(postgres, front, pool, noise, healthy):
	return Same(postgres, front, pool, noise)


@pytest.fixture
def healthy(front):
	"""The front lives, has raised no alarm, and an older client of it goes on as if
	nothing were."""
	bystander = Client(front.address).login(database=front.database("two"))
	yield
	front.check()
	assert bystander.asks("select 'still here'") == "still here"
	bystander.leave()


@pytest.fixture
def enter(front, healthy):
	"""enter(pool, **login): a client of the front, which leaves at the end of the
	test."""
	clients = []

	def enter(pool="one", at=front, **login):
		client = Client(at.address)
		clients.append(client)
		return client.login(**{"database": at.database(pool), **login})

	yield enter
	for client in clients:
		client.leave()


@pytest.fixture
def pooler(front, postgres, folder, certs):
	"""pooler(**settings): one of a test's own."""
	if front.direct:
		pytest.skip("there is no pooler")
	made = []

	def pooler(**settings):
		where = folder / ("own-" + os.urandom(4).hex())
		made.append(servers.Pooler(postgres, where, certs, front.workers, **settings))
		return made[-1].start()

	yield pooler
	for one in made:
		one.check()
		one.stop()


def pytest_configure(config):
	check_sanitizer()
	config.addinivalue_line(
		"markers",
		"any_version: PostgreSQL's version does not matter; run with one of them",
	)


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(config, items):
	"""Whatever shares a server and a pooler runs in one worker process."""
	versions, fronts, spare = sorted(PROGRAMS), list(FRONTS), []
	for item in items:
		params = getattr(getattr(item, "callspec", None), "params", {})
		version, front = params.get("postgres"), params.get("front")
		if not item.get_closest_marker("xdist_group"):
			item.add_marker(
				pytest.mark.xdist_group("pg%s-%s" % (version, front))
			)
		if (
			item.get_closest_marker("any_version")
			and versions
			and front in fronts
		):
			if version != versions[fronts.index(front) % len(versions)]:
				spare.append(item)
	if spare:
		config.hook.pytest_deselected(items=spare)
		chosen = set(spare)
		items[:] = [item for item in items if item not in chosen]
