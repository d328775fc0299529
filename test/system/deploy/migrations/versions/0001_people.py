"""A table, in one transaction; an index, outside of any if CONCURRENTLY is in the environment."""
import os

import sqlalchemy as sa
from alembic import op

revision, down_revision = "0001", None


def upgrade():
	op.execute("set local lock_timeout = '5s'")
	op.create_table("people", sa.Column("id", sa.Integer, primary_key=True),
		sa.Column("name", sa.Text, nullable=False))
	op.execute("insert into people (name) values ('ada')")
	if "CONCURRENTLY" not in os.environ:
		op.create_index("people_name", "people", ["name"])
		return
	with op.get_context().autocommit_block():
		op.create_index("people_name", "people", ["name"], postgresql_concurrently=True)


def downgrade():
	op.drop_table("people")
