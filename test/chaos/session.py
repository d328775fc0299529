"""session.py - one client of the pooler: the protocol over asyncio, and what may never be heard.

Every answer is compared with what was asked; whatever PostgreSQL would not have said is
Wrong. An end of the connection, with or without an error's last words, is Gone: whether
that may be is the fleet's business.
"""
import asyncio
import contextlib
import socket
import ssl
import struct

import rawpg
from rawpg import Scram, fields_of, row_of, strings

SMALL_BUFFER = 65536			# bytes kept unread here before we stop reading
KNOWN_NOTICES = ("client being queued", "terminating connection", "there is no transaction in progress")
FATAL = ("FATAL", "PANIC")


class Wrong(Exception):
	"""Something came that must never come."""


class Gone(Exception):
	"""The connection has ended; `code` is None when nobody said why."""

	def __init__(self, text, code=None):
		super().__init__(text)
		self.text, self.code = text, code


class Canceled(Exception):
	"""A cancel request of our own has hit a later query of ours."""


def tls_context():
	context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
	context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
	return context


TLS = tls_context()


class Session:
	"""A connection to ADDRESS; log in with `enter`."""

	def __init__(self, address, tls=False):
		self.address, self.tls = address, tls
		self.reader = self.writer = None
		self.reported, self.pid, self.key = {}, 0, b""
		self.may_be_canceled = lambda: False	# by a late request of our own

	async def connect(self):
		try:
			self.reader, self.writer = await asyncio.open_connection(
				*self.address, limit=SMALL_BUFFER)
			if self.tls:
				self.writer.write(rawpg.request(rawpg.SSL_REQUEST))
				said = await self.reader.readexactly(1)
				if said != b"S":
					raise Wrong("expected S for an SSLRequest, got %r" % said)
				await self.writer.start_tls(TLS)
		except (OSError, asyncio.IncompleteReadError) as why:
			raise Gone("connecting: %s" % type(why).__name__) from None
		return self

	async def enter(self, user, secret, database, version=rawpg.PROTOCOL_3_0, **parameters):
		await self.connect()
		await self.send(rawpg.startup(version, user=user, database=database, **parameters))
		scram = Scram(secret)
		while True:
			kind, body = await self.message()
			if kind == "R":
				try:
					answer = rawpg.Client.proof(None, body, user, secret, scram)
				except rawpg.Wrong as why:
					raise Wrong("login: %s" % why) from None
				if answer:
					await self.send(answer)
			elif kind == "K":
				self.pid, self.key = struct.unpack("!I", body[:4])[0], body[4:]
			elif kind == "Z":
				return self
			elif kind != "v":
				raise Wrong("%r during login: %r" % (kind, body[:200]))

	# --- bytes ---

	async def send(self, *data):
		try:
			self.writer.write(b"".join(data))
			await self.writer.drain()
		except (OSError, RuntimeError):
			await self.last_words()
			raise Gone("while sending") from None

	async def last_words(self):
		"""Sending has failed: an error may still be there to be read."""
		while True:
			await self.message()

	async def raw_message(self):
		try:
			kind, size = struct.unpack("!cI", await self.reader.readexactly(5))
			if size < 4:
				raise Wrong("length %d of a message %r" % (size, kind))
			return kind.decode("latin-1"), await self.reader.readexactly(size - 4)
		except asyncio.IncompleteReadError as why:
			raise Gone("end of stream" + (" inside a message" if why.partial else "")) from None
		except OSError as why:
			raise Gone("end of stream: %s" % type(why).__name__) from None

	async def message(self):
		"""The next message that answers something; the others are looked at here."""
		while True:
			kind, body = await self.raw_message()
			if kind == "S":
				name, value = strings(body)[:2]
				self.reported[name] = value
			elif kind == "N":
				text = fields_of(body).get("M", "")
				if not any(known in text for known in KNOWN_NOTICES):
					raise Wrong("a notice nobody provoked: %s" % text)
			elif kind == "E" and fields_of(body).get("V", fields_of(body).get("S")) in FATAL:
				await self.must_end(fields_of(body))
			else:
				return kind, body

	async def must_end(self, fields):
		try:
			kind, body = await self.raw_message()
		except Gone:
			raise Gone(fields.get("M", "?"), fields.get("C")) from None
		raise Wrong("%r %r after the fatal error %r" % (kind, body[:100], fields))

	# --- answers ---

	async def hears(self, *expected):
		"""Hear exactly EXPECTED: pairs of a kind and what its body must say (None: anything)."""
		for at, (kind, value) in enumerate(expected):
			heard, body = await self.message()
			said = said_by(heard, body)
			if heard == kind and (value is None or said == value):
				continue
			if heard == "E" and said == "57014" and self.may_be_canceled():
				raise Canceled
			raise Wrong("expected %s %.300r after %s, heard %s %.300r" % (
				kind, value, [word for word, _ in expected[max(0, at - 6):at]], heard,
				rawpg.readable((heard, body))))

	async def asks(self, sql, *row):
		"""One query, one row; the row must be ROW."""
		await self.send(rawpg.query(sql))
		await self.hears(("T", None), ("D", list(row)), ("C", "SELECT 1"), ("Z", None))

	async def does(self, sql, tag, status="I"):
		await self.send(rawpg.query(sql))
		await self.hears(("C", tag), ("Z", status))

	# --- endings ---

	async def leave(self):
		try:
			self.writer.write(rawpg.terminate())
			await self.writer.drain()
		except (OSError, RuntimeError):
			pass
		await self.close()

	async def close(self):
		if self.writer is None:
			return
		self.writer.close()
		try:
			await asyncio.wait_for(self.writer.wait_closed(), 1)
		except (OSError, asyncio.TimeoutError):
			self.writer.transport.abort()

	async def vanish(self, reset):
		"""Close without a word; RESET: by a TCP reset that throws away what was sent."""
		if self.writer is None:
			return
		if reset:
			with contextlib.suppress(OSError, AttributeError):	# it may be gone already
				self.writer.get_extra_info("socket").setsockopt(
					socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
		self.writer.transport.abort()


def said_by(kind, body):
	"""What is compared of a message: a row, an error's code, a tag, a status, bytes."""
	if kind == "D":
		return row_of(body)
	if kind == "E":
		return fields_of(body).get("C")
	if kind == "C":
		return strings(body)[0]
	if kind == "Z":
		return body.decode("latin-1")
	return body


async def cancel(address, pid, key, tls):
	"""Ask to cancel; nothing may be answered."""
	s = await Session(address, tls).connect()
	await s.send(rawpg.cancel_request(pid, key))
	try:
		said = await s.reader.read()
	except OSError:
		said = b""
	await s.close()
	if said:
		raise Wrong("a cancel request was answered: %r" % said[:100])
