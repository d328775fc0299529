"""A column, while pods of the application hold plans of the table."""
import sqlalchemy as sa
from alembic import op

revision, down_revision = "0002", "0001"


def upgrade():
	op.add_column("people", sa.Column("mail", sa.Text, server_default="none"))


def downgrade():
	op.drop_column("people", "mail")
