"""Alembic with psycopg2: several processes migrate tables of their own up and down.

A process costs most of a second here, so there are at most four of them, and each
goes through a quarter of the rounds.
"""
import multiprocessing
import os
import pathlib
import sys

import alembic
import sqlalchemy as sa
from alembic import command
from alembic.config import Config

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent))
from common import CLIENTS, ROUNDS, die, expect  # noqa: E402

PROCESSES = min(CLIENTS, 4)
MIGRATIONS = max(ROUNDS // 4, 1)


def look(engine, table):
    """Names of the columns and indexes of TABLE, and its rows."""
    with engine.connect() as conn:
        inspector = sa.inspect(conn)
        if not inspector.has_table(table):
            return None
        return ([column["name"] for column in inspector.get_columns(table)],
                [index["name"] for index in inspector.get_indexes(table)],
                [tuple(row) for row in conn.execute(sa.text(f"select * from {table}"))])


def migrate(base, number):
    engine = sa.create_engine("postgresql+psycopg2://")
    for n in range(MIGRATIONS):
        table = f"{base}_{number}_{n}"
        config = Config()
        config.set_main_option("script_location", str(pathlib.Path(__file__).parent))
        config.set_main_option("path_separator", "os")
        config.attributes.update(table=table, version_table=f"{table}_version")
        command.upgrade(config, "head")
        expect("upgraded", (["id", "name", "mail"], [f"{table}_mail"], [(1, table, "none")]),
               look(engine, table))
        command.downgrade(config, "0001")
        expect("one back", (["id", "name"], [], [(1, table)]), look(engine, table))
        command.downgrade(config, "base")
        expect("downgraded", None, look(engine, table))
        expect("version", [], look(engine, f"{table}_version")[2])
        with engine.begin() as conn:
            conn.execute(sa.text(f"drop table {table}_version"))
    engine.dispose()


def worker(base, number):
    try:
        migrate(base, number)
    except BaseException as error:
        die(error)


if __name__ == "__main__":
    fork = multiprocessing.get_context("fork")
    workers = [fork.Process(target=worker, args=(f"clients_alembic_{os.getpid()}", i))
               for i in range(PROCESSES)]
    for one in workers:
        one.start()
    for one in workers:
        one.join()
    codes = [one.exitcode for one in workers]
    if any(codes):
        sys.exit(f"failed: expected every migration to exit 0, got {codes}")
    print(f"ok alembic {alembic.__version__} {PROCESSES * MIGRATIONS * 4} checks")
