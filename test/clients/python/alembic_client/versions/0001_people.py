"""A table with a row in it."""
import sqlalchemy as sa
from alembic import context, op

revision = "0001"
down_revision = None


def upgrade():
    people = op.create_table(context.config.attributes["table"],
                             sa.Column("id", sa.Integer, primary_key=True),
                             sa.Column("name", sa.Text, nullable=False))
    op.bulk_insert(people, [{"id": 1, "name": context.config.attributes["table"]}])


def downgrade():
    op.drop_table(context.config.attributes["table"])
