"""A column, filled in the same step: nobody gets at the orders for that long."""
from alembic import op

revision, down_revision = "0002", "0001"


def upgrade():
	op.execute("alter table orders add column note text not null default ''")
	op.execute("select pg_sleep(0.3)")


def downgrade():
	op.execute("alter table orders drop column note")
