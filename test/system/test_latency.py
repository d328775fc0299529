"""SHOW LATENCY: how long things take, as clients of a real server see it."""

import time

from rawpg import query
from scratch import wait_for
from test_process import enters, own, pytestmark  # noqa: F401 (fixture and marks)

MSEC, SECOND = 1000, 1_000_000
READINGS = ("mean", "p50", "p90", "p99", "p99_9", "max")


def latencies(pooler, database="one"):
	"""Rows of DATABASE by kind, numbers as such."""
	return {
		row["kind"]: {k: int(v) for k, v in row.items() if k.startswith(("recent_", "total_"))}
		for row in pooler.console("show latency")
		if row["database"] == database
	}


def test_waits_queries_transactions_and_logins(own):  # noqa: F811
	pooler = own().start()
	holder, waiter = enters(pooler), enters(pooler)
	assert set(latencies(pooler)) == {"connect", "login"}, "nobody has asked anything"
	holder.does("begin")
	asked = time.monotonic()
	waiter.send(query("select pg_sleep(0.2)"))
	pooler.wait_until_waiting("one", "pg_sleep")
	holder.does("select pg_sleep(0.1)")
	given = time.monotonic()
	holder.does("commit")
	waiter.until_ready()
	took = {kind: row["total_max"] for kind, row in latencies(pooler).items()}
	waited = (given - asked) * SECOND
	assert 100 * MSEC <= took["wait"] <= waited + 100 * MSEC
	assert 200 * MSEC <= took["query"] < 2 * SECOND, "the wait is no part of it"
	assert took["transaction"] >= took["query"]
	assert 0 < took["connect"] < 5 * SECOND
	rows = latencies(pooler)
	assert {kind: row["total_count"] for kind, row in rows.items()} == {
		"wait": 2, "transaction": 2, "query": 4, "login": 2, "connect": 1,
	}
	for row in rows.values():
		readings = [row["total_" + name] for name in READINGS[1:]]
		assert readings == sorted(readings), "a greater part takes no less time"
		assert 0 <= row["total_mean"] <= row["total_max"]
		assert all(row["recent_" + k] == row["total_" + k] for k in ("count", *READINGS))
	# the averages of SHOW STATS are of the same samples
	(stats,) = [r for r in pooler.console("show stats_totals") if r["database"] == "one"]
	for kind, name in (("query", "query"), ("transaction", "xact")):
		assert int(stats[name + "_time"]) // rows[kind]["total_count"] == rows[kind]["total_mean"]


def test_what_is_recent_is_forgotten_and_the_total_stays(own):  # noqa: F811
	pooler = own(stats_period=1).start()
	client = enters(pooler, "two")
	client.does("select pg_sleep(0.05)")
	before = latencies(pooler, "two")["query"]
	assert before["total_count"] == 1
	wait_for(
		"two periods to end", lambda: latencies(pooler, "two")["query"]["recent_count"] == 0
	)
	after = latencies(pooler, "two")["query"]
	assert all(after["total_" + k] == before["total_" + k] for k in ("count", *READINGS))
	assert all(after["recent_" + k] == 0 for k in READINGS)
	client.does("select 1")
	again = latencies(pooler, "two")["query"]
	assert again["recent_count"] == 1 and again["total_count"] == 2
	assert again["recent_max"] < again["total_max"] == before["total_max"]
