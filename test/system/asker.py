"""asker.py - drives test/system/asker.c: lookups, PAM and LDAP on the real helper threads, one
question a call."""

import os
import subprocess

import pytest

from servers import pooler_program

QUIET = {"PATH": os.environ["PATH"], "HOME": "/nonexistent"}


class Asker:
	"""A process that asks by the settings of INI; ENV is all of its environment."""

	def __init__(self, ini, env=None):
		program = pooler_program().parent / "test/system/asker"
		if not program.exists():
			pytest.skip("no asker beside the pooler: make test/system/asker")
		self.ini, self.errors = ini, open(str(ini) + ".err", "ab+")
		self.process = subprocess.Popen(
			[program, ini],
			stdin=subprocess.PIPE,
			stdout=subprocess.PIPE,
			stderr=self.errors,
			env={**QUIET, **(env or {})},
			cwd="/",
			text=True,
			encoding="utf-8",
			errors="surrogateescape",
		)

	def ask(self, *words):
		"""The lines of the answer, each a list of words."""
		self.process.stdin.write("\t".join(str(word) for word in words) + "\n")
		self.process.stdin.flush()
		lines = []
		while True:
			line = self.process.stdout.readline()
			assert line.endswith("\n"), "the asker ended: " + self.tail()
			if line == ".\n":
				return lines
			lines.append(line[:-1].split("\t"))

	def lookup(self, name, user="pooler", db="app", dbname="app", ms=10000):
		(answer,) = self.ask("lookup", db, dbname, user, name, ms)
		return answer

	def numbers(self):
		words = self.ask("numbers")[0][0].split()
		return {key: int(n) for key, n in zip(words[::2], words[1::2])}

	def tail(self):
		self.errors.seek(0)
		return self.errors.read().decode(errors="replace")[-3000:]

	def stop(self):
		self.process.stdin.write("quit\n")
		self.process.stdin.close()
		code = self.process.wait(30)
		said = self.tail()
		self.errors.close()
		self.process.stdout.close()
		assert code == 0 and not said, "the asker ended with %s: %s" % (code, said)
