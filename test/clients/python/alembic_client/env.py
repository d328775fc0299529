"""Alembic's entry: runs the migrations over psycopg2, in one transaction each."""
import sqlalchemy as sa
from alembic import context

settings = context.config.attributes
engine = sa.create_engine("postgresql+psycopg2://", poolclass=sa.NullPool)
with engine.connect() as connection:
    context.configure(connection=connection, version_table=settings["version_table"],
                      transaction_per_migration=True)
    with context.begin_transaction():
        context.run_migrations()
