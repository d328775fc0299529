"""bouncer.py - the pooler of a deployment: its binary in a pod, under PgBouncer's names."""

import filecmp
import os
import re
import shutil
import signal

import psycopg

from deploy.machine import command_name, named
from scratch import can_connect, wait_for
from servers import ALARMS, pooler_program

LINE = re.compile(
	r"\d{4}-\d\d-\d\d \d\d:\d\d:\d\d\.\d{3} \S+ \[\d+\] "
	r"(NOISE|DEBUG|LOG|WARNING|ERROR|FATAL) .+"
)


def install(pod, *paths):
	"""Put the binary under PATHS of POD."""
	program = pooler_program()
	assert program.exists(), "no pooler at %s: set PGWEIR or BUILD_DIR" % program
	for path in paths:
		target = pod.path(path)
		shutil.copy(program, target)
		target.chmod(0o755)


class Bouncer:
	"""The pooler in POD, started by COMMAND."""

	def __init__(self, pod, command, port, user=None, first=False, env=None, limits=()):
		self.pod, self.port = pod, port
		self.log = pod.folder.with_suffix(".log")
		self.process = pod.start(command, self.log, user, env, first, limits)
		try:
			wait_for("the pooler to accept", self.accepts, 30)
			self.pid = named(self.process, "pgbouncer")
			assert filecmp.cmp("/proc/%d/exe" % self.pid, pooler_program(), False)
		except AssertionError as error:
			raise AssertionError("%s\n%s" % (error, self.tail())) from None

	def accepts(self):
		assert self.process.poll() is None, "the pooler did not start"
		with self.pod.inside():
			return can_connect(self.port)

	def alive(self):
		return self.process.poll() is None and command_name(self.pid) == "pgbouncer"

	def run(self, *command, **more):
		"""Run COMMAND in the pooler's own container."""
		return self.pod.run(*command, beside=self.pid, **more)

	def text(self):
		return self.log.read_text(errors="replace")

	def tail(self, lines=40):
		return "\n".join(self.text().splitlines()[-lines:])

	def wait_until_logged(self, part, times=1):
		wait_for("%r in the log" % part, lambda: self.text().count(part) >= times)

	def wait_for_end(self, seconds=20):
		return self.process.wait(seconds)

	def stop(self):
		"""End it, unless it has ended, and look whether its log is in order."""
		if self.process.poll() is None:
			self.pod.run("kill", "-QUIT", str(self.inner_pid()))
			self.wait_for_end()
		self.check_log()

	def inner_pid(self):
		"""Its process id as seen in the pod."""
		for line in open("/proc/%d/status" % self.pid):
			if line.startswith("NSpid:"):
				return line.split()[2]
		raise AssertionError("no NSpid")

	def check_log(self):
		text = self.text()
		alarming = [part for part in ALARMS if part in text]
		assert not alarming, "%s in the log:\n%s" % (alarming, self.tail())
		for line in text.splitlines():
			assert LINE.fullmatch(line) or line.startswith("\t"), (
				"not a line as collectors know it: %r" % line
			)

	def signal(self, sign=signal.SIGHUP):
		os.kill(self.pid, sign)


def console(at, **login):
	"""A connection to the console, whose commands psycopg sends as simple queries."""
	return psycopg.connect(
		**{"dbname": "pgbouncer", "autocommit": True, "connect_timeout": 10, **login,
			"host": at},
		cursor_factory=psycopg.ClientCursor,
	)
