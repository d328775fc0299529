"""PgBouncer as Debian installs it: doc/migrating.md, command by command, there and back."""

import os
import pathlib
import re
import shutil
import types

import psycopg
import pytest

from deploy import tools
from deploy.bouncer import install
from deploy.database import Database
from deploy.machine import Pod, network  # noqa: F401
from scratch import can_connect, wait_for

pytestmark = pytest.mark.xdist_group("deploy-debian")

PEER = pathlib.Path("/usr/sbin/pgbouncer")
OWNER = (990, 990)
INI = """\
[databases]
shop = host=db port=5432 pool_size=5
reports = host=db port=5432 dbname=shop pool_mode=session

[users]

[pgbouncer]
logfile = /var/log/postgresql/pgbouncer.log
pidfile = /var/run/postgresql/pgbouncer.pid
listen_addr = *
listen_port = 6432
unix_socket_dir = /var/run/postgresql
auth_type = md5
auth_file = /etc/pgbouncer/userlist.txt
admin_users = admin
pool_mode = transaction
default_pool_size = 15
server_idle_timeout = 300
ignore_startup_parameters = extra_float_digits
"""
# In place of systemd: the unit's ExecStart, and its end.
SYSTEMCTL = """\
#!/bin/sh
set -e
pid=/var/run/postgresql/pgbouncer.pid
if [ -e $pid ]; then
	kill -INT "$(cat $pid)"
	while [ -e $pid ]; do sleep 0.05; done
fi
setpriv --reuid %d --regid %d --clear-groups \\
	/usr/sbin/pgbouncer -d /etc/pgbouncer/pgbouncer.ini >/dev/null 2>&1
""" % OWNER


def sections():
	"""The commands of each numbered section of the guide."""
	text = (tools.TOP / "doc" / "migrating.md").read_text()
	found = {}
	for part in re.split(r"^## ", text, flags=re.M)[1:]:
		blocks = re.findall(r"^```sh\n(.*?)^```$", part, flags=re.M | re.S)
		if part[0].isdigit():
			found[int(part[0])] = "".join(blocks)
	return found


@pytest.fixture
def machine(folder, network):  # noqa: F811
	if not PEER.exists():
		pytest.skip("no PgBouncer of Debian at %s" % PEER)
	tools.program("dpkg-divert")
	base = folder / "debian"
	base.mkdir()
	database = Database(network, base / "db", None, ("host all all all md5",), 15)
	database.start()
	pod = network.join(Pod(base / "pod"))
	try:
		database.role("app", "secret", "md5")
		database.database("shop", "app")
		pod.knows(db=database.machine)
		shutil.copy(PEER, pod.path("/usr/sbin/pgbouncer"))
		install(pod, "/usr/bin/pgweir")
		pod.write("/etc/pgbouncer/pgbouncer.ini", INI, OWNER)
		pod.write("/etc/pgbouncer/userlist.txt", '"app" "secret"\n"admin" "console"\n',
			OWNER, 0o640)
		pod.write("/usr/local/bin/systemctl", SYSTEMCTL, mode=0o755)
		for name in ("/var/log/postgresql", "/run/postgresql"):
			pod.path(name).mkdir(parents=True, exist_ok=True)
			os.chown(pod.path(name), *OWNER)
		yield types.SimpleNamespace(network=network, pod=pod, database=database)
	finally:
		database.stop()


def follow(machine, commands):
	done = machine.pod.run("sh", "-exc", commands, env={"PGPASSWORD": "console"})
	assert done.returncode == 0, done.stdout
	with machine.pod.inside():
		wait_for("the pooler to accept", lambda: can_connect(6432))
	return done.stdout


def serves(machine):
	"""An application comes in; which program is it that lets it?"""
	with machine.network.inside():
		for database in ("shop", "reports"):
			with psycopg.connect(host=machine.pod.address, port=6432, user="app",
					password="secret", dbname=database, autocommit=True) as app:
				assert app.execute("select current_user::text").fetchone() == ("app",)
		with psycopg.connect(host=machine.pod.address, port=6432, user="admin",
				password="console", dbname="pgbouncer", autocommit=True,
				cursor_factory=psycopg.ClientCursor) as c:
			return c.execute("SHOW VERSION").fetchone()[0]


def test_there_and_back(machine):
	guide = sections()
	assert sorted(guide) == [1, 2, 3, 4]
	follow(machine, "systemctl restart pgbouncer")
	theirs = serves(machine)
	assert "pgweir" not in theirs
	follow(machine, guide[1])
	said = follow(machine, guide[2])
	assert "pgweir" in serves(machine), said
	assert machine.pod.run("sh", "-c", "cat /proc/$(cat /run/postgresql/pgbouncer.pid)/comm"
		).stdout == "pgbouncer\n"
	said = follow(machine, guide[3])
	assert "PgBouncer 1.25" in said and "shop" in said
	before, after = (
		{line.split("|")[0]: line.split("|")[1] for line in
			machine.pod.path("/tmp/config." + when).read_text().splitlines()}
		for when in ("before", "after"))
	assert set(before) <= set(after), set(before) - set(after)
	for name in ("pool_mode", "default_pool_size", "server_idle_timeout", "auth_type",
			"listen_port", "unix_socket_dir", "query_wait_timeout"):
		assert float_or_text(before[name]) == float_or_text(after[name]), name
	follow(machine, guide[4])
	assert serves(machine) == theirs


def float_or_text(text):
	try:
		return float(text)
	except ValueError:
		return text
