"""cluster.py - real PostgreSQL servers that replicate: one primary, the others its standbys, on
addresses of their own and one port, so that a name may move from one to another. The operator's
work is here, too: stopping, killing, promoting, bringing an old primary back. A Machine has a
cable that can be cut."""

import contextlib
import os
import pathlib
import random
import signal
import socket
import subprocess
import time

import psycopg

import scratch
import servers

SETTINGS = {
	"unix_socket_directories": "",
	"max_connections": 60,
	"shared_buffers": "16MB",
	"fsync": "off",  # processes are killed here, not the machine
	"autovacuum": "off",
	"wal_level": "replica",
	"wal_log_hints": "on",  # for pg_rewind
	"max_wal_senders": 10,
	"max_replication_slots": 10,
	"wal_keep_size": "64MB",
	"wal_retrieve_retry_interval": "100ms",
	"include": "node.conf",
}


def free_place(count):
	"""COUNT addresses of this machine, and a port that is free on all of them."""
	draw = random.SystemRandom().randrange
	while True:
		net = "127.%d.%d." % (draw(1, 255), draw(256))
		hosts = [net + str(n) for n in range(1, count + 1)]
		port = scratch.free_port()
		with contextlib.ExitStack() as stack, contextlib.suppress(OSError):
			for host in hosts:
				stack.enter_context(contextlib.closing(socket.socket())).bind((host, port))
			return hosts, port


class Node:
	"""One server. It is started and stopped many times; its place and folder stay."""

	def __init__(self, cluster, number, host):
		self.cluster, self.host, self.port = cluster, host, cluster.port
		self.name, self.process = "node%d" % number, None
		self.data = cluster.folder / self.name
		self.log = cluster.folder / (self.name + ".log")
		self.slot = self.name
		self.settings = {}  # its own, beside the address
		self.machine = None  # where it runs, if not here

	def program(self, name, *words):
		return scratch.run(
			*scratch.as_user("postgres", "KILL"), servers.DEBIAN_BIN / name, *words, cwd="/")

	def connect(self, database="app", **more):
		return psycopg.connect(
			host=self.host, port=self.port, user="postgres", dbname=database,
			autocommit=True, connect_timeout=5, **more
		)

	def sql(self, text, database="app"):
		with self.connect(database) as c:
			cursor = c.execute(text)
			return cursor.fetchall() if cursor.description else None

	# --- files ---

	def write_settings(self, **more):
		"""Its own settings, with MORE from now on (None: no more); reload() or start() reads them."""
		self.settings.update(more)
		self.settings = {k: v for k, v in self.settings.items() if v is not None}
		lines = ["listen_addresses = '%s'" % self.host, "port = %d" % self.port]
		lines += ["%s = '%s'" % pair for pair in self.settings.items()]
		(self.data / "node.conf").write_text("\n".join(lines) + "\n")
		scratch.give_to("postgres", self.data / "node.conf")

	def make_first(self):
		self.program(
			"initdb", "-D", self.data, "-U", "postgres", "-A", "trust", "--no-sync",
			"-E", "UTF8", "--locale=C",
		)
		with open(self.data / "postgresql.conf", "a") as conf:
			conf.writelines("%s = '%s'\n" % pair for pair in SETTINGS.items())
		(self.data / "pg_hba.conf").write_text(
			"host all all 0.0.0.0/0 trust\nhost replication all 0.0.0.0/0 trust\n"
		)
		self.write_settings()

	def follow_words(self, primary):
		return "host=%s port=%d user=postgres application_name=%s" % (
			primary.host, primary.port, self.name)

	def copy(self, primary):
		self.program(
			"pg_basebackup", "-D", self.data, "-R", "-X", "stream", "-c", "fast", "--no-sync",
			"-C", "-S", self.slot, "-d", self.follow_words(primary),
		)
		self.write_settings()

	# --- its life ---

	def launch(self):
		command = [servers.DEBIAN_BIN / "postgres", "-D", self.data]
		if self.machine:
			self.process = self.machine.spawn(command, self.log)
		else:
			self.process = scratch.spawn("postgres", command, self.log, "INT")

	def start(self):
		self.launch()
		scratch.wait_for("%s to accept, see %s" % (self.name, self.log), self.accepts, 30)
		return self

	def accepts(self):
		assert self.process.poll() is None, self.log.read_text()
		with contextlib.suppress(psycopg.OperationalError):
			self.sql("select 1", "postgres")
			return True
		return False

	def reload(self):
		self.process.send_signal(signal.SIGHUP)

	def begin_stop(self):
		"""As pg_ctl stop -m fast does: whoever is connected hears 57P01."""
		self.process.send_signal(signal.SIGINT)

	def stop(self):
		if self.process is not None and self.process.poll() is None:
			scratch.end(self.process, signal.SIGINT)

	def has_clients(self):
		"""Has it sessions of applications?"""
		return any(title(pid).startswith("postgres: app ") for pid in children(self.process.pid))

	def kill(self):
		"""The postmaster and all its children at once: nobody hears a last word. Returns when the
		kernel has closed all their connections."""
		everybody = [self.process.pid, *children(self.process.pid)]
		os.kill(self.process.pid, signal.SIGSTOP)  # or it would start new ones meanwhile
		everybody += children(self.process.pid)
		for pid in everybody:
			with contextlib.suppress(ProcessLookupError):
				os.kill(pid, signal.SIGKILL)
		self.process.wait()
		scratch.wait_for("all to be gone", lambda: not any(map(is_alive, everybody)))

	def promote(self):
		"""pg_ctl promote; returns when it began and when the server said that it is primary."""
		with self.connect("postgres") as c:
			began = time.monotonic()
			self.program("pg_ctl", "promote", "-W", "-s", "-D", self.data)
			while c.execute("select pg_is_in_recovery()").fetchone()[0]:
				assert time.monotonic() < began + 20, self.log.read_text()
				time.sleep(0.002)
		return began, time.monotonic()

	def make_slot_at(self, primary):
		primary.sql(
			"select pg_create_physical_replication_slot('%s') where not exists "
			"(select from pg_replication_slots where slot_name = '%s')" % (self.slot, self.slot),
			"postgres")

	def turn_to(self, primary):
		"""A standby that runs follows PRIMARY from now on."""
		self.make_slot_at(primary)
		words = "alter system set primary_conninfo = '%s'" % self.follow_words(primary)
		self.sql(words, "postgres")
		self.reload()

	def follow(self, primary):
		"""An old primary, stopped or killed, comes back as a standby of PRIMARY."""
		primary.sql("checkpoint", "postgres")  # its control file names its new timeline then
		self.make_slot_at(primary)
		self.program(
			"pg_rewind", "-D", self.data, "--no-sync", "-R",
			"--source-server", self.follow_words(primary) + " dbname=postgres")
		with open(self.data / "postgresql.auto.conf", "a") as conf:
			conf.write("primary_slot_name = '%s'\n" % self.slot)
		self.write_settings(synchronous_standby_names=None, default_transaction_read_only=None)
		self.start()

	def last_checkpoint(self):
		"""Where the log of a node ends that was stopped."""
		said = self.program("pg_controldata", self.data).splitlines()
		(line,) = (line for line in said if line.startswith("Latest checkpoint location:"))
		return line.split()[-1]

	def has_replayed(self, lsn):
		return self.sql("select pg_last_wal_replay_lsn() >= '%s'" % lsn, "postgres")[0][0]


class Cluster:
	"""COUNT nodes in FOLDER. With SYNCHRONOUS the primary confirms what a standby has, too,
	so that a crash of it loses nothing that was confirmed. With MACHINE the first node runs
	there, and the second one here."""

	def __init__(self, folder, count=2, synchronous=True, machine=None):
		self.folder, self.synchronous = scratch.fresh(pathlib.Path(folder)), synchronous
		self.folder.mkdir(mode=0o755)
		scratch.give_to("postgres", self.folder)
		if machine:
			hosts, self.port = [machine.THERE, machine.HERE], scratch.free_port()
		else:
			hosts, self.port = free_place(count)
		self.nodes = [Node(self, n, host) for n, host in enumerate(hosts, 1)]
		self.primary = self.nodes[0]
		self.primary.machine = machine

	def start(self):
		try:
			self.primary.make_first()
			self.primary.start()
			for node in self.nodes[1:]:
				node.copy(self.primary)
				node.start()
			self.confirm_twice()
			self.primary.sql("create role app login", "postgres")
			self.primary.sql("create database app owner app", "postgres")
			self.wait_for_replay(self.written())
		except BaseException:
			self.stop()
			raise
		return self

	@property
	def standbys(self):
		return [n for n in self.nodes if n is not self.primary and n.process.poll() is None]

	@property
	def hosts(self):
		return ",".join(node.host for node in self.nodes)

	def confirm_twice(self):
		"""From now on, if the cluster is synchronous and has a standby."""
		if not self.synchronous or not self.standbys:
			return
		scratch.wait_for("a standby that streams", lambda: self.primary.sql(
			"select 1 from pg_stat_replication where state = 'streaming'", "postgres"))
		self.primary.write_settings(synchronous_standby_names="*")
		self.primary.reload()
		scratch.wait_for("synchronous replication", lambda: self.primary.sql(
			"select 1 from pg_stat_replication where sync_state <> 'async'", "postgres"))

	def wait_for_replay(self, lsn, node=None):
		for one in [node] if node else self.standbys:
			scratch.wait_for("%s to replay" % one.name, lambda: one.has_replayed(lsn))

	def written(self):
		"""How far the primary's log goes, while it runs."""
		return self.primary.sql("select pg_current_wal_lsn()", "postgres")[0][0]

	def promote(self, node):
		"""NODE is the primary now, others follow it: when promotion began and was over."""
		times = node.promote()
		self.primary = node
		for other in self.standbys:
			other.turn_to(node)
		return times

	def best_standby(self):
		"""The one that has most of the primary's log."""
		return max(self.standbys, key=lambda n: n.sql(
			"select pg_wal_lsn_diff(pg_last_wal_receive_lsn(), '0/0')", "postgres"))

	def bring_back(self, node):
		node.follow(self.primary)
		self.confirm_twice()

	def stop(self):
		for node in self.nodes:
			if node.process is None:
				continue
			# a primary that waits for its standby's word ends fast all the same
			node.stop()


class Machine:
	"""Another computer, as far as the network goes: a network namespace at the end of a cable. For
	root, in a network namespace of our own (unshare --net), so that nobody else is disturbed."""

	HERE, THERE = "10.77.1.1", "10.77.1.2"

	def __init__(self):
		self.keeper = subprocess.Popen(
			["unshare", "--net", "setpriv", "--pdeathsig", "KILL", "sleep", "infinity"])
		place = "/proc/%d/ns/net" % self.keeper.pid
		scratch.wait_for("a network namespace", lambda: os.readlink(place) != os.readlink(
			"/proc/self/ns/net"))
		self.enter = ["nsenter", "--net=" + place]
		scratch.run(*"ip link add here type veth peer name there netns".split(), self.keeper.pid)
		for end, address in ("here", self.HERE), ("there", self.THERE):
			words = self.enter if end == "there" else []
			scratch.run(*words, "ip", "address", "add", address + "/24", "dev", end)
			scratch.run(*words, "ip", "link", "set", end, "up")

	def spawn(self, command, log):
		with open(log, "ab") as out:
			return subprocess.Popen(
				[*self.enter, *scratch.as_user("postgres", "INT"), *command],
				stdin=subprocess.DEVNULL, stdout=out, stderr=out, cwd="/")

	def cut_cable(self):
		"""Nothing gets there or back any more, and nobody is told."""
		scratch.run(*self.enter, "ip", "link", "set", "there", "down")

	def stop(self):
		scratch.run("ip", "link", "delete", "here")
		scratch.end(self.keeper, signal.SIGKILL)


def children(parent):
	found = []
	for stat in pathlib.Path("/proc").glob("[0-9]*/stat"):
		with contextlib.suppress(OSError):
			words = stat.read_text().rpartition(")")[2].split()
			if int(words[1]) == parent:
				found.append(int(stat.parent.name))
	return found


def is_alive(pid):
	"""And no zombie, who has no connections any more."""
	with contextlib.suppress(OSError):
		stat = pathlib.Path("/proc/%d/stat" % pid).read_text()
		return stat.rpartition(")")[2].split()[0] not in ("Z", "X")
	return False


def title(pid):
	with contextlib.suppress(OSError):
		return pathlib.Path("/proc/%d/cmdline" % pid).read_text().rstrip("\0")
	return ""
