"""A column with an index on it."""
import sqlalchemy as sa
from alembic import context, op

revision = "0002"
down_revision = "0001"


def upgrade():
    table = context.config.attributes["table"]
    op.add_column(table, sa.Column("mail", sa.Text, server_default="none"))
    op.create_index(f"{table}_mail", table, ["mail"])


def downgrade():
    table = context.config.attributes["table"]
    op.drop_index(f"{table}_mail", table_name=table)
    op.drop_column(table, "mail")
