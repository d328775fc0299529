"""psycopg 3: server-side parameters, prepared by the driver from the sixth run on."""
import threading
import time

import psycopg

from common import (CANCEL_SECONDS, CLIENTS, COPY_ROWS, ROUNDS, WATCH, deadline, die, expect,
                    expect_in_time, finish, in_threads, own_answer, own_text, table, tag)

TABLE = table("psycopg3")
cancelling = threading.Lock()


def connect():
    return psycopg.connect(autocommit=True)


def ask(conn, text, *params):
    return conn.execute(text, params or None).fetchone()[0]


def transaction(conn, n, mine):
    """Commit, roll back or fail: afterwards exactly the committed row is there."""
    count = f"select count(*) from {TABLE} where tag = %s"
    try:
        with conn.transaction():
            conn.execute(f"insert into {TABLE} values (%s, %s)", (mine, n))
            rows = conn.execute(f"select tag, n from {TABLE} where tag = %s", (mine,)).fetchall()
            expect("own row", [(mine, n)], rows)
            if n % 3 == 1:
                raise psycopg.Rollback()
            if n % 3 == 2:
                conn.execute("select 1/0")
    except psycopg.errors.DivisionByZero:
        pass
    expect("rows left", int(n % 3 == 0), ask(conn, count, mine))


def copy(conn, mine):
    lines = [(f"{mine}-c{i}", i) for i in range(COPY_ROWS)]
    with conn.transaction(), conn.cursor() as cur:
        with cur.copy(f"copy {TABLE} from stdin") as put:
            for line in lines:
                put.write_row(line)
        with cur.copy(f"copy (select * from {TABLE} where strpos(tag, '{mine}-c') = 1 "
                      "order by n) to stdout") as get:
            get.set_types(["text", "int4"])
            expect("copied rows", lines, list(get.rows()))
        raise psycopg.Rollback()


def pipeline(conn, mine):
    with conn.pipeline():
        cursors = [conn.execute("select %s::text", (f"{mine}-p{i}",)) for i in range(10)]
        expect("pipelined answers", [f"{mine}-p{i}" for i in range(10)],
               [cur.fetchone()[0] for cur in cursors])


def cancel(conn, mine):
    def wait_and_cancel():
        try:
            with connect() as other:
                until = deadline()
                while not ask(other, WATCH.format("%s"), mine) and time.monotonic() < until:
                    time.sleep(0.01)
            conn.cancel_safe(timeout=CANCEL_SECONDS)
        except Exception as error:
            die(error)
    with cancelling:
        until = deadline()
        thread = threading.Thread(target=wait_and_cancel)
        thread.start()
        try:
            conn.execute(f"select pg_sleep(30) /* {mine} */")
            expect("cancelled query", "57014", "no error")
        except psycopg.errors.QueryCanceled as error:
            expect("cancelled query", "57014", error.sqlstate)
        thread.join()
        expect_in_time("cancelled", until)


def session(number):
    with connect() as conn:
        for n in range(ROUNDS):
            mine = tag(number, n)
            expect("no parameters", 7, ask(conn, "select 3 + 4"))
            expect("parameter", mine, ask(conn, "select %s::text", mine))
            expect("own statement", own_answer(number, mine),
                   ask(conn, own_text(number) + "%s::text", mine))
            try:
                conn.execute("select 1/%s::int", (0,))
                expect("division", "22012", "no error")
            except psycopg.errors.DivisionByZero as error:
                expect("division", "22012", error.sqlstate)
            conn.execute("do $$ begin raise notice 'to be ignored'; end $$")
            transaction(conn, n, mine)
            pipeline(conn, mine)
            if n % 5 == 0:
                copy(conn, mine)
            if n == ROUNDS // 2:
                cancel(conn, mine)


with connect() as first:
    first.execute(f"create table if not exists {TABLE} (tag text, n int)")
    in_threads(session)
    expect("committed rows", CLIENTS * len(range(0, ROUNDS, 3)),
           ask(first, f"select count(*) from {TABLE}"))
    first.execute(f"drop table {TABLE}")
finish("psycopg3", psycopg.__version__)
