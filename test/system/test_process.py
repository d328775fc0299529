"""The process: its command line, its pidfile, its signals, its end, and one process that
takes over from another."""

import contextlib
import os
import pathlib
import re
import signal
import subprocess
import threading

import psycopg
import pytest

from rawpg import Client
from scratch import as_user, can_connect, free_port, wait_for
from servers import PEER, Pooler, own_environment, pooler_program

pytestmark = [
	pytest.mark.any_version,
	pytest.mark.skipif(PEER, reason="what is asked here is pgweir's own"),
]


@pytest.fixture
def own(front, postgres, folder, certs):
	"""own(**settings): a pooler of a test's own, not yet started."""
	if front.direct:
		pytest.skip("there is no pooler")
	poolers = []

	def own(**settings):
		where = folder / ("process-" + os.urandom(4).hex())
		poolers.append(Pooler(postgres, where, certs, front.workers, **settings))
		return poolers[-1]

	yield own
	for pooler in poolers:
		if pooler.process and pooler.process.poll() is None:
			pooler.stop()


def command(*words, env=None):
	"""Run the program to its end; exit status, standard output, standard error."""
	done = subprocess.run(
		[*as_user("nobody", "KILL"), str(pooler_program()), *map(str, words)],
		stdin=subprocess.DEVNULL,
		capture_output=True,
		text=True,
		timeout=30,
		cwd="/",
		env={**own_environment(), **(env or {})},
	)
	return done.returncode, done.stdout, done.stderr


def enters(at, pool="one"):
	return Client(at.address).login(database=at.database(pool))


# --- the command line -------------------------------------------------------------------


def test_the_version_is_what_the_console_says(own):
	status, said, _ = command("-V")
	first, *rest = said.splitlines()
	assert status == 0 and re.fullmatch(r"PgBouncer \d+\.\d+\.\d+ \(pgweir .*\)", first)
	assert [line.split()[0] for line in rest[:3]] == ["libevent", "adns:", "tls:"]
	assert command("--version")[1] == said
	(row,) = own().start().console("show version")
	assert row["version"] == first


@pytest.mark.parametrize(
	"words, status, part",
	[
		(["-h"], 0, "Usage: "),
		(["--help"], 0, "--quiet"),
		([], 1, "expected a configuration file or a URL"),
		(["a.ini", "b.ini"], 1, "expected one configuration file"),
		(["--no-such"], 1, "--help"),
		(["-R", "a.ini"], 1, "so_reuseport"),
		(["/no/such.ini"], 1, "/no/such.ini"),
	],
)
def test_the_command_line(own, words, status, part):
	done, out, err = command(*words)
	assert done == status and part in (out if status == 0 else err)


def test_a_daemon_needs_a_pidfile(own):
	pooler = own()
	status, _, err = command("-d", pooler.ini)
	assert status == 1 and "pidfile" in err


def test_a_daemon_leaves_its_pid_and_takes_it_along(own):
	pooler = own()
	pidfile, log = pooler.folder / "pgweir.pid", pooler.folder / "daemon.log"
	pooler.settings.update(pidfile=pidfile, logfile=log)
	pooler.write_files()
	status, out, err = command("-d", pooler.ini)
	assert (status, out, err) == (0, "", "")
	wait_for("the daemon", lambda: can_connect(pooler.port))
	wait_for("its pid", lambda: pidfile.exists() and pidfile.read_text().endswith("\n"))
	pid = int(pidfile.read_text())
	try:
		assert pidfile.read_text() == "%d\n" % pid
		assert enters(pooler).asks("select 1") == "1"
		status, _, err = command(pooler.ini)
		assert status == 1 and "which is running" in err
	finally:
		os.kill(pid, signal.SIGQUIT)
	wait_for("its end", lambda: not pidfile.exists() and not can_connect(pooler.port))
	assert "process up" in log.read_text()


def test_a_stale_pidfile_is_replaced_a_broken_one_is_not(own):
	pooler = own()
	pidfile = pooler.folder / "pgweir.pid"
	pooler.settings["pidfile"] = pidfile
	pooler.write_files()
	gone = subprocess.Popen(["true"])
	gone.wait()
	pidfile.write_text("%d\n" % gone.pid)
	os.chown(pidfile, *[pooler.folder.stat().st_uid] * 2)
	pooler.start()
	assert int(pidfile.read_text()) == pooler.process.pid
	pooler.stop()
	assert not pidfile.exists()
	pidfile.write_text("")
	status, _, err = command(pooler.ini)
	assert status == 1 and "expected a process id" in err


def test_quiet_says_nothing_but_to_its_logfile(own):
	pooler = own()
	pooler.settings["logfile"] = pooler.folder / "own.log"
	pooler.write_files()
	pooler.options = ["-q"]
	pooler.start()
	assert "process up" in (pooler.folder / "own.log").read_text()
	pooler.stop()
	assert pooler.log.read_text() == ""


def test_verbose_counts(own):
	pooler = own()
	pooler.options = ["-v", "-v"]
	pooler.start()
	assert {row["key"]: row["value"] for row in pooler.console("show config")}[
		"verbose"
	] == "2"


@pytest.mark.skipif(os.geteuid() != 0, reason="only root may become somebody else")
def test_root_is_refused_and_becomes_whom_it_is_told(own):
	pooler = own()
	words = [str(pooler.program), str(pooler.ini)]
	done = subprocess.run(words, capture_output=True, text=True, timeout=30, env=own_environment())
	assert done.returncode == 1 and "will not run as root" in done.stderr
	with open(pooler.log, "ab") as log:
		process = subprocess.Popen(
			[*words, "-u", "nobody"], stdout=log, stderr=log, env=own_environment()
		)
	try:
		wait_for("the pooler", lambda: can_connect(pooler.port))
		status = open("/proc/%d/status" % process.pid).read()
		assert re.search(r"^Uid:\s+65534\s", status, re.M)
		assert re.search(r"^Groups:\s+65534\s*$", status, re.M)
	finally:
		process.send_signal(signal.SIGQUIT)
		assert process.wait(20) == 0


def test_it_bears_the_name_it_is_called_by(own):
	pooler = own()
	link = pooler.folder / "pgbouncer"
	link.symlink_to(pooler.program)
	pooler.program = link
	pooler.start()
	assert open("/proc/%d/comm" % pooler.process.pid).read() == "pgbouncer\n"


# --- signals ----------------------------------------------------------------------------


def test_an_end_that_waits_for_servers_leaves_idle_clients(own):
	pooler = own().start()
	idle, busy = enters(pooler, "one"), enters(pooler, "two")
	assert idle.asks("select 1") == "1"
	busy.does("begin")
	pooler.process.send_signal(signal.SIGINT)
	wait_for("the pooler to listen no more", lambda: not can_connect(pooler.port))
	assert busy.asks("select 2") == "2"
	assert pooler.process.poll() is None
	busy.does("commit")
	assert pooler.process.wait(15) == 0


@pytest.mark.parametrize("first", [signal.SIGTERM, signal.SIGINT])
@pytest.mark.parametrize("second", [signal.SIGTERM, signal.SIGINT])
def test_the_second_signal_ends_it_at_once(own, first, second):
	pooler = own().start()
	busy = enters(pooler)
	busy.does("begin")
	pooler.process.send_signal(first)
	wait_for("the pooler to listen no more", lambda: not can_connect(pooler.port))
	pooler.process.send_signal(second)
	assert pooler.process.wait(15) == 0


def test_usr1_pauses_and_usr2_resumes(own):
	pooler = own().start()
	client = enters(pooler)
	pooler.process.send_signal(signal.SIGUSR1)
	pooler.wait_until_logged("got SIGUSR1, PAUSE")
	pooler.process.send_signal(signal.SIGUSR1)
	pooler.wait_until_logged("got SIGUSR1, but already")
	states = {row["key"]: row["value"] for row in pooler.console("show state")}
	assert (states["active"], states["paused"]) == ("no", "yes")
	pooler.process.send_signal(signal.SIGUSR2)
	pooler.wait_until_logged("got SIGUSR2, RESUME")
	assert client.asks("select 1") == "1"
	pooler.process.send_signal(signal.SIGUSR2)
	pooler.wait_until_logged("got SIGUSR2, but already running")
	pooler.terminate()
	pooler.wait_until_logged("shutting down when all clients are gone")
	pooler.process.send_signal(signal.SIGUSR2)
	pooler.wait_until_logged("got SIGUSR2 while shutting down, ignoring")


def test_files_and_sockets_go_with_it(own):
	pooler = own()
	pooler.settings.update(
		pidfile=pooler.folder / "pid", unix_socket_dir=pooler.folder, unix_socket_mode="0700"
	)
	pooler.write_files()
	pooler.start()
	path = pooler.folder / (".s.PGSQL.%d" % pooler.port)
	assert path.is_socket() and path.stat().st_mode & 0o777 == 0o700
	pooler.stop()
	assert not path.exists() and not (pooler.folder / "pid").exists()


def test_the_unix_socket_serves_the_console_alone_while_it_ends(own):
	pooler = own()
	pooler.settings["unix_socket_dir"] = pooler.folder
	pooler.write_files()
	pooler.start()
	last = enters(pooler)
	pooler.terminate()
	wait_for("the pooler to listen no more", lambda: not can_connect(pooler.port))
	where = {"host": str(pooler.folder), "port": pooler.port}
	with pytest.raises(psycopg.OperationalError, match="pooler is shutting down"):
		psycopg.connect(dbname="one", user="app", **where)
	with psycopg.connect(dbname="pgbouncer", user="admin", autocommit=True, **where) as console:
		assert console.execute("show state").fetchall()
	last.leave()
	assert pooler.process.wait(15) == 0


def test_suspended_it_ends_at_once(own):
	pooler = own().start()
	client = enters(pooler)
	console = psycopg.connect(
		host="127.0.0.1", port=pooler.port, dbname="pgbouncer", user="admin", autocommit=True
	)
	console.execute("suspend")
	pooler.terminate()
	assert pooler.process.wait(15) == 0
	client.close()
	console.close()


@pytest.mark.skipif(os.geteuid() != 0, reason="only root may become somebody else")
def test_it_serves_as_anybody_and_as_the_first_process(own):
	"""A container: a user that no file names, no home, process id 1, nothing to write to."""
	pooler = own()
	for path in [pooler.ini, pooler.folder / "userlist.txt", pooler.folder / "server.key"]:
		path.chmod(0o644)
	with open(pooler.log, "ab") as log:
		pooler.process = subprocess.Popen(
			["setpriv", "--pdeathsig", "KILL", "unshare", "--pid", "--fork", "--kill-child"]
			+ ["setpriv", "--reuid", "54321", "--regid", "54321", "--clear-groups"]
			+ ["env", "-i", str(pooler.program), str(pooler.ini)],
			stdin=subprocess.DEVNULL,
			stdout=log,
			stderr=log,
			cwd="/",
		)
	wait_for("the pooler", pooler.accepts, 30)
	assert re.search(r" \[1\] LOG process up", pooler.log.read_text())
	assert enters(pooler).asks("select 1") == "1"
	children = pathlib.Path(
		"/proc/%d/task/%d/children" % (pooler.process.pid, pooler.process.pid)
	)
	os.kill(int(children.read_text().split()[0]), signal.SIGINT)
	assert pooler.process.wait(20) == 0


# --- from one process to another --------------------------------------------------------


class Callers:
	"""Threads that connect, ask, leave, and again, until told to stop; what went wrong."""

	def __init__(self, port, count):
		self.port, self.stopping = port, threading.Event()
		self.failures, self.done = [], [0] * count
		self.threads = [threading.Thread(target=self.call, args=(i,)) for i in range(count)]
		for thread in self.threads:
			thread.start()

	def call(self, index):
		while not self.stopping.is_set():
			try:
				with psycopg.connect(
					host="127.0.0.1",
					port=self.port,
					dbname="three",
					user="app",
					autocommit=True,
					connect_timeout=10,
				) as c:
					c.execute("select %d" % index)
				self.done[index] += 1
			except psycopg.Error as e:
				self.failures.append(str(e))

	def progress(self, more=20):
		"""Wait until each has called MORE times from now on."""
		goals = [n + more for n in self.done]
		wait_for(
			"callers to go on: %s" % self.failures[:3],
			lambda: self.failures or all(n >= g for n, g in zip(self.done, goals)),
			60,
		)

	def stop(self):
		self.stopping.set()
		for thread in self.threads:
			thread.join(30)


def launch_with_filters(pooler):
	"""Begin POOLER where newer kernels, too, allow it a filter on its listeners."""
	with open(pooler.log, "ab") as log:
		pooler.process = subprocess.Popen(
			as_user("nobody", "KILL")
			+ ["--inh-caps", "+net_admin", "--ambient-caps", "+net_admin"]
			+ [str(pooler.program), str(pooler.ini)],
			stdin=subprocess.DEVNULL,
			stdout=log,
			stderr=log,
			cwd="/",
			env=own_environment(),
		)
	pooler.wait_until_logged("process up")


@pytest.mark.skipif(os.geteuid() != 0, reason="only root may give capabilities")
def test_a_successor_takes_over_and_nobody_notices(own):
	"""so_reuseport: two processes listen on one port, the elder is told to go."""
	port = free_port()
	elder = own(so_reuseport=1, listen_port=port)
	younger = own(so_reuseport=1, listen_port=port)
	elder.port = younger.port = port
	elder.address = younger.address = ("127.0.0.1", port)
	launch_with_filters(elder)
	stays = enters(elder)
	callers = Callers(port, 4)
	with contextlib.ExitStack() as at_end:
		at_end.callback(callers.stop)
		callers.progress()
		launch_with_filters(younger)
		callers.progress()
		elder.terminate()
		elder.wait_until_logged("shutting down when all clients are gone")
		callers.progress(50)
		assert stays.asks("select 'still served'") == "still served"
		stays.leave()
		assert elder.process.wait(15) == 0
		callers.progress()
	assert callers.failures == []
