"""A wider column: the table is written anew."""
from alembic import op

revision, down_revision = "0004", "0003"


def upgrade():
	op.execute("alter table stock alter column left_over type bigint")


def downgrade():
	op.execute("alter table stock alter column left_over type int")
