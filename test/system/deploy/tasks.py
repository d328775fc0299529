"""tasks.py - a Celery application: prefork workers, results in PostgreSQL, an engine without a
pool for its own work. BROKER is a folder, DATABASE_URL where results and work go."""
import os

import sqlalchemy as sa
from celery import Celery

folder, url = os.environ["BROKER"], os.environ["DATABASE_URL"]
app = Celery(
	"tasks",
	broker="filesystem://",
	backend="db+" + url,
	broker_transport_options={
		"data_folder_in": folder, "data_folder_out": folder,
		"control_folder": folder + "/control", "store_processed": False,
	},
	result_extended=True,
	task_acks_late=True,
	worker_send_task_events=False,
)
engine = sa.create_engine(url, poolclass=sa.pool.NullPool)


@app.task
def square(n):
	with engine.begin() as db:
		db.execute(sa.text("insert into work (n) values (:n)"), {"n": n})
		return db.execute(sa.text("select :n * :n"), {"n": n}).scalar()


if __name__ == "__main__":
	import sys

	count = int(sys.argv[1])
	results = [square.delay(n) for n in range(count)]
	assert [r.get(timeout=30) for r in results] == [n * n for n in range(count)]
	print("%d results" % count)
