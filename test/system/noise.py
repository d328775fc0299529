"""noise.py - other clients of the same pool, busy with work whose every answer they
check.

They use the statement names that the dialogues use, for other texts; they make errors,
pipelines,
transactions and settings of their own. They work only while somebody holds the noise up
(`with noise:`), and tell at the end whether each answer was their own.
"""

import threading

from rawpg import Client, bind, close, describe, execute, parse, query, row_of, sync
from servers import PEER

NAMES = ("a", "b", "c", "s1")


class NoisyClient(threading.Thread):
	def __init__(self, noise, number):
		super().__init__(daemon=True, name="noise-%d" % number)
		self.noise, self.number, self.round, self.why = noise, number, 0, None
		self.zone = "Etc/GMT+%d" % (1 + number)

	def run(self):
		works = [self.simple, self.transaction, self.mistake]
		if not PEER:  # Debian's PgBouncer knows no statements that outlive a Sync
			works += [self.named, self.unnamed]
		try:
			client = Client(self.noise.address).login(
				database=self.noise.database,
				application_name=self.name,
				TimeZone=self.zone,
			)
			while self.noise.wanted():
				self.round += 1
				works[(self.round + self.number) % len(works)](client)
				client.heard.clear()
			client.leave()
		except Exception as why:  # told by Noise.check
			self.why = why

	@property
	def tag(self):
		return "%s round %d" % (self.name, self.round)

	def simple(self, c):
		got = c.does("select '%s', current_setting('TimeZone')" % self.tag)
		assert got == [[self.tag, self.zone]], "%s got %r" % (self.tag, got)

	def named(self, c):
		name = NAMES[self.round % len(NAMES)]
		c.send(parse(name, "select $1::text || ' %s'" % self.tag), sync())
		c.hears("1 Z:I")
		self.run_statement(c, name, "first")
		self.run_statement(c, name, "second")
		c.send(close("S", name), sync())
		c.hears("3 Z:I")

	def unnamed(self, c):
		c.send(
			parse("", "select $1::text || ' %s'" % self.tag),
			describe("S"),
			sync(),
		)
		c.hears("1 t T Z:I")
		self.run_statement(c, "", "later")

	def run_statement(self, c, name, word):
		c.send(bind(name, [word]), execute(), sync())
		row = row_of(c.hears("2 D C Z:I")[1].body)
		assert row == ["%s %s" % (word, self.tag)], "%s got %r" % (self.tag, row)

	def transaction(self, c):
		c.does("begin; set local application_name = '%s'" % self.tag)
		got = c.asks("show application_name")
		assert got == self.tag, "%s got %r" % (self.tag, got)
		c.does("rollback")

	def mistake(self, c):
		c.send(
			parse("", "select 1/0"),
			bind(),
			execute(),
			sync(),
			query("select '%s'" % self.tag),
		)
		row = row_of(c.hears("1 E:22012 Z:I T D C Z:I")[4].body)
		assert row == [self.tag], "%s got %r" % (self.tag, row)


class Noise:
	"""CLIENTS noisy clients of DATABASE at ADDRESS; they start at the first
	`with`."""

	def __init__(self, address, database, clients=4):
		self.address, self.database = address, database
		self.gate, self.over = threading.Event(), False
		self.clients = [NoisyClient(self, n) for n in range(clients)]

	def wanted(self):
		"""Wait until noise is wanted; false when it never will be again."""
		self.gate.wait()
		return not self.over

	def __enter__(self):
		for client in self.clients:
			if client.ident is None:
				client.start()
		self.gate.set()

	def __exit__(self, *_):
		self.gate.clear()
		self.check()

	def check(self):
		"""Fail if somebody heard something wrong; a fresh client takes the place
		of each that did."""
		failed = [client for client in self.clients if client.why]
		for client in failed:
			self.clients[client.number] = NoisyClient(self, client.number)
		for client in failed:
			raise AssertionError(
				"%s failed in round %d: %r"
				% (client.name, client.round, client.why)
			) from client.why

	def stop(self):
		self.over = True
		self.gate.set()
		for client in self.clients:
			if client.ident is not None:
				client.join(20)
		self.check()
