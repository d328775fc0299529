"""SQLAlchemy 2 over asyncpg: a large pool with pre-ping, its own cache of statements."""
import asyncio
import time

import sqlalchemy as sa
from sqlalchemy.exc import DBAPIError
from sqlalchemy.ext.asyncio import create_async_engine

from common import (CLIENTS, ROUNDS, WATCH, deadline, die, expect, expect_in_time, finish,
                    in_tasks, own_answer, own_text, table, tag)

# The driver under it reads the PG* variables where the URL says nothing.
engine = create_async_engine("postgresql+asyncpg://", pool_pre_ping=True, pool_size=20,
                             max_overflow=40)
rows = sa.Table(table("sqlalchemy"), sa.MetaData(), sa.Column("tag", sa.Text),
                sa.Column("n", sa.Integer))
cancelling = asyncio.Lock()


async def division(conn):
    try:
        await conn.scalar(sa.text("select 1/cast(:zero as int)"), {"zero": 0})
        expect("division", "22012", "no error")
    except DBAPIError as error:
        expect("division", "22012", error.orig.sqlstate)


async def transaction(n, mine):
    """Commit, roll back or fail: afterwards exactly the committed row is there."""
    own = sa.select(rows.c.tag, rows.c.n).where(rows.c.tag == mine)
    async with engine.connect() as conn:
        await conn.execute(sa.insert(rows).values(tag=mine, n=n))
        expect("own row", [(mine, n)], [tuple(row) for row in await conn.execute(own)])
        if n % 3 == 2:
            await division(conn)
        if n % 3 == 0:
            await conn.commit()
        else:
            await conn.rollback()
    async with engine.connect() as conn:
        left = [tuple(row) for row in await conn.execute(own)]
        expect("rows left", [(mine, n)] if n % 3 == 0 else [], left)


async def batch(mine):
    many = [{"tag": f"{mine}-b{i}", "n": i} for i in range(20)]
    own = sa.select(rows.c.tag).where(rows.c.tag.startswith(f"{mine}-b")).order_by(rows.c.n)
    async with engine.connect() as conn:
        await conn.execute(sa.insert(rows), many)
        expect("batch", [one["tag"] for one in many], (await conn.scalars(own)).all())
        stream = await conn.stream_scalars(own)
        expect("streamed", [one["tag"] for one in many], await stream.all())
        await conn.rollback()


async def cancel(mine):
    async def sleep():
        async with engine.connect() as conn:
            await conn.execute(sa.text(f"select pg_sleep(30) /* {mine} */"))

    async with cancelling:
        until = deadline()
        sleeper = asyncio.create_task(sleep())
        async with engine.connect() as conn:
            async def asleep():
                return await conn.scalar(sa.text(WATCH.format("cast(:tag as text)")),
                                         {"tag": mine})
            await conn.execution_options(isolation_level="AUTOCOMMIT")
            while not await asleep() and time.monotonic() < until:
                await asyncio.sleep(0.01)
            sleeper.cancel()
            await asyncio.wait([sleeper])
            expect("sleeper cancelled", True, sleeper.cancelled())
            while await asleep() and time.monotonic() < until:
                await asyncio.sleep(0.01)
            expect_in_time("cancelled", until)


async def session(number):
    for n in range(ROUNDS):
        mine = tag(number, n)
        async with engine.connect() as conn:
            expect("no parameters", 7, await conn.scalar(sa.text("select 3 + 4")))
            expect("parameter", mine,
                   await conn.scalar(sa.text("select cast(:tag as text)"), {"tag": mine}))
            expect("own statement", own_answer(number, mine),
                   await conn.scalar(sa.text(own_text(number) + "cast(:tag as text)"),
                                     {"tag": mine}))
        async with engine.connect() as conn:
            await division(conn)
        await transaction(n, mine)
        if n % 5 == 0:
            await batch(mine)
        if n == ROUNDS // 2:
            await cancel(mine)


async def main():
    async with engine.begin() as conn:
        await conn.run_sync(rows.metadata.create_all)
    await in_tasks(session)
    async with engine.begin() as conn:
        expect("committed rows", CLIENTS * len(range(0, ROUNDS, 3)),
               await conn.scalar(sa.select(sa.func.count()).select_from(rows)))
        await conn.run_sync(rows.metadata.drop_all)
    await engine.dispose()
    finish("sqlalchemy", sa.__version__)


try:
    asyncio.run(main())
except Exception as failure:
    die(failure)
