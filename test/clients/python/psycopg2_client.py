"""psycopg2: simple queries only, parameters put into the text by the driver."""
import io
import threading
import time

import psycopg2
import psycopg2.errors

from common import (CLIENTS, COPY_ROWS, ROUNDS, WATCH, deadline, die, expect, expect_in_time,
                    finish, in_threads, own_answer, own_text, table, tag)

TABLE = table("psycopg2")
cancelling = threading.Lock()


def connect():
    conn = psycopg2.connect("")
    conn.autocommit = True
    return conn


def ask(conn, text, *params):
    with conn.cursor() as cur:
        cur.execute(text, params or None)
        return cur.fetchone()[0]


def transaction(conn, n, mine):
    """Commit, roll back or fail: afterwards exactly the committed row is there."""
    conn.autocommit = False
    with conn.cursor() as cur:
        cur.execute(f"insert into {TABLE} values (%s, %s)", (mine, n))
        cur.execute(f"select tag, n from {TABLE} where tag = %s", (mine,))
        expect("own row", [(mine, n)], cur.fetchall())
        if n % 3 == 2:
            try:
                cur.execute("select 1/0")
                expect("division in a transaction", "22012", "no error")
            except psycopg2.errors.DivisionByZero as error:
                expect("division in a transaction", "22012", error.pgcode)
    if n % 3 == 0:
        conn.commit()
    else:
        conn.rollback()
    conn.autocommit = True
    expect("rows left", int(n % 3 == 0),
           ask(conn, f"select count(*) from {TABLE} where tag = %s", mine))


def copy(conn, mine):
    lines = "".join(f"{mine}-c{i}\t{i}\n" for i in range(COPY_ROWS))
    back = io.StringIO()
    conn.autocommit = False
    with conn.cursor() as cur:
        cur.copy_expert(f"copy {TABLE} from stdin", io.StringIO(lines))
        cur.copy_expert(f"copy (select * from {TABLE} where strpos(tag, '{mine}-c') = 1 "
                        "order by n) to stdout", back)
    conn.rollback()
    conn.autocommit = True
    expect("copied rows", lines, back.getvalue())


def cancel(conn, mine):
    def wait_and_cancel():
        try:
            other = connect()
            until = deadline()
            while not ask(other, WATCH.format("%s"), mine) and time.monotonic() < until:
                time.sleep(0.01)
            other.close()
            conn.cancel()
        except Exception as error:
            die(error)
    with cancelling:
        until = deadline()
        thread = threading.Thread(target=wait_and_cancel)
        thread.start()
        try:
            ask(conn, f"select pg_sleep(30) /* {mine} */")
            expect("cancelled query", "57014", "no error")
        except psycopg2.errors.QueryCanceled as error:
            expect("cancelled query", "57014", error.pgcode)
        thread.join()
        expect_in_time("cancelled", until)


def session(number):
    conn = connect()
    for n in range(ROUNDS):
        mine = tag(number, n)
        expect("no parameters", 7, ask(conn, "select 3 + 4"))
        expect("parameter", mine, ask(conn, "select %s::text", mine))
        expect("own statement", own_answer(number, mine),
               ask(conn, own_text(number) + "%s::text", mine))
        expect("last of three statements", mine, ask(conn, "select 1; select 2; select %s", mine))
        try:
            ask(conn, "select 1/0")
            expect("division", "22012", "no error")
        except psycopg2.errors.DivisionByZero as error:
            expect("division", "22012", error.pgcode)
        with conn.cursor() as cur:
            cur.execute("do $$ begin raise notice 'to be ignored'; end $$")
        transaction(conn, n, mine)
        if n % 5 == 0:
            copy(conn, mine)
        if n == ROUNDS // 2:
            cancel(conn, mine)
    conn.close()


first = connect()
with first.cursor() as cursor:
    cursor.execute(f"create table if not exists {TABLE} (tag text, n int)")
in_threads(session)
expect("committed rows", CLIENTS * len(range(0, ROUNDS, 3)),
       ask(first, f"select count(*) from {TABLE}"))
with first.cursor() as cursor:
    cursor.execute(f"drop table {TABLE}")
first.close()
finish("psycopg2", psycopg2.__version__.split()[0])
