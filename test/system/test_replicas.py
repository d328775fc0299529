"""Cancel requests among replicas that know each other by a name (budget_peers, a headless Service) and share a
peer_secret: whichever gets one, it reaches the one whose client it is for. Strangers get nowhere."""

import hashlib
import hmac
import os
import socket
import struct
import threading

import psycopg
import pytest

from dns_server import NameServer, Relay
from peering import Member
from rawpg import (
	PROTOCOL_3_0,
	PROTOCOL_3_2,
	Client,
	Closed,
	Refused,
	Wire,
	cancel,
	cancel_request,
	fields_of,
	query,
	request,
)
from scratch import fresh, free_port, give_to, wait_for

pytestmark = pytest.mark.any_version

NAME = "poolers.test"
SECRET = "the secret that all replicas share"
PEER_REQUEST = 80877856


class Fleet:
	"""COUNT replicas at addresses of their own and one port; they differ in nothing else."""

	def __init__(self, server, folder, certs, workers):
		self.server, self.certs, self.workers = server, certs, workers
		self.folder, self.port = fresh(folder), free_port()
		folder.mkdir(mode=0o755)
		give_to("nobody", folder)
		self.names, self.members = NameServer(), []
		self.names.ttl = 1
		self.names.write_resolv_conf(folder / "resolv.conf")

	def start(self, count, secrets=(SECRET,) * 3, **settings):
		for number, secret in zip(range(1, count + 1), secrets):
			if secret:
				settings["peer_secret"] = secret
			self.members.append(
				Member(
					self,
					number,
					listen_addr="127.0.0.%d" % (10 + number),
					so_reuseport=0,
					unix_socket_dir="",
					peer_id=0,
					budget_peers=NAME,
					resolv_conf=self.folder / "resolv.conf",
					**settings,
				)
			)
		self.publish(*self.members)
		for member in self.members:
			member.start()
		for member in self.members:
			self.wait_until_known(member, self.members)
		return self.members

	def publish(self, *members):
		self.names.hosts[NAME] = [m.address[0] for m in members]

	def wait_until_known(self, member, members):
		expected = {
			m.address[0]: "self" if m is member else "listed" for m in members
		}
		wait_for(
			"%s to know the others" % member.address[0],
			lambda: {r["addr"]: r["state"] for r in member.console("show replicas")}
			== expected,
		)

	def stop(self):
		for member in self.members:
			member.stop()
		self.names.stop()


@pytest.fixture
def fleet(front, postgres, folder, certs):
	if front.direct:
		pytest.skip("there is no pooler")
	made = Fleet(postgres, folder / ("replicas-" + os.urandom(4).hex()), certs, front.workers)
	yield made
	made.stop()


def sleeping(tag):
	return query("select pg_sleep(60) /* %s */" % tag)


def is_canceled(client):
	heard = [m for m in client.until_ready() if m.kind not in "TN"]
	assert [m.kind for m in heard] == ["E", "Z"], heard
	assert fields_of(heard[0].body)["C"] == "57014"


def enters(member, **login):
	return Client(member.address).login(database="three", **login)


def hangs(member, postgres, tag, **login):
	"""A client of MEMBER, in the middle of a query that does not end."""
	client = enters(member, **login)
	client.send(sleeping(tag))
	postgres.wait_until_running(tag)
	return client


def goes_on(client, postgres, tag):
	"""Nobody has canceled what it does; it is ended."""
	assert postgres.sql(
		"select count(*) from pg_stat_activity where state = 'active' "
		"and usename <> 'postgres' and position('%s' in query) > 0" % tag
	) == [(1,)]
	cancel(client.address, client.pid, client.key)
	is_canceled(client)


def counts(member, of):
	(row,) = (r for r in member.console("show replicas") if r["addr"] == of.address[0])
	return {name: int(row[name]) for name in ("passed_on", "unknown", "refused", "failed")}


def test_whichever_hears_it(fleet, postgres):
	"""Both kinds of keys, by each for each; a driver; a client that waits."""
	members = fleet.start(3)
	for version in (PROTOCOL_3_0, PROTOCOL_3_2):
		for of in members:
			client = enters(of, version=version)
			assert len(client.key) == (4 if version == PROTOCOL_3_0 else 32)
			for by in members:
				tag = "%d of %s by %s" % (version, of.number, by.number)
				client.send(sleeping(tag))
				postgres.wait_until_running(tag)
				cancel(by.address, client.pid, client.key, tls=by.number == 2)
				is_canceled(client)
			client.leave()
	one, two, three = members
	holder = Client(one.address).login(database="one")
	waiter = Client(one.address).login(database="one")
	holder.does("begin")
	waiter.send(sleeping("waiting"))
	one.wait_until_waiting("one", "waiting")
	cancel(three.address, waiter.pid, waiter.key)
	waiter.hears("E:57014 Z:I")
	assert counts(three, one) == {"passed_on": 3, "unknown": 0, "refused": 0, "failed": 0}
	for pid, key in ((waiter.pid, b"nope"), (waiter.pid ^ 1, waiter.key)):
		cancel(three.address, pid, key)  # ends at once, without a word
	assert counts(three, one)["unknown"] == 2
	for member in members:
		assert "we are one of 4" not in member.log.read_text()


@pytest.mark.parametrize("protocol", ["3.0", "3.2"])
def test_a_driver_behind_the_service(fleet, postgres, protocol):
	"""Its connection goes to one replica, its cancel request to the other: a relay stands for the
	Service."""
	one, two = fleet.start(2)
	service, told = Relay(socket.AF_INET, ("127.0.0.1", 0), one.address), []

	def sleep():
		try:
			connection.execute("select pg_sleep(60) /* by psycopg */")
		except psycopg.errors.QueryCanceled as why:
			told.append(why)

	with psycopg.connect(
		host="127.0.0.1",
		port=service.socket.getsockname()[1],
		user="app",
		dbname="three",
		sslmode="disable",
		max_protocol_version=protocol,
		autocommit=True,
	) as connection:
		thread = threading.Thread(target=sleep)
		thread.start()
		postgres.wait_until_running("by psycopg")
		service.target = two.address
		connection.cancel_safe(timeout=10)
		thread.join(20)
		assert len(told) == 1
		assert connection.execute("select 1").fetchone() == (1,)
	service.stop()
	assert counts(two, one)["passed_on"] == 1


def test_strangers_get_nowhere(fleet, postgres):
	"""What a replica would say, said without the secret, said again, or said of a wrong key."""
	one, two = fleet.start(2)
	client = hangs(one, postgres, "stranger")

	def proof(secret, challenge, key):
		made = hmac.digest(b"pgweir replicas 1", secret.encode(), "sha256")
		rest = challenge + struct.pack("!I", client.pid)
		first = hmac.digest(made, b"the key" + rest + key, hashlib.sha256)
		return first + hmac.digest(made, b"replica" + rest + first, hashlib.sha256)

	def asks(secret, key, challenge=None):
		wire = Wire(one.address)
		wire.send(request(PEER_REQUEST))
		asked = wire.take(33)
		assert asked[:1] == b"R"
		said = proof(secret, challenge or asked[1:], key)
		wire.send(cancel_request(client.pid, said))
		with pytest.raises(Closed):
			wire.take(100)
		return bytes(wire.pending), asked[1:]

	assert asks("another secret of that kind", client.key)[0] == b"E"
	answer, old = asks(SECRET, b"nope")
	assert answer == b"N"
	assert asks(SECRET, client.key, challenge=old)[0] == b"E"
	wire = Wire(one.address)
	wire.send(request(PEER_REQUEST), cancel_request(client.pid, client.key))
	with pytest.raises(Closed):  # nothing may stand behind the question
		wire.take(100)
	goes_on(client, postgres, "stranger")
	client.send(sleeping("by the book"))
	postgres.wait_until_running("by the book")
	assert asks(SECRET, client.key)[0] == b""
	is_canceled(client)


def test_a_wrong_secret_is_said_in_the_log(fleet, postgres):
	one, two = fleet.start(2, secrets=(SECRET, "another secret of that kind"))
	# two takes the key for one of its own kind only if it shares the secret: it leads nowhere
	client = hangs(one, postgres, "other secret")
	cancel(two.address, client.pid, client.key)
	goes_on(client, postgres, "other secret")
	# one learns the other's secret beside its own, and gives its keys by it: two asks, and is heard
	path = one.folder / "secrets"
	path.write_text("# the new one first\n%s\n%s\n" % (two.settings["peer_secret"], SECRET))
	path.chmod(0o644)
	one.settings.update(peer_secret="", peer_secret_file=path)
	one.write_files()
	one.console("reload")
	assert SECRET not in str(one.console("show config")) + one.log.read_text()
	new = hangs(one, postgres, "new key")
	cancel(two.address, new.pid, new.key)
	is_canceled(new)
	# and now two loses it: one's keys still lead there, but it is not heard
	path.write_text(SECRET + "\n")
	other = hangs(one, postgres, "not heard")
	one.console("reload")
	cancel(two.address, other.pid, other.key)
	assert counts(two, one)["refused"] == 1
	two.wait_until_logged("it does not know us")
	goes_on(other, postgres, "not heard")


def test_one_that_drains_and_is_gone(fleet, postgres):
	"""The name server does not name it any more, but it still has a client, whose query can be
	canceled. When it has ended nobody waits for it."""
	one, two = fleet.start(
		2,
		cancel_wait_timeout=5,
		shutdown_mode="drain",
		drain_accept_time=0,
		drain_time=0,
		drain_timeout=0,
	)
	client = hangs(one, postgres, "drains")
	fleet.publish(two)
	wait_for(
		"the answer without it",
		lambda: [r["state"] for r in two.console("show replicas")] == ["gone", "self"],
	)
	one.terminate()
	one.wait_until_logged("nobody is let in")
	with pytest.raises(Refused, match="shutting down"):
		Client(one.address).login(database="three")
	cancel(two.address, client.pid, client.key)
	is_canceled(client)
	wait_for("its end", lambda: one.process.poll() == 0)
	one.check_log()
	one.process = None
	cancel(two.address, client.pid, client.key)  # ends
	assert counts(two, one) == {"passed_on": 1, "unknown": 0, "refused": 0, "failed": 1}
