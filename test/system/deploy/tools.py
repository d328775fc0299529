"""tools.py - the clients of the deployments, as `deploy/prepare` and `test/clients/prepare` have
left them; a test whose client is not there skips and says why."""

import json
import os
import pathlib
import shutil
import subprocess

import pytest

HERE = pathlib.Path(__file__).resolve().parent
TOP = HERE.parent.parent.parent


def cache():
	return pathlib.Path(os.environ.get("PGWEIR_CACHE") or TOP / "build" / "cache")


def need(path, name):
	if path.exists():
		return path
	why = cache() / "deploy" / (name + ".missing")
	pytest.skip("%s: %s" % (
		name,
		why.read_text().strip() if why.exists()
		else "not there; run test/system/deploy/prepare " + str(cache()),
	))


def python():
	"""The Python with the clients of the deployments."""
	need(cache() / "deploy" / "venv" / "made-of", "venv")
	return cache() / "deploy" / "venv" / "bin" / "python"


def script(name):
	"""A tool of that venv."""
	return need(python().parent / name, "venv")


def go(name):
	return need(cache() / "deploy" / name, "go")


def jdbc():
	"""The JDBC driver's archive, as the client tests have fetched it."""
	if not shutil.which("java"):
		pytest.skip("java is missing")
	jars = cache() / "clients" / "java" / "jar"
	need(jars, "java")
	(jar,) = jars.glob("*.jar")
	return jar


def program(name):
	if not shutil.which(name):
		pytest.skip("%s is missing" % name)
	return name


def run_in(machine, *command, env=None, timeout=40, cwd="/", fails=False):
	"""Run COMMAND on MACHINE's network to its end and return what it said."""
	with machine.inside():
		done = subprocess.run(
			[str(word) for word in command],
			stdin=subprocess.DEVNULL,
			stdout=subprocess.PIPE,
			stderr=subprocess.STDOUT,
			text=True,
			cwd=cwd,
			env={**os.environ, **(env or {})},
			timeout=timeout,
		)
	assert (done.returncode != 0) == fails, "%s: exit %d\n%s" % (
		command, done.returncode, done.stdout)
	return done.stdout


def ask(machine, dsn, *queries):
	"""What lib/pq gets for QUERIES: a dict {columns, types, rows} of each."""
	text = run_in(machine, go("ask"), dsn, *queries)
	return [json.loads(line) for line in text.splitlines()]
