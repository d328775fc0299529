"""Zalando's operator: a template filled from the environment, self-signed TLS towards clients,
roles with MD5 and SCRAM secrets found by pooler.user_lookup, 10,000 clients."""

import os
import re
import resource
import select
import subprocess
import types

import psycopg
import pytest

from deploy import tools
from deploy.authority import Authority
from deploy.bouncer import Bouncer, console, install
from deploy.database import Database
from deploy.machine import Pod, network  # noqa: F401
from scratch import wait_for

pytestmark = [pytest.mark.xdist_group("deploy-zalando"), pytest.mark.timeout(240)]

OWNER = (100, 101)
PASSWORD = "kVq7-from-the-secret"
CLIENTS = 10000
DESCRIPTORS = 20000

ENV = {
	"PGHOST": "acid-foo", "PGPORT": "5432", "PGUSER": "pooler", "PGSCHEMA": "pooler",
	"PGPASSWORD": PASSWORD, "CONNECTION_POOLER_MODE": "transaction",
	"CONNECTION_POOLER_PORT": "5432", "CONNECTION_POOLER_DEFAULT_SIZE": "15",
	"CONNECTION_POOLER_MIN_SIZE": "7", "CONNECTION_POOLER_RESERVE_SIZE": "7",
	"CONNECTION_POOLER_MAX_CLIENT_CONN": str(CLIENTS), "CONNECTION_POOLER_MAX_DB_CONN": "30",
}
OURS = (tools.TOP / "contrib" / "entrypoint.sh").read_text()
# What their image does: a certificate of its own, the template, the pooler.
THEIRS = """\
#!/bin/sh
set -e
openssl req -nodes -new -x509 -subj /CN=spilo.dummy.org -days 2 \\
	-keyout /etc/ssl/certs/pgbouncer.key -out /etc/ssl/certs/pgbouncer.crt 2>/dev/null
envsubst < /etc/pgbouncer/pgbouncer.ini.tmpl > /etc/pgbouncer/pgbouncer.ini
exec /bin/pgbouncer /etc/pgbouncer/pgbouncer.ini
"""
HBA = (
	"hostssl all all all md5",  # takes SCRAM secrets as well
	"host all all all reject",
)
LOOKUP = """
create schema pooler;
create function pooler.user_lookup(in i_username text, out uname text, out phash text)
	returns record language plpgsql security definer as $$
begin
	select usename, passwd from pg_catalog.pg_shadow
	where usename = i_username into uname, phash;
	return;
end $$;
revoke all on function pooler.user_lookup(text) from public, pooler;
grant execute on function pooler.user_lookup(text) to pooler;
grant usage on schema pooler to pooler;
"""


class Cluster(types.SimpleNamespace):
	"""The deployment as a whole."""

	def connect(self, user="modern", password="secret", database="foo", **more):
		with self.network.inside():
			return psycopg.connect(**{"host": self.pod.address, "user": user,
				"password": password, "dbname": database, "sslmode": "require",
				"connect_timeout": 10, "autocommit": True, **more})


def make_pod(cluster, name, entrypoint=OURS):
	pod = cluster.network.join(Pod(cluster.base / name))
	pod.knows(acid_foo=cluster.database.machine)
	pod.write("/etc/pgbouncer/pgbouncer.ini.tmpl",
		(tools.HERE / "zalando.ini.tmpl").read_text())
	# a Secret, mounted as one file
	pod.write("/etc/pgbouncer/userlist.txt",
		'"pooler" "%s"\n"robot_zmon" "infrastructure"\n' % PASSWORD)
	pod.write("/entrypoint.sh", entrypoint, mode=0o755)
	for folder in ("/etc/pgbouncer", "/etc/ssl/certs", "/var/log/pgbouncer",
			"/var/run/pgbouncer"):
		pod.path(folder).mkdir(parents=True, exist_ok=True)
		os.chown(pod.path(folder), *OWNER)
	install(pod, "/bin/pgbouncer")
	return pod


def start(pod, limits):
	return Bouncer(pod, ["/bin/sh", "/entrypoint.sh"], 5432, user=OWNER, first=True, env=ENV,
		limits=["--nofile=" + limits])


@pytest.fixture(scope="module")
def cluster(folder, network):  # noqa: F811
	tools.program("envsubst")
	base = folder / "zalando"
	base.mkdir()
	authority = Authority(base / "pki", "spilo")
	server = authority.issue("spilo", "DNS:spilo")
	database = Database(network, base / "db", (*server, authority.file), HBA, 18)
	database.start()
	cluster = Cluster(network=network, database=database, base=base,
		server_certificate=server[0])
	try:
		database.role("pooler", PASSWORD)
		database.role("modern", "secret")
		database.role("old", "secret", "md5")
		database.role("robot_zmon", "infrastructure")
		database.database("foo", "modern")
		for name in ("postgres", "foo"):
			database.sql(LOOKUP, name)
		cluster.pod = make_pod(cluster, "pod")
		cluster.bouncer = start(cluster.pod, "1024:%d" % DESCRIPTORS)
		yield cluster
		cluster.bouncer.stop()
	finally:
		database.stop()


def test_roles_of_both_kinds_side_by_side(cluster):
	with cluster.connect("old") as old, cluster.connect("modern") as modern:
		for _ in range(3):
			for client, name in ((old, "old"), (modern, "modern")):
				assert client.execute("select current_user::text").fetchone() == (name,)
				assert client.execute("select ssl from pg_stat_ssl "
					"where pid = pg_backend_pid()").fetchone() == (True,)
	with cluster.connect("robot_zmon", "infrastructure") as robot:
		assert robot.execute("select current_user::text").fetchone() == ("robot_zmon",)


def test_wrong_and_unknown_hear_the_same(cluster):
	def words(*login):
		with pytest.raises(psycopg.OperationalError) as caught:
			cluster.connect(*login)
		return str(caught.value)

	wrong = words("modern", "wrong")
	assert "authentication failed" in wrong
	# of the lookup comes one row of NULLs for somebody who is not there
	assert words("nobody", "secret") == wrong
	with pytest.raises(psycopg.OperationalError, match="SSL required"):
		cluster.connect(sslmode="disable")


def test_a_server_certificate_that_nobody_here_signed(cluster):
	"""require is not verify, though a file of authorities is given."""
	with cluster.connect() as app:
		assert app.execute("select 1").fetchone() == (1,)
	crt = cluster.pod.path("/etc/ssl/certs/pgbouncer.crt")
	done = subprocess.run(["openssl", "verify", "-CAfile", crt, cluster.server_certificate],
		capture_output=True, text=True)
	assert done.returncode != 0 and "unable to get local issuer" in done.stderr


def test_each_client_has_its_search_path(cluster):
	"""PostgreSQL 18 reports it, so nobody has to list it in track_extra_parameters."""
	if cluster.database.version < 18:
		pytest.skip("PostgreSQL %d does not report search_path" % cluster.database.version)
	with cluster.connect() as one, cluster.connect() as two:
		one.execute("set search_path = pooler, public")
		for _ in range(3):
			assert two.execute("show search_path").fetchone() == ('"$user", public',)
			assert one.execute("show search_path").fetchone() == ("pooler, public",)


def test_console_of_the_pooler_user(cluster):
	with cluster.network.inside(), console(cluster.pod.address, user="pooler",
			password=PASSWORD, sslmode="require") as c:
		assert c.execute("RECONNECT").statusmessage == "RECONNECT"
		names = [row[0] for row in c.execute("SHOW DATABASES").fetchall()]
		assert "postgres" in names and "foo" in names
	with pytest.raises(psycopg.OperationalError):
		cluster.connect(database="pgbouncer")


def test_log_in_a_file_and_pid_in_another(cluster):
	path = cluster.pod.path("/var/log/pgbouncer/pgbouncer.log")
	assert "process up" in path.read_text() and "process up" in cluster.bouncer.text()
	assert PASSWORD not in path.read_text()
	assert cluster.pod.path("/var/run/pgbouncer/pgbouncer.pid").read_text().strip() == "1"


def test_few_descriptors_are_no_reason_to_stay_away(cluster):
	pod = make_pod(cluster, "narrow", THEIRS)
	bouncer = start(pod, "1024:4096")
	limits = open("/proc/%d/limits" % bouncer.pid).read()
	assert re.search(r"Max open files +4096 +4096", limits)
	assert re.search("WARNING .*(descriptor|fd)", bouncer.text()), bouncer.text()
	with cluster.connect(host=pod.address) as app:
		assert app.execute("select 1").fetchone() == (1,)
	pod.run("kill", "-TERM", bouncer.inner_pid())
	assert bouncer.wait_for_end() == 0
	bouncer.check_log()


def says(crowd, seconds=120):
	"""The next line of CROWD."""
	ready, _, _ = select.select([crowd.stdout], [], [], seconds)
	assert ready, "the crowd says nothing"
	return crowd.stdout.readline()


def test_ten_thousand_clients(cluster):
	hard = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
	if hard < DESCRIPTORS:
		pytest.skip("needs %d descriptors, %d are allowed" % (DESCRIPTORS, hard))
	with cluster.network.inside():
		halves = [subprocess.Popen(
			["setpriv", "--pdeathsig", "KILL", tools.python(), tools.HERE / "crowd.py",
				cluster.pod.address, "5432", "old", "secret", "foo", str(CLIENTS // 2)],
			stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
			for _ in range(2)]
	try:
		for half in halves:
			said = says(half)
			assert said == "in %d\n" % (CLIENTS // 2), said + half.stderr.read()
		with pytest.raises(psycopg.OperationalError, match="no more connections allowed"):
			cluster.connect("old")
		for half in halves:
			half.stdin.write("ask\n")
			half.stdin.flush()
			assert says(half) == "%d\n" % (CLIENTS // 200)
		servers = cluster.database.sql(
			"select count(*) from pg_stat_activity where usename = 'old'")[0][0]
		assert 1 <= servers <= 30
	finally:
		for half in halves:
			half.kill()
			half.wait()

	def room():
		try:
			cluster.connect("old").close()
			return True
		except psycopg.OperationalError:
			return False

	wait_for("room for others", room, 30)
