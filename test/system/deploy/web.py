"""web.py - a worker of a web application: SQLAlchemy over asyncpg with its pool full.

Arguments: URL, number of the worker, sessions (the engine's pool and its overflow), rounds.
First it migrates, as such images do when they boot, then all sessions work at once. The
statements of a worker are its own, but asyncpg numbers them alike in every process. Ends
with a line of JSON: how many answers were right, and the most sessions that were in at once.
"""
import asyncio
import json
import os
import pathlib
import subprocess
import sys

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import create_async_engine

url, worker, sessions, rounds = sys.argv[1], int(sys.argv[2]), int(sys.argv[3]), int(sys.argv[4])
POOL = sessions // 3
right = inside = most = 0


def migrate():
	env = {**os.environ, "DATABASE_URL": url.replace("+asyncpg", "+psycopg2")}
	subprocess.run(
		[pathlib.Path(sys.executable).parent / "alembic", "-c", "alembic.ini", "upgrade", "head"],
		env=env, check=True)


async def work(engine, session, all_in):
	global right, inside, most
	async with engine.connect() as db:
		inside += 1
		most = max(most, inside)
		if most == sessions:
			all_in.set()
		await all_in.wait()  # nobody begins until everybody has a connection
		for n in range(rounds):
			kind = (n + worker) % 4  # the same name means another statement elsewhere
			text = "select :n + %d as v, :tag as t%d" % (kind * 100 + worker, kind)
			tag = "%d-%d-%d" % (worker, session, n)
			row = (await db.execute(sa.text(text), {"n": n, "tag": tag})).one()
			assert tuple(row) == (n + kind * 100 + worker, tag), (row, tag)
			await db.execute(sa.text("insert into hits (worker, tag) values (:w, :t)"),
				{"w": worker, "t": tag})
			await (db.rollback() if n % 4 == 3 else db.commit())
			right += 1
		inside -= 1


async def main():
	engine = create_async_engine(url, pool_size=POOL, max_overflow=sessions - POOL,
		pool_pre_ping=True, pool_timeout=60)
	all_in = asyncio.Event()
	await asyncio.gather(*(work(engine, i, all_in) for i in range(sessions)))
	# once more, over connections that lie in the pool and are pinged first
	async with engine.connect() as db:
		await db.execute(sa.text("select 1"))
	await engine.dispose()


migrate()
asyncio.run(main())
print(json.dumps({"right": right, "most": most}))
