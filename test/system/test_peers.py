"""Cancel requests in a fleet of processes that share one address: whichever gets one, it reaches the
process whose key it bears."""

import asyncio
import os
import socket
import struct
import threading

import asyncpg
import psycopg
import pytest

from peering import Bouncer, Fleet, Member
from rawpg import (
	PROTOCOL_3_0,
	PROTOCOL_3_2,
	Client,
	Wire,
	cancel,
	cancel_request,
	fields_of,
	query,
)
from scratch import wait_for

pytestmark = pytest.mark.any_version


@pytest.fixture
def fleet(front, postgres, folder, certs):
	"""fleet(count, ...): its members run; they end with the test."""
	if front.direct:
		pytest.skip("there is no pooler")
	fleets = []

	def fleet(count, **more):
		fleets.append(
			Fleet(
				postgres,
				folder / ("fleet-" + os.urandom(4).hex()),
				certs,
				count,
				front.workers,
				**more,
			)
		)
		return fleets[-1].start()

	yield fleet
	for one in fleets:
		one.stop()


def sleeping(tag):
	return query("select pg_sleep(60) /* %s */" % tag)


def is_canceled(client, status=b"I"):
	"""Whether or not it was so far that columns were described."""
	heard = [m for m in client.until_ready() if m.kind not in "TN"]
	assert [m.kind for m in heard] == ["E", "Z"], heard
	assert fields_of(heard[0].body)["C"] == "57014" and heard[1].body == status


def enters(member, **login):
	return Client(member.address).login(database="three", **login)


def running(postgres, part):
	rows = postgres.sql(
		"select count(*) from pg_stat_activity where state = 'active' "
		"and usename <> 'postgres' and position('%s' in query) > 0" % part
	)
	return rows[0][0]


@pytest.mark.parametrize("version", [PROTOCOL_3_0, PROTOCOL_3_2], ids=["3.0", "3.2"])
def test_each_member_cancels_for_each(fleet, postgres, version):
	members = fleet(3).members
	for of in members:
		client = enters(of, version=version)
		assert len(client.key) == (4 if version == PROTOCOL_3_0 else 32)
		assert struct.pack("!I", client.pid)[1:3] == struct.pack("<H", of.number)
		assert client.key[3] & 3 == 3
		for by in members:
			tag = "of %d by %d" % (of.number, by.number)
			client.send(sleeping(tag))
			postgres.wait_until_running(tag)
			cancel(by.address, client.pid, client.key)
			is_canceled(client)
			assert client.asks("select 1") == "1"
		client.leave()


def test_drivers_cancel_at_the_shared_address(fleet, postgres):
	"""The kernel deals connections out: with twelve clients next to no cancel request gets to the
	right process by itself."""
	at = fleet(3).address
	errors = []

	def sleep(number):
		with psycopg.connect(
			host=at[0],
			port=at[1],
			user="app",
			dbname="three",
			autocommit=True,
			sslmode="disable",
		) as connection:
			clients[number] = connection
			try:
				connection.execute("select pg_sleep(60) /* driver %d */" % number)
			except psycopg.errors.QueryCanceled as why:
				errors.append(why)

	# three servers a member: not more than those at a time
	for first in range(0, 12, 3):
		clients = {}
		threads = [
			threading.Thread(target=sleep, args=(n,)) for n in range(first, first + 3)
		]
		for thread in threads:
			thread.start()
		wait_for("three queries", lambda: running(postgres, "/* driver") == 3)
		for connection in clients.values():
			connection.cancel()
		for thread in threads:
			thread.join(20)
			assert not thread.is_alive(), "a cancel request was lost"
	assert len(errors) == 12


def test_asyncpg_cancels_at_the_shared_address(fleet):
	"""Its timeouts are cancel requests; the connection is used on after them."""
	at = fleet(3).address

	async def run_out_of_time(number):
		connection = await asyncpg.connect(
			host=at[0], port=at[1], user="app", database="three", ssl=False
		)
		for _ in range(3):
			with pytest.raises(asyncio.TimeoutError):
				await connection.execute("select pg_sleep(60)", timeout=0.2)
			assert await connection.fetchval("select $1::int", number) == number
		await connection.close()

	async def all_together():
		await asyncio.wait_for(asyncio.gather(*map(run_out_of_time, range(6))), 30)

	asyncio.run(all_together())


def test_a_request_to_a_peer_is_held_until_it_is_through(fleet, postgres):
	"""Who sees the end of the request's connection may rely on it: the query is canceled by
	then."""
	one, two = fleet(2).members
	client = enters(one)
	for _ in range(20):
		client.send(sleeping("held"))
		postgres.wait_until_running("held")
		cancel(two.address, client.pid, client.key)
		wait_for("the end of the query", lambda: running(postgres, "/* held") == 0, 2)
		is_canceled(client)


def test_waiting_queries_and_the_console(fleet):
	one, two = fleet(2).members
	holder = Client(one.address).login(database="one")
	waiter = Client(one.address).login(database="one")
	holder.does("begin")
	waiter.send(sleeping("waiting"))
	wait_for(
		"a waiting client",
		lambda: any(int(row["cl_waiting"]) for row in one.console("show pools")),
	)
	cancel(two.address, waiter.pid, waiter.key)
	waiter.hears("E:57014 Z:I")
	console = Client(one.address).login(user="admin", database="pgbouncer")
	one.console("pause two")
	console.send(query("pause"))
	wait_for(
		"the pause",
		lambda: one.console("show state")[1]["value"] == "yes",
	)
	cancel(two.address, console.pid, console.key)
	wait_for(
		"its end",
		lambda: one.console("show state")[1]["value"] == "no",
	)


def test_a_key_of_nobody_goes_round_and_ends(fleet):
	"""Two members take each other for the third: a request is passed on three times."""
	members = fleet(2).members
	for member, other in zip(members, reversed(members)):
		member.peers = {3: "host=%s port=%d" % other.address}
		member.write_files()
		member.reload()
		wait_for(
			"the new peers",
			lambda member=member: [row["peer_id"] for row in member.console("show peers")]
			== ["3"],
		)
	pid, key = struct.unpack("!I", b"\x11\x03\x00\x11")[0], b"abc\xff"
	for _ in range(10):
		cancel(members[0].address, pid, key)
	for member in members:
		assert enters(member).asks("select 1") == "1"


def test_a_member_that_is_down_or_removed(fleet):
	one, two = fleet(2).members
	client = enters(two)
	two.stop()
	two.process = None
	cancel(one.address, client.pid, client.key)  # ends at once
	one.peers = {}
	one.write_files()
	one.reload()
	wait_for("no peers", lambda: one.console("show peers") == [])
	cancel(one.address, client.pid, client.key)


def test_a_member_that_waits_for_its_last_clients(fleet, postgres):
	"""A restart without dropping anybody: the old process has no TCP listener any more, its clients'
	queries can be canceled all the same."""
	old, new = fleet(2).members
	client = enters(old)
	client.send(sleeping("on the old one"))
	postgres.wait_until_running("on the old one")
	old.terminate()
	wait_for("its listener's end", lambda: not old.answers())
	cancel(new.shared, client.pid, client.key)
	is_canceled(client)
	assert client.asks("select 'to the end'") == "to the end"
	client.leave()
	wait_for("the old one's end", lambda: old.process.poll() is not None)
	assert old.process.returncode == 0
	assert Client(new.shared).login(database="three").asks("select 1") == "1"


def test_what_is_on_its_way_is_shown(fleet):
	"""A peer that takes its time: a listener of our own."""
	(one,) = fleet(1).members
	with socket.create_server(("127.0.0.1", 0)) as peer:
		peer.settimeout(15)
		one.peers = {9: "host=127.0.0.1 port=%d pool_size=2" % peer.getsockname()[1]}
		one.write_files()
		one.reload()
		wait_for("the peer", lambda: len(one.console("show peers")) == 1)
		sent = cancel_request(struct.unpack("!I", b"\x11\x09\x00\x11")[0], b"abc\xff")
		askers = [Wire(one.address) for _ in range(4)]
		for asker in askers:
			asker.send(sent)
		taken = [peer.accept()[0] for _ in range(2)]
		for connection in taken:
			passed_on = connection.recv(100)
			assert passed_on == sent[:-1] + b"\xfe"

		def loads():
			(row,) = one.console("show peer_pools")
			return [int(row[name]) for name in row if name not in ("peer_id", "database")]

		wait_for("two on the way, two waiting", lambda: loads() == [2, 2, 2, 0])
		for asker in askers:
			asker.socket.settimeout(0.1)
			with pytest.raises(TimeoutError):
				asker.socket.recv(1)
			asker.socket.settimeout(15)
		for connection in taken:
			connection.close()
		for connection in [peer.accept()[0] for _ in range(2)]:
			connection.close()
		assert [asker.rest() for asker in askers] == [[], [], [], []]
		wait_for("nobody on the way", lambda: sum(loads()) == 0)


@pytest.mark.skipif(not Bouncer.find(), reason="no PgBouncer 1.19 or later (PGBOUNCER)")
def test_a_mixed_fleet(fleet, postgres):
	members = fleet(2, kinds={2: Bouncer}).members
	for of, by in (members, reversed(members)):
		client = enters(of)
		tag = "mixed %d" % of.number
		client.send(sleeping(tag))
		postgres.wait_until_running(tag)
		cancel(by.address, client.pid, client.key)
		is_canceled(client)
		client.leave()
	assert isinstance(members[0], Member)
