"""What the process has from outside: file descriptors, a service manager, sockets that
others opened, a journal."""

import contextlib
import os
import pathlib
import re
import shutil
import socket
import subprocess

import psycopg
import pytest

from rawpg import Client, Closed, Refused
from scratch import as_user, can_connect, give_to, wait_for
from servers import own_environment
from test_process import enters, own, pytestmark  # noqa: F401 (fixture and marks)


# --- file descriptors -------------------------------------------------------------------


def test_the_soft_limit_is_raised_to_the_hard_one(own):
	pooler = own()
	pooler.prefix = ["prlimit", "--nofile=128:1000"]
	pooler.start()
	assert "file descriptor limit: 1000 (hard: 1000)" in pooler.log.read_text()
	limits = pathlib.Path("/proc/%d/limits" % pooler.process.pid).read_text()
	assert re.search(r"^Max open files\s+1000\s+1000", limits, re.M)


def test_too_small_a_limit_is_warned_about(own):
	pooler = own(max_client_conn=10000)
	pooler.prefix = ["prlimit", "--nofile=256"]
	pooler.start()
	assert re.search(
		r"WARNING file descriptors may run out, then there is room for \d+ clients: raise the "
		r"limit .* to 1\d{4}",
		pooler.log.read_text(),
	)


def login_outcome(pooler):
	"""A client that has logged in, or why it has not."""
	client = Client(pooler.address)
	try:
		return client.login(database="three")
	except (Closed, Refused, AssertionError, OSError) as e:
		client.close()
		return e


def test_without_descriptors_servers_and_consoles_still_get_theirs(own):
	"""Far more clients than descriptors: none is let in at another's cost."""
	pooler = own(max_client_conn=10000)
	pooler.settings["unix_socket_dir"] = pooler.folder
	pooler.write_files()
	pooler.prefix = ["prlimit", "--nofile=256"]
	pooler.start()
	room = int(re.search(r"there is room for (\d+) clients", pooler.log.read_text()).group(1))
	assert 100 < room < 200
	inside = []
	with contextlib.ExitStack() as at_end:
		for _ in range(room):
			client = Client(pooler.address)
			at_end.callback(client.close)
			inside.append(client.login(database="three"))
		# who comes now hears why not
		for _ in range(20):
			with pytest.raises(psycopg.OperationalError, match="file descriptors"):
				psycopg.connect(
					host="127.0.0.1", port=pooler.port, dbname="three", user="app"
				)
		# who comes and says nothing takes the rest, and then nobody is let in by TCP
		silent = [socket.create_connection(pooler.address, 5) for _ in range(100)]
		for s in silent:
			at_end.callback(s.close)
		pooler.settings["tcp_defer_accept"] = 0
		pooler.write_files()
		pooler.reload()
		for _ in range(60):
			s = socket.create_connection(pooler.address, 5)
			at_end.callback(s.close)
			silent.append(s)
		pooler.wait_until_logged("file descriptors are used up")
		# servers are opened for those inside: all pools are still empty
		for number, client in enumerate(inside[:30]):
			assert client.asks("select %d" % number) == str(number)
		# and the operator gets in
		with psycopg.connect(
			host=str(pooler.folder),
			port=pooler.port,
			dbname="pgbouncer",
			user="admin",
			autocommit=True,
		) as console:
			assert console.execute("show pools").fetchall()
		for s in silent:
			s.close()
		for client in inside[30:]:
			client.leave()
		wait_for(
			"a new client to be let in",
			lambda: isinstance(login_outcome(pooler), Client),
		)
		pooler.check()


# --- a service manager ------------------------------------------------------------------


@pytest.fixture
def manager(own):
	"""manager(**settings): a pooler, and the socket on which it notifies."""
	with contextlib.ExitStack() as at_end:

		def manager(**settings):
			pooler = own(**settings)
			if "systemd: yes" not in subprocess.check_output(
				[pooler.program, "-V"], text=True
			):
				pytest.skip("built without libsystemd")
			path = pooler.folder / "notify"
			ear = at_end.enter_context(socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM))
			ear.bind(str(path))
			ear.settimeout(20)
			give_to("nobody", path)
			pooler.env["NOTIFY_SOCKET"] = str(path)
			return pooler, ear

		yield manager


def hear(ear, start):
	"""The next notification that begins with START; others are passed over."""
	while True:
		said = ear.recv(4096).decode()
		if said.startswith(start):
			return said


def test_it_tells_its_life(manager):
	pooler, ear = manager(stats_period=1)
	pooler.start()
	assert ear.recv(4096) == b"READY=1"
	assert can_connect(pooler.port)
	assert re.fullmatch(r"STATUS=stats: \d+ xacts/s, .*", hear(ear, "STATUS="))
	pooler.reload()
	assert re.fullmatch(r"RELOADING=1\nMONOTONIC_USEC=[1-9]\d*", hear(ear, "RELOADING=1"))
	assert hear(ear, "READY=1") == "READY=1"
	pooler.settings["no_such"] = 1
	pooler.write_files()
	pooler.reload()
	hear(ear, "RELOADING=1")  # a reload that fails ends, too
	hear(ear, "READY=1")
	client = enters(pooler)
	pooler.terminate()
	assert hear(ear, "STOPPING=1") == "STOPPING=1"
	client.leave()
	assert pooler.process.wait(15) == 0


def test_the_watchdog_is_fed_in_time_and_not_without_workers(manager):
	pooler, ear = manager()
	pooler.env["WATCHDOG_USEC"] = "400000"
	pooler.start()
	for _ in range(5):
		hear(ear, "WATCHDOG=1")
	stopped = hang_a_worker(pooler)
	try:
		ear.settimeout(3)
		with pytest.raises(TimeoutError):
			for _ in range(20):  # at most what was under way, then silence
				hear(ear, "WATCHDOG=1")
	finally:
		ear.settimeout(20)
		stopped.close()
	hear(ear, "WATCHDOG=1")


class hang_a_worker:
	"""A worker of POOLER that blocks: its log goes to a pipe that nobody reads."""

	def __init__(self, pooler):
		self.path = pooler.folder / "pipe"
		os.mkfifo(self.path)
		give_to("nobody", self.path)
		self.reader = os.open(self.path, os.O_RDONLY | os.O_NONBLOCK)
		pooler.settings["logfile"] = self.path
		pooler.write_files()
		pooler.reload()
		pooler.wait_until_logged("configuration reloaded")
		# a full pipe: the next line of a worker waits for a reader
		with open(self.path, "wb", buffering=0) as full:
			os.set_blocking(full.fileno(), False)
			with contextlib.suppress(BlockingIOError):
				while full.write(b"x" * 1000) is not None:
					pass
			with contextlib.suppress(BlockingIOError):
				while full.write(b"x") is not None:
					pass
		socket.create_connection(pooler.address, 5).close()
		client = socket.create_connection(pooler.address, 5)
		client.sendall(b"\0\0\0\x08\0\x04\xd2\x30")  # GSSENCRequest
		client.sendall(b"not a startup packet: an error, which is logged")
		self.client = client

	def close(self):
		os.set_blocking(self.reader, False)
		with contextlib.suppress(BlockingIOError):
			while os.read(self.reader, 65536):
				pass
		self.client.close()
		os.close(self.reader)


def test_sockets_are_taken_over_from_who_started_it(manager):
	pooler, _ = manager(listen_addr="127.0.0.2")
	tcp = socket.create_server(("127.0.0.1", pooler.port), backlog=50)
	local = socket.socket(socket.AF_UNIX)
	path = pooler.folder / "given"
	local.bind(str(path))
	local.listen(50)
	path.chmod(0o777)
	# somebody is there before us
	early = Client(pooler.address)
	handed = [os.dup(tcp.fileno()), os.dup(local.fileno())]

	def hand_over():
		for number, fd in enumerate(handed):
			os.dup2(fd, 3 + number)

	with open(pooler.log, "ab") as log:
		pooler.process = subprocess.Popen(
			[
				*as_user("nobody", "KILL"),
				"sh",
				"-c",
				'LISTEN_PID=$$ LISTEN_FDS=2 exec "$@"',
				"sh",
				str(pooler.program),
				str(pooler.ini),
			],
			stdin=subprocess.DEVNULL,
			stdout=log,
			stderr=log,
			cwd="/",
			env=own_environment(),
			preexec_fn=hand_over,
			pass_fds=[3, 4],
		)
	for s in [tcp, local]:
		s.close()
	for fd in handed:
		os.close(fd)
	pooler.wait_until_logged("process up")
	said = pooler.log.read_text()
	assert "listening on 127.0.0.1:%d (inherited)" % pooler.port in said
	assert "listening on unix:%s (inherited)" % path in said
	assert "WARNING listen_addr is not used: the sockets are inherited" in said
	assert early.login(database="one").asks("select 'early'") == "early"
	with contextlib.closing(socket.socket(socket.AF_UNIX)) as s:
		s.connect(str(path))
		s.sendall(b"\0\0\0\x08\x04\xd2\x16\x2f")  # SSLRequest
		assert s.recv(1) == b"N"
	early.leave()
	pooler.stop()
	assert path.is_socket()  # not ours to remove


# --- a journal --------------------------------------------------------------------------


def test_the_journal_gets_priorities_and_keeps_time_itself(own):
	pooler = own()
	pooler.log.touch()
	give_to("nobody", pooler.log)
	about = pooler.log.stat()
	pooler.env["JOURNAL_STREAM"] = "%d:%d" % (about.st_dev, about.st_ino)
	pooler.start()  # it accepts a moment before it says that it is up
	wait_for("it to be up", lambda: "<6>LOG process up: PgBouncer" in pooler.log.read_text())
	lines = pooler.log.read_text().splitlines()
	assert all(re.match(r"<[2-7]>([A-Z]+ |\t)", line) for line in lines), lines
	pooler.env["JOURNAL_STREAM"] = "%d:%d" % (about.st_dev, about.st_ino + 1)
	pooler.stop()
	pooler.start()
	wait_for("it to keep time itself", lambda: re.search(
		r"^\d{4}-.* LOG process up", pooler.log.read_text(), re.M))


def test_the_units_are_what_systemd_reads(own, tmp_path):
	if not shutil.which("systemd-analyze"):
		pytest.skip("no systemd-analyze")
	program = own().program
	folder = pathlib.Path(__file__).resolve().parents[2] / "contrib" / "systemd"
	for unit in folder.iterdir():
		(tmp_path / unit.name).write_text(
			unit.read_text().replace("/usr/bin/pgweir", str(program))
		)
	done = subprocess.run(
		["systemd-analyze", "--man=no", "verify"]
		+ ["pgweir.service", "pgweir.socket", "pgweir@1.service"],
		cwd=tmp_path,
		capture_output=True,
		text=True,
		timeout=60,
	)
	complaints = [line for line in done.stderr.splitlines() if "pgweir" in line]
	assert done.returncode == 0 and complaints == [], done.stderr
