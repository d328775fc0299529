"""script.py - messages of the extended protocol together with the answers PostgreSQL gives to them.

A Script grows message by message and knows what each of them would do on a connection of
its own: which are skipped after an error, which statements exist, whether a transaction is
open. `names` maps a client's statement names to what they answer with; the empty name is
the unnamed statement.
"""
from rawpg import bind, close, describe, execute, flush, parse, query, sync

BOOM = "select 1/(g - 1) from generate_series(1, 1) g"	# fails when it runs, its T has come
ERRORS = {				# statements with their codes, and whether it is only Execute that fails
	BOOM + " where $1::text <> ''": ("22012", True),
	"select ($1::text || g)::int from generate_series(1, 1) g": ("22P02", True),
	"select ($1::text || g)::date from generate_series(1, 1) g": ("22007", True),
	"select 1/0, $1::text": ("22012", False),
}


class Script:
	def __init__(self, names):
		self.names = names		# changed in place; name -> text in the answer
		self.data, self.expected = [], []
		self.skipping, self.status = False, "I"

	def add(self, data, *answers):
		self.data.append(data)
		if not self.skipping:
			self.expected.extend(answers)
		return not self.skipping

	def fail(self, data, code, *before):
		if self.add(data, *before, ("E", code)):
			self.skipping = True
			self.status = "E" if self.status == "T" else self.status

	# --- the extended protocol ---

	def parse(self, name, tag):
		"""A statement that answers with its argument and TAG; the names of others may mean other texts."""
		self.prepare(name, "select $1::text, '%s'" % tag, tag)

	def parse_common(self, name):
		"""The same text for every client: only its argument tells whose it is."""
		self.prepare(name, "select $1::text, 'common'", "common")

	def prepare(self, name, sql, answer):
		data = parse(name, sql)
		if self.skipping:
			return self.data.append(data)
		if not name:
			self.names.pop("", None)
		if self.status == "E":
			return self.fail(data, "25P02")
		if name in self.names:
			return self.fail(data, "42P05")
		self.add(data, ("1", None))
		self.names[name] = answer

	def parse_badly(self, name, tag):
		if not name and not self.skipping:
			self.names.pop("", None)
		self.fail(parse(name, "select nonsense from nowhere /* %s */" % tag),
			  "25P02" if self.status == "E" else "42P01")

	def missing(self, name, data):
		"""Fails because NAME does not exist, or because the transaction has failed."""
		if self.skipping or name in self.names and self.status != "E":
			return False
		self.fail(data, "25P02" if name in self.names else "26000")
		return True

	def run(self, name, word, described=False):
		"""Bind, Execute; ask first what comes, if DESCRIBED."""
		if self.missing(name, bind(name, [word]) + execute()):
			return
		self.add(bind(name, [word]), ("2", None))
		if described:
			self.add(describe("P"), ("T", None))
		self.add(execute(), ("D", [word, self.names.get(name)]), ("C", "SELECT 1"))

	def run_twice(self, name, word):
		"""By a portal that is suspended."""
		if self.missing(name, bind(name, [word], portal="p") + execute("p", 1)):
			return
		self.add(bind(name, [word], portal="p"), ("2", None))
		self.add(execute("p", 1), ("D", [word, self.names.get(name)]), ("s", None))
		self.add(execute("p", 1), ("C", "SELECT 0"))
		self.add(close("P", "p"), ("3", None))

	def describe(self, name):
		if self.missing(name, describe("S", name)):
			return
		self.add(describe("S", name), ("t", None), ("T", None))

	def close(self, name):
		if self.add(close("S", name), ("3", None)):
			self.names.pop(name, None)

	def mistake(self, text):
		self.prepare("", text, "a mistake")
		code, bound = ERRORS[text]
		self.fail(bind("", ["a"]) + execute(), code, *([("2", None)] if bound else ()))

	def flush(self):
		self.data.append(flush())

	def sync(self):
		self.skipping = False
		self.add(sync(), ("Z", self.status))

	# --- simple queries between them ---

	def query(self, sql, *answers, status=None):
		if self.add(query(sql), *answers):
			self.names.pop("", None)
			self.status = status or self.status
			self.expected.append(("Z", self.status))

	def select(self, tag):
		self.query("select '%s'" % tag, ("T", None), ("D", [tag]), ("C", "SELECT 1"))

	def begin(self):
		self.query("begin", ("C", "BEGIN"), status="T")

	def end(self, word):
		"""COMMIT or ROLLBACK; both end a failed transaction by rolling it back."""
		tag = "ROLLBACK" if self.status == "E" else word.upper()
		self.query(word, ("C", tag), status="I")
