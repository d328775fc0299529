"""fleet.py - a process full of clients: what they do next, and which ends of a connection are excused.

Counts go to a file as lines of JSON, often, as the process may be killed at any moment.
"""
import asyncio
import collections
import json
import random
import re
import signal
import time
import traceback

import drivers
import rough
from session import Canceled, Gone, Wrong
from works import Worker

PATIENCE = 30.0				# seconds after which one piece of work hangs
EXCUSED = 8.0				# seconds after the gremlin's last act in which connections may end
WORK = {
	"simple": 12, "several": 5, "extended": 8, "unnamed_later": 6, "named": 14, "pipeline": 10, "mistakes": 6,
	"deallocate": 1, "function": 2, "transaction": 10, "lingering": 3, "copy_in": 4, "copy_out": 4,
	"copy_that_fails": 4, "set_one": 6, "show_settings": 6, "large": 1, "large_slowly": 1, "large_question": 1,
}
CANCELING = {"cancel_running": 4, "cancel_late": 8}
# What may be heard when a connection ends, when the gremlin has been at work.
LAST_WORDS = re.compile("|".join((
	"^terminating connection due to", "^terminating connection because of crash",
	"^the database system is (starting up|shutting down|in recovery mode|not yet accepting)",
	"^server conn crashed", "^server closed the connection", "^server login has been failing",
	"^server login failed", "^query_wait_timeout", "^client_login_timeout", "^end of stream", "^while sending",
	"^connecting: ", "^database configuration changed", "^sorry, too many clients already",
	"^remaining connection slots", "^connect(ion)? (failed|timeout|refused)", "^client unexpected eof",
	"^admin forced disconnect", "^database removed", "^server does not answer", "^pooler is shutting down", "^database .* is disabled",
	"^unexpected eof", "^Connection (refused|reset)", "^cannot connect",
)))


class Tally:
	"""What this process has counted since it last told."""

	def __init__(self, path):
		self.path = path
		self.clear()

	def clear(self):
		self.done, self.errors = collections.Counter(), collections.Counter()
		self.wrong, self.longest = [], 0.0

	def tell(self):
		told = {"done": self.done, "errors": self.errors, "wrong": self.wrong, "longest": self.longest}
		with open(self.path, "a") as out:
			out.write(json.dumps(told) + "\n")
		self.clear()

	def accuse(self, who, what, why):
		self.wrong.append("%s %s in %s: %s" % (time.strftime("%H:%M:%S"), who, what, why))
		self.tell()


class Fleet:
	"""CLIENTS clients of TARGETS at ADDRESS. `acted` is shared: when the gremlin last did something."""

	def __init__(self, name, seed, address, targets, clients, secret, path, acted):
		self.name, self.address, self.targets, self.secret = name, address, targets, secret
		self.rng = random.Random("%s %s" % (seed, name))
		self.tally, self.acted, self.clients, self.over = Tally(path), acted, clients, False

	def run(self):
		asyncio.run(self.main())

	async def main(self):
		loop = asyncio.get_running_loop()
		loop.add_signal_handler(signal.SIGTERM, self.stop)
		tasks = [loop.create_task(self.client(n)) for n in range(self.clients)]
		tasks.append(loop.create_task(self.strangers()))
		tasks += self.drivers(loop)
		teller = loop.create_task(self.tell_often())
		for done in await asyncio.gather(*tasks, return_exceptions=True):
			if isinstance(done, BaseException):
				self.tally.accuse(self.name, "fleet", "".join(traceback.format_exception(done)))
		teller.cancel()
		self.tally.tell()

	def stop(self):
		self.over = True

	def drivers(self, loop):
		return [loop.create_task(work(self)) for work in drivers.WORKS]

	async def tell_often(self):
		while True:
			await asyncio.sleep(0.3)
			self.tally.tell()

	def excused(self):
		return time.monotonic() - self.acted.value < EXCUSED

	# --- clients ---

	async def client(self, n):
		rng = random.Random(self.rng.getrandbits(64))
		w = Worker("%s.%d" % (self.name, n), rng, self.address, self.targets[n % len(self.targets)])
		cancels = n % 6 == 5
		while not self.over:
			if not await self.one(w, "enter", w.enter(self.secret)):
				await asyncio.sleep(0.05 + rng.random() * 0.3)
				continue
			await self.life(w, rng, cancels)
		if w.session and w.session.writer:
			await w.session.leave()

	async def life(self, w, rng, cancels):
		"""Work until the connection ends, one way or the other."""
		works = {**WORK, **(CANCELING if cancels else {})}
		names, weights = list(works), list(works.values())
		for _ in range(rng.randrange(2, 120)):
			if self.over:
				return
			w.round += 1
			what = rng.choices(names, weights)[0]
			if not await self.one(w, what, getattr(w, what)()):
				return
			if rng.random() < 0.3:
				await asyncio.sleep(rng.random() * 0.05)
		if w.gone:
			await self.one(w, "gone_leaves_nothing", self.check_gone(w))
		if rng.random() < 0.7:
			w.round += 1
			leaving = rng.choice(rough.LEAVING)
			await self.one(w, "leaves_" + leaving.__name__, leaving(w))
			await w.session.vanish(rng.random() < 0.4)
		else:
			await w.session.leave()

	async def check_gone(self, w):
		w.names.pop("", None)
		tags = ", ".join("'%s'" % tag for tag in w.gone)
		await w.session.asks("select (select count(*) from kept where tag in (%s)), "
				     "(select count(*) from copied where tag in (%s))" % (tags, tags), "0", "0")
		w.gone.clear()

	async def one(self, w, what, work):
		"""One piece of work; false when the connection is over."""
		began = time.monotonic()
		try:
			await asyncio.wait_for(work, PATIENCE)
			if what != "enter":
				w.check_reported()
			w.open_dust.clear()
			self.tally.done[what] += 1
			return True
		except Gone as why:
			w.gone += w.open_dust
			self.ended(w.tag, what, why.text, why.code)
		except Canceled:
			self.tally.errors["a late cancel of our own"] += 1
		except Wrong as why:
			self.tally.accuse(w.tag, what, "%s (%s@%s)" % (why, w.user, w.database))
		except asyncio.TimeoutError:
			self.tally.accuse(w.tag, what, "hangs for %d s (%s@%s)" % (PATIENCE, w.user, w.database))
		finally:
			self.tally.longest = max(self.tally.longest, time.monotonic() - began)
		w.open_dust.clear()
		await w.session.vanish(False)
		return False

	def ended(self, tag, what, text, code=None):
		"""A connection has ended that its client did not end."""
		self.tally.errors["%s %s" % (code or "     ", re.sub(r"\d+", "N", text)[:100])] += 1
		if not self.excused():
			self.tally.accuse(tag, what, "ended although nothing has happened: %s %s" % (code, text))
		elif what not in drivers.NAMES and not LAST_WORDS.match(text):
			self.tally.accuse(tag, what, "ended with words not expected: %s %s" % (code, text))

	# --- strangers ---

	async def strangers(self):
		while not self.over:
			visit = self.rng.choice(rough.STRANGERS)
			try:
				await asyncio.wait_for(visit(self.address, self.rng, self.targets), PATIENCE)
				self.tally.done[visit.__name__] += 1
			except Gone as why:
				self.ended("a stranger", visit.__name__, why.text, why.code)
			except Wrong as why:
				self.tally.accuse("a stranger", visit.__name__, why)
			except asyncio.TimeoutError:
				self.tally.accuse("a stranger", visit.__name__, "hangs")
			await asyncio.sleep(self.rng.random() * 0.2)
