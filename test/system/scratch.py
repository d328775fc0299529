"""scratch.py - what scratch servers need of the machine: ports, folders, users,
certificates, waiting."""

import contextlib
import itertools
import os
import pwd
import random
import signal
import socket
import struct
import subprocess
import time

NETLINK_SOCK_DIAG, SOCK_DIAG_BY_FAMILY, NLM_F_REQUEST = 4, 20, 1  # linux/sock_diag.h


def wait_for(what, condition, seconds=15):
	"""Poll until CONDITION() is true and return its value; fail after SECONDS."""
	until = time.monotonic() + seconds
	while True:
		value = condition()
		if value:
			return value
		if time.monotonic() > until:
			raise AssertionError(
				"waited %g s in vain for %s" % (seconds, what)
			)
		time.sleep(0.01)


def free_port():
	"""A port that is free now and that the kernel does not give to outgoing
	connections."""
	while True:
		port = random.SystemRandom().randrange(12000, 30000)
		with contextlib.closing(socket.socket()) as s:
			with contextlib.suppress(OSError):
				s.bind(("127.0.0.1", port))
				return port


def can_connect(port):
	with contextlib.suppress(OSError):
		socket.create_connection(("127.0.0.1", port), 1).close()
		return True
	return False


def give_to(user, *paths):
	"""Make USER the owner of PATHS, where we may."""
	if os.geteuid() == 0:
		entry = pwd.getpwnam(user)
		for path in paths:
			os.chown(path, entry.pw_uid, entry.pw_gid)


def as_user(user, death):
	"""The words before a command that make it run as USER and get signal DEATH when
	we die."""
	words = ["setpriv", "--pdeathsig", death]
	if os.geteuid() == 0:
		group = "nogroup" if user == "nobody" else user
		words += ["--reuid", user, "--regid", group, "--clear-groups"]
	return words


def run(*command, **more):
	"""Run COMMAND to its end; a failure shows what it printed."""
	done = subprocess.run(
		[str(word) for word in command],
		stdin=subprocess.DEVNULL,
		stdout=subprocess.PIPE,
		stderr=subprocess.STDOUT,
		text=True,
		**more,
	)
	assert done.returncode == 0, "%s: exit %d\n%s" % (
		command,
		done.returncode,
		done.stdout,
	)
	return done.stdout


def spawn(user, command, log, death="KILL", env=None):
	"""Start COMMAND as USER with all its output in LOG; when we die it gets DEATH."""
	with open(log, "ab") as out:
		return subprocess.Popen(
			as_user(user, death) + [str(word) for word in command],
			stdin=subprocess.DEVNULL,
			stdout=out,
			stderr=out,
			cwd="/",
			env=env,
		)


def end(process, sign=signal.SIGINT, seconds=20):
	"""Send SIGN to PROCESS, wait for its end, return its exit code (killed: -9)."""
	if process.poll() is None:
		process.send_signal(sign)
		try:
			process.wait(seconds)
		except subprocess.TimeoutExpired:
			process.kill()
			process.wait()
	return process.returncode


def fresh(path):
	"""PATH, or with a number behind it if that is there already: a server may come
	back when tests of another have run in between."""
	names = itertools.chain([path.name], ("%s-%d" % (path.name, n) for n in itertools.count(2)))
	return next(p for p in map(path.with_name, names) if not p.exists())


def certificates(folder):
	"""Make ca.crt, and server.crt/server.key for localhost signed by it, in
	FOLDER."""
	key = ("-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes")
	ca = folder / "ca"
	run(
		"openssl",
		"req",
		"-x509",
		*key,
		"-keyout",
		f"{ca}.key",
		"-out",
		f"{ca}.crt",
		"-days",
		"2",
		"-subj",
		"/CN=scratch CA",
	)
	run(
		"openssl",
		"req",
		"-x509",
		*key,
		"-keyout",
		folder / "server.key",
		"-out",
		folder / "server.crt",
		"-days",
		"2",
		"-subj",
		"/CN=localhost",
		"-CA",
		f"{ca}.crt",
		"-CAkey",
		f"{ca}.key",
		"-addext",
		"basicConstraints=critical,CA:false",
		"-addext",
		"subjectAltName=DNS:localhost,IP:127.0.0.1",
	)
	return folder


def unread(local, remote):
	"""Bytes that the process of the TCP socket from LOCAL to REMOTE has not read;
	None: no such socket.

	Asks the kernel for that one socket (sock_diag(7)).
	"""

	def end_point(name):
		return struct.pack("!H", name[1]), socket.inet_aton(name[0]).ljust(
			16, b"\0"
		)

	(sport, source), (dport, destination) = end_point(local), end_point(remote)
	asked = (
		struct.pack("=BBBxI", socket.AF_INET, socket.IPPROTO_TCP, 0, 0xFFFFFFFF)
		+ sport
		+ dport
		+ source
		+ destination
		+ struct.pack("=III", 0, 0xFFFFFFFF, 0xFFFFFFFF)
	)
	with socket.socket(
		socket.AF_NETLINK, socket.SOCK_RAW, NETLINK_SOCK_DIAG
	) as kernel:
		kernel.send(
			struct.pack(
				"=IHHII",
				16 + len(asked),
				SOCK_DIAG_BY_FAMILY,
				NLM_F_REQUEST,
				0,
				0,
			)
			+ asked
		)
		said = kernel.recv(4096)
	if struct.unpack_from("=IH", said)[1] != SOCK_DIAG_BY_FAMILY:
		return None
	return struct.unpack_from("=I", said, 16 + 4 + 48 + 4)[0]
