"""migrate.py - the shop's migration job, over and over: up to the newest schema and back.

Arguments: an alembic.ini, seconds. One request is one run of alembic.
"""
import pathlib
import subprocess
import sys
import time

from tally import Tally

ini, until = sys.argv[1], time.monotonic() + float(sys.argv[2])
tally = Tally()


def alembic(way, to):
	with tally.request():
		done = subprocess.run([pathlib.Path(sys.executable).parent / "alembic", "-c", ini, way, to],
			stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
		if done.returncode != 0:
			raise AssertionError(done.stdout[-300:])


while time.monotonic() < until:
	alembic("upgrade", "head")
	time.sleep(3)
	alembic("downgrade", "0001")
	time.sleep(3)
tally.show()
