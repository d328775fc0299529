"""peering.py - several poolers of one address (so_reuseport) that pass cancel requests on to each
other ([peers])."""

import os
import pathlib
import shutil
import signal
import socket
import subprocess

from scratch import can_connect, end, free_port, give_to, wait_for
from servers import Pooler


class Member(Pooler):
	"""One process of a fleet: it listens on the fleet's address, on one of its own, and on a
	unix socket."""

	def __init__(self, fleet, number, **settings):
		super().__init__(
			fleet.server,
			fleet.folder / ("member-%d" % number),
			fleet.certs,
			fleet.workers,
			**{
				"listen_addr": "127.0.0.1,127.0.0.%d" % (10 + number),
				"listen_port": fleet.port,
				"so_reuseport": 1,
				"unix_socket_dir": fleet.folder / ("member-%d" % number),
				"peer_id": number,
				**settings,
			},
		)
		self.port = fleet.port
		self.shared, self.address = (
			("127.0.0.1", fleet.port),
			("127.0.0.%d" % (10 + number), fleet.port),
		)
		self.number, self.peers = number, {}

	def write_files(self):
		super().write_files()
		if getattr(self, "peers", None):
			with open(self.ini, "a") as ini:
				ini.write("[peers]\n")
				ini.writelines("%d = %s\n" % pair for pair in self.peers.items())

	def start(self):
		self.write_files()
		self.launch()
		wait_for(
			"member %d to accept, see %s" % (self.number, self.log),
			lambda: self.process.poll() is None and self.answers(),
			30,
		)
		return self

	def answers(self):
		try:
			socket.create_connection(self.address, 1).close()
			return True
		except OSError:
			return False

	def console(self, command):
		"""Over the address that is this process's alone."""
		done = subprocess.run(
			["psql", "-XAq", "-F", "\t", "-P", "footer=off", "-h", self.address[0]]
			+ ["-p", str(self.port), "-U", "admin", "-d", "pgbouncer", "-c", command],
			stdin=subprocess.DEVNULL,
			capture_output=True,
			text=True,
			timeout=30,
		)
		assert done.returncode == 0, "console %s: %s" % (command, done.stderr)
		lines = [line.split("\t") for line in done.stdout.splitlines()]
		return [dict(zip(lines[0], row)) for row in lines[1:]]


class Bouncer(Member):
	"""A PgBouncer that knows peers, as a member of the fleet."""

	@staticmethod
	def find():
		"""Its program (PGBOUNCER, or the one installed), if it is at least 1.19; else
		None."""
		program = os.environ.get("PGBOUNCER") or shutil.which("pgbouncer", path="/usr/sbin:/usr/bin")
		if not program:
			return None
		said = subprocess.run([program, "-V"], capture_output=True, text=True).stdout.split()
		version = tuple(int(n) for n in said[1].split(".")[:2]) if len(said) > 1 else (0, 0)
		return program if said[:1] == ["PgBouncer"] and version >= (1, 19) else None

	def write_files(self):
		for ours in ("workers", "query_wait_notify"):
			self.settings.pop(ours, None)
		super().write_files()

	def stop(self):
		end(self.process, signal.SIGTERM)

	def launch(self):
		self.program = pathlib.Path(self.find())
		super().launch()


class Fleet:
	"""Members 1 to COUNT, of which each knows all others; the KINDS of some may be given."""

	def __init__(self, server, folder, certs, count, workers=1, kinds=None, **settings):
		self.server, self.folder, self.certs, self.workers = server, folder, certs, workers
		self.port = free_port()
		folder.mkdir(mode=0o755)
		give_to("nobody", folder)
		kinds = kinds or {}
		self.members = [
			kinds.get(number, Member)(self, number, **settings)
			for number in range(1, count + 1)
		]
		self.address = ("127.0.0.1", self.port)
		for member in self.members:
			member.peers = {
				other.number: self.way_to(other)
				for other in self.members
				if other is not member
			}

	def way_to(self, member):
		"""Some are reached by their socket, some by TCP."""
		host = member.folder if member.number % 2 else member.address[0]
		return "host=%s port=%d" % (host, self.port)

	def start(self):
		assert not can_connect(self.port), "port %d has been taken" % self.port
		for member in self.members:
			member.start()
		return self

	def stop(self):
		for member in self.members:
			member.stop()
