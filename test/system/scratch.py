"""scratch.py - what scratch servers need of the machine: ports, folders, users, certificates, waiting."""
import contextlib
import os
import pwd
import random
import signal
import socket
import subprocess
import time


def wait_for(what, condition, seconds=15):
	"""Poll until CONDITION() is true and return its value; fail after SECONDS."""
	until = time.monotonic() + seconds
	while True:
		value = condition()
		if value:
			return value
		if time.monotonic() > until:
			raise AssertionError("waited %g s in vain for %s" % (seconds, what))
		time.sleep(0.01)


def free_port():
	"""A port that is free now and that the kernel does not give to outgoing connections."""
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
	"""The words before a command that make it run as USER and get signal DEATH when we die."""
	words = ["setpriv", "--pdeathsig", death]
	if os.geteuid() == 0:
		group = "nogroup" if user == "nobody" else user
		words += ["--reuid", user, "--regid", group, "--clear-groups"]
	return words


def run(*command, **more):
	"""Run COMMAND to its end; a failure shows what it printed."""
	done = subprocess.run([str(word) for word in command], stdin=subprocess.DEVNULL,
			      stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, **more)
	assert done.returncode == 0, "%s: exit %d\n%s" % (command, done.returncode, done.stdout)
	return done.stdout


def spawn(user, command, log, death="KILL", env=None):
	"""Start COMMAND as USER with all its output in LOG; when we die it gets DEATH."""
	with open(log, "ab") as out:
		return subprocess.Popen(as_user(user, death) + [str(word) for word in command],
					stdin=subprocess.DEVNULL, stdout=out, stderr=out,
					cwd="/", env=env)


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


def certificates(folder):
	"""Make ca.crt, and server.crt/server.key for localhost signed by it, in FOLDER."""
	key = ("-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes")
	ca = folder / "ca"
	run("openssl", "req", "-x509", *key, "-keyout", f"{ca}.key", "-out", f"{ca}.crt",
	    "-days", "2", "-subj", "/CN=scratch CA")
	run("openssl", "req", "-x509", *key, "-keyout", folder / "server.key",
	    "-out", folder / "server.crt", "-days", "2", "-subj", "/CN=localhost",
	    "-CA", f"{ca}.crt", "-CAkey", f"{ca}.key",
	    "-addext", "basicConstraints=critical,CA:false",
	    "-addext", "subjectAltName=DNS:localhost,IP:127.0.0.1")
	return folder
