"""The tables of the shop, before anybody comes."""
from alembic import op

revision, down_revision = "0001", None


def upgrade():
	op.execute("create table customers (id int primary key, name text not null)")
	op.execute("insert into customers select n, 'customer ' || n from generate_series(0, 999) n")
	op.execute("create table stock (id int primary key, left_over int not null)")
	op.execute("insert into stock select n, 1000000 from generate_series(0, 99) n")
	op.execute("create table orders (id bigserial primary key, tag text not null unique, "
		"customer int not null references customers, amount int not null, "
		"made timestamptz not null default now())")
	op.execute("create table shipments (number int primary key)")
	op.execute("grant select, insert, update on all tables in schema public to web")
	op.execute("grant usage on all sequences in schema public to web")
	op.execute("grant insert, select on shipments to celery")
	op.execute("grant select on all tables in schema public to grafana, pgadmin")
