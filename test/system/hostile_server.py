"""hostile_server.py - a PostgreSQL that misbehaves as told, to stand behind the pooler.

A script is a list of steps for one connection: bytes to send, or HEAR to wait for one
message of the
pooler (the start-up packet counts as one), or HOLD to keep the connection open until the
pooler
closes it. At the script's end the connection is closed. SSLRequest is answered with N
unless the script
says otherwise. What each connection heard is kept, so that a test can show that it got as
far as it wanted.
"""

import socket
import struct
import threading

from rawpg import CANCEL_REQUEST, SSL_REQUEST, text

HEAR, HOLD = "hear", "hold"
PATIENCE = 20


def message(kind, *parts):
	body = b"".join(parts)
	return kind.encode() + struct.pack("!I", len(body) + 4) + body


def parameter(name, value):
	return message("S", text(name), text(value))


def error(**fields):
	return message(
		"E",
		*(letter.encode() + text(value) for letter, value in fields.items()),
		b"\0",
	)


def row(*values):
	return message(
		"D",
		struct.pack("!H", len(values)),
		*(struct.pack("!I", len(v)) + v.encode() for v in values),
	)


READY = message("Z", b"I")
LOGIN_OK = message("R", struct.pack("!I", 0))
SETTINGS = b"".join(
	parameter(*pair)
	for pair in (
		("server_version", "15.0"),
		("server_encoding", "UTF8"),
		("client_encoding", "UTF8"),
		("DateStyle", "ISO, MDY"),
		("TimeZone", "Etc/UTC"),
		("IntervalStyle", "postgres"),
		("integer_datetimes", "on"),
		("standard_conforming_strings", "on"),
		("application_name", ""),
		("is_superuser", "off"),
		("session_authorization", "app"),
		("default_transaction_read_only", "off"),
		("in_hot_standby", "off"),
	)
)
KEY = message("K", struct.pack("!II", 4711, 815))
WELCOME = LOGIN_OK + SETTINGS + KEY + READY
COLUMNS = message(
	"T",
	struct.pack("!H", 1),
	text("word"),
	struct.pack("!IHIhih", 0, 0, 25, -1, -1, 0),
)
DONE = message("C", text("SELECT 1"))
# What it says when the pooler asks how many connections it takes (not a step of a script).
CAPACITY = row("100", "3", "0", "-1", "-1") + DONE + READY
ANSWER = COLUMNS + row("honest") + DONE + READY


class HostileServer:
	"""Listens on PORT and plays SCRIPT on each connection; `with` starts and stops
	it."""

	def __init__(self, port, script, at_ssl_request=b"N", at_enquiry=None):
		self.at_enquiry = at_enquiry or CAPACITY
		self.script, self.at_ssl_request = script, at_ssl_request
		self.address = ("127.0.0.1", port)
		self.listener = socket.socket()
		self.listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
		self.listener.bind(self.address)
		self.visits, self.threads, self.open_ones = [], [], []

	def __enter__(self):
		self.listener.listen(50)
		thread = threading.Thread(target=self.serve, daemon=True)
		self.threads.append(thread)
		thread.start()
		return self

	def __exit__(self, *_):
		self.listener.shutdown(socket.SHUT_RDWR)
		self.listener.close()
		for connection in self.open_ones:
			connection.close_now()
		for thread in self.threads:
			thread.join(PATIENCE)

	def serve(self):
		while True:
			try:
				connection = Visit(self.listener.accept()[0])
			except OSError:
				return
			self.open_ones.append(connection)
			thread = threading.Thread(
				target=self.play, args=(connection,), daemon=True
			)
			self.threads.append(thread)
			thread.start()

	def play(self, connection):
		heard = []  # what this connection heard, one kind a message
		self.visits.append(heard)
		try:
			for step in self.script:
				if step == HEAR:
					heard.append(connection.hear(self.at_ssl_request, self.at_enquiry))
				elif step == HOLD:
					connection.hold()
				else:
					connection.socket.sendall(step)
					heard.append("sent")
		except (OSError, EOFError):
			heard.append("gone")
		finally:
			connection.close_now()

	def got_as_far_as(self, steps):
		"""Did some connection play STEPS steps of the script?"""
		return any(
			len(heard) >= steps and "gone" not in heard[:steps]
			for heard in self.visits
		)


class Visit:
	def __init__(self, accepted):
		self.socket, self.started = accepted, False
		accepted.settimeout(PATIENCE)

	def take(self, size):
		out = b""
		while len(out) < size:
			more = self.socket.recv(size - len(out))
			if not more:
				raise EOFError
			out += more
		return out

	def hear(self, at_ssl_request, at_enquiry):
		while self.started:
			kind, size = struct.unpack("!cI", self.take(5))
			body = self.take(size - 4)
			if kind != b"Q" or b"'max_connections'" not in body:
				return kind.decode()
			self.socket.sendall(at_enquiry)
		while True:
			size, code = struct.unpack("!II", self.take(8))
			self.take(size - 8)
			if code == CANCEL_REQUEST:
				raise EOFError
			if code != SSL_REQUEST:
				self.started = True
				return "startup"
			self.socket.sendall(at_ssl_request)
			if at_ssl_request != b"N":
				return "ssl"

	def hold(self):
		while self.socket.recv(65536):
			pass

	def close_now(self):
		try:
			self.socket.shutdown(socket.SHUT_RDWR)
		except OSError:
			pass
		self.socket.close()
