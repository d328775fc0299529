"""CloudNativePG's Pooler: rules in pg_hba.conf, a client certificate instead of the auth user's
password, a manager on the unix socket that reads SHOW by position, SIGINT as the end."""

import json
import os
import re
import shutil
import socket
import types

import psycopg
import pytest

from deploy import tools
from deploy.authority import Authority, copy_to
from deploy.bouncer import Bouncer, install
from deploy.database import Database
from deploy.machine import Pod, network  # noqa: F401
from scratch import wait_for

pytestmark = pytest.mark.xdist_group("deploy-cnpg")

OWNER = (998, 996)
LINE = re.compile(r"^(.*) \[(\d+)\] ([A-Z]+) (.+)$")  # how the manager takes the log apart
LISTS = ["databases", "users", "peers", "pools", "peer_pools", "free_clients", "used_clients",
	"login_clients", "free_servers", "used_servers", "dns_names", "dns_zones", "dns_queries",
	"dns_pending"]

INI = """
[databases]
* = host=pg-rw

[pgbouncer]
pool_mode = transaction
auth_user = %s
auth_query = SELECT usename, passwd FROM public.user_search($1)
auth_dbname = postgres

admin_users = pgbouncer
%sauth_hba_file = /controller/configs/pg_hba.conf
auth_type = hba
client_tls_ca_file = /controller/configs/client-ca/ca.crt
client_tls_cert_file = /controller/configs/client-tls/tls.crt
client_tls_key_file = /controller/configs/client-tls/tls.key
client_tls_sslmode = prefer
default_pool_size = 10
ignore_startup_parameters = extra_float_digits,options
listen_addr = *
listen_port = 5432
log_stats = 0
max_client_conn = 1000
max_prepared_statements = 200
server_tls_ca_file = /controller/configs/server-tls/ca.crt
%sserver_tls_sslmode = verify-ca
unix_socket_dir = /controller/run
"""
CERTIFICATE = """\
server_tls_cert_file = /controller/configs/authUser/tls.crt
server_tls_key_file = /controller/configs/authUser/tls.key
"""
POOLER_ROLE = "cnpg_pooler_pgbouncer"
PARAMETERS = """
application_name_add_host=1 autodb_idle_timeout=3600 cancel_wait_timeout=10 client_idle_timeout=0
client_login_timeout=60 client_tls_ciphers=default client_tls_protocols=secure
client_tls13_ciphers=TLS_AES_256_GCM_SHA384 disable_pqexec=0 dns_max_ttl=15 dns_nxdomain_ttl=15
idle_transaction_timeout=0 listen_backlog=128 log_connections=1 log_disconnections=1
log_pooler_errors=1 max_db_client_connections=0 max_db_connections=0 max_packet_size=2147483647
max_user_client_connections=0 max_user_connections=0 min_pool_size=0 pkt_buf=4096
query_timeout=0 query_wait_notify=5 query_wait_timeout=120 reserve_pool_size=0
reserve_pool_timeout=5 sbuf_loopcnt=5 scram_iterations=4096 server_check_delay=30
server_check_query=<empty> server_connect_timeout=15 server_fast_close=0 server_idle_timeout=600
server_lifetime=3600 server_login_retry=15 server_reset_query=DISCARD~ALL
server_reset_query_always=0 server_round_robin=0 server_tls_ciphers=default
server_tls_protocols=secure server_tls13_ciphers=TLS_AES_256_GCM_SHA384 stats_period=60
suspend_timeout=10 tcp_defer_accept=0 tcp_keepalive=1 tcp_keepcnt=3 tcp_keepidle=30
tcp_keepintvl=10 tcp_socket_buffer=0 tcp_user_timeout=0 track_extra_parameters=IntervalStyle
transaction_timeout=0 verbose=0
"""

RULES = """
local pgbouncer pgbouncer peer

hostssl all only-tls 0.0.0.0/0 scram-sha-256
host all only-tls 0.0.0.0/0 reject
%s
host all all 0.0.0.0/0 md5
host all all ::/0 md5
"""
# The server's, of the instance manager.
HBA = (
	"hostssl all %s all cert map=%s" % (POOLER_ROLE, POOLER_ROLE),
	"host all basic all md5",
	"hostssl all all all scram-sha-256",
)
LOOKUP = """
create function public.user_search(uname text) returns table (usename name, passwd text)
	language sql security definer set search_path = pg_catalog, pg_temp as
	'select usename, passwd from pg_shadow where usename = $1';
revoke all on function public.user_search(text) from public;
grant execute on function public.user_search(text) to cnpg_pooler_pgbouncer, basic;
"""
ENV = {"NAMESPACE": "shop", "POOLER_NAME": "pooler-rw", "PGUSER": "pgbouncer",
	"PGDATABASE": "pgbouncer", "PGHOST": "/controller/run", "PSQL_HISTORY": "/controller/tmp",
	"METRICS_PORT_TLS": "false"}


class Cluster(types.SimpleNamespace):
	"""The deployment as a whole."""

	def connect(self, user="app", password="secret", database="app", **more):
		with self.network.inside():
			return psycopg.connect(**{"host": self.pod.address, "port": 5432,
				"user": user, "password": password, "dbname": database,
				"connect_timeout": 10, "autocommit": True, **more})

	def refusal(self, *login, **more):
		with pytest.raises(psycopg.OperationalError) as caught:
			self.connect(*login, **more)
		return str(caught.value)

	def manager(self, *commands):
		"""What the manager's connections get, one answer for each command."""
		done = self.bouncer.run("/controller/manager", "/controller/run", *commands,
			user=OWNER, env=ENV)
		assert done.returncode == 0, done.stdout
		return [json.loads(line) for line in done.stdout.splitlines()]

	def psql(self, command):
		return self.bouncer.run("psql", "-XAt", "-c", command, user=OWNER, env=ENV)


def configure(cluster, configs, auth_user=POOLER_ROLE, password=None, rules=""):
	"""Write what the manager writes: 0600, each file whole or not at all."""

	def put(name, text):
		fresh = configs / (name + ".new")
		fresh.write_text(text)
		fresh.chmod(0o600)
		os.chown(fresh, *OWNER)
		fresh.rename(configs / name)

	put("pg_hba.conf", RULES % rules)
	if password:
		put("userlist.txt", '"%s" "%s"\n' % (auth_user, password.replace('"', '""')))
	put("pgbouncer.ini", INI % (auth_user,
		"auth_file = /controller/configs/userlist.txt\n" if password else "",
		"" if password else CERTIFICATE))
	crt, key = cluster.client_tls
	for folder, files in (
		("client-ca", {"ca.crt": cluster.client_ca.file}),
		("client-tls", {"tls.crt": crt, "tls.key": key}),
		("server-tls", {"ca.crt": cluster.server_ca.file}),
		("authUser", dict(zip(("tls.crt", "tls.key"), cluster.auth_user))),
	):
		(configs / folder).mkdir(exist_ok=True)
		os.chown(configs / folder, *OWNER)
		copy_to(configs / folder, 0o600, OWNER, **files)


def make_pod(cluster, name, **how):
	"""The pod, all of whose state is in the emptyDir /controller."""
	controller = cluster.base / (name + "-controller")
	for folder in (controller, controller / "configs", controller / "run", controller / "tmp"):
		folder.mkdir()
		os.chown(folder, *OWNER)
	configure(cluster, controller / "configs", **how)
	pod = cluster.network.join(Pod(cluster.base / name, {"/controller": (controller, "rw")}))
	pod.knows(pg_rw=cluster.database.machine)
	install(pod, "/usr/bin/pgbouncer")
	pod.seal()
	return pod, controller


def start(pod):
	"""As the manager does: a child whose output it reads."""
	return Bouncer(pod, ["sh", "-c", '/usr/bin/pgbouncer "$1" & wait $!; exit $?', "manager",
		"/controller/configs/pgbouncer.ini"], 5432, user=OWNER, env=ENV)


@pytest.fixture(scope="module")
def cluster(folder, network):  # noqa: F811
	base = folder / "cnpg"
	base.mkdir()
	cluster = Cluster(network=network, base=base,
		server_ca=Authority(base / "pki", "pg-server-ca"),
		client_ca=Authority(base / "pki", "pg-client-ca"))
	server = cluster.server_ca.issue("pg-rw", "DNS:pg-rw")
	cluster.client_tls = cluster.server_ca.issue("pooler-rw", "DNS:pooler-rw")
	cluster.auth_user = cluster.client_ca.issue(POOLER_ROLE)
	database = cluster.database = Database(network, base / "db",
		(*server, cluster.client_ca.file), HBA, 18,
		("%s %s %s" % (POOLER_ROLE, POOLER_ROLE, POOLER_ROLE),))
	database.start()
	try:
		database.role(POOLER_ROLE)
		for name in ("app", "only-tls", "other"):
			database.role(name, "secret")
		database.role("basic", 'pass"word')
		database.sql(LOOKUP)
		database.database("app", "app")
		cluster.pod, cluster.controller = make_pod(cluster, "pod")
		cluster.bouncer = start(cluster.pod)
		yield cluster
		cluster.bouncer.stop()
	finally:
		database.stop()


@pytest.fixture
def manager(cluster):
	target = cluster.controller / "manager"
	if not target.exists():
		shutil.copy(tools.go("manager"), target)
	return cluster.manager


def test_applications_log_in_with_the_proof_alone(cluster):
	"""The pooler's certificate is shown on every server connection; the application's
	user is let in by the keys gained from its own SCRAM proof."""
	for sslmode in ("disable", "require"):
		with cluster.connect(sslmode=sslmode) as app:
			assert app.execute("select current_user::text").fetchone() == ("app",)
			assert app.execute("select client_dn from pg_stat_ssl "
				"where pid = pg_backend_pid()").fetchone() == ("/CN=" + POOLER_ROLE,)
	with cluster.connect(prepare_threshold=0) as app:
		for n in range(5):
			assert app.execute("select %s::int", (n,)).fetchone() == (n,)
	assert "authentication failed" in cluster.refusal(password="wrong")
	assert "authentication failed" in cluster.refusal("nobody")


def test_rules_of_the_user_come_first(cluster):
	cluster.connect("only-tls", sslmode="require").close()
	cluster.refusal("only-tls", sslmode="disable")
	# nobody is the pooler's user from afar, nor its console's
	cluster.refusal(POOLER_ROLE, "")
	cluster.refusal("pgbouncer", "", "pgbouncer")


def test_metrics_are_read_by_position(cluster, manager):
	with cluster.connect() as app:
		app.execute("select 1")
		lists, pools, stats = manager("SHOW LISTS;", "SHOW POOLS;", "SHOW STATS;")
	assert [name for name, _ in lists] == LISTS
	assert dict(lists)["used_clients"] == 2  # the application and the manager itself
	rows = {(row[0], row[1]): row for row in pools}
	database, user, numbers, mode, balance = rows["app", "app"]
	assert numbers[0] == 1 and mode == "transaction" and not balance
	assert rows["pgbouncer", "pgbouncer"][3] == "statement"
	totals = {name: numbers for name, numbers in stats}
	assert totals["app"][1] > 0 and totals["app"][3] > 0  # transactions, bytes


def test_pause_and_resume(cluster, manager):
	app = cluster.connect()
	app.execute("select 1")
	said = manager("PAUSE", "PAUSE", "RESUME", "RESUME")
	assert [bool(one) for one in said] == [False, True, False, True]
	assert "already" in said[1]["error"] and "not paused" in said[3]["error"]
	assert app.execute("select 1").fetchone() == (1,)
	app.close()


def test_pause_waits_for_an_open_transaction(cluster, manager):
	app = cluster.connect()
	with app.transaction():
		app.execute("select 1")
		paused = cluster.pod.start(["/controller/manager", "/controller/run", "PAUSE"],
			cluster.base / "paused", OWNER, ENV)
		wait_for("PAUSE to begin", lambda: any(
			row[0] == "app" for row in manager("SHOW POOLS;")[0]) and
			"PAUSE" in cluster.psql("SHOW CLIENTS").stdout + cluster.bouncer.text())
		assert app.execute("select 1").fetchone() == (1,)
		assert paused.poll() is None
	assert paused.wait(10) == 0
	manager("RESUME")
	assert app.execute("select 2").fetchone() == (2,)
	app.close()


def test_reload_reads_replaced_files(cluster, manager):
	cluster.connect("other").close()
	configs = cluster.controller / "configs"
	before = cluster.client_tls, cluster.auth_user
	cluster.client_tls = cluster.server_ca.issue("pooler-new", "DNS:pooler-rw")
	cluster.auth_user = cluster.client_ca.issue(POOLER_ROLE)
	configure(cluster, configs, rules="host all other all reject")
	assert manager("RELOAD") == [None]
	cluster.refusal("other")
	with cluster.connect(sslmode="verify-ca", sslrootcert=str(cluster.server_ca.file)) as app:
		assert app.execute("select 1").fetchone() == (1,)
	# a rule with a fault refuses all of it, and says where
	configure(cluster, configs, rules="host all other nowhere/99 md5")
	(said,) = manager("RELOAD")
	cluster.bouncer.wait_until_logged("/controller/configs/pg_hba.conf:6: ")
	cluster.refusal("other")
	cluster.client_tls, cluster.auth_user = before
	configure(cluster, configs)
	assert manager("RELOAD") == [None] and "error" in said
	cluster.connect("other").close()


def test_psql_in_the_pod_needs_only_the_environment(cluster):
	done = cluster.psql("SHOW HELP")
	assert done.returncode == 0, done.stdout
	done = cluster.psql("SHOW VERSION")
	assert done.stdout.startswith("PgBouncer 1."), done.stdout
	# another user id is nobody's peer
	done = cluster.bouncer.run("psql", "-XAt", "-c", "SHOW VERSION", user=(70, 70), env=ENV)
	assert done.returncode != 0
	with cluster.network.inside():
		socket.create_connection((cluster.pod.address, 5432), 5).close()  # the probe


def test_the_log_is_what_the_manager_expects(cluster):
	lines = cluster.bouncer.text().splitlines()
	assert lines
	for line in lines:
		assert LINE.match(line) or line.startswith("\t"), line
	assert not [line for line in lines if "SCRAM-SHA-256$" in line]


def test_every_parameter_that_the_webhook_allows(cluster):
	lines = [word.replace("=", " = ", 1).replace("~", " ").replace("<empty>", "")
		for word in PARAMETERS.split()]
	text = INI % (POOLER_ROLE, "\n".join(lines) + "\n", CERTIFICATE)
	path = cluster.controller / "all.ini"
	path.write_text(text)
	path.chmod(0o644)
	done = cluster.pod.run("/usr/bin/pgbouncer", "--check", "/controller/all.ini", user=OWNER)
	assert done.returncode == 0, done.stdout


def test_a_secret_with_a_password(cluster):
	"""The pooler's user by basic-auth: a user list, no certificate."""
	pod, _ = make_pod(cluster, "basic-auth", auth_user="basic", password='pass"word')
	bouncer = start(pod)
	with cluster.connect(host=pod.address) as app:
		assert app.execute("select current_user::text").fetchone() == ("app",)
	pod.run("kill", "-INT", bouncer.inner_pid())
	assert bouncer.wait_for_end() == 0
	bouncer.check_log()


def test_an_interrupt_ends_it_though_clients_are_idle(cluster):
	pod, _ = make_pod(cluster, "interrupted")
	bouncer = start(pod)
	idle = cluster.connect(host=pod.address)
	idle.execute("select 1")
	pod.run("kill", "-INT", bouncer.inner_pid())
	assert bouncer.wait_for_end() == 0
	with pytest.raises(psycopg.OperationalError):
		idle.execute("select 1")
	bouncer.check_log()


def test_a_hook_waits_for_clients(cluster):
	pod, _ = make_pod(cluster, "leaving")
	bouncer = start(pod)
	busy = cluster.connect(host=pod.address)
	busy.execute("select 1")
	done = bouncer.run("psql", "-XAt", "-c", "SHUTDOWN WAIT_FOR_CLIENTS", user=OWNER, env=ENV)
	assert done.returncode == 0, done.stdout
	for n in range(20):
		assert busy.execute("select %s::int", (n,)).fetchone() == (n,)
	assert bouncer.alive()
	busy.close()
	assert bouncer.wait_for_end() == 0
	bouncer.check_log()
