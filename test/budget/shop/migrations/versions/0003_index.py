"""An index: orders wait while it is made."""
from alembic import op

revision, down_revision = "0003", "0002"


def upgrade():
	op.execute("create index orders_made on orders (made)")


def downgrade():
	op.execute("drop index orders_made")
