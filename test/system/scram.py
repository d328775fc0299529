"""scram.py - the client's side of SCRAM-SHA-256; rawpg carries its messages."""

import base64
import hashlib
import hmac
import os


class Scram:
	"""The client's side of SCRAM-SHA-256 (RFC 5802, RFC 7677), without channel
	binding."""

	def __init__(self, secret, header="n,,"):
		self.secret, self.header = secret.encode(), header
		self.bare = "n=,r=" + base64.b64encode(os.urandom(18)).decode()

	def first(self):
		return (self.header + self.bare).encode()

	def final(self, server_first):
		said = dict(p.split("=", 1) for p in server_first.decode().split(","))
		if not said["r"].startswith(self.bare[5:]):
			raise ValueError("the server's nonce does not continue ours")
		salted = hashlib.pbkdf2_hmac(
			"sha256", self.secret, base64.b64decode(said["s"]), int(said["i"])
		)
		client_key = hmac.digest(salted, b"Client Key", "sha256")
		bound = base64.b64encode(self.header.encode()).decode()
		without = "c=%s,r=%s" % (bound, said["r"])
		signed = ",".join((self.bare, server_first.decode(), without)).encode()
		stored = hashlib.sha256(client_key).digest()
		proof = bytes(
			a ^ b
			for a, b in zip(client_key, hmac.digest(stored, signed, "sha256"))
		)
		server_key = hmac.digest(salted, b"Server Key", "sha256")
		self.expected = hmac.digest(server_key, signed, "sha256")
		return (without + ",p=" + base64.b64encode(proof).decode()).encode()

	def check(self, server_final):
		if (
			not server_final.startswith(b"v=")
			or base64.b64decode(server_final[2:]) != self.expected
		):
			raise ValueError(
				"the server's signature is wrong: %r" % server_final
			)
