"""drivers.py - sessions of real drivers among the clients: psycopg always, asyncpg where it is installed."""
import asyncio
import random

import psycopg

try:
	import asyncpg
except ImportError:
	asyncpg = None

PATIENCE = 30.0


class Driver:
	"""Works until the fleet stops; connects anew when its connection has gone."""

	def __init__(self, fleet, name, ends):
		self.fleet, self.name, self.ends = fleet, name, ends
		self.rng, self.round = random.Random(fleet.rng.getrandbits(64)), 0
		self.user, self.database = fleet.targets[0][:2]

	@property
	def tag(self):
		return "%s.%s.%d" % (self.fleet.name, self.name, self.round)

	def check(self, got, wanted):
		if got != wanted:
			self.fleet.tally.accuse(self.tag, self.name, "expected %r, got %r" % (wanted, got))
		self.fleet.tally.done[self.name] += 1

	async def run(self, life):
		while not self.fleet.over:
			try:
				await life(self)
			except asyncio.TimeoutError:
				self.fleet.tally.accuse(self.tag, self.name, "hangs")
			except self.ends as why:
				self.fleet.ended(self.tag, self.name, "%s: %s" % (
					type(why).__name__, str(why).strip().splitlines()[0] if str(why).strip() else ""))
			await asyncio.sleep(0.1 + self.rng.random() * 0.2)


async def psycopg_life(d):
	host, port = d.fleet.address
	async with await psycopg.AsyncConnection.connect(
			host=host, port=port, user=d.user, password=d.fleet.secret, dbname=d.database,
			autocommit=True, prepare_threshold=1, connect_timeout=30) as c:
		while not d.fleet.over:
			d.round += 1
			async with asyncio.timeout(PATIENCE):
				async with c.transaction():
					cursor = await c.execute("select %s::text", [d.tag])
					d.check(await cursor.fetchone(), (d.tag,))
				async with c.pipeline():
					cursors = [await c.execute("select %%s::text, %d" % n, [d.tag]) for n in range(5)]
				for n, cursor in enumerate(cursors):
					d.check(await cursor.fetchone(), (d.tag, n))
			await asyncio.sleep(d.rng.random() * 0.05)


async def asyncpg_life(d):
	host, port = d.fleet.address
	c = await asyncpg.connect(host=host, port=port, user=d.user, password=d.fleet.secret, database=d.database,
				  ssl=False, timeout=30)
	try:
		while not d.fleet.over:
			d.round += 1
			async with asyncio.timeout(PATIENCE):
				n = d.rng.randrange(30)
				d.check(tuple(await c.fetchrow("select $1::text, %d" % n, d.tag)), (d.tag, n))
				async with c.transaction():
					rows = await c.fetch("select $1::text from generate_series(1, 20)", d.tag)
					d.check([row[0] for row in rows], [d.tag] * 20)
			await asyncio.sleep(d.rng.random() * 0.05)
	finally:
		c.terminate()


async def psycopg_work(fleet):
	ends = (psycopg.OperationalError, psycopg.errors.AdminShutdown, OSError)
	await Driver(fleet, "psycopg", ends).run(psycopg_life)


async def asyncpg_work(fleet):
	ends = (asyncpg.PostgresConnectionError, asyncpg.InterfaceError, asyncpg.AdminShutdownError,
		asyncpg.CannotConnectNowError, asyncpg.ProtocolViolationError, asyncpg.InternalClientError, OSError)
	await Driver(fleet, "asyncpg", ends).run(asyncpg_life)


WORKS = [psycopg_work] + ([asyncpg_work] if asyncpg else [])
NAMES = ("psycopg", "asyncpg")		# each has words of its own for an end
