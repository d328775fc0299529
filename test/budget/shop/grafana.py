"""grafana.py - a dashboard of ten panels before the shop's database.

Arguments: connection string, seconds. Every five seconds all panels ask at once, over a pool as
Go's database/sql has one: whoever finds no idle connection opens one, three stay open. Statements
are parsed unnamed, with parameters.
"""
import concurrent.futures
import sys
import time

import psycopg

from tally import Tally

PANELS, IDLE, REFRESH = 10, 3, 5
PANEL = """
	select %s::int as panel, date_trunc('minute', made) as time, customer %% %s as metric,
		count(*), sum(amount)
	from orders where made between now() - interval '1 hour' and now() group by 2, 3 order by 2, 3"""

where, seconds = sys.argv[1], float(sys.argv[2])
tally, idle = Tally(), []


def connection():
	try:
		return idle.pop()
	except IndexError:
		return psycopg.connect(where, autocommit=True, prepare_threshold=None)


def panel(number):
	with tally.request():
		c = connection()
		rows = c.execute(PANEL, (number, number + 2)).fetchall()
		if any(row[0] != number for row in rows):
			raise AssertionError("expected rows of panel %d, got %r" % (number, rows[:3]))
		if len(idle) < IDLE:
			idle.append(c)
		else:
			c.close()


until = time.monotonic() + seconds
with concurrent.futures.ThreadPoolExecutor(PANELS) as panels:
	while time.monotonic() < until:
		list(panels.map(panel, range(PANELS)))
		time.sleep(REFRESH)
tally.show()
