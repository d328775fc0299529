"""dns_server.py - a name server for tests (RFC 1035), which says what it is told to, by UDP
and TCP, and a resolv.conf that leads to it."""

import contextlib
import ipaddress
import random
import socket
import struct
import threading

A, SOA, AAAA = 1, 6, 28
NXDOMAIN, SERVFAIL = 3, 2


def encode(name):
	"""NAME as labels."""
	return b"".join(
		bytes([len(label)]) + label.encode() for label in name.split(".") if label
	) + b"\0"


def decode(packet, at):
	"""The name at AT of PACKET, not compressed, and where it ends."""
	labels = []
	while packet[at]:
		labels.append(packet[at + 1 : at + 1 + packet[at]].decode())
		at += packet[at] + 1
	return ".".join(labels).lower(), at + 1


class NameServer:
	"""Answers from .hosts (name: addresses) and .serials (zone: number), all with .ttl.

	.mood is "answers", "servfail", "nxdomain" or "silent"; with .short answers by UDP
	are cut, so that they are asked for by TCP. .asked holds all questions: (name, type,
	"udp" or "tcp").
	"""

	def __init__(self):
		self.hosts, self.serials, self.ttl = {}, {}, 60
		self.mood, self.short, self.asked = "answers", False, []
		self.open_sockets()
		self.threads = [
			threading.Thread(target=serve, daemon=True)
			for serve in (self.serve_udp, self.serve_tcp)
		]
		for thread in self.threads:
			thread.start()

	def open_sockets(self):
		"""resolv.conf knows no ports: an address of our own with port 53."""
		draw = random.SystemRandom().randrange
		while True:
			self.address = "127.%d.%d.%d" % (draw(1, 255), draw(256), draw(1, 255))
			self.udp = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
			self.tcp = socket.socket()
			with contextlib.suppress(OSError):
				self.udp.bind((self.address, 53))
				self.tcp.bind((self.address, 53))
				self.tcp.listen()
				return
			self.udp.close()
			self.tcp.close()

	def write_resolv_conf(self, path):
		path.write_text("nameserver %s\n" % self.address)
		path.chmod(0o644)
		return path

	def count(self, name, kind=A):
		return sum(1 for n, k, _ in list(self.asked) if (n, k) == (name, kind))

	# --- answers ---

	def records(self, name, kind):
		"""What we have of KIND for NAME, without the owner; None: there is no such
		name."""
		if kind == SOA and name in self.serials:
			numbers = struct.pack("!5I", self.serials[name], 60, 60, 60, 60)
			return [encode("ns." + name) + encode("root." + name) + numbers]
		if name not in self.hosts:
			return None
		found = [ipaddress.ip_address(text) for text in self.hosts[name]]
		return [ip.packed for ip in found if (A if ip.version == 4 else AAAA) == kind]

	def answer(self, packet, way):
		number, flags = struct.unpack_from("!HH", packet)
		name, at = decode(packet, 12)
		(kind,) = struct.unpack_from("!H", packet, at)
		self.asked.append((name, kind, way))
		if self.mood == "silent":
			return None
		records, code = self.records(name, kind), 0
		if self.mood == "servfail":
			code = SERVFAIL
		elif self.mood == "nxdomain" or records is None:
			code = NXDOMAIN
		short = self.short and way == "udp"
		records = [] if code or short else records
		# an answer, recursion desired and available
		flags = 0x8180 | code | (0x0200 if short else 0)
		head = struct.pack("!6H", number, flags, 1, len(records), 0, 0)
		body = packet[12 : at + 4]
		for data in records:
			# a pointer to the question's name, class IN
			body += struct.pack("!HHHIH", 0xC00C, kind, 1, self.ttl, len(data)) + data
		return head + body

	def serve_udp(self):
		with contextlib.suppress(OSError):
			while True:
				packet, asker = self.udp.recvfrom(512)
				if not packet:
					return  # stop()
				said = self.answer(packet, "udp")
				if said:
					self.udp.sendto(said, asker)

	def serve_tcp(self):
		with contextlib.suppress(OSError):
			while True:
				stream, _ = self.tcp.accept()
				threading.Thread(
					target=self.serve_stream, args=(stream,), daemon=True
				).start()

	def serve_stream(self, stream):
		with contextlib.suppress(OSError, struct.error), stream, stream.makefile("rb") as f:
			while True:
				(size,) = struct.unpack("!H", f.read(2))
				said = self.answer(f.read(size), "tcp")
				if said:
					stream.sendall(struct.pack("!H", len(said)) + said)

	def stop(self):
		for s in (self.udp, self.tcp):
			with contextlib.suppress(OSError):
				s.shutdown(socket.SHUT_RDWR)
			s.close()
		for thread in self.threads:
			thread.join(5)


class Relay:
	"""Another address of a server: what connects to WHERE gets to TARGET. .count says how
	many connections there have been, .open how many there are."""

	def __init__(self, family, where, target):
		self.target, self.count, self.streams = target, 0, set()
		self.socket = socket.socket(family)
		self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
		self.socket.bind(where)
		self.socket.listen()
		self.thread = threading.Thread(target=self.serve, daemon=True)
		self.thread.start()

	@property
	def open(self):
		return len(self.streams)

	def serve(self):
		with contextlib.suppress(OSError):
			while True:
				stream, _ = self.socket.accept()
				self.count += 1
				self.streams.add(stream)
				threading.Thread(target=self.pass_on, args=(stream,), daemon=True).start()

	def pass_on(self, stream):
		"""Both ways until either side ends."""
		with contextlib.suppress(OSError), socket.create_connection(self.target) as other:
			back = threading.Thread(target=pump, args=(other, stream), daemon=True)
			back.start()
			pump(stream, other)
			back.join()
		stream.close()
		self.streams.discard(stream)

	def stop(self):
		with contextlib.suppress(OSError):
			self.socket.shutdown(socket.SHUT_RDWR)
		self.socket.close()
		for stream in list(self.streams):
			with contextlib.suppress(OSError):
				stream.shutdown(socket.SHUT_RDWR)
		self.thread.join(5)


def pump(source, sink):
	with contextlib.suppress(OSError):
		while data := source.recv(65536):
			sink.sendall(data)
	for s in (source, sink):
		with contextlib.suppress(OSError):
			s.shutdown(socket.SHUT_RDWR)
