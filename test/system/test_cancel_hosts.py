"""A cancel request goes to the very server that runs the query, one of several hosts, and over TLS if
that server's connection is."""

import contextlib
import os
import select
import socket
import struct
import threading

import pytest

from rawpg import CANCEL_REQUEST, SSL_REQUEST, Client, cancel, query
from scratch import wait_for
from servers import Pooler

pytestmark = pytest.mark.any_version


class Relay:
	"""Passes all connections to ADDRESS on to SERVER; keeps the code of the first packet of
	each."""

	def __init__(self, address, server):
		self.server, self.codes = server, []
		self.listener = socket.create_server(address)
		threading.Thread(target=self.accept, daemon=True).start()

	def accept(self):
		with contextlib.suppress(OSError):
			while True:
				client = self.listener.accept()[0]
				threading.Thread(target=self.carry, args=(client,), daemon=True).start()

	def carry(self, client):
		ends = [client, socket.create_connection(self.server)]
		other, first = {ends[0]: ends[1], ends[1]: ends[0]}, b""
		with contextlib.suppress(OSError), ends[0], ends[1]:
			while True:
				for end in select.select(ends, [], [])[0]:
					data = end.recv(65536)
					if not data:
						return
					if end is client and len(first) < 8:
						first += data
						if len(first) >= 8:
							self.codes.append(struct.unpack("!I", first[4:8])[0])
					other[end].sendall(data)

	def close(self):
		self.listener.shutdown(socket.SHUT_RDWR)
		self.listener.close()


@pytest.fixture(params=["disable", "require"])
def two_hosts(request, front, postgres, folder, certs):
	"""A pooler whose database is at 127.0.0.1 and, by way of a relay, at 127.0.0.2."""
	if front.direct:
		pytest.skip("there is no pooler")
	relay = Relay(("127.0.0.2", postgres.port), postgres.address)
	pooler = Pooler(
		postgres,
		folder / ("hosts-" + os.urandom(4).hex()),
		certs,
		front.workers,
		databases={
			"both": "host=127.0.0.1,127.0.0.2 port=%d dbname=app pool_size=2"
			% postgres.port
		},
		server_tls_sslmode=request.param,
	).start()
	yield pooler, relay, request.param == "require"
	pooler.check()
	pooler.stop()
	relay.close()


def server_of(pooler, tag):
	"""The address of the server that runs TAG's query, by its client's name."""
	clients, servers = pooler.console("show clients"), pooler.console("show servers")
	(ptr,) = [row["link"] for row in clients if row["application_name"] == tag]
	return next(row["addr"] for row in servers if row["ptr"] == ptr)


def test_it_goes_to_the_server_itself(two_hosts):
	pooler, relay, tls = two_hosts
	clients = {}
	for tag in ("first", "second"):
		client = Client(pooler.address).login(database="both", application_name=tag)
		client.does("begin")
		clients[server_of(pooler, tag)] = client
	assert sorted(clients) == ["127.0.0.1", "127.0.0.2"]
	before = len(relay.codes)
	for host, through_relay in (("127.0.0.1", 0), ("127.0.0.2", 1)) * 3:
		client, seen = clients[host], len(relay.codes)
		client.send(query("select pg_sleep(60) /* on a host */"))
		pooler.server.wait_until_running("on a host")
		cancel(pooler.address, client.pid, client.key)
		heard = [m for m in client.until_ready() if m.kind != "T"]
		assert [m.kind for m in heard] == ["E", "Z"] and heard[1].body == b"E"
		client.does("rollback")
		client.does("begin")
		wait_for("the relay", lambda: len(relay.codes) >= seen + through_relay)
		assert len(relay.codes) == seen + through_relay
	assert len(relay.codes) == before + 3
	for code in relay.codes[before:]:
		assert code == (SSL_REQUEST if tls else CANCEL_REQUEST)
	for client in clients.values():
		client.leave()
