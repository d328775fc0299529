"""writers.py - clients that write rows which can be told apart, as applications do, and know what
was confirmed to them: single INSERTs and short transactions, by asyncpg and psycopg."""

import asyncio
import contextlib
import logging
import os
import socket
import threading
import time
from dataclasses import dataclass

import asyncpg
import psycopg

TABLE = "create table if not exists written (writer int, n int, part int)"
THINK = 0.01  # seconds between an answer and the next transaction
PATIENCE = 20  # seconds after which a client counts as forgotten
logging.getLogger("psycopg").setLevel(logging.ERROR)  # a rollback that fails is no news
ENDS = (
	psycopg.Error,
	asyncpg.PostgresError,
	asyncpg.InterfaceError,
	asyncpg.InternalClientError,
	OSError,
)


@dataclass
class Attempt:
	writer: int
	n: int
	began: float
	ended: float
	error: str = ""  # "": confirmed
	sqlstate: str = ""


class AsyncpgSession:
	"""What a writer needs of a driver."""

	@staticmethod
	async def open(writers):
		host, port = writers.address
		self = AsyncpgSession()
		self.c = await asyncpg.connect(
			host=host, port=port, user="app", database=writers.database, ssl=False, timeout=PATIENCE)
		return self

	async def insert(self, *row):
		await self.c.execute("insert into written values ($1, $2, $3)", *row)

	def transaction(self):
		return self.c.transaction()

	def abort(self):
		"""Without a word, also in the middle of one."""
		self.c.terminate()

	async def close(self):
		self.c.terminate()


class PsycopgSession:
	@staticmethod
	async def open(writers):
		host, port = writers.address
		self = PsycopgSession()
		self.c = await psycopg.AsyncConnection.connect(
			host=host, port=port, user="app", dbname=writers.database, autocommit=True,
			sslmode="disable", connect_timeout=PATIENCE)
		return self

	async def insert(self, *row):
		await self.c.execute("insert into written values (%s, %s, %s)", row)

	def transaction(self):
		return self.c.transaction()

	def abort(self):
		with contextlib.suppress(*ENDS), socket.socket(fileno=os.dup(self.c.fileno())) as s:
			s.shutdown(socket.SHUT_RDWR)  # who waits for an answer hears of that

	async def close(self):
		await self.c.close()


SESSIONS = (AsyncpgSession, PsycopgSession)


class Writers:
	"""COUNT of them before ADDRESS, on a thread of their own: half of each driver, half of those
	writing two rows in a transaction. A transaction that fails is not repeated: what became of
	it is looked up at the end."""

	def __init__(self, address, database, count=50, think=THINK):
		self.address, self.database, self.count, self.think = address, database, count, think
		self.attempts, self.failures = [], []
		self.over, self.busy = False, 0
		self.loop = asyncio.new_event_loop()
		self.gate = asyncio.Event()
		self.thread = threading.Thread(target=self.run, daemon=True)

	# --- from the test's thread ---

	def start(self):
		self.gate.set()
		self.thread.start()
		self.wait_for_commits(2 * self.count)
		return self

	def hold(self):
		"""Nobody begins a transaction; returns when nobody is in one."""
		self.loop.call_soon_threadsafe(self.gate.clear)
		poll("writers between transactions", lambda: not self.gate.is_set() and self.busy == 0)

	def go(self):
		self.loop.call_soon_threadsafe(self.gate.set)

	def wait_for_commits(self, more=1):
		"""Until that many further transactions are confirmed which began after now."""
		now = time.monotonic()
		poll("%d commits" % more, lambda: self.check() or sum(
			a.began > now and not a.error for a in reversed(self.attempts)) >= more, PATIENCE)

	def stop(self):
		self.over = True
		if not self.loop.is_closed():
			self.go()
		self.thread.join(PATIENCE + 5)
		assert not self.thread.is_alive(), "a writer does not end"
		self.check()

	def check(self):
		"""A writer that fails otherwise than by an error of its session is a mistake of ours."""
		if self.failures:
			raise self.failures[0]

	# --- theirs ---

	def run(self):
		self.loop.run_until_complete(self.all())
		self.loop.close()

	async def all(self):
		await asyncio.gather(*(self.write(n) for n in range(self.count)))

	async def write(self, number):
		try:
			await self.live(number, SESSIONS[number % 2])
		except BaseException as failure:  # shown by stop()
			self.failures.append(failure)
			self.over = True

	async def live(self, number, kind):
		session, n = None, 0
		while not self.over:
			await self.gate.wait()
			n += 1
			self.busy += 1
			attempt = Attempt(number, n, time.monotonic(), 0)
			try:
				session = session or await asyncio.wait_for(kind.open(self), PATIENCE)
				await self.patiently(session, self.one(session, number, n))
			except TimeoutError:
				attempt.error = "no answer in %d s" % PATIENCE
			except ENDS as why:
				attempt.error = "%s: %s" % (type(why).__name__, " ".join(str(why).split()))
				attempt.sqlstate = getattr(why, "sqlstate", None) or ""
			self.busy -= 1
			attempt.ended = time.monotonic()
			self.attempts.append(attempt)
			if attempt.error and session:
				session.abort()
				await session.close()
				session = None
			await asyncio.sleep(self.think)
		if session:
			await session.close()

	async def patiently(self, session, work):
		"""Drivers would ask the server to cancel and wait for that, too: it may be gone."""
		task = asyncio.ensure_future(work)
		await asyncio.wait({task}, timeout=PATIENCE)
		if task.done():
			return task.result()
		session.abort()
		with contextlib.suppress(*ENDS):
			await task
		raise TimeoutError

	async def one(self, session, number, n):
		if number % 4 < 2:
			await session.insert(number, n, 1)
			return
		async with session.transaction():
			await session.insert(number, n, 1)
			await session.insert(number, n, 2)

	# --- what came of it ---

	def wrong_rows(self, rows):
		"""What does not fit ROWS, [(writer, n, part)] of the primary: confirmed and not there,
		there twice, half of a transaction."""
		found, wrong = {}, []
		for writer, n, part in rows:
			found.setdefault((writer, n), []).append(part)
		for a in self.attempts:
			parts = sorted(found.pop((a.writer, a.n), []))
			whole = [1] if a.writer % 4 < 2 else [1, 2]
			if parts != whole and (parts or not a.error):
				wrong.append("writer %d, %d: expected %s, found %s (%s)" % (
					a.writer, a.n, whole, parts, a.error or "confirmed"))
		return wrong + ["nobody wrote %s" % (key,) for key in found]

	@property
	def commits(self):
		return [a for a in self.attempts if not a.error]

	@property
	def errors(self):
		return [a for a in self.attempts if a.error]

	def longest_wait(self, since=0):
		"""The longest a client waited for a transaction, seconds."""
		return max(a.ended - a.began for a in self.attempts if a.ended >= since)

	def longest_silence(self):
		"""The longest time in which nothing was confirmed to anybody, seconds."""
		ends = sorted(a.ended for a in self.commits)
		return max(b - a for a, b in zip(ends, ends[1:]))

	def first_commit(self, since):
		"""When the first transaction was confirmed after SINCE."""
		return min(a.ended for a in self.commits if a.ended > since)


def poll(what, condition, seconds=15):
	until = time.monotonic() + seconds
	while not condition():
		assert time.monotonic() < until, "waited %g s in vain for %s" % (seconds, what)
		time.sleep(0.002)
