"""machine.py - machines of a deployment, made of Linux namespaces.

A Network is a switch in a network namespace of its own, on which the tests' own clients
sit; a Machine is a network namespace plugged into it; a Pod is a machine that also has
its own processes and its own root file system (this machine's, by overlayfs), so that the
very paths, ports, process names and signals of a deployment can be used. All of it is gone
when the processes that hold it end.
"""

import contextlib
import ctypes
import os
import pathlib
import shutil
import subprocess

import pytest

from scratch import run, wait_for

CLONE_NEWNET = 0x40000000
SUBNET = "10.99.0."

libc = ctypes.CDLL(None, use_errno=True)

PROBE = """
ip link add v0 type veth peer name v1
ip link add br0 type bridge
mount -t tmpfs none "$1"
mkdir "$1/upper" "$1/work" "$1/root"
mount -t overlay overlay -o "lowerdir=/,upperdir=$1/upper,workdir=$1/work" "$1/root"
"""

SWITCH = """
ip link set lo up
ip link add br0 type bridge
ip addr add %s1/24 dev br0
ip link set br0 up
echo ready
exec sleep infinity
""" % SUBNET

MACHINE = """
ip link set lo up
echo ready
exec sleep infinity
"""

# $1 is an empty folder, then come FROM TO MODE of each volume.
POD = """
base=$1
shift
ip link set lo up
mount --make-rprivate /
mount -t tmpfs -o mode=755 none "$base"
cd "$base"
mkdir upper work root
mount -t overlay overlay -o "lowerdir=/,upperdir=$base/upper,workdir=$base/work" root
mount -t proc proc root/proc
mount --rbind /dev root/dev
mount -t tmpfs -o size=16m,mode=1777 none root/tmp
rm -rf root/etc/pgbouncer # this machine's own
for folder in /usr/sbin /usr/bin /usr/local/sbin /usr/local/bin; do
	rm -f "root$folder/pgbouncer"
done
while [ $# -ge 3 ]; do
	mkdir -p "root$2"
	mount --bind "$1" "root$2"
	[ "$3" = rw ] || mount -o "remount,bind,$3" "root$2"
	shift 3
done
echo ready
exec chroot root sleep infinity
"""


def why_not(folder):
	"""Why this machine cannot hold namespaces and overlays; None if it can."""
	if os.geteuid() != 0:
		return "namespaces need root"
	for tool in ("ip", "nsenter", "unshare", "mount", "setpriv"):
		if not shutil.which(tool):
			return "%s is missing" % tool
	probe = folder / ("probe-" + os.urandom(4).hex())
	probe.mkdir()
	done = subprocess.run(
		["unshare", "--mount", "--net", "--pid", "--fork", "--mount-proc"]
		+ ["sh", "-ec", PROBE, "sh", str(probe)],
		stdin=subprocess.DEVNULL,
		capture_output=True,
		text=True,
	)
	return "no namespaces here: " + done.stderr.strip() if done.returncode else None


def children(pid):
	with contextlib.suppress(OSError):
		text = pathlib.Path("/proc/%d/task/%d/children" % (pid, pid)).read_text()
		return [int(word) for word in text.split()]
	return []


def command_name(pid):
	with contextlib.suppress(OSError):
		return pathlib.Path("/proc/%d/comm" % pid).read_text().strip()
	return None


def hold(words, script, *arguments):
	"""Start a process that makes namespaces and sleeps in them."""
	process = subprocess.Popen(
		["setpriv", "--pdeathsig", "KILL", "unshare", *words]
		+ ["sh", "-ec", script, "sh", *map(str, arguments)],
		stdin=subprocess.DEVNULL,
		stdout=subprocess.PIPE,
		stderr=subprocess.PIPE,
		text=True,
	)
	if process.stdout.readline() != "ready\n":
		process.kill()
		raise AssertionError("no namespace: " + process.stderr.read())
	return process


class Machine:
	"""A network namespace; what is started while inside() belongs to it."""

	def __init__(self, holder=None):
		self.holder = holder or hold(["--net"], MACHINE)
		self.pid, self.address = self.holder.pid, None

	@contextlib.contextmanager
	def inside(self):
		"""The calling thread's sockets and children belong to this network."""
		here = os.open("/proc/thread-self/ns/net", os.O_RDONLY)
		there = os.open("/proc/%d/ns/net" % self.pid, os.O_RDONLY)
		try:
			self.enter(there)
			yield self
		finally:
			self.enter(here)
			os.close(here)
			os.close(there)

	@staticmethod
	def enter(namespace):
		if libc.setns(namespace, CLONE_NEWNET) != 0:
			raise OSError(ctypes.get_errno(), "setns")

	def ip(self, *words):
		run("nsenter", "-t", self.pid, "-n", "ip", *words)

	def close(self):
		self.holder.kill()
		self.holder.wait()
		self.holder.stdout.close()
		self.holder.stderr.close()


class Network(Machine):
	"""A switch with machines; the tests themselves are its first machine."""

	def __init__(self):
		super().__init__(hold(["--net"], SWITCH))
		self.address, self.machines = SUBNET + "1", []

	def join(self, machine):
		"""Give MACHINE the next address."""
		self.machines.append(machine)
		number = len(self.machines) + 1
		machine.address = SUBNET + str(number)
		port = "port%d" % number
		self.ip("link", "add", port, "type", "veth", "peer", "name", "eth0",
			"netns", machine.pid)
		self.ip("link", "set", port, "master", "br0", "up")
		machine.ip("addr", "add", machine.address + "/24", "dev", "eth0")
		machine.ip("link", "set", "eth0", "up")
		return machine

	def close(self):
		for machine in self.machines:
			machine.close()
		super().close()


class Pod(Machine):
	"""A machine with its own processes and files. VOLUMES maps folders in it to
	(folder outside, "rw" or "ro")."""

	def __init__(self, folder, volumes=None):
		folder.mkdir()
		self.folder, self.volumes, self.started = folder, volumes or {}, []
		words = []
		for there, (here, mode) in self.volumes.items():
			words += [here, there, mode]
		holder = hold(
			["--mount", "--pid", "--net", "--fork", "--kill-child"],
			POD,
			folder,
			*words,
		)
		super().__init__(holder)
		(self.pid,) = children(holder.pid)

	def path(self, there):
		"""Where we see the file that is THERE inside; an absolute link on the way
		stays inside, too."""
		root = pathlib.Path("/proc/%d/root" % self.pid)
		path = root
		for part in pathlib.Path(there).parts[1:]:
			path = path / part
			if path.is_symlink() and os.readlink(path).startswith("/"):
				path = self.path(os.readlink(path))
		return path

	def write(self, there, text, owner=None, mode=0o644):
		path = self.path(there)
		path.parent.mkdir(parents=True, exist_ok=True)
		path.write_text(text)
		path.chmod(mode)
		if owner is not None:
			os.chown(path, *owner)

	def knows(self, **names):
		"""Names of machines, as the cluster's DNS would give them."""
		with open(self.path("/etc/hosts"), "a") as hosts:
			for name, machine in names.items():
				hosts.write("%s %s\n" % (machine.address, name.replace("_", "-")))

	def seal(self):
		"""From now on the root file system is read-only."""
		self.run("mount", "-o", "remount,ro", "/")

	def words(self, command, user=None, first=False, limits=()):
		"""The words that run COMMAND inside as USER (uid, gid), perhaps as the
		FIRST process of a container."""
		words = ["nsenter", "-t", self.pid, "-m", "-n", "-p", "-r", "-w"]
		if first:
			words += ["unshare", "--mount", "--pid", "--fork", "--mount-proc",
				"--kill-child"]
		if limits:
			words += ["prlimit", *limits]
		if user:
			words += ["setpriv", "--reuid", user[0], "--regid", user[1],
				"--clear-groups", "--no-new-privs", "--bounding-set", "-all"]
		return [str(word) for word in [*words, *command]]

	def start(self, command, log, user=None, env=None, first=False, limits=()):
		"""Start COMMAND inside; its output goes to LOG, outside."""
		with open(log, "ab") as out:
			process = subprocess.Popen(
				self.words(command, user, first, limits),
				stdin=subprocess.DEVNULL,
				stdout=out,
				stderr=out,
				cwd="/",
				env=self.env(env),
			)
		self.started.append(process)
		return process

	def run(self, *command, user=None, env=None, timeout=30, beside=None):
		"""Run COMMAND inside to its end, in the container of process BESIDE."""
		words = self.words(command, user)
		if beside:
			words[2] = str(beside)
		return subprocess.run(
			words,
			stdin=subprocess.DEVNULL,
			stdout=subprocess.PIPE,
			stderr=subprocess.STDOUT,
			text=True,
			cwd="/",
			env=self.env(env),
			timeout=timeout,
		)

	@staticmethod
	def env(more):
		kept = {"PATH": "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"}
		for name in ("ASAN_OPTIONS", "UBSAN_OPTIONS", "TSAN_OPTIONS", "LC_ALL", "LANG"):
			if name in os.environ:
				kept[name] = os.environ[name]
		return {**kept, **(more or {})}

	def close(self):
		super().close()  # kills all that runs inside
		for process in self.started:
			process.wait()
		self.folder.rmdir()


def named(process, name):
	"""The process id, as we see it, of the process NAME started by PROCESS."""

	def search(pid):
		if command_name(pid) == name:
			return pid
		return next(filter(None, map(search, children(pid))), None)

	def found():
		assert process.poll() is None, "it ended with %s" % process.returncode
		return search(process.pid)

	return wait_for("a process named %s" % name, found)


@pytest.fixture(scope="module")
def network(folder):
	reason = why_not(folder)
	if reason:
		pytest.skip(reason)
	network = Network()
	yield network
	network.close()

