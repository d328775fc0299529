"""A PostgreSQL that misbehaves: its clients get one clear error, the pooler lives, other
pools go on.

With PGWEIR_DIRECT=1 the client meets the hostile server itself: that only shows that each
script does its evil.
"""

import struct

import pytest

from hostile_server import (
	ANSWER,
	COLUMNS,
	DONE,
	HEAR,
	HOLD,
	KEY,
	LOGIN_OK,
	READY,
	SETTINGS,
	WELCOME,
	HostileServer,
	error,
	message,
	row,
)
from rawpg import (
	Client,
	Closed,
	Refused,
	Wrong,
	bind,
	describe,
	execute,
	fields_of,
	parse,
	query,
	row_of,
	sync,
)
from scratch import free_port, wait_for
from servers import DIRECT, Pooler


def raw(kind, length, body=b""):
	return kind.encode() + struct.pack("!I", length) + body


def asks_for(code, rest=b""):
	return message("R", struct.pack("!I", code), rest)


SCRAM_FIRST = b"SCRAM-SHA-256\0\0"

# What the server says instead of a login, after it heard the start-up packet.
LOGINS = {
	"nothing, and closes": [],
	"nothing, and stays": [HOLD],
	"garbage": [b"HTTP/1.1 400 Bad Request\r\n\r\n"],
	"zeros": [b"\0" * 100],
	"a length of 0": [raw("R", 0)],
	"a length of 3": [raw("R", 3)],
	"a giant length": [raw("R", 0x7FFFFFFF, b"x" * 1000), HOLD],
	"a negative length": [raw("R", 0xFFFFFFFF, b"x" * 1000), HOLD],
	"a giant error": [raw("E", 0x7FFFFFFF, b"SFATAL\0"), HOLD],
	"half a header": [b"R\0"],
	"half a message": [raw("R", 8, b"\0\0")],
	"an authentication without a code": [message("R")],
	"an authentication nobody knows": [asks_for(99)],
	"kerberos": [asks_for(7)],
	"md5 without a salt": [asks_for(5)],
	"sasl without mechanisms": [asks_for(10)],
	"sasl with mechanisms nobody knows": [asks_for(10, b"NONSENSE\0\0")],
	"sasl without an end": [asks_for(10, b"SCRAM-SHA-256")],
	"scram: the second step first": [asks_for(11, b"r=x,s=eA==,i=4096")],
	"scram: the last step first": [asks_for(12, b"v=eA==")],
	"scram: another nonce": [
		asks_for(10, SCRAM_FIRST),
		HEAR,
		asks_for(11, b"r=other,s=c2FsdA==,i=4096"),
		HOLD,
	],
	"scram: no fields": [asks_for(10, SCRAM_FIRST), HEAR, asks_for(11, b""), HOLD],
	"scram: a giant nonce": [
		asks_for(10, SCRAM_FIRST),
		HEAR,
		asks_for(11, b"r=" + b"x" * 60000 + b",s=c2FsdA==,i=4096"),
		HOLD,
	],
	"scram: no iterations": [
		asks_for(10, SCRAM_FIRST),
		HEAR,
		asks_for(11, b"r=x,s=c2FsdA==,i=0"),
		HOLD,
	],
	"scram: ok without proof": [asks_for(10, SCRAM_FIRST), HEAR, WELCOME, HOLD],
	"parameters before the login": [SETTINGS, HOLD],
	"ready before the login": [READY, HOLD],
	"a row before the login": [row("hello"), HOLD],
	"an error without fields": [message("E", b"\0")],
	"an error of nothing": [message("E")],
	"an error without an end": [message("E", b"SFATAL\0C28000\0Mno end")],
	"an error of nonsense": [message("E", b"\xff\xfe\0\x01\x02")],
	"an error with a giant text": [error(S="FATAL", C="XX000", M="x" * 100000)],
	"an error in strange bytes": [error(S="FATAL", C="XX000", M="a\nb\rc\x1b[31m")],
	"an honest error": [
		error(S="FATAL", V="FATAL", C="3D000", M='database "app" does not exist')
	],
	"no room": [
		error(
			S="FATAL",
			V="FATAL",
			C="53300",
			M="sorry, too many clients already",
		)
	],
	"closes after ok": [LOGIN_OK],
	"closes amid the settings": [LOGIN_OK + SETTINGS[:100]],
	"closes before the key": [LOGIN_OK + SETTINGS],
	"closes before ready": [LOGIN_OK + SETTINGS + KEY],
	"a setting without an end": [LOGIN_OK + message("S", b"TimeZone"), HOLD],
	"a key that is too short": [LOGIN_OK + SETTINGS + message("K", b"\0\0"), HOLD],
	"a key that is too long": [LOGIN_OK + SETTINGS + message("K", b"\0" * 300), HOLD],
	"ready without a status": [LOGIN_OK + SETTINGS + KEY + message("Z"), HOLD],
	"ready with a status nobody knows": [
		LOGIN_OK + SETTINGS + KEY + message("Z", b"?"),
		HOLD,
	],
	"a row instead of ready": [LOGIN_OK + SETTINGS + KEY + row("hello"), HOLD],
	"negotiation of nonsense": [
		message("v", b"\xff\xff\xff\xff\xff\xff\xff\xff"),
		HOLD,
	],
	"endless notices": [message("N", b"SNOTICE\0C00000\0Mx\0\0") * 20000, HOLD],
}

# What it answers to a simple query of a client that is in.
ANSWERS = {
	"nothing, and closes": [],
	"garbage": [b"HTTP/1.1 400 Bad Request\r\n\r\n"],
	"a length of 0": [raw("T", 0)],
	"a length of 3": [COLUMNS + raw("D", 3)],
	"a giant length": [COLUMNS + raw("D", 0x7FFFFFFF, b"x" * 1000), HOLD],
	"a negative length": [COLUMNS + raw("D", 0xFFFFFFFF, b"x" * 1000), HOLD],
	"closes after the columns": [COLUMNS],
	"closes after a row": [COLUMNS + row("hello")],
	"closes before ready": [COLUMNS + row("hello") + DONE],
	"half a header": [COLUMNS + b"D\0"],
	"a client's message": [message("Q", b"select 1\0"), HOLD],
	"a kind nobody knows": [message("?", b"what"), HOLD],
	"a second login": [LOGIN_OK, HOLD],
	"ready without a status": [ANSWER[: -len(READY)] + message("Z"), HOLD],
	"ready with a status nobody knows": [
		ANSWER[: -len(READY)] + message("Z", b"?"),
		HOLD,
	],
	"the answer of another message": [message("1"), HOLD],
	"a fatal error, and closes": [
		error(
			S="FATAL",
			V="FATAL",
			C="57P01",
			M="terminating connection due to administrator command",
		)
	],
}


pytestmark = pytest.mark.any_version


class Siege:
	"""A port for hostile servers, and poolers before it in which each test has a pool
	of its own."""

	def __init__(self, postgres, folder, certs, workers):
		self.made_of, self.folder, self.port = (
			(postgres, certs, workers),
			folder,
			free_port(),
		)
		self.poolers, self.used = {}, 0

	def pooler(self, server_tls):
		"""The pooler that talks with its servers as SERVER_TLS says."""
		if server_tls not in self.poolers:
			postgres, certs, workers = self.made_of
			entry = (
				"host=127.0.0.1 port=%d dbname=app user=app password=secret pool_size=2"
				% self.port
			)
			self.poolers[server_tls] = Pooler(
				postgres,
				self.folder / ("besieged-%s-%d" % (server_tls, workers)),
				certs,
				workers,
				databases={
					"hostile_%d" % n: entry for n in range(1, 200)
				},
				query_wait_timeout=2,
				server_connect_timeout=1,
				server_tls_sslmode=server_tls,
			).start()
		return self.poolers[server_tls]

	def another_pool(self):
		self.used += 1
		return "hostile_%d" % self.used


class Hostile:
	"""A hostile SERVER, and how to become a client of it: through POOLER, or directly
	if there is none."""

	def __init__(self, server, pooler, pool, enter):
		self.server, self.pooler, self.pool, self.enter = (
			server,
			pooler,
			pool,
			enter,
		)

	def client(self):
		if self.pooler:
			return self.enter(self.pool, at=self.pooler)
		client = Client(self.server.address)
		client.socket.settimeout(1)  # nobody stands between us and its silence
		return client.login(database="app")


@pytest.fixture(scope="module")
def siege(postgres, front, folder, certs):
	siege = Siege(postgres, folder, certs, front.workers)
	yield siege
	for pooler in siege.poolers.values():
		pooler.stop()


@pytest.fixture
def beset(siege, enter):
	"""beset(script): a server that plays SCRIPT once it heard the start-up packet.
	Ends with a look at others."""
	servers, poolers = [], []

	def beset(script, at_ssl_request=b"N", server_tls="prefer", at_enquiry=None):
		servers.append(
			HostileServer(
				siege.port, [HEAR] + script, at_ssl_request, at_enquiry
			).__enter__()
		)
		if not DIRECT:
			poolers.append(siege.pooler(server_tls))
		return Hostile(
			servers[-1],
			poolers[-1] if poolers else None,
			siege.another_pool(),
			enter,
		)

	yield beset
	for pooler in poolers:
		pooler.check()
		bystanders_are_fine(pooler, enter)
	for server in servers:
		server.__exit__(None, None, None)


def bystanders_are_fine(pooler, enter):
	assert enter("one", at=pooler).asks("select 'another pool'") == "another pool"


@pytest.mark.parametrize("evil", LOGINS)
def test_a_server_that_spoils_the_login(beset, evil):
	hostile = beset(LOGINS[evil])
	with pytest.raises((Refused, Closed, Wrong)) as end:
		client = hostile.client()
		client.asks("select 1")
	wait_for("the hostile server to be reached", lambda: hostile.server.visits)
	if not DIRECT:
		assert isinstance(end.value, Refused), (
			"expected one clear error, got %r" % end.value
		)
		fields = end.value.fields
		assert fields["S"] == "FATAL" and len(fields["C"]) == 5 and fields["M"]
		if evil == "an honest error":
			assert (fields["C"], fields["M"]) == (
				"3D000",
				'database "app" does not exist',
			)


@pytest.mark.parametrize("evil", ANSWERS)
def test_a_server_that_spoils_an_answer(beset, evil):
	hostile = beset([WELCOME, HEAR] + ANSWERS[evil])
	client = hostile.client()
	client.send(query("select 'word'"))
	if DIRECT:
		wait_for("the query to be heard", lambda: hostile.server.got_as_far_as(3))
		return
	said = client.rest()
	errors = [fields_of(m.body) for m in said if m.kind == "E"]
	assert len(errors) == 1 and said[-1].kind == "E", said
	assert errors[0]["S"] == "FATAL" and len(errors[0]["C"]) == 5
	if evil.startswith("a fatal error"):
		assert errors[0]["C"] == "57P01"
	assert all(
		row_of(m.body) == ["hello"] or row_of(m.body) == ["honest"]
		for m in said
		if m.kind == "D"
	)


@pytest.mark.parametrize(
	"evil", ["a length of 3", "closes after a row", "a second login", "garbage"]
)
def test_a_server_that_spoils_an_extended_answer(beset, evil):
	hostile = beset(
		[WELCOME, HEAR, HEAR, HEAR, HEAR, HEAR, message("1") + message("2")]
		+ ANSWERS[evil]
	)
	client = hostile.client()
	client.send(parse("", "select 'word'"), bind(), describe("P"), execute(), sync())
	if DIRECT:
		wait_for("the batch to be heard", lambda: hostile.server.got_as_far_as(7))
		return
	said = client.rest()
	assert [m.kind for m in said].count("E") == 1 and said[-1].kind == "E", said


@pytest.mark.parametrize("cut", range(0, len(ANSWER), 5))
def test_an_answer_cut_anywhere(beset, cut):
	"""Whole messages may reach the client, then the error. An error inside a begun
	message would forge its body."""
	hostile = beset([WELCOME, HEAR, ANSWER[:cut]])
	client = hostile.client()
	client.send(query("select 'word'"))
	if DIRECT:
		wait_for("the query to be heard", lambda: hostile.server.got_as_far_as(3))
		return
	*whole, last = [b""] + [message(*m) for m in client.rest()]
	passed, tail = b"".join(whole), bytes(client.pending)
	if last[:1] == b"E":
		assert ANSWER.startswith(passed) and len(passed) <= cut and not tail
	else:
		assert ANSWER[:cut] == passed + last + tail and tail, (
			"an end without a word at a message's end"
		)


@pytest.mark.parametrize(
	"unasked",
	[
		"a row",
		"an answer",
		"ready",
		"ready in a transaction",
		"an error",
		"garbage",
		"a close",
	],
)
def test_a_server_that_speaks_unasked(beset, unasked):
	"""Before the first question is asked: no client may take it for its answer."""
	said = {
		"a row": row("stray"),
		"an answer": COLUMNS + row("stray") + DONE + READY,
		"ready": READY,
		"ready in a transaction": message("Z", b"T"),
		"an error": error(S="ERROR", C="XX000", M="stray"),
		"garbage": b"\xff" * 50,
		"a close": b"",
	}[unasked]
	hostile = beset(
		[WELCOME + said] + ([] if unasked == "a close" else [HEAR, ANSWER, HOLD])
	)
	if DIRECT:
		hostile.client()
		wait_for(
			"the login to be played", lambda: hostile.server.got_as_far_as(2)
		)
		return
	try:
		client = hostile.client()
		client.send(query("select 'word'"))
		rows = (
			[row_of(m.body) for m in client.rest() if m.kind == "D"]
			if unasked == "a close"
			else [
				row_of(m.body)
				for m in until_ready_or_end(client)
				if m.kind == "D"
			]
		)
	except Refused as refused:
		rows, fields = [], refused.fields
		assert fields["S"] == "FATAL"
	assert rows in ([], [["honest"]])


def until_ready_or_end(client):
	heard = []
	while not heard or heard[-1].kind != "Z":
		try:
			heard.append(client.receive())
		except Closed:
			break
	return heard


@pytest.mark.parametrize("answer", ["S", "N", "E"])
def test_bytes_behind_the_answer_to_an_ssl_request(beset, answer):
	"""CVE-2021-23222: whatever follows in the clear must never count."""
	at_ssl_request = {
		"S": b"S" + WELCOME,
		"N": b"N" + WELCOME,
		"E": error(S="FATAL", C="XX000", M="from a stranger"),
	}[answer]
	hostile = beset([WELCOME, HEAR, ANSWER, HOLD], at_ssl_request)
	if DIRECT:
		client = Client(hostile.server.address)
		client.send(struct.pack("!II", 8, 80877103))
		assert client.take(len(at_ssl_request)) == at_ssl_request
		client.close()
		return
	with pytest.raises(Refused) as refused:
		hostile.client().asks("select 1")
	assert "stranger" not in refused.value.fields["M"]


@pytest.mark.parametrize("answer", [b"X", b"\0", b"SS"])
def test_no_answer_to_an_ssl_request(beset, answer):
	hostile = beset([HOLD], answer, server_tls="require")
	if DIRECT:
		return
	with pytest.raises(Refused):
		hostile.client()


def test_require_is_not_talked_down(beset):
	hostile = beset([WELCOME, HEAR, ANSWER, HOLD], b"N", server_tls="require")
	if DIRECT:
		return
	with pytest.raises(Refused):
		hostile.client()
	assert not any("startup" in heard for heard in hostile.server.visits)


@pytest.mark.parametrize(
	"answer",
	[
		row() + DONE + READY,
		row("1") + DONE + READY,
		row(*"123456") + DONE + READY,
		row("many", "3", "0", "-1", "-1") + DONE + READY,
		row("99999999999999999999", "3", "0", "-1", "-1") + DONE + READY,
		row("0", "0", "0", "0", "0") + DONE + READY,
		row("", "", "", "", "") + DONE + READY,
		row("1", "999999999", "999999999", "0", "0") + DONE + READY,
		message("D", b"\0\5" + b"\xff" * 7) + DONE + READY,
		message("D") + DONE + READY,
		error(S="ERROR", C="42501", M="no") + READY,
		DONE + READY,
	],
	ids=lambda answer: "%d bytes" % len(answer),
)
def test_what_it_says_of_its_capacity_may_be_nonsense(beset, answer):
	hostile = beset([WELCOME, HEAR, ANSWER, HOLD], at_enquiry=answer)
	client = hostile.client()
	client.send(query("select 'word'"))
	client.hears("T D:honest C Z:I")


def test_an_honest_answer_passes(beset):
	"""The frame of all tests above: without evil the client gets its row."""
	hostile = beset([WELCOME, HEAR, ANSWER, HOLD])
	client = hostile.client()
	client.send(query("select 'word'"))
	client.hears("T D:honest C Z:I")
