"""Bad messages of a logged-in client cost that client its connection, and nobody else
anything."""

import random
import struct

import pytest

from rawpg import (
	Closed,
	Wire,
	bind,
	cancel_request,
	copy_data,
	describe,
	execute,
	message,
	parse,
	query,
	row_of,
	startup,
	sync,
)

pytestmark = pytest.mark.any_version


def raw(kind, length, body=b""):
	return kind.encode() + struct.pack("!I", length) + body


def is_shown_the_door(client):
	"""At most one last word, a FATAL one, and the end."""
	said = client.rest()
	assert [m.kind for m in said] in ([], ["E"]), said
	assert not said or said[0].body.startswith(b"SFATAL\0")


@pytest.mark.parametrize("kind", "QPBDECSHFdcfX")
@pytest.mark.parametrize("length", [0, 3, 0x40000000, 0x7FFFFFFF, 0x80000000, 0xFFFFFFFF])
def test_lengths_that_cannot_be(enter, kind, length):
	client = enter("one")
	client.send(raw(kind, length))
	is_shown_the_door(client)


@pytest.mark.parametrize(
	"kind",
	[
		"Z",
		"T",
		"R",
		"K",
		"I",
		"1",
		"n",
		"t",
		"v",
		"A",
		"p",
		"?",
		"\0",
		"\x16",
		"\x7f",
		"q",
	],
)
def test_kinds_that_no_client_sends(enter, kind):
	client = enter("one")
	client.send(message(kind, b"\0" * 8))
	is_shown_the_door(client)


@pytest.mark.parametrize("kind", ["Z", "?", "p"])
def test_such_a_kind_in_a_transaction(enter, kind):
	client, watcher = enter("one"), enter("one")
	client.does("truncate kept")
	client.does("begin; insert into kept values ('never', 1)")
	client.send(message(kind, b"\0" * 8))
	is_shown_the_door(client)
	assert watcher.asks("select count(*) from kept") == "0"


def test_such_a_kind_behind_work_that_is_going_on(enter):
	client, watcher = enter("one"), enter("one")
	client.send(
		query("select pg_sleep(0.2)"),
		message("?", b""),
		query("truncate nothing"),
	)
	assert all(m.kind in "TDCZE" for m in client.rest())
	assert watcher.asks("select 1") == "1"


BROKEN = {
	"a query without its end": message("Q", b"select 1"),
	"a parse without a text": message("P", b"a\0"),
	"a parse without types": message("P", b"a\0select 1\0"),
	"a parse with too many types": message("P", b"a\0select 1\0\xff\xff"),
	"a parse without any end": message("P", b"aaaa"),
	"a bind without a name": message("B", b"portal"),
	"a bind that stops": message("B", b"\0a\0\0\1\0"),
	"a bind with a length beyond its end": message(
		"B", b"\0a\0\0\0\0\1\x7f\xff\xff\xff\0\0"
	),
	"a bind with a negative length": message(
		"B", b"\0a\0\0\0\0\1\xff\xff\xff\xf0\0\0"
	),
	"a bind with too many values": message("B", b"\0a\0\0\0\xff\xff\0\0"),
	"a describe of nothing": message("D"),
	"a describe of something else": message("D", b"Xa\0"),
	"a describe without end": message("D", b"Sa"),
	"a close of something else": message("C", b"Xa\0"),
	"a close without end": message("C", b"Pa"),
	"an execute without a limit": message("E", b"\0"),
	"an execute without end": message("E", b"p"),
	"a sync with a body": message("S", b"more"),
	"a flush with a body": message("H", b"more"),
	"a function call that stops": message("F", b"\0\0"),
	"a name inside a name": message("P", b"a\0b\0select 1\0\0\0"),
}


def hear_out(client):
	"""The kinds heard until the row `end of it`, and whether the connection was
	closed instead."""
	kinds = ""
	while True:
		try:
			m = client.receive()
		except Closed:
			return kinds, True
		kinds += m.kind
		if m.kind == "D" and row_of(m.body) == ["end of it"]:
			return kinds, False


@pytest.mark.parametrize("broken", BROKEN)
def test_bodies_that_cannot_be(enter, broken):
	"""PostgreSQL answers some of these with an error and goes on: so may the pooler.
	Nobody else notices."""
	client, neighbour = enter("one"), enter("one")
	client.does("select 'hello'")
	client.send(parse("a", "select 'mine'"), sync())
	client.hears("1 Z:I")
	client.send(BROKEN[broken], sync(), query("select 'end of it'"))
	kinds, closed = hear_out(client)
	assert closed or "E" in kinds, kinds
	assert neighbour.asks("select 'fine'") == "fine"
	neighbour.send(parse("a", "select 'its own'"), bind("a"), execute(), sync())
	neighbour.hears("1 2 D C Z:I")


@pytest.mark.parametrize(
	"whole",
	[
		query("select 1"),
		parse("a", "select 1") + bind("a") + describe("P") + execute() + sync(),
		message("Q", b"x" * 100000),
		copy_data("late"),
	],
	ids=["query", "batch", "long", "copy"],
)
def test_messages_that_stop(enter, front, whole):
	watcher = enter("one")
	for cut in sorted({1, 3, 4, 5, 6, len(whole) // 2, len(whole) - 1}):
		client = enter("one")
		client.send(whole[:cut])
		client.close()
		assert watcher.asks("select 1") == "1"


def test_a_client_that_leaves_while_its_answer_comes(enter):
	watcher = enter("one")
	for _ in range(5):
		client = enter("one")
		client.send(
			query("select repeat('x', 1000) from generate_series(1, 20000)")
		)
		client.hears("T D")
		client.close()
		assert watcher.asks("select 1") == "1"


def test_a_client_that_leaves_while_its_query_runs(enter, postgres):
	"""Its query must not hold the only server until it ends by itself."""
	watcher, client = enter("one"), enter("one")
	client.send(query("select pg_sleep(60) /* left alone */"))
	postgres.wait_until_running("left alone")
	client.close()
	assert watcher.asks("select 1") == "1"


def test_a_second_startup(enter, front):
	client = enter("one")
	client.send(startup(user="app", database=front.database("one")))
	is_shown_the_door(client)


def test_a_cancel_request_inside_a_session(enter):
	client = enter("one")
	client.send(cancel_request(client.pid, client.key))
	is_shown_the_door(client)


def test_garbage(front, enter):
	watcher = enter("one")
	dice = random.Random(7)
	for _ in range(60):
		noise = dice.randbytes(dice.randrange(1, 3000))
		stranger = Wire(front.address)
		stranger.send(noise)
		stranger.close()
		client = enter("one")
		client.send(noise)
		client.close()
	assert watcher.asks("select 1") == "1"
