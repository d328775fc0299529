"""web.py - a worker of the shop's web application: 60 sessions over SQLAlchemy and asyncpg.

Arguments: URL, number of the worker, seconds. The engine is as such applications have it: 20
connections, 40 more when they are needed, a ping before each use. Each session asks about once
a second, and without a break in the first two seconds of every ten: a rush.
"""
import asyncio
import random
import sys
import time

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import create_async_engine

from tally import Tally

SESSIONS, CUSTOMERS, ITEMS = 60, 1000, 100
CUSTOMER = sa.text("select name from customers where id = :id")
WORK = sa.text("select pg_sleep(0.03)")
ORDER = sa.text("insert into orders (tag, customer, amount) values (:tag, :id, :amount) returning tag")
STOCK = sa.text("update stock set left_over = left_over - 1 where id = :id returning id")

url, worker, seconds = sys.argv[1], int(sys.argv[2]), float(sys.argv[3])
tally, rng = Tally(), random.Random(worker)


async def answer(db, text, **values):
	return (await db.execute(text, values)).scalar_one()


def expect(what, wanted, got):
	if got != wanted:
		raise AssertionError("expected %s %r, got %r" % (what, wanted, got))


async def order(engine, tag):
	customer, item = rng.randrange(CUSTOMERS), rng.randrange(ITEMS)
	async with engine.begin() as db:
		expect("customer", "customer %d" % customer, await answer(db, CUSTOMER, id=customer))
		await db.execute(WORK)
		expect("order", tag, await answer(db, ORDER, tag=tag, id=customer, amount=rng.randrange(1, 99)))
		expect("item", item, await answer(db, STOCK, id=item))


async def session(engine, number, until):
	n = 0
	while time.monotonic() < until:
		n += 1
		with tally.request():
			await order(engine, "%d-%d-%d" % (worker, number, n))
		if time.time() % 10 > 2:
			await asyncio.sleep(rng.uniform(0.5, 1.5))
		else:
			await asyncio.sleep(0.01)


async def main():
	engine = create_async_engine(url, pool_size=20, max_overflow=40, pool_pre_ping=True)
	until = time.monotonic() + seconds
	await asyncio.gather(*(session(engine, i, until) for i in range(SESSIONS)))
	await engine.dispose()


asyncio.run(main())
tally.show()
