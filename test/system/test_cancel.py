"""Cancel requests: running queries, waiting ones, wrong keys, all kinds of
connections."""

import struct

import pytest

from rawpg import (
	CANCEL_REQUEST,
	PROTOCOL_3_0,
	PROTOCOL_3_2,
	Wire,
	bind,
	cancel,
	execute,
	parse,
	query,
	request,
	sync,
)


def sleeping(tag):
	return query("select pg_sleep(60) /* %s */" % tag)


@pytest.mark.parametrize(
	"way", [{}, {"tls": True}, {"direct": True}], ids=["plain", "tls", "direct tls"]
)
@pytest.mark.parametrize("version", [PROTOCOL_3_0, PROTOCOL_3_2], ids=["3.0", "3.2"])
def test_a_running_query(front, postgres, enter, way, version):
	if way.get("direct") and front.direct and front.version < 17:
		pytest.skip("PostgreSQL %d has no direct TLS" % front.version)
	client = enter("one", version=version)
	client.send(sleeping("running"))
	postgres.wait_until_running("running")
	cancel(front.address, client.pid, client.key, **way)
	client.hears("T E:57014 Z:I")
	assert client.asks("select 1") == "1"


def test_a_query_of_a_pipeline(front, postgres, enter):
	client = enter("one")
	client.send(
		parse("", "select pg_sleep(60) /* piped */"),
		bind(),
		execute(),
		parse("", "select 'skipped'"),
		sync(),
	)
	postgres.wait_until_running("piped")
	cancel(front.address, client.pid, client.key)
	# Not sent earlier: PostgreSQL signals twice, and the second may hit what comes next.
	client.send(query("select 'after'"))
	client.hears("1 2 E:57014 Z:I T D:after C Z:I")


def test_a_query_in_a_transaction(front, postgres, enter):
	client = enter("one")
	client.send(query("begin"), sleeping("inside"))
	postgres.wait_until_running("inside")
	cancel(front.address, client.pid, client.key)
	client.hears("C Z:T T E:57014 Z:E")
	client.does("rollback")
	assert client.asks("select 1") == "1"


def test_a_waiting_query(front, enter):
	holder, waiter = enter("one"), enter("one")
	holder.does("begin")
	waiter.send(sleeping("waiting"))
	front.wait_until_waiting("one", "waiting")
	cancel(front.address, waiter.pid, waiter.key)
	heard = waiter.until_ready()
	assert [m.kind for m in heard if m.kind not in "TN"] == ["E", "Z"]
	assert b"\0C57014\0" in heard[-2].body
	assert holder.asks("select 'undisturbed'") == "undisturbed"
	holder.does("commit")
	assert waiter.asks("select 1") == "1"


def test_a_waiting_batch(front, enter):
	"""Skipped to its Sync, as PostgreSQL would, and nothing of it runs later."""
	holder, waiter = enter("one"), enter("one")
	holder.does("truncate kept")
	holder.does("begin")
	waiter.send(
		parse("", "select pg_sleep(60) /* batch */"),
		bind(),
		execute(),
		parse("", "insert into kept values ('late', 1)"),
		bind(),
		execute(),
		sync(),
	)
	front.wait_until_waiting("one", "batch")
	cancel(front.address, waiter.pid, waiter.key)
	heard = waiter.until_ready()
	assert [m.kind for m in heard if m.kind not in "12N"] == ["E", "Z"]
	assert b"\0C57014\0" in heard[-2].body
	holder.does("commit")
	assert waiter.asks("select count(*) from kept") == "0"


def guarded(tag):
	"""A query that ends when the test lets go of its lock, and can be cancelled until
	then."""
	return query("select pg_advisory_xact_lock(1), 'finished' /* %s */" % tag)


def test_the_wrong_key_has_no_effect(front, postgres, enter):
	client = enter("one")
	last = bytes([client.key[-1] ^ 1])
	wrong = [
		bytes(len(client.key)),
		client.key[:-1] + last,
		client.key + bytes(4),
		bytes(256),
		bytes(257),
		b"",
		b"\0",
	]
	with postgres.holding_a_lock():
		client.send(guarded("wrong key"))
		postgres.wait_until_running("wrong key")
		for key in wrong:
			cancel(front.address, client.pid, key)
		cancel(front.address, client.pid ^ 1, client.key)
	client.hears("T D C Z:I")


def test_an_idle_client_has_nothing_to_cancel(front, enter):
	client, neighbour = enter("one"), enter("one")
	for _ in range(5):
		cancel(front.address, client.pid, client.key)
		assert client.asks("select 1") == "1"
		assert neighbour.asks("select 2") == "2"


def test_a_late_cancel_does_not_hit_the_next_user_of_the_server(front, enter):
	"""The classic race: a cancel that arrives as its query ends, while others use the
	same server."""
	client, neighbour = enter("one"), enter("one")
	for _ in range(40):
		client.send(query("select 1"))
		late = Wire(front.address)
		late.send(
			request(
				CANCEL_REQUEST, struct.pack("!I", client.pid) + client.key
			)
		)
		assert client.until_ready()[-1].kind == "Z"
		assert neighbour.asks("select 'not meant'") == "not meant"
		assert late.rest() == []
		late.close()
		assert neighbour.asks("select 'not meant'") == "not meant"


def test_a_key_dies_with_its_client(front, postgres, enter):
	gone, client = enter("one"), enter("one")
	gone.leave()
	with postgres.holding_a_lock():
		client.send(guarded("survivor"))
		postgres.wait_until_running("survivor")
		cancel(front.address, gone.pid, gone.key)
	client.hears("T D C Z:I")


def test_a_cancel_request_in_pieces(front, postgres, enter):
	client = enter("one")
	client.send(sleeping("in pieces"))
	postgres.wait_until_running("in pieces")
	wire = Wire(front.address)
	data = request(CANCEL_REQUEST, struct.pack("!I", client.pid) + client.key)
	wire.send_cut(data, *range(1, len(data)))
	assert wire.rest() == []
	client.hears("T E:57014 Z:I")
	wire.close()


def test_a_cancel_request_that_stops(front):
	data = request(CANCEL_REQUEST, bytes(8))
	for cut in range(1, len(data)):
		wire = Wire(front.address)
		wire.send(data[:cut])
		wire.close()
