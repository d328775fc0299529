"""door.py - clients at the door: what connects, over which channel, proves what.

A Visitor says how it comes (plain, TLS after a request, direct TLS, unix socket; with which
certificate) and what it says; knock() tells what came of it: IN, or the text of the refusal.
"""

import base64
import hashlib
import hmac
import socket
import ssl
import subprocess

import rawpg
from scram import Scram
from scratch import run

IN = "in"
PLAIN, TLS, DIRECT = "plain", "tls", "direct"


def certificate(folder, ca, name, common_name, names=None):
	"""NAME.crt and NAME.key in FOLDER, signed by CA (path without ending)."""
	words = [
		"openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1",
		"-nodes", "-keyout", folder / (name + ".key"), "-out", folder / (name + ".crt"),
		"-days", "2", "-subj", "/CN=" + common_name, "-CA", "%s.crt" % ca, "-CAkey",
		"%s.key" % ca, "-addext", "basicConstraints=critical,CA:false",
	]
	if names:
		words += ["-addext", "subjectAltName=" + names]
	run(*words)
	return folder / (name + ".crt"), folder / (name + ".key")


def der_parts(der):
	"""The values inside the DER sequence DER, each with its header."""

	def header(at):
		size, n = der[at + 1], 2
		if size & 0x80:
			n += size & 0x7F
			size = int.from_bytes(der[at + 2 : at + n], "big")
		return n, size

	at, parts = header(0)[0], []
	while at < len(der):
		n, size = header(at)
		parts.append(der[at : at + n + size])
		at += n + size
	return parts


def der_value(tag, body):
	size = len(body).to_bytes(2, "big") if len(body) > 127 else bytes([len(body)])
	return bytes([tag]) + (b"\x82" if len(body) > 127 else b"") + size + body


def forged(card, ca, old, new):
	"""CARD with the bytes OLD replaced by NEW (as many), signed by CA again."""
	crt = card[0]
	der = ssl.PEM_cert_to_DER_cert(crt.read_text())
	tbs, algorithm, _ = der_parts(der)
	assert len(old) == len(new) and old in tbs
	tbs = tbs.replace(old, new)
	signature = subprocess.run(
		["openssl", "dgst", "-sha256", "-sign", "%s.key" % ca],
		input=tbs, capture_output=True, check=True,
	).stdout
	der = der_value(0x30, tbs + algorithm + der_value(3, b"\0" + signature))
	crt.write_text(ssl.DER_cert_to_PEM_cert(der))
	return card


def verifier(secret, salt=b"0123456789abcdef", iterations=4096):
	"""What PostgreSQL would store of SECRET for SCRAM."""
	salted = hashlib.pbkdf2_hmac("sha256", secret.encode(), salt, iterations)
	stored = hashlib.sha256(hmac.digest(salted, b"Client Key", "sha256")).digest()
	server = hmac.digest(salted, b"Server Key", "sha256")
	return "SCRAM-SHA-256$%d:%s$%s:%s" % (
		iterations, *(base64.b64encode(b).decode() for b in (salt, stored, server))
	)


def md5(secret, user):
	return "md5" + hashlib.md5((secret + user).encode()).hexdigest()


def endpoint_hash(der):
	"""tls-server-end-point of a certificate that is signed with SHA-256."""
	return hashlib.sha256(der).digest()


class BoundScram(Scram):
	"""SCRAM with a gs2 header of any kind, bound to DATA."""

	def __init__(self, secret, header="p=tls-server-end-point,,", data=b""):
		super().__init__(secret, header)
		self.data = data

	def final(self, server_first):
		plain = base64.b64encode(self.header.encode()).decode()
		bound = base64.b64encode(self.header.encode() + self.data).decode()
		text = super().final(server_first).decode()
		if bound == plain:
			return text.encode()
		# the same proof over the other c=
		said = dict(p.split("=", 1) for p in server_first.decode().split(","))
		salted = hashlib.pbkdf2_hmac(
			"sha256", self.secret, base64.b64decode(said["s"]), int(said["i"])
		)
		key = hmac.digest(salted, b"Client Key", "sha256")
		without = "c=%s,r=%s" % (bound, said["r"])
		signed = ",".join((self.bare, server_first.decode(), without)).encode()
		mask = hmac.digest(hashlib.sha256(key).digest(), signed, "sha256")
		proof = bytes(a ^ b for a, b in zip(key, mask))
		self.expected = hmac.digest(
			hmac.digest(salted, b"Server Key", "sha256"), signed, "sha256"
		)
		return (without + ",p=" + base64.b64encode(proof).decode()).encode()


class Visitor(rawpg.Client):
	"""A client that has just connected by CHANNEL, with certificate CERT (crt, key)."""

	def __init__(self, address, channel=PLAIN, cert=None):
		if isinstance(address, str):
			self.address = self.socket = None
			self.open_unix(address)
		else:
			super().__init__(address)
		self.cert, self.offered, self.plus = cert, [], None
		if channel == TLS:
			self.send(rawpg.request(rawpg.SSL_REQUEST))
			assert self.take(1) == b"S"
		if channel != PLAIN:
			self.start_tls(["postgresql"] if channel == DIRECT else ())

	def open_unix(self, path):
		self.socket = socket.socket(socket.AF_UNIX)
		self.socket.settimeout(rawpg.PATIENCE)
		self.socket.connect(path)
		self.pending = bytearray()
		self.heard, self.login_heard, self.reported = [], [], {}
		self.pid, self.key = None, b""

	def start_tls(self, alpn=()):
		context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
		context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
		if alpn:
			context.set_alpn_protocols(list(alpn))
		if self.cert:
			context.load_cert_chain(*self.cert)
		self.socket = context.wrap_socket(self.socket, server_hostname="localhost")

	def bind(self, secret, header=None, data=None):
		"""Answer SASL by SCRAM-SHA-256-PLUS; HEADER and DATA other than the right ones lie."""
		der = self.socket.getpeercert(binary_form=True)
		self.plus = BoundScram(
			secret, header or "p=tls-server-end-point,,",
			endpoint_hash(der) if data is None else data,
		)
		return self

	def proof(self, body, user, secret, scram):
		kind = int.from_bytes(body[:4], "big")
		if kind == 10:
			self.offered = [name for name in rawpg.strings(body[4:]) if name]
		if not self.plus:
			return super().proof(body, user, secret, scram)
		if kind == 10:
			first = self.plus.first()
			return rawpg.message(
				"p", rawpg.text("SCRAM-SHA-256-PLUS"),
				len(first).to_bytes(4, "big"), first,
			)
		return super().proof(body, user, secret, self.plus)

	def knock(self, user, secret, **startup):
		"""IN, or the refusal's text; "cut" if the other side said nothing."""
		try:
			self.login(user=user, secret=secret, **startup)
			return IN
		except rawpg.Refused as no:
			return no.fields["M"]
		except rawpg.Closed:
			return "cut"

	def transcript(self):
		"""Kinds, codes and lengths of what it heard while it logged in."""
		return [
			(m.kind, m.body[:4] if m.kind == "R" else b"", len(m.body))
			for m in self.login_heard
		]


def knock(address, user, secret, channel=PLAIN, cert=None, **startup):
	try:
		visitor = Visitor(address, channel, cert)
	except (ssl.SSLError, ConnectionResetError):
		return "cut"
	try:
		return visitor.knock(user, secret, **startup)
	finally:
		visitor.leave()


def psql(sql, password=None, **words):
	"""One value by psql, or its complaint."""
	words = {"connect_timeout": 10, **words}
	if password is not None:
		words["password"] = password
	info = " ".join("%s='%s'" % pair for pair in words.items())
	done = subprocess.run(
		["psql", "-XAtqc", sql, info], stdin=subprocess.DEVNULL, capture_output=True,
		text=True, timeout=30,
	)
	return done.stdout.strip() if done.returncode == 0 else done.stderr.strip()
