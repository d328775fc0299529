"""The status page of metrics_listen: its figures, and the page itself in a browser."""

import contextlib
import json
import os
import urllib.request

import pytest

import browser
from rawpg import Client, query
from scratch import free_port, wait_for

pytestmark = pytest.mark.any_version

# Names come from strangers where any database may be asked for.
HOSTILE = '<img src=x onerror="document.title=1">'
ANY = "host=127.0.0.1 port=%d dbname=app pool_size=2"
# HTML of a name would be elements that the page itself does not use.
FOREIGN = "document.querySelectorAll('img, iframe, object, body script + script').length"


class Watched:
	"""A pooler with a status page, whose figures need TOKEN."""

	def __init__(self, pooler, postgres, token=None, **settings):
		self.port, self.token = free_port(), token
		self.pooler = pooler(databases={"*": ANY % postgres.port},
			metrics_listen="127.0.0.1:%d" % self.port, **settings)

	def client(self, database):
		return Client(self.pooler.address).login(database=database)

	def url(self, path="/"):
		return "http://127.0.0.1:%d%s" % (self.port, path)

	def get(self, path):
		headers = {"Authorization": "Bearer " + self.token} if self.token else {}
		return urllib.request.urlopen(
			urllib.request.Request(self.url(path), headers=headers), timeout=10)

	def status(self):
		return json.load(self.get("/status.json"))

	def pool(self, database):
		return next(p for p in self.status()["pools"] if p["database"] == database)


@contextlib.contextmanager
def load(watched):
	"""A client of pool three works, one of pool one holds its only server, two wait for it, and
	one has a name that is HTML."""
	clients = [watched.client(name) for name in ("three", "one", "one", "one", HOSTILE)]
	for n in range(20):
		assert clients[0].asks("select %d" % n) == str(n)
	clients[4].asks("select 1")
	clients[1].asks("begin; select 1")
	for waiting in clients[2:4]:
		waiting.send(query("select 1"))
	wait_for("two to wait", lambda: watched.pool("one")["cl_waiting"] == 2)
	yield clients
	for client in clients:
		client.leave()


def test_figures_are_those_of_show(pooler, postgres):
	watched = Watched(pooler, postgres)
	with load(watched):
		answer = watched.get("/status.json")
		assert answer.headers["Content-Type"] == "application/json"
		status = json.load(answer)
		said = [row for row in watched.pooler.console("show pools")
			if row["database"] != "pgbouncer"]  # but this console
		assert status["state"] == "running" and status["time"] >= status["started"]
		assert len(said) == len(status["pools"]) == 3
		for shown in said:
			pool = next(p for p in status["pools"] if (p["database"], p["user"]) ==
				(shown["database"], shown["user"]))
			for column, value in shown.items():
				if not column.startswith("maxwait"):  # goes on
					assert value == ("" if pool[column] is None else str(pool[column]))
		assert status["pools"][0]["database"] == "one"  # who waits is first
		assert watched.pool("three")["xact_count"] == 20
		assert watched.pool("three")["xact_p50"] is not None
		assert watched.pool(HOSTILE)["xact_count"] == 1
		host = next(a for a in status["budget"] if a["kind"] == "host")
		assert host["used"] == 3 and host["waiting"] == 2 and host["limit"] > 3
		assert any(a["name"] == "one/app" and a["waiting"] == 2 for a in status["budget"])
		took = next(row for row in status["latency"] if row["kind"] == "transaction")
		assert took["total_count"] == took["recent_count"] == 21
		cause, = status["waiting"]  # one for all who wait for the same
		assert cause["waits_for"] == "pool" and cause["account"] == "one/app"
		assert cause["wait_us"] > 0 and cause["waiting"] == 2
		assert status["totals"]["total_xact_count"] == 22  # one goes on
		assert status["lists"]["used_servers"] == 3


@pytest.mark.parametrize("front", ["1-worker"], indirect=True)
def test_only_so_many_pools(pooler, postgres):
	"""And whatever bytes a name is, the figures are JSON."""
	watched = Watched(pooler, postgres)
	clients = [watched.client(b'\xff\x01"\\')]
	assert watched.pool('\\xff\x01"\\')["cl_active"] == 1
	clients += [watched.client("db%d" % n) for n in range(202)]
	status = watched.status()
	assert len(status["pools"]) == 200
	assert status["other_pools"]["count"] == 3
	assert status["other_pools"]["cl_active"] == 3
	for client in clients:
		client.leave()


def test_state(pooler, postgres):
	watched = Watched(pooler, postgres)
	client = watched.client("one")
	watched.pooler.console("pause one")
	assert watched.status()["state"] == "running"
	assert watched.pool("one")["paused"]
	watched.pooler.console("resume one")
	watched.pooler.console("pause")
	assert watched.status()["state"] == "paused"
	watched.pooler.console("resume")
	client.leave()


@pytest.fixture
def page(folder):
	if browser.PROGRAM is None:
		pytest.skip("chromium is not installed")
	where = folder / ("page-" + os.urandom(4).hex())
	where.mkdir(mode=0o755)
	one = browser.Browser(where)
	yield one
	one.close()


@pytest.mark.parametrize("front", ["1-worker"], indirect=True)
def test_page(pooler, postgres, page, folder):
	token = folder / ("token-" + os.urandom(4).hex())
	token.write_text("sesame\n")
	watched = Watched(pooler, postgres, "sesame", metrics_bearer_token_file=token)
	with load(watched) as clients:
		page.size(1280, 800)
		page.go(watched.url())
		wait_for("a question", lambda: "token" in page.shows("#ask"))
		assert page.run("$('main').hidden")
		give = "$('token').value = %r; $('ask').requestSubmit()"
		page.run(give % "simsim")
		wait_for("a refusal", lambda: page.shows("#refused") == "That is not it.")
		page.run(give % "sesame")
		wait_for("figures", lambda: "2 clients wait" in page.shows("#headline"))
		# the browser itself notes each refusal
		assert all("401" in p["entry"]["text"] for p in page.problems())
		assert page.shows("#state") == "running"
		assert "pool one/app has 1 of 1" in page.shows("#why")
		assert "idle in transaction" in page.shows("#why")
		assert "3 of" in page.shows(".host .head")
		rows = page.run("[...document.querySelectorAll('#pools tbody tr')].map(r => r.innerText)")
		assert len(rows) == 3 and rows[0].startswith("one\n"), rows
		assert HOSTILE in page.shows("#pools") and page.run(FOREIGN) == 0

		clients[0].asks("select 1")  # the curves move with it
		wait_for("a rate", lambda: page.run(
			"lines.get('rates three\\napp').some(v => v > 0)"))
		assert page.run("document.querySelectorAll('#pools path[d^=M]').length") > 0

		page.run("$('filter').value = 'THREE'; $('filter').dispatchEvent(new Event('input'))")
		assert page.shows("#pools tbody").startswith("three\n") and "one" not in page.shows("#pools tbody")

		page.size(390, 844)
		assert page.run("document.documentElement.scrollWidth") == 390
		clients[1].does("commit")
		wait_for("nobody", lambda: page.shows("#headline") == "Nobody is waiting")
		watched.pooler.console("pause")
		wait_for("a banner", lambda: "RESUME" in page.shows("#banner"))
		watched.pooler.console("resume")
		wait_for("no banner", lambda: not page.shows("#banner"))
		assert page.problems() == []

		# the address goes away under it, and comes back
		serving = watched.pooler.settings.pop("metrics_listen")
		watched.pooler.write_files()
		watched.pooler.reload()
		wait_for("a banner", lambda: "No answer from" in page.shows("#banner"))
		watched.pooler.settings["metrics_listen"] = serving
		watched.pooler.write_files()
		watched.pooler.reload()
		wait_for("no banner", lambda: not page.shows("#banner"))
		assert page.shows("#state") == "running"
