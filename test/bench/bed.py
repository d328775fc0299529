"""bed.py - the test bed: tools built, null server and poolers started, all of it ended again.

Everything lives in one folder and on free ports. Poolers run as nobody if we are root (neither
of the two runs as root), else as ourselves.
"""
import base64
import contextlib
import glob
import hashlib
import hmac
import os
import random
import re
import resource
import shutil
import signal
import socket
import ssl
import subprocess
import tempfile
import time

from load import Target

HERE = os.path.dirname(os.path.abspath(__file__))
PASSWORD = "bench password"


class BedFailed(Exception):
	pass


def verifier(password, rounds=4096):
	"""PASSWORD as PostgreSQL stores it for SCRAM."""
	salt = bytes(range(16))
	salted = hashlib.pbkdf2_hmac("sha256", password.encode(), salt, rounds)

	def key(what):
		return hmac.new(salted, what, "sha256").digest()

	def b64(data):
		return base64.b64encode(data).decode()
	stored = b64(hashlib.sha256(key(b"Client Key")).digest())
	return f"SCRAM-SHA-256${rounds}:{b64(salt)}${stored}:{b64(key(b'Server Key'))}"


def free_port():
	"""A port that is free now and that the kernel does not give to outgoing connections."""
	while True:
		port = random.SystemRandom().randrange(12000, 30000)
		with contextlib.closing(socket.socket()) as s, contextlib.suppress(OSError):
			s.bind(("127.0.0.1", port))
			return port


def listens(port):
	with contextlib.suppress(OSError):
		socket.create_connection(("127.0.0.1", port), 1).close()
		return True
	return False


class Program:
	"""A pooler program: pgweir or the peer, which lacks some settings."""

	def __init__(self, path, name):
		self.path, self.name = os.path.abspath(path), name
		self.ours = name == "pgweir"
		told = subprocess.run([self.path, "--version"], capture_output=True, text=True,
			check=False).stdout
		self.version = (told.splitlines() or ["?"])[0]
		number = re.search(r"(\d+)\.(\d+)", self.version)
		self.prepares = self.ours or bool(number) and \
			(int(number.group(1)), int(number.group(2))) >= (1, 21)


class Bed:
	def __init__(self):
		self.folder = tempfile.mkdtemp(prefix="pgweir-bench-")
		os.chmod(self.folder, 0o755)
		self.running = []
		hard = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
		resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
		self.files = hard if hard != resource.RLIM_INFINITY else 1 << 20
		self.null = None

	def __enter__(self):
		try:
			self.build()
			self.certify()
			self.null = self.start("nullpg", lambda port: [f"{self.folder}/nullpg", "-q",
				"-p", port])
		except BaseException:
			self.__exit__()
			raise
		return self

	def __exit__(self, *_):
		for process in reversed(self.running):
			end(process)
		shutil.rmtree(self.folder, ignore_errors=True)

	def build(self):
		done = subprocess.run([f"{HERE}/build", self.folder], capture_output=True, text=True,
			check=False)
		if done.returncode:
			raise BedFailed(f"test/bench/build: {done.stderr.strip()}")
		os.environ["BENCH_BIN"] = self.folder

	def certify(self):
		"""A certificate of RSA 2048, signed by itself, for the poolers."""
		subprocess.run(["openssl", "req", "-new", "-x509", "-days", "2", "-nodes", "-newkey",
			"rsa:2048", "-subj", "/CN=localhost", "-keyout", f"{self.folder}/server.key",
			"-out", f"{self.folder}/server.crt"], check=True, capture_output=True)
		os.chmod(f"{self.folder}/server.key", 0o600)
		if os.geteuid() == 0:
			shutil.chown(f"{self.folder}/server.key", "nobody")

	def start(self, name, command, patience=15):
		"""Start COMMAND(port) and wait until it listens: a Target for it."""
		port = free_port()
		# PGWEIR_... of ours are no settings of a pooler
		env = {k: v for k, v in os.environ.items() if not k.startswith("PGWEIR_")}
		with open(f"{self.folder}/{name}.{port}.log", "wb") as log:
			process = subprocess.Popen(list(map(str, command(port))), stdin=subprocess.DEVNULL,
				stdout=log, stderr=log, start_new_session=True, env=env)
		self.running.append(process)
		until = time.monotonic() + patience
		while not listens(port):
			if process.poll() is not None or time.monotonic() > until:
				with open(f"{self.folder}/{name}.{port}.log", encoding="utf-8",
						errors="replace") as text:
					raise BedFailed(f"{name} does not listen: {text.read()[-500:].strip()}")
			time.sleep(0.02)
		target = Target(name, port, [process.pid])
		target.process = process
		return target

	def stop(self, target):
		end(target.process)
		self.running.remove(target.process)

	@contextlib.contextmanager
	def floor(self, mode="copy", before=()):
		"""The fixed-copy proxy: the least that a proxy costs."""
		target = self.start("floor", lambda port: [*before, f"{self.folder}/nullproxy", "-p", port,
			"-b", self.null.port, "-m", mode])
		try:
			yield target
		finally:
			self.stop(target)

	@contextlib.contextmanager
	def pooler(self, program, before=(), **settings):
		"""PROGRAM with 20 servers, trust and one worker, but for SETTINGS."""
		patience = 60 if before else 15
		target = self.start(program.name, lambda port: as_nobody() + [*before, program.path,
			self.ini(program, port, settings)], patience)
		target.password = PASSWORD
		try:
			yield target
		finally:
			self.stop(target)

	def ini(self, program, port, settings):
		values = dict(listen_addr="127.0.0.1", listen_port=port, unix_socket_dir="",
			auth_type="trust", auth_file=f"{self.folder}/{program.name}.{port}.txt",
			pool_mode="transaction", max_client_conn=15000, default_pool_size=20,
			log_connections=0, log_disconnections=0, log_stats=0,
			admin_users="bench", stats_users="bench", server_tls_sslmode="disable")
		if program.prepares:
			values["max_prepared_statements"] = 200
		if program.ours:
			values["workers"] = 1
		values.update(settings)
		with open(values["auth_file"], "w", encoding="ascii") as users:
			users.write(f'"bench" "{verifier(PASSWORD)}"\n')
		path = f"{self.folder}/{program.name}.{port}.ini"
		with open(path, "w", encoding="ascii") as ini:
			ini.write(f"[databases]\nbench = host=127.0.0.1 port={self.null.port} dbname=bench "
				"user=bench pool_size=20\n[pgbouncer]\n")
			ini.writelines(f"{name} = {value}\n" for name, value in values.items())
		return path

	def tls(self):
		"""Settings for TLS to clients."""
		return dict(client_tls_sslmode="allow", client_tls_key_file=f"{self.folder}/server.key",
			client_tls_cert_file=f"{self.folder}/server.crt")

	def callgrind(self):
		"""The words before a command that make it count its instructions, and where they go."""
		folder = tempfile.mkdtemp(prefix="callgrind-", dir=self.folder)
		os.chmod(folder, 0o777)
		words = ["valgrind", "-q", "--tool=callgrind", f"--callgrind-out-file={folder}/out.%p"]
		return words, folder


def as_nobody():
	if os.geteuid() != 0:
		return []
	return ["setpriv", "--reuid", "nobody", "--regid", "nogroup", "--clear-groups"]


def end(process):
	"""End it, forcibly after 10 s."""
	if process.poll() is None:
		process.send_signal(signal.SIGTERM)
		with contextlib.suppress(subprocess.TimeoutExpired):
			process.wait(10)
	if process.poll() is None:
		process.kill()
	process.wait()


def instructions(folder):
	"""The sum over what callgrind wrote into FOLDER."""
	total = 0
	for name in glob.glob(f"{folder}/out.*"):
		with open(name, encoding="utf-8", errors="replace") as lines:
			for line in lines:
				if line.startswith(("summary:", "totals:")):
					total += int(line.split()[1])
					break
	return total


def handshake_bytes(port):
	"""Bytes a client reads until a TLS handshake without verification is done."""
	context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
	context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
	incoming, outgoing = ssl.MemoryBIO(), ssl.MemoryBIO()
	tls = context.wrap_bio(incoming, outgoing)
	count = 0
	with contextlib.closing(socket.create_connection(("127.0.0.1", port), 5)) as s:
		s.sendall(bytes([0, 0, 0, 8, 4, 210, 22, 47]))
		if s.recv(1) != b"S":
			raise BedFailed(f"port {port} refuses TLS")
		while True:
			try:
				tls.do_handshake()
				return count
			except ssl.SSLWantReadError:
				s.sendall(outgoing.read())
				got = s.recv(65536)
				if not got:
					raise BedFailed(f"port {port} closed during the handshake") from None
				count += len(got)
				incoming.write(got)


def names_authorities(port):
	"""Does the pooler name authorities whose client certificates it would take?"""
	told = subprocess.run(["openssl", "s_client", "-starttls", "postgres", "-connect",
		f"127.0.0.1:{port}"], stdin=subprocess.DEVNULL, capture_output=True, text=True,
		check=False).stdout
	return "Acceptable client certificate CA names" in told
