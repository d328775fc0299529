"""A short run of test/chaos/run, and in small what longer ones have found."""

import pathlib
import subprocess
import sys

import pytest

from rawpg import Client, bind, copy_data, execute, flush, parse, query, sync
from scratch import wait_for
from servers import DIRECT, PEER, pooler_program

RUN = pathlib.Path(__file__).parents[1] / "chaos/run"


@pytest.mark.timeout(200)
@pytest.mark.skipif(DIRECT or PEER, reason="chaos needs a pooler of ours")
def test_twenty_seconds_of_chaos():
	done = subprocess.run(
		[
			sys.executable,
			RUN,
			"--seconds",
			"20",
			"--clients",
			"32",
			"--fleets",
			"2",
			"--pgweir",
			pooler_program(),
		],
		stdin=subprocess.DEVNULL,
		stdout=subprocess.PIPE,
		stderr=subprocess.STDOUT,
		text=True,
	)
	assert done.returncode == 0, done.stdout


@pytest.mark.parametrize("ending", ["leave", "close"])
def test_leaving_without_sync_undoes_what_was_executed(front, enter, ending):
	"""PostgreSQL commits at the Sync, which never came."""
	observer = enter("one")
	observer.does("truncate kept")
	client = Client(front.address).login(database=front.database("one"))
	client.send(
		parse("", "insert into kept values ('unsynced', 1)"),
		bind(),
		execute(),
		flush(),
	)
	client.hears("1 2 C")
	getattr(client, ending)()
	assert observer.asks("select count(*) from kept") == "0"


def test_a_batch_behind_a_failed_one_finds_its_statement(enter):
	"""What the first batch would have prepared is not there, though the text is the same."""
	client = enter("one")
	text = "select 'of the second batch'"
	client.send(
		query("select 1"),
		parse("", "select nonsense"),
		parse("a", text),
		sync(),
		parse("b", text),
		bind("b"),
		execute(),
		sync(),
		bind("a"),
		execute(),
		sync(),
	)
	client.hears("T D C Z:I E:42703 Z:I 1 2 D C Z:I E:26000 Z:I")


def test_an_unnamed_statement_behind_a_failed_batch(enter):
	client = enter("one")
	client.send(
		parse("", "select nonsense"), sync(), parse("", "select 'mine'"), flush()
	)
	client.hears("E:42703 Z:I 1")
	client.send(bind(), execute(), sync())
	client.hears("2 D:mine C Z:I")


def test_a_row_cut_by_the_failure_of_its_copy(enter):
	"""The server takes the rest of the row for the rest of the row, whoever sends it."""
	client, other = enter("one"), enter("one")
	client.send(query("copy copied from stdin"))
	client.hears("G")
	row = copy_data("late\t1\n" * 1000)
	client.send(copy_data("bad\t5000\n"), copy_data("more\t1\n" * 20000), row[:1000])
	client.hears("E:23514 Z:I")
	other.send(query("select 'mine'"))
	client.send(row[1000:])
	other.hears("T D:mine C Z:I")
	assert client.asks("select 'here'") == "here"


@pytest.mark.parametrize("missing", [1, 2, 3, 5, 6])
def test_a_message_cut_short_is_not_completed_by_us(postgres, front, enter, missing):
	observer = enter("one")
	observer.does("truncate kept")
	server = observer.asks("select pg_backend_pid()")
	client = Client(front.address).login(database=front.database("one"))
	client.send(query("insert into kept values ('cut', 1) -- %s" % ("z" * 200000))[:-missing])
	client.close()
	wait_for("the server to end", lambda: not postgres.sql(
		"select 1 from pg_stat_activity where pid = %s" % server))
	assert observer.asks("select count(*) from kept") == "0"
