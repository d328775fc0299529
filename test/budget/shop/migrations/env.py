"""Alembic's entry: migrates what DATABASE_URL names. Each step is a transaction of its own and locks
one table, so that it cannot meet a request in a deadlock: requests wait for it, it waits for them."""
import os

import sqlalchemy as sa
from alembic import context

engine = sa.create_engine(os.environ["DATABASE_URL"], poolclass=sa.pool.NullPool)
with engine.connect() as connection:
	context.configure(connection=connection, transaction_per_migration=True)
	with context.begin_transaction():
		context.run_migrations()
