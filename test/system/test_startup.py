"""The first bytes: fragments, encryption requests, protocol versions, logins."""

import contextlib
import socket
import ssl
import struct

import pytest

from rawpg import (
	GSS_REQUEST,
	PROTOCOL_3_0,
	PROTOCOL_3_2,
	PROTOCOL_GREASED,
	SSL_REQUEST,
	Client,
	Closed,
	Refused,
	Wire,
	message,
	query,
	request,
	startup,
	strings,
)
from servers import SECRET, USERS, Pooler


@pytest.fixture
def reach(front, healthy):
	"""reach(): a connection to the front on which nothing has been said."""
	open_ones = []

	def reach():
		open_ones.append(Client(front.address))
		return open_ones[-1]

	yield reach
	for client in open_ones:
		client.close()


def hello(front, version=PROTOCOL_3_0, **parameters):
	return startup(version, user="app", database=front.database("one"), **parameters)


def welcome(client):
	"""Finish the login of user app; the kinds of all messages of it."""
	client.finish_login("app", SECRET)
	assert client.asks("select 'in'") == "in"
	return "".join(m.kind for m in client.login_heard)


# --- fragments


def test_startup_cut_at_every_byte(front, reach):
	data = hello(front, application_name="cut")
	for cut in range(1, len(data)):
		client = reach()
		client.send_cut(data, cut)
		welcome(client)
		client.leave()


def test_startup_in_pieces_of_one_byte(front, reach):
	data = hello(front, application_name="pieces")
	client = reach()
	client.send_cut(data, *range(1, len(data)))
	welcome(client)


def test_a_long_startup(front, reach):
	client = reach()
	client.send(hello(front, options="-c search_path=" + "x" * 9000))
	welcome(client)


def test_startup_and_first_query_in_one_write(front, reach):
	client = reach()
	client.send(hello(front), query("select 'early'"))
	client.finish_login("app", SECRET)
	client.hears("T D:early C Z:I")


# --- encryption


def test_ssl_request_in_pieces_then_tls(front, reach):
	client = reach()
	client.send_cut(request(SSL_REQUEST), *range(1, 8))
	assert client.take(1) == b"S"
	client.start_tls()
	client.send(hello(front))
	welcome(client)


@pytest.mark.parametrize("alpn", [["postgresql"], []])
def test_tls_after_a_request(front, reach, alpn):
	client = reach()
	client.send(request(SSL_REQUEST))
	assert client.take(1) == b"S"
	client.start_tls(alpn)
	client.send(hello(front))
	welcome(client)


def test_direct_tls(front, reach):
	if front.direct and front.version < 17:
		pytest.skip("PostgreSQL %d has no direct TLS" % front.version)
	client = reach()
	client.start_tls(["postgresql"])
	assert client.socket.selected_alpn_protocol() == "postgresql"
	client.send(hello(front))
	welcome(client)


def test_direct_tls_for_another_protocol_is_refused(front, reach):
	client = reach()
	with pytest.raises((ssl.SSLError, ConnectionError)):
		client.start_tls(["http/1.1"])
		client.send(hello(front))
		client.finish_login("app", SECRET)


def test_gss_is_declined_and_the_connection_goes_on(front, reach):
	client = reach()
	client.send_cut(request(GSS_REQUEST), *range(1, 8))
	answer = client.take(1)
	if front.direct and answer == b"G":
		pytest.skip("this PostgreSQL was built with GSSAPI")
	assert answer == b"N"
	client.send(request(SSL_REQUEST))
	assert client.take(1) == b"S"
	client.start_tls()
	client.send(hello(front))
	welcome(client)


def everything_said(client):
	"""All bytes until the other side closes, or a handshake fails."""
	said = b""
	with contextlib.suppress(Closed, OSError):
		while True:
			said += client.take(1)
	return said


@pytest.mark.parametrize("code", [SSL_REQUEST, GSS_REQUEST])
def test_nothing_sent_before_encryption_counts(front, reach, code):
	"""CVE-2021-23214: a start-up packet or a query behind the request must never be
	obeyed."""
	client = reach()
	client.send(request(code), hello(front), query("select 'injected'"))
	answer = client.take(1)
	if front.direct and answer == b"G":
		pytest.skip("this PostgreSQL was built with GSSAPI")
	if answer == b"S":
		with contextlib.suppress(OSError):
			client.start_tls()
	assert b"R\0\0\0" not in everything_said(client)


@pytest.mark.parametrize("code", [SSL_REQUEST, GSS_REQUEST])
def test_a_request_for_encryption_inside_tls(reach, code):
	client = reach()
	client.send(request(SSL_REQUEST))
	assert client.take(1) == b"S"
	client.start_tls()
	client.send(request(code))
	assert all(m.kind == "E" for m in client.rest())


def test_two_requests_for_tls(front, reach):
	"""Behind its S the server waits for a handshake: a second request is none."""
	client = reach()
	client.send(request(SSL_REQUEST))
	assert client.take(1) == b"S"
	client.send(request(SSL_REQUEST), hello(front))
	assert b"R\0\0\0" not in everything_said(client)


# --- versions


@pytest.mark.parametrize(
	"version, unknown",
	[
		(PROTOCOL_3_0, []),
		(PROTOCOL_3_2, []),
		(PROTOCOL_3_2 + 1, []),
		(PROTOCOL_GREASED, []),
		(PROTOCOL_3_0, ["_pq_.x"]),
		(PROTOCOL_3_2, ["_pq_.x"]),
		(PROTOCOL_GREASED, ["_pq_.a", "_pq_.test_protocol_negotiation"]),
	],
)
def test_versions_are_negotiated_once(front, reach, version, unknown):
	client = reach()
	client.send(hello(front, version, **dict.fromkeys(unknown, "1")))
	kinds = welcome(client)
	newest = min(version, front.newest_protocol)
	if newest == version and not unknown:
		assert "v" not in kinds
		return
	assert kinds.count("v") == 1 and kinds.startswith("v")
	body = client.login_heard[0].body
	said, count = struct.unpack("!II", body[:8])
	assert (said, count, strings(body[8:])[:-1]) == (newest, len(unknown), unknown)


@pytest.mark.parametrize(
	"version, sizes", [(PROTOCOL_3_0, {4}), (PROTOCOL_3_2, set(range(4, 257)))]
)
def test_the_key_for_cancelling(front, reach, version, sizes):
	seen = set()
	for _ in range(5):
		client = reach()
		client.send(hello(front, version))
		welcome(client)
		assert len(client.key) in sizes
		seen.add((client.pid, client.key))
	assert len(seen) == 5


@pytest.mark.parametrize("version", [1 << 16, 2 << 16, 4 << 16, 1234 << 16 | 9999, 0])
def test_versions_we_do_not_speak(front, reach, version):
	client = reach()
	client.send(hello(front, version))
	said = client.rest()
	# Protocol 2 had another shape of error, which may come instead of ours or of
	# nothing.
	assert all(m.kind == "E" for m in said) or version < PROTOCOL_3_0


# --- who may enter


@pytest.fixture(scope="module")
def entrances(front, postgres, folder, certs):
	"""entrances(method): a pooler that lets clients in by METHOD; PostgreSQL has a
	role for each itself."""
	poolers = {}

	def entrance(method):
		if front.direct:
			return front
		if method not in poolers:
			poolers[method] = Pooler(
				postgres,
				folder / ("entrance-%s-%d" % (method, front.workers)),
				certs,
				front.workers,
				auth_type=method,
			).start()
		return poolers[method]

	yield entrance
	for pooler in poolers.values():
		pooler.stop()


METHODS = {
	"trust": "app",
	"plain": "app_plain",
	"md5": "app_md5",
	"scram-sha-256": "app_scram",
}
REFUSED = ("28P01", "28000", "08P01")


@pytest.mark.parametrize("tls", [False, True], ids=["plain", "tls"])
@pytest.mark.parametrize("method", METHODS)
def test_every_login_method(entrances, method, tls):
	entrance, user = entrances(method), METHODS[method]
	client = Client(entrance.address)
	if tls:
		client.send(request(SSL_REQUEST))
		assert client.take(1) == b"S"
		client.start_tls()
	client.login(user, SECRET, database=entrance.database("one"))
	asked = {
		struct.unpack("!I", m.body[:4])[0]
		for m in client.login_heard
		if m.kind == "R"
	}
	assert (
		asked
		== {
			"trust": {0},
			"plain": {0, 3},
			"md5": {0, 5},
			"scram-sha-256": {0, 10, 11, 12},
		}[method]
	)
	assert client.asks("select current_user") == user
	client.leave()


@pytest.mark.parametrize("role", USERS)
def test_every_method_of_the_server(front, reach, role):
	client = reach().login(role, SECRET, database=front.database("one"))
	assert client.asks("select current_user") == role


@pytest.mark.parametrize("method", ["plain", "md5", "scram-sha-256"])
def test_a_wrong_password(entrances, method):
	entrance = entrances(method)
	for wrong in SECRET + "x", SECRET[:-1], "":
		client = Client(entrance.address)
		with pytest.raises(Refused) as refused:
			client.login(
				METHODS[method], wrong, database=entrance.database("one")
			)
		assert (
			refused.value.fields["S"] == "FATAL"
			and refused.value.fields["C"] in REFUSED
		)
		assert client.rest() == []
		client.close()


@pytest.mark.parametrize("method", METHODS)
def test_unknown_users_and_databases(entrances, method):
	entrance = entrances(method)
	for user, database, states in (
		("nobody_knows", entrance.database("one"), REFUSED),
		(METHODS[method], "nobody_knows", ("3D000", "08P01")),
	):
		client = Client(entrance.address)
		with pytest.raises(Refused) as refused:
			client.login(user, SECRET, database=database)
		assert (
			refused.value.fields["S"] == "FATAL"
			and refused.value.fields["C"] in states
		)
		client.close()
	assert "nobody_knows" in refused.value.fields["M"]


@pytest.mark.parametrize(
	"message_of_sasl",
	[
		message("p"),
		message("p", b"SCRAM-SHA-256\0"),
		message("p", b"SCRAM-SHA-256\0\x7f\xff\xff\xff"),
		message("p", b"SCRAM-SHA-256\0\x80\0\0\0"),
		message("p", b"SCRAM-SHA-256\0\0\0\0\3n,,"),
		message("p", b"NONSENSE\0\0\0\0\3n,,"),
		message("p", b"SCRAM-SHA-256\0\0\0\0\x13p=tls-unique,,n=,r=x"),
		query("select 1"),
		message("p", b"x" * 70000),
	],
	ids=range(9),
)
def test_scram_messages_that_cannot_be(entrances, message_of_sasl):
	"""They are refused at once (CVE-2026-6664 was a length here), not left
	hanging."""
	entrance = entrances("scram-sha-256")
	client = Client(entrance.address)
	client.send(startup(user="app_scram", database=entrance.database("one")))
	assert client.receive().kind == "R"
	client.send(message_of_sasl)
	assert all(m.kind == "E" for m in client.rest())
	client.close()


def test_no_user_at_all(reach):
	client = reach()
	client.send(startup(database="one"))
	(said,) = client.rest()
	assert said.kind == "E"


@pytest.mark.parametrize(
	"data",
	[
		b"\0",
		message("p", b"secret\0"),
		message("Q", b"select 1\0"),
		b"GET / HTTP/1.1\r\n\r\n",
	],
)
def test_something_else_than_a_startup(reach, data):
	client = reach()
	client.send(data)
	client.socket.shutdown(socket.SHUT_WR)
	assert all(m.kind == "E" for m in client.rest())


@pytest.mark.parametrize(
	"length", [0, 1, 3, 4, 7, 10001, 65537, 0x7FFFFFFF, 0x80000000, 0xFFFFFFFF]
)
def test_lengths_of_a_startup_that_cannot_be(reach, length):
	client = reach()
	client.send(struct.pack("!I", length), b"\0\3\0\0user\0app\0\0")
	client.socket.shutdown(socket.SHUT_WR)
	assert all(m.kind == "E" for m in client.rest())


@pytest.mark.parametrize(
	"body",
	[
		b"user",
		b"user\0app",
		b"user\0app\0",
		b"user\0",
		b"user\0app\0\0more",
		b"user\0app\0database\0\0more\0",
	],
)
def test_parameters_of_a_startup_that_cannot_be(reach, body):
	data = struct.pack("!II", len(body) + 8, PROTOCOL_3_0) + body
	client = reach()
	client.send(data)
	said = client.rest()
	assert [m.kind for m in said] in (["E"], [])


def test_a_startup_that_stops(front, reach):
	data = hello(front)
	for cut in range(len(data)):
		client = Wire(front.address)
		client.send(data[:cut])
		client.close()


def test_names_as_long_as_they_come(reach):
	for names in (
		{"user": "u" * 5000, "database": "one"},
		{"user": "app", "database": "d" * 5000},
	):
		client = reach()
		client.send(startup(**names))
		said = client.rest()
		assert [m.kind for m in said if m.kind != "R"] == ["E"]


def test_bytes_that_are_no_utf8(reach):
	for names in (
		{"user": b"\xff\xfe", "database": "one"},
		{"user": "app", "database": b"\xff\n\x1b[2J"},
	):
		client = reach()
		client.send(startup(**names))
		assert [m.kind for m in client.rest() if m.kind != "R"] == ["E"]
