"""pgadmin.py - somebody who has pgAdmin open on the server: its dashboard, the dashboard of the
shop's database, and a query tool that holds a transaction.

Arguments: connection string without database, seconds. The statements are those that pgAdmin 4
sends, in short: what it sets and asks when it connects, charts each second, sessions and locks
each five.
"""
import sys
import threading
import time

import psycopg

from tally import Tally

IDLE = psycopg.pq.TransactionStatus.IDLE
SETUP = """SET DateStyle=ISO; SET client_min_messages=notice;
	SELECT set_config('bytea_output','hex',false) FROM pg_show_all_settings()
		WHERE name = 'bytea_output';
	SET client_encoding='utf-8';"""
FIRST = (
	"SELECT version()",
	"""SELECT db.oid as did, db.datname, db.datallowconn,
		pg_encoding_to_char(db.encoding) AS serverencoding,
		has_database_privilege(db.oid, 'CREATE') as cancreate, datistemplate
		FROM pg_catalog.pg_database db WHERE db.datname = current_database()""",
	"""SELECT roles.oid as id, roles.rolname as name, roles.rolsuper as is_superuser,
		CASE WHEN roles.rolsuper THEN true ELSE roles.rolcreaterole END as can_create_role,
		CASE WHEN roles.rolsuper THEN true ELSE roles.rolcreatedb END as can_create_db
		FROM pg_catalog.pg_roles as roles WHERE rolname = current_user""",
)
CHARTS = """/*pga4dash*/
	SELECT 'session_stats' AS chart_name, pg_catalog.row_to_json(t) AS chart_data FROM (SELECT
		(SELECT count(*) FROM pg_catalog.pg_stat_activity) AS "Total",
		(SELECT count(*) FROM pg_catalog.pg_stat_activity WHERE state = 'active') AS "Active",
		(SELECT count(*) FROM pg_catalog.pg_stat_activity WHERE state = 'idle') AS "Idle") t
	UNION ALL
	SELECT 'tps_stats' AS chart_name, pg_catalog.row_to_json(t) AS chart_data FROM (SELECT
		(SELECT sum(xact_commit) + sum(xact_rollback) FROM pg_catalog.pg_stat_database) AS "Transactions",
		(SELECT sum(xact_commit) FROM pg_catalog.pg_stat_database) AS "Commits",
		(SELECT sum(xact_rollback) FROM pg_catalog.pg_stat_database) AS "Rollbacks") t
	UNION ALL
	SELECT 'bio_stats' AS chart_name, pg_catalog.row_to_json(t) AS chart_data FROM (SELECT
		(SELECT sum(blks_read) FROM pg_catalog.pg_stat_database) AS "Reads",
		(SELECT sum(blks_hit) FROM pg_catalog.pg_stat_database) AS "Hits") t"""
SESSIONS = """/*pga4dash*/
	SELECT pid, datname, usename, application_name, client_addr, backend_start, xact_start, state,
		wait_event_type || ': ' || wait_event AS wait_event,
		pg_catalog.pg_blocking_pids(pid) AS blocking_pids, query, query_start, backend_type
		FROM pg_catalog.pg_stat_activity ORDER BY pid"""
LOCKS = """/*pga4dash*/
	SELECT pid, locktype, datname, relation::regclass, mode, granted FROM pg_catalog.pg_locks l
	LEFT OUTER JOIN pg_catalog.pg_database d ON (l.database = d.oid) ORDER BY pid, locktype"""

where, until = sys.argv[1], time.monotonic() + float(sys.argv[2])


class Window(threading.Thread):
	"""A window of pgAdmin: one connection, opened anew when it has failed."""

	def __init__(self, database, act):
		super().__init__()
		self.database, self.act, self.tally, self.c = database, act, Tally(), None

	def connect(self):
		c = psycopg.connect(where, dbname=self.database, autocommit=True, prepare_threshold=None,
			application_name="pgAdmin 4 - DB:" + self.database)
		c.execute(SETUP)
		for text in FIRST:
			c.execute(text).fetchall()
		got = c.execute("select current_database()").fetchone()[0]
		if got != self.database:
			raise AssertionError("expected database %s, got %s" % (self.database, got))
		return c

	def run(self):
		n = 0
		while time.monotonic() < until:
			with self.tally.request():
				if self.c is None:
					self.c = self.connect()
				self.act(self.c, n)
			n += 1
			if self.c and self.c.info.transaction_status != IDLE:	# failed, or broken
				self.c.close()
				self.c = None
			time.sleep(1)


def dashboard(c, n):
	if [row[0] for row in c.execute(CHARTS).fetchall()] != ["session_stats", "tps_stats", "bio_stats"]:
		raise AssertionError("expected three charts")
	if n % 5 == 0:
		c.execute(SESSIONS).fetchall()
		c.execute(LOCKS).fetchall()


def query_tool(c, n):
	"""Looks at an order and thinks."""
	c.execute("BEGIN;")
	c.execute("SELECT id, tag, amount FROM public.orders ORDER BY id DESC LIMIT 10").fetchall()
	time.sleep(1)
	if c.execute("SELECT %s::int" % n).fetchone() != (n,):
		raise AssertionError("expected %d" % n)
	c.execute("COMMIT;")


windows = [Window("postgres", dashboard), Window("shop", dashboard), Window("shop", query_tool)]
for window in windows:
	window.start()
whole = Tally()
for window in windows:
	window.join()
	for name in ("asked", "answered", "full"):
		setattr(whole, name, getattr(whole, name) + getattr(window.tally, name))
	whole.errors += window.tally.errors
	whole.took += window.tally.took
whole.show()
