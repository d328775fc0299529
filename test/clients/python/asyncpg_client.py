"""asyncpg: everything prepared under names that two processes give alike, binary values."""
import asyncio
import io
import time

import asyncpg

from common import (CLIENTS, COPY_ROWS, ROUNDS, WATCH, deadline, die, expect, expect_in_time,
                    finish, in_tasks, own_answer, own_text, table, tag)

TABLE = table("asyncpg")
cancelling = asyncio.Lock()


async def transaction(conn, n, mine):
    """Commit, roll back or fail: afterwards exactly the committed row is there."""
    block = conn.transaction()
    await block.start()
    await conn.execute(f"insert into {TABLE} values ($1, $2)", mine, n)
    rows = await conn.fetch(f"select tag, n from {TABLE} where tag = $1", mine)
    expect("own row", [(mine, n)], [tuple(row) for row in rows])
    got = [row[0] async for row in
           conn.cursor("select $1 || i from generate_series(1, 25) i", mine, prefetch=10)]
    expect("rows of a portal", [f"{mine}{i}" for i in range(1, 26)], got)
    if n % 3 == 2:
        await division(conn)
    if n % 3 == 0:
        await block.commit()
    else:
        await block.rollback()
    expect("rows left", int(n % 3 == 0),
           await conn.fetchval(f"select count(*) from {TABLE} where tag = $1", mine))


async def division(conn):
    try:
        await conn.fetchval("select 1/$1::int", 0)
        expect("division", "22012", "no error")
    except asyncpg.DivisionByZeroError as error:
        expect("division", "22012", error.sqlstate)


async def batch_and_copy(conn, mine):
    """executemany pipelines its Binds; COPY goes in by binary records, out by text."""
    lines = [(f"{mine}-c{i}", i) for i in range(COPY_ROWS)]
    block = conn.transaction()
    await block.start()
    await conn.executemany(f"insert into {TABLE} values ($1, $2)", lines[:20])
    await conn.copy_records_to_table(TABLE, records=lines[20:])
    back = io.BytesIO()
    await conn.copy_from_query(f"select * from {TABLE} where strpos(tag, $1) = 1 order by n",
                               f"{mine}-c", output=back)
    await block.rollback()
    expect("copied rows", "".join(f"{t}\t{i}\n" for t, i in lines), back.getvalue().decode())


async def cancel(pool, conn, mine):
    """The driver cancels a query whose task is cancelled, and goes on when it has ended.

    It keeps the error 57014 to itself: that the next query comes through in time,
    and finds nobody asleep, is what shows.
    """
    async with cancelling:
        until = deadline()
        sleeper = asyncio.create_task(conn.execute(f"select pg_sleep(30) /* {mine} */"))
        watch = WATCH.format("$1")
        while not await pool.fetchval(watch, mine) and time.monotonic() < until:
            await asyncio.sleep(0.01)
        sleeper.cancel()
        await asyncio.wait([sleeper])
        expect("sleeper cancelled", True, sleeper.cancelled())
        expect("sleepers left", 0, await conn.fetchval(watch, mine))
        expect_in_time("cancelled", until)


async def session(pool, number):
    for n in range(ROUNDS):
        mine = tag(number, n)
        async with pool.acquire() as conn:
            expect("no parameters", 7, await conn.fetchval("select 3 + 4"))
            expect("parameter", mine, await conn.fetchval("select $1::text", mine))
            expect("own statement", own_answer(number, mine),
                   await conn.fetchval(own_text(number) + "$1::text", mine))
            await division(conn)
            await conn.execute("do $$ begin raise notice 'to be ignored'; end $$")
            await transaction(conn, n, mine)
            if n % 5 == 0:
                await batch_and_copy(conn, mine)
            if n == ROUNDS // 2:
                await cancel(pool, conn, mine)


async def main():
    async with asyncpg.create_pool(min_size=CLIENTS, max_size=CLIENTS + 1) as pool:
        await pool.execute(f"create table if not exists {TABLE} (tag text, n int)")
        await in_tasks(lambda number: session(pool, number))
        expect("committed rows", CLIENTS * len(range(0, ROUNDS, 3)),
               await pool.fetchval(f"select count(*) from {TABLE}"))
        await pool.execute(f"drop table {TABLE}")
    finish("asyncpg", asyncpg.__version__)


try:
    asyncio.run(main())
except Exception as failure:
    die(failure)
