"""tasks.py - the shop's Celery application. Broker and results are tables of CELERY_URL, the work
is in SHOP_URL.

As a program it is who sends tasks, five a second, and waits for what became of them. Arguments:
seconds. With 0 it only makes the tables.
"""
import os
import sys
import time

import sqlalchemy as sa
from celery import Celery

from tally import Tally

PATIENCE = 30	# seconds, for a result

app = Celery(
	"tasks",
	broker="sqla+" + os.environ["CELERY_URL"],
	backend="db+" + os.environ["CELERY_URL"],
	task_acks_late=True,
	worker_prefetch_multiplier=1,
	worker_send_task_events=False,
	broker_connection_retry_on_startup=True,
)
engine = sa.create_engine(os.environ["SHOP_URL"], pool_pre_ping=True)


@app.task
def ship(number):
	with engine.begin() as db:
		db.execute(sa.text("select pg_sleep(0.05)"))
		return db.execute(sa.text("insert into shipments (number) values (:n) returning number * 7"),
			{"n": number}).scalar_one()


def make_tables():
	with app.connection() as connection:
		connection.default_channel.queue_declare("celery")
	app.backend.ResultSession().close()


def main(seconds):
	tally, sent, until = Tally(), [], time.monotonic() + seconds
	while time.monotonic() < until:
		tally.asked += 1
		try:
			sent.append((tally.asked, time.time(), ship.delay(tally.asked)))
		except Exception as error:
			tally.note(error)
		time.sleep(0.2)
	until += PATIENCE
	for number, began, result in sent:
		try:
			got = result.get(timeout=max(0.1, until - time.monotonic()), interval=0.1)
			if got != number * 7:
				raise AssertionError("expected %d of task %d, got %r" % (number * 7, number, got))
			tally.answered += 1
			tally.took.append(result.date_done.timestamp() - began)
		except Exception as error:
			tally.note(error)
	tally.show()


if __name__ == "__main__":
	if float(sys.argv[1]):
		main(float(sys.argv[1]))
	else:
		make_tables()
