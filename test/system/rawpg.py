"""rawpg.py - the PostgreSQL protocol by hand: message builders and a client on a bare
socket.

It sends exactly what a test says, in the pieces the test says, and never repairs
anything. What the answers ought to be is the tests' business.
"""

import hashlib
import select
import socket
import ssl
import struct
import time
from collections import namedtuple

from scram import Scram
from scratch import unread

PROTOCOL_3_0 = 3 << 16
PROTOCOL_3_2 = PROTOCOL_3_0 + 2
PROTOCOL_GREASED = PROTOCOL_3_0 + 9999
SSL_REQUEST, GSS_REQUEST, CANCEL_REQUEST = 80877103, 80877104, 80877102
PATIENCE = 15  # seconds before a silent peer counts as hung


class Closed(Exception):
	"""The other side ended the connection."""


class Wrong(Exception):
	"""The other side broke the protocol."""


# --- messages of a client ---------------------------------------------------------------


def message(kind, *parts):
	body = b"".join(parts)
	return kind.encode() + struct.pack("!I", len(body) + 4) + body


def text(value):
	return (value if isinstance(value, bytes) else value.encode()) + b"\0"


def int16s(values):
	return struct.pack("!H%dH" % len(values), len(values), *values)


def values_list(values):
	out = [struct.pack("!H", len(values))]
	for v in values:
		v = v.encode() if isinstance(v, str) else v
		out.append(
			struct.pack("!i", -1)
			if v is None
			else struct.pack("!I", len(v)) + v
		)
	return b"".join(out)


def query(sql):
	return message("Q", text(sql))


def parse(name, sql, types=()):
	oids = struct.pack("!H%dI" % len(types), len(types), *types)
	return message("P", text(name), text(sql), oids)


def bind(statement="", values=(), portal="", formats=(), results=()):
	return message(
		"B",
		text(portal),
		text(statement),
		int16s(formats),
		values_list(values),
		int16s(results),
	)


def describe(what, name=""):
	return message("D", what.encode(), text(name))


def execute(portal="", rows=0):
	return message("E", text(portal), struct.pack("!I", rows))


def close(what, name=""):
	return message("C", what.encode(), text(name))


def sync():
	return message("S")


def flush():
	return message("H")


def function_call(oid, values):
	return message(
		"F",
		struct.pack("!I", oid),
		int16s(()),
		values_list(values),
		struct.pack("!H", 0),
	)


def copy_data(data):
	return message("d", data.encode() if isinstance(data, str) else data)


def copy_done():
	return message("c")


def copy_fail(why):
	return message("f", text(why))


def terminate():
	return message("X")


def password(secret):
	return message("p", text(secret))


def startup(version=PROTOCOL_3_0, **parameters):
	"""A StartupMessage; a parameter whose value is None is left out."""
	body = struct.pack("!I", version)
	for name, value in parameters.items():
		body += b"" if value is None else text(name) + text(value)
	return struct.pack("!I", len(body) + 5) + body + b"\0"


def request(code, rest=b""):
	return struct.pack("!II", len(rest) + 8, code) + rest


def cancel_request(pid, key):
	return request(CANCEL_REQUEST, struct.pack("!I", pid) + key)


# --- messages of a server ---------------------------------------------------------------

Message = namedtuple("Message", "kind body")


def strings(body):
	return [s.decode("utf-8", "backslashreplace") for s in body.split(b"\0")]


def fields_of(body):
	"""The fields of an ErrorResponse or NoticeResponse, by letter."""
	return {s[0]: s[1:] for s in strings(body) if s}


def row_of(body):
	count, at, row = struct.unpack_from("!H", body)[0], 2, []
	for _ in range(count):
		size = struct.unpack_from("!i", body, at)[0]
		at += 4
		row.append(
			None
			if size < 0
			else body[at : at + size].decode("utf-8", "backslashreplace")
		)
		at += max(size, 0)
	return row


def readable(heard):
	"""HEARD as a pair that is good to compare and to read in a failure."""
	kind, body = heard
	if kind in "EN":
		return kind, fields_of(body)
	if kind == "D":
		return kind, row_of(body)
	if kind in "SC":
		return kind, strings(body)[:-1]
	if kind == "Z":
		return kind, body.decode()
	return kind, body


def detail(heard):
	"""What a word like E:42601, Z:I, D:7 or S:TimeZone names behind its colon."""
	kind, value = readable(heard)
	if kind in "EN":
		return value.get("C", "")
	if kind == "D":
		return str(value[0]) if value else ""
	if kind in "SC":
		return value[0]
	return value if kind == "Z" else ""


# --- the socket -------------------------------------------------------------------------


class Wire:
	"""A TCP connection to ADDRESS that nobody has logged in on."""

	def __init__(self, address):
		self.address = address
		self.socket = socket.create_connection(address, PATIENCE)
		self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
		self.ours, self.theirs = (
			self.socket.getsockname(),
			self.socket.getpeername(),
		)
		self.pending = bytearray()

	def start_tls(self, alpn=()):
		context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
		context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
		if alpn:
			context.set_alpn_protocols(list(alpn))
		self.socket = context.wrap_socket(
			self.socket, server_hostname="localhost"
		)

	def send(self, *parts):
		self.socket.sendall(b"".join(parts))

	def send_cut(self, data, *cuts):
		"""Send DATA cut at CUTS; each piece goes out after the last one has been
		read."""
		for begin, end in zip((0,) + cuts, cuts + (len(data),)):
			self.socket.sendall(data[begin:end])
			self.wait_until_read()

	def wait_until_read(self):
		"""Wait until the peer's process has taken every byte sent (or has
		answered)."""
		until = time.monotonic() + PATIENCE
		while time.monotonic() < until:
			if (
				unread(self.theirs, self.ours) == 0
				or select.select([self.socket], [], [], 0)[0]
			):
				return
			time.sleep(0.0002)
		raise Wrong("the peer does not read what was sent to it")

	def take(self, size):
		while len(self.pending) < size:
			try:
				more = self.socket.recv(262144)
			except (
				ConnectionResetError,
				BrokenPipeError,
				ssl.SSLError,
			) as why:
				raise Closed(str(why)) from None
			except TimeoutError:
				raise Wrong(
					"nothing more came for %d s; pending: %r"
					% (PATIENCE, bytes(self.pending[:100]))
				) from None
			if not more:
				raise Closed(
					"end of stream, pending: %r"
					% bytes(self.pending[:100])
				)
			self.pending += more
		out = bytes(self.pending[:size])
		del self.pending[:size]
		return out

	def receive(self):
		head = self.take(5)
		kind, size = struct.unpack("!cI", head)
		if size < 4:
			raise Wrong("length %d of a message %r" % (size, kind))
		try:
			return Message(kind.decode("latin-1"), self.take(size - 4))
		except Closed:
			self.pending[:0] = (
				head  # a message that stops: `pending` has all of it
			)
			raise

	def rest(self):
		"""Every message until the peer closes. A peer that stays is an error."""
		out = []
		while True:
			try:
				out.append(self.receive())
			except Closed:
				return out

	def close(self):
		self.socket.close()


# --- the client -------------------------------------------------------------------------


class Client(Wire):
	"""A client that remembers whatever it heard since login."""

	def __init__(self, address):
		super().__init__(address)
		self.heard = []  # since login
		self.login_heard = []  # during login
		self.reported = {}  # settings as last reported
		self.pid, self.key = None, b""

	def login(
		self,
		user="app",
		secret="secret",
		version=PROTOCOL_3_0,
		cut=(),
		**parameters,
	):
		"""Log in; raises Refused with the error's fields when the other side says
		no."""
		data = startup(version, user=user, **parameters)
		if cut:
			self.send_cut(data, *cut)
		else:
			self.send(data)
		return self.finish_login(user, secret)

	def finish_login(self, user, secret):
		scram = Scram(secret)
		while True:
			m = self.receive()
			self.login_heard.append(m)
			try:
				if self.login_step(m, user, secret, scram):
					return self
			except (
				struct.error,
				ValueError,
				KeyError,
				AttributeError,
			) as why:
				raise Wrong("login message %r: %s" % (m, why)) from None

	def login_step(self, m, user, secret, scram):
		"""Act on M; true when the login has ended."""
		if m.kind == "R":
			answer = self.proof(m.body, user, secret, scram)
			if answer:
				self.send(answer)
		elif m.kind == "E":
			raise Refused(fields_of(m.body))
		elif m.kind == "S":
			name, value = strings(m.body)[:2]
			self.reported[name] = value
		elif m.kind == "K":
			self.pid, self.key = (
				struct.unpack("!I", m.body[:4])[0],
				m.body[4:],
			)
		elif m.kind not in "NvZ":
			raise Wrong("message %r during login" % m.kind)
		return m.kind == "Z"

	def proof(self, body, user, secret, scram):
		kind, rest = struct.unpack("!I", body[:4])[0], body[4:]
		if kind == 3:
			return password(secret)
		if kind == 5:
			inner = (
				hashlib.md5(secret.encode() + user.encode())
				.hexdigest()
				.encode()
			)
			return password("md5" + hashlib.md5(inner + rest).hexdigest())
		if kind == 10:
			if "SCRAM-SHA-256" not in strings(rest):
				raise Wrong("offered only %s" % strings(rest))
			first = scram.first()
			return message(
				"p",
				text("SCRAM-SHA-256"),
				struct.pack("!I", len(first)),
				first,
			)
		if kind == 11:
			return message("p", scram.final(rest))
		if kind == 12:
			scram.check(rest)
		elif kind != 0:
			raise Wrong("authentication request %d" % kind)
		return None

	def hear(self):
		m = self.receive()
		self.heard.append(m)
		if m.kind == "S":
			name, value = strings(m.body)[:2]
			self.reported[name] = value
		return m

	def hears(self, words):
		"""Hear one message for each of WORDS (`1 2 D:7 C Z:I`) and check that it
		is that one."""
		got = []
		for word in words.split():
			kind, _, wanted = word.partition(":")
			try:
				m = self.hear()
			except (Closed, Wrong) as why:
				raise AssertionError(
					"expected %s, heard %s and then: %s"
					% (words, " ".join(got), why)
				) from None
			got.append(
				kind
				if kind == m.kind and not wanted
				else "%s:%s" % (m.kind, detail(m))
			)
			assert m.kind == kind and (not wanted or detail(m) == wanted), (
				"expected %s, heard %s (%r)"
				% (words, " ".join(got), readable(m))
			)
		return self.heard[-len(got) :]

	def until_ready(self, times=1):
		"""Hear until ReadyForQuery has come TIMES times; what was heard."""
		out = []
		while times:
			out.append(self.hear())
			times -= out[-1].kind == "Z"
		return out

	def does(self, sql):
		"""Run SQL by one Query; all rows of its answer. An error fails the
		test."""
		self.send(query(sql))
		heard = self.until_ready()
		for m in heard:
			assert m.kind != "E", "%s: %r" % (sql, fields_of(m.body))
		return [row_of(m.body) for m in heard if m.kind == "D"]

	def asks(self, sql):
		"""The one value that SQL returns."""
		rows = self.does(sql)
		assert len(rows) == 1, "%s: expected one row, got %r" % (sql, rows)
		return rows[0][0]

	def leave(self):
		try:
			self.send(terminate())
		except OSError:
			pass
		self.close()


class Refused(Exception):
	def __init__(self, fields):
		super().__init__(
			"%(S)s %(C)s: %(M)s" % {"S": "?", "C": "?", "M": "?", **fields}
		)
		self.fields = fields


def cancel(address, pid, key, tls=False, direct=False):
	"""Ask ADDRESS to cancel; returns when it has closed the connection, which says
	nothing."""
	wire = Wire(address)
	if direct:
		wire.start_tls(["postgresql"])
	elif tls:
		wire.send(request(SSL_REQUEST))
		assert wire.take(1) == b"S"
		wire.start_tls()
	wire.send(cancel_request(pid, key))
	said = wire.rest()
	wire.close()
	assert said == [], "a cancel request is never answered, got %r" % said
