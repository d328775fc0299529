"""Alembic's entry: migrates what DATABASE_URL names under the advisory lock that keeps two
jobs apart: all in one transaction, or one each where CONCURRENTLY lets one leave it."""
import os

import sqlalchemy as sa
from alembic import context

LOCK = 20260101

engine = sa.create_engine(os.environ["DATABASE_URL"], poolclass=sa.pool.NullPool)
with engine.connect() as connection:
	context.configure(connection=connection,
		transaction_per_migration="CONCURRENTLY" in os.environ)
	with context.begin_transaction():
		connection.execute(sa.text("set local lock_timeout = '20s'"))
		connection.execute(sa.text("select pg_advisory_xact_lock(%d)" % LOCK))
		context.run_migrations()
