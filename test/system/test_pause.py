"""PAUSE with limits: how long it waits for transactions, how long it lasts."""

import contextlib
import signal

import psycopg
import pytest

from rawpg import Client, query
from scratch import wait_for
from servers import PEER

pytestmark = [
	pytest.mark.any_version,
	pytest.mark.skipif(PEER, reason="what is asked here is pgweir's own"),
]


@contextlib.contextmanager
def console(at):
	with psycopg.connect(
		host="127.0.0.1", port=at.port, dbname="pgbouncer", user="admin", autocommit=True
	) as c:
		yield c


def enters(at, pool):
	return Client(at.address).login(database=pool, application_name="tester")


def is_paused(admin, pool):
	cursor = admin.execute("show databases")
	names = [column.name for column in cursor.description]
	(row,) = [row for row in cursor.fetchall() if row[0] == pool]
	return row[names.index("paused")] == 1


def test_who_holds_a_pause_up_is_named_and_it_is_undone(pooler):
	pooler = pooler()
	busy, other = enters(pooler, "three"), enters(pooler, "three")
	busy.does("begin")
	with console(pooler) as admin:
		with pytest.raises(psycopg.Error) as why:
			admin.execute("pause three within 0.3")
		said = why.value.diag
		assert said.sqlstate == "57014"
		assert said.message_primary == "PAUSE was given up after 0.3 s, servers still in use: 1"
		assert "app@127.0.0.1:%d, tester) has server pid" % busy.ours[1] in said.message_detail
		assert said.message_detail.endswith("idle in its transaction")
		assert not is_paused(admin, "three")
		assert other.asks("select 'goes on'") == "goes on"
		busy.does("commit")
		admin.execute("pause three within 5")
		# it was paused before: a limit of somebody else's does not end that
		admin.execute("pause three within 0.1")
		assert is_paused(admin, "three")


def test_a_pause_ends_by_itself(pooler):
	pooler = pooler()
	one, two = enters(pooler, "one"), enters(pooler, "two")
	with console(pooler) as admin:
		admin.execute("pause one within 5 for 0.2")
		admin.execute("resume one")
		admin.execute("pause one")
		admin.execute("pause three for 0.2")
		admin.execute("kill three")
		admin.execute("pause two for 0.5")
	one.send(query("select 'one'"))
	two.send(query("select 'two'"))
	two.hears("T D:two C Z:I")
	assert "PAUSE two has ended by itself after 0." in pooler.log.read_text()
	with console(pooler) as admin:
		assert is_paused(admin, "one"), "its own limit went with RESUME"
		assert is_paused(admin, "three"), "KILL lasts until RESUME"
		admin.execute("resume")
	one.hears("T D:one C Z:I")


def test_limits_by_settings(pooler):
	pooler = pooler(pause_timeout=0.3, pause_time=0.5)
	busy = enters(pooler, "one")
	busy.does("begin")
	with console(pooler) as admin:
		with pytest.raises(psycopg.Error, match="given up after 0.3 s"):
			admin.execute("pause")
		busy.does("commit")
		with pytest.raises(psycopg.Error, match="invalid command"):
			admin.execute("pause one for ever")
	pooler.process.send_signal(signal.SIGUSR1)
	pooler.wait_until_logged("got SIGUSR1, PAUSE")
	assert busy.asks("select 'after'") == "after"
	wait_for("the log", lambda: "PAUSE has ended by itself after" in pooler.log.read_text())
