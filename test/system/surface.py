"""surface.py - what the tests of PgBouncer's surface share: a pooler of a test's own, whoever wants to
be a PgBouncer may stand in for it (PGWEIR_PEER=1), and words for what it answers."""

import os
import struct

from rawpg import Client, fields_of, query, row_of, strings
from scratch import wait_for
from servers import Pooler

TYPES = {25: "t", 23: "i", 20: "q", 1700: "n", 17: "y"}


class Poolers:
	"""poolers(**settings): one of a test's own, in transaction mode; users adds lines of [users]."""

	def __init__(self, front, postgres, folder, certs):
		self.front, self.postgres, self.folder, self.certs = front, postgres, folder, certs
		self.made, self.guests = [], []

	def __call__(self, users=None, databases=None, **settings):
		pooler = Pooler(
			self.postgres,
			self.folder / ("surface-" + os.urandom(4).hex()),
			self.certs,
			self.front.workers,
			{name: self.entry(keys) for name, keys in (databases or {}).items()},
			**settings,
		)
		if users:
			with open(pooler.ini, "a") as ini:
				ini.write("[users]\n")
				ini.writelines("%s = %s\n" % pair for pair in users.items())
		self.made.append(pooler)
		return pooler.start()

	def entry(self, keys):
		return "host=127.0.0.1 port=%d dbname=app %s" % (self.postgres.port, keys)

	def enter(self, pooler, database="one", **login):
		"""A client of POOLER, which leaves at the end of the test."""
		self.guests.append(Client(pooler.address))
		return self.guests[-1].login(database=database, **login)

	def end(self):
		for guest in self.guests:
			guest.leave()
		for pooler in self.made:
			pooler.check()
			pooler.stop()


def last_words(client):
	"""The fields of the error that ends CLIENT."""
	said = client.rest()
	assert said and said[-1].kind == "E", said
	return fields_of(said[-1].body)


def columns(description):
	"""NAME:TYPE of each column of a RowDescription; everything else about them is always the same."""
	body, at, out = description.body, 2, []
	for _ in range(struct.unpack_from("!H", body)[0]):
		end = body.index(b"\0", at)
		table, column, oid, _, modifier, form = struct.unpack_from("!IHIhih", body, end + 1)
		assert (table, column, modifier, form) == (0, 0, -1, 0), body[at:end]
		out.append("%s:%s" % (body[at:end].decode(), TYPES[oid]))
		at = end + 19
	return out


def rows(guest, topic):
	"""The rows of SHOW TOPIC as dicts."""
	guest.send(query("SHOW " + topic))
	heard = guest.until_ready()
	names = [column.rpartition(":")[0] for column in columns(heard[0])]
	return [dict(zip(names, row_of(m.body))) for m in heard if m.kind == "D"]


def row(guest, topic, name, key="database"):
	"""The one row of SHOW TOPIC whose KEY is NAME, numbers as such; None: there is none."""
	for found in rows(guest, topic):
		if found[key] == name:
			return {
				k: int(v) if v is not None and v.lstrip("-").isdigit() else v
				for k, v in found.items()
			}
	return None


def told(guest, command):
	"""What the console says to COMMAND in one line, without rows."""
	guest.send(query(command))
	words = []
	for m in guest.until_ready():
		if m.kind in "EN":
			fields = fields_of(m.body)
			words.append("%(S)s %(C)s %(M)s" % fields)
		elif m.kind == "C":
			words.append(strings(m.body)[0])
	return "; ".join(words)


def in_log(pooler, part, times=1):
	"""Wait until the log has PART that often; fail if it has it more often."""
	wait_for(
		"%d times %r in %s" % (times, part, pooler.log),
		lambda: pooler.log.read_text(errors="replace").count(part) >= times,
	)
	assert pooler.log.read_text(errors="replace").count(part) == times
