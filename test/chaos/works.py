"""works.py - what the clients do, each piece of work marked with whose it is.

A worker's tag stands in every statement and every row it asks for, so an answer to somebody
else's question cannot pass for its own. Work that vanishes in the middle is told to `gone`:
nothing of it may ever be seen in the tables.
"""
import asyncio
import contextlib

import rawpg
from rawpg import bind, copy_data, copy_done, copy_fail, execute, parse, query, sync
from script import BOOM, ERRORS, Script
from session import Canceled, Gone, Session, Wrong, cancel

NAMES = ("a", "b", "c", "s1", "S_1", "__asyncpg_stmt_1__", "lrupsc_1_0")
TRACKED = {
	"application_name": lambda rng, tag: tag,
	"TimeZone": lambda rng, tag: "Etc/GMT+%d" % rng.randrange(1, 12),
	"DateStyle": lambda rng, tag: rng.choice(("ISO, DMY", "ISO, MDY", "SQL, DMY", "German, DMY")),
	"IntervalStyle": lambda rng, tag: rng.choice(("postgres", "iso_8601", "sql_standard")),
	"standard_conforming_strings": lambda rng, tag: rng.choice(("on", "off")),
}
SHOWN = "select '%s', " + ", ".join("current_setting('%s')" % name for name in TRACKED)
CANCEL_MEMORY = 20.0			# seconds in which our own late cancel may hit


class Worker:
	"""One client: a session that is made anew when it has gone, and the state it must have."""

	def __init__(self, name, rng, address, target):
		self.name, self.rng, self.address = name, rng, address
		self.user, self.database, self.tls, self.version = target
		self.round, self.generation = 0, 0
		self.session, self.names, self.settings = None, {}, {}
		self.canceled_at = None			# when we last asked to cancel, for those who ever do
		self.gone = []				# tags of work that must have left nothing
		self.open_dust = []			# the same, for the transaction under way

	@property
	def tag(self):
		return "%s.%d.%d" % (self.name, self.generation, self.round)

	async def enter(self, secret):
		self.generation += 1
		self.names = {}
		self.settings = {"application_name": self.tag, "TimeZone": "Etc/GMT-1", "DateStyle": "ISO, MDY",
				 "IntervalStyle": "postgres", "standard_conforming_strings": "on"}
		self.session = Session(self.address, self.tls)
		self.session.may_be_canceled = lambda: self.canceled_at is not None and \
			asyncio.get_running_loop().time() - self.canceled_at < CANCEL_MEMORY
		await self.session.enter(self.user, secret, self.database, self.version,
					 application_name=self.tag, TimeZone=self.settings["TimeZone"])
		self.check_reported()

	def check_reported(self):
		for name, value in self.settings.items():
			if self.session.reported.get(name) != value:
				raise Wrong("%s was told %s = %r, has set %r" % (
					self.tag, name, self.session.reported.get(name), value))

	async def play(self, script):
		await self.session.send(*script.data)
		await self.session.hears(*script.expected)

	# --- questions ---

	async def simple(self):
		self.names.pop("", None)
		await self.session.asks("select '%s'" % self.tag, self.tag)

	async def several(self):
		"""Statements in one Query; an error ends the rest of it."""
		self.names.pop("", None)
		words = ["%s/%d" % (self.tag, n) for n in range(self.rng.randrange(2, 6))]
		expected = [m for word in words for m in (("T", None), ("D", [word]), ("C", "SELECT 1"))]
		sql = "; ".join("select '%s'" % word for word in words)
		if self.rng.random() < 0.4:
			sql += "; %s; select 'never'" % BOOM
			expected += [("T", None), ("E", "22012")]
		await self.session.send(query(sql))
		await self.session.hears(*expected, ("Z", "I"))

	async def extended(self):
		s = Script(self.names)
		s.parse("", self.tag)
		if self.rng.random() < 0.5:
			s.describe("")
		for n in range(self.rng.randrange(1, 4)):
			self.rng.choice((s.run, s.run_twice))("", "%s/%d" % (self.tag, n))
		s.sync()
		await self.play(s)

	async def unnamed_later(self):
		"""A statement without a name, used after its Sync."""
		s = Script(self.names)
		s.parse("", self.tag)
		s.describe("")
		s.sync()
		await self.play(s)
		for n in range(self.rng.randrange(1, 4)):
			await self.pause()
			s = Script(self.names)
			s.run("", "%s/%d" % (self.tag, n), described=True)
			s.sync()
			await self.play(s)

	async def named(self):
		s = Script(self.names)
		self.statements(s, self.rng.randrange(1, 5))
		s.sync()
		await self.play(s)

	def statements(self, s, count):
		"""Some work with statement names that all clients use."""
		for n in range(count):
			name, word = self.rng.choice(NAMES), "%s/%d" % (self.tag, n)
			what = self.rng.random()
			if name not in self.names and what < 0.9:
				if what < 0.1:
					s.parse_badly(name, word)
				elif what < 0.3:
					s.parse_common(name)
				else:
					s.parse(name, word)
			elif what < 0.1:
				s.close(name)
			elif what < 0.15:
				s.parse(name, word)
			elif what < 0.3:
				s.describe(name)
			if self.rng.random() < 0.95:
				self.rng.choice((s.run, s.run_twice))(name, word)

	async def pipeline(self):
		"""Many batches at once: statements, mistakes, transactions, simple queries."""
		s = Script(self.names)
		for n in range(self.rng.randrange(3, 40)):
			what = self.rng.random()
			if what < 0.12:
				s.mistake(self.rng.choice(list(ERRORS)))
				s.sync()
			elif what < 0.2 and s.status == "I":
				s.begin()
			elif what < 0.35 and s.status != "I":
				s.end(self.rng.choice(("commit", "rollback")))
			elif s.status == "E":
				s.end("rollback")
			elif what < 0.5:
				s.select("%s/%d" % (self.tag, n))
			elif what < 0.6:
				s.parse("", "%s/%d" % (self.tag, n))
				s.run("", "u%d" % n)
				s.flush()
				s.sync()
			else:
				self.statements(s, self.rng.randrange(1, 4))
				s.sync()
		if s.status != "I":
			s.end("rollback")
		await self.play(s)

	async def mistakes(self):
		s = Script(self.names)
		if self.rng.random() < 0.5:
			self.statements(s, 2)
		s.mistake(self.rng.choice(list(ERRORS)))
		self.statements(s, 2)
		s.sync()
		s.select(self.tag)
		await self.play(s)

	async def deallocate(self):
		await self.session.does("deallocate all", "DEALLOCATE ALL")
		self.names.clear()

	async def function(self):
		"""textcat(text, text) by a FunctionCall."""
		await self.session.send(rawpg.function_call(1258, [self.tag, "!"]))
		joined = self.tag.encode() + b"!"
		await self.session.hears(("V", len(joined).to_bytes(4, "big") + joined), ("Z", "I"))

	# --- transactions ---

	async def transaction(self):
		c, tag, rng = self.session, self.tag, self.rng
		self.names.pop("", None)
		self.open_dust.append(tag)
		await c.does("begin", "BEGIN", "T")
		count = rng.randrange(1, 5)
		for n in range(count):
			await c.does("insert into kept values ('%s', %d)" % (tag, n), "INSERT 0 1", "T")
			await self.pause()
		await c.send(query("select count(*), min(tag), max(tag) from kept where tag = '%s'" % tag))
		await c.hears(("T", None), ("D", [str(count), tag, tag]), ("C", "SELECT 1"), ("Z", "T"))
		ending = rng.random()
		if ending < 0.3:
			await c.send(query(BOOM))
			await c.hears(("T", None), ("E", "22012"), ("Z", "E"))
			await c.send(query("select '%s'" % tag))
			await c.hears(("E", "25P02"), ("Z", "E"))
			await c.does("commit", "ROLLBACK")
		elif ending < 0.5:
			await c.does("rollback", "ROLLBACK")
		elif ending < 0.8:
			await c.does("delete from kept where tag = '%s'" % tag, "DELETE %d" % count, "T")
			await c.does("commit", "COMMIT")
		else:
			self.open_dust.remove(tag)	# from here on either may be true
			await c.does("commit", "COMMIT")
			await c.asks("select count(*) from kept where tag = '%s'" % tag, str(count))
			await c.does("delete from kept where tag = '%s'" % tag, "DELETE %d" % count)

	async def lingering(self):
		"""A transaction that keeps its server a while."""
		await self.session.does("begin", "BEGIN", "T")
		await asyncio.sleep(self.rng.random() * 0.3)
		await self.session.asks("select '%s'" % self.tag, self.tag)
		self.names.pop("", None)
		await self.session.does("commit", "COMMIT")

	# --- copy ---

	async def copy_in(self):
		c, tag, rng = self.session, self.tag, self.rng
		self.names.pop("", None)
		self.open_dust.append(tag)
		rows = rng.choice((0, 1, 10, 2000))
		await c.does("begin", "BEGIN", "T")
		lines = "".join("%s\t%d\n" % (tag, n % 1000) for n in range(rows))
		how, extended = rng.random(), rng.random() < 0.4
		sql = "copy copied from stdin"
		started = (("1", None), ("2", None)) if extended else ()
		await c.send(parse("", sql) + bind() + execute() + sync() if extended else query(sql))
		await c.hears(*started, ("G", None))
		tail = (sync(),) if extended else ()
		if extended:
			self.names[""] = "a copy"
		for at in range(0, len(lines), 9000):
			await c.send(copy_data(lines[at:at + 9000]))
			if rng.random() < 0.1:
				await self.pause()
		if how < 0.2:
			await c.send(copy_fail("no more"), *tail)
			await c.hears(("E", "57014"), ("Z", "E"))
			await c.does("rollback", "ROLLBACK")
		elif how < 0.4:
			await c.send(copy_data("%s\t5000\n" % tag), copy_done(), *tail)
			await c.hears(("E", "23514"), ("Z", "E"))
			await c.does("rollback", "ROLLBACK")
		else:
			await c.send(copy_done(), *tail)
			await c.hears(("C", "COPY %d" % rows), ("Z", "T"))
			await c.send(query("select count(*) from copied where tag = '%s'" % tag))
			await c.hears(("T", None), ("D", [str(rows)]), ("C", "SELECT 1"), ("Z", "T"))
			await c.does("rollback", "ROLLBACK")
		self.names.pop("", None)

	async def copy_that_fails(self):
		"""What follows a bad row is still on its way when the server has long said no: it is ignored."""
		c, tag, rng = self.session, self.tag, self.rng
		self.names.pop("", None)
		await c.send(query("copy copied from stdin"))
		await c.hears(("G", None))
		late = copy_data(("%s\t1\n" % tag) * rng.choice((1, 100, 20000)))
		cut = rng.randrange(len(late))
		await c.send(copy_data("%s\t5000\n" % tag), copy_data("%s\t1\n" % tag * 9000), late[:cut])
		await c.hears(("E", "23514"), ("Z", "I"))
		await self.pause()
		await c.send(late[cut:], copy_done())
		await self.simple()

	async def copy_out(self):
		self.names.pop("", None)
		rows = self.rng.choice((0, 1, 30, 3000))
		await self.session.send(query(
			"copy (select '%s', g from generate_series(1, %d) g) to stdout" % (self.tag, rows)))
		lines = [("d", b"%s\t%d\n" % (self.tag.encode(), n)) for n in range(1, rows + 1)]
		await self.session.hears(("H", None), *lines, ("c", None), ("C", "COPY %d" % rows), ("Z", "I"))

	# --- settings ---

	async def set_one(self):
		self.names.pop("", None)
		c, name = self.session, self.rng.choice(list(TRACKED))
		value = TRACKED[name](self.rng, self.tag)
		how = self.rng.random()
		if how < 0.5:
			await c.does("set %s = '%s'" % (name, value), "SET")
			self.settings[name] = value
		elif how < 0.7:
			await self.set_and_roll_back(name, value)
		elif how < 0.85:
			await c.send(query("set %s = '%s'; %s" % (name, value, BOOM)))
			await c.hears(("C", "SET"), ("T", None), ("E", "22012"), ("Z", "I"))
		else:
			await c.send(parse("", "select set_config($1, $2, false)"), bind("", [name, value]),
				     execute(), sync())
			await c.hears(("1", None), ("2", None), ("D", [value]), ("C", "SELECT 1"), ("Z", "I"))
			self.settings[name] = value
			await self.simple()		# so that the unnamed statement is none again
		self.check_reported()

	async def set_and_roll_back(self, name, value):
		c = self.session
		word = self.rng.choice(("set", "set local"))
		await c.does("begin", "BEGIN", "T")
		await c.does("%s %s = '%s'" % (word, name, value), "SET", "T")
		await c.send(query("select current_setting('%s')" % name))
		await c.hears(("T", None), ("D", [value]), ("C", "SELECT 1"), ("Z", "T"))
		if word == "set":
			await c.does("rollback", "ROLLBACK")
		else:
			await c.does("commit", "COMMIT")

	async def show_settings(self):
		self.names.pop("", None)
		await self.session.asks(SHOWN % self.tag, self.tag, *(self.settings[name] for name in TRACKED))
		self.check_reported()

	# --- large answers ---

	async def large(self, slowly=False):
		self.names.pop("", None)
		rows, width = self.rng.choice(((3000, 300), (60, 100000), (400, 9000), (1, 3000000)))
		sql = "select '%s', g, repeat('x', %d) from generate_series(1, %d) g" % (self.tag, width, rows)
		await self.session.send(query(sql))
		await self.session.hears(("T", None))
		filler = "x" * width
		for n in range(1, rows + 1):
			if slowly and self.rng.random() < 20 / rows:
				await asyncio.sleep(0.05)
			await self.session.hears(("D", [self.tag, str(n), filler]))
		await self.session.hears(("C", "SELECT %d" % rows), ("Z", "I"))

	async def large_slowly(self):
		await self.large(slowly=True)

	async def large_question(self):
		"""A message larger than any buffer on the way."""
		self.names.pop("", None)
		text = self.tag + "y" * self.rng.choice((5000, 40000, 400000, 2000000))
		await self.session.send(query("select length('%s'), '%s'" % (text, self.tag)))
		await self.session.hears(("T", None), ("D", [str(len(text)), self.tag]), ("C", "SELECT 1"), ("Z", "I"))

	# --- cancel ---

	def now(self):
		return asyncio.get_running_loop().time()

	async def cancel_running(self):
		"""A long query of our own ends at our request. A request may come before the query has begun."""
		c, tag = self.session, self.tag
		self.names.pop("", None)
		await c.send(query("select pg_sleep(20) /* %s */" % tag))
		answer = asyncio.ensure_future(c.message())
		try:
			while not answer.done():
				await asyncio.sleep(self.rng.random() * 0.4)
				self.canceled_at = self.now()
				with contextlib.suppress(Gone):
					await cancel(self.address, c.pid, c.key, self.tls)
				await asyncio.wait([answer], timeout=1)
			kind, body = await answer
		finally:
			answer.cancel()
		if kind == "T":
			kind, body = await c.message()
		fields = rawpg.fields_of(body) if kind == "E" else {}
		if fields.get("C") != "57014":
			raise Wrong("expected a canceled query, heard %s %r" % (kind, fields or body[:100]))
		await c.hears(("Z", "I"))

	async def cancel_late(self):
		"""Requests that race with the end of the query they are meant for."""
		c, tag = self.session, self.tag
		self.names.pop("", None)
		await c.send(query("select pg_sleep(%.4f), '%s'" % (self.rng.random() * 0.02, tag)))
		self.canceled_at = self.now()
		with contextlib.suppress(Gone):
			await cancel(self.address, c.pid, c.key, self.tls)
		await self.may_be_hit((("T", None), ("D", ["", tag]), ("C", "SELECT 1")))
		for n in range(3):
			await c.send(query("select '%s'" % tag))
			await self.may_be_hit((("T", None), ("D", [tag]), ("C", "SELECT 1")))

	async def may_be_hit(self, expected):
		with contextlib.suppress(Canceled):
			await self.session.hears(*expected)
		await self.session.hears(("Z", "I"))

	async def pause(self):
		if self.rng.random() < 0.5:
			await asyncio.sleep(self.rng.random() * 0.01)
