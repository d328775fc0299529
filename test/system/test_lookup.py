"""auth_query before a real PostgreSQL: what the operators' look-up functions answer, how TLS and
logins of auth_user go, and what a connection of it does with bad answers and bad days."""

import socket
import time
from concurrent import futures

import pytest

import scratch
from asker import Asker
from scratch import run, wait_for
from servers import PostgreSQL, server_programs

PROGRAMS = server_programs()
PASSWORD = "pool;er=sec[ret]"

ROLES = """
set password_encryption = 'scram-sha-256';
create role pooler login password '{p}';
create role crunchy login password '{p}';
create role cnpg login;
create role clear login password '{p}';
create role trusted login;
create role rotating login password '{p}';
create role scrammed login password 'secret';
create role expired login password 'secret' valid until '2001-01-01';
create role stranger password 'secret';
create role no_password login;
create role "we ird ""q"" ünï" login password 'secret';
set password_encryption = 'md5';
create role hashed login password 'secret';
create role md5_pooler login password '{p}';
grant pg_read_all_data to pooler;
alter role pooler superuser;
create database app;
""".format(p=PASSWORD)

# as the operators make them
FUNCTIONS = """
create schema pooler;
create function pooler.user_lookup(in i_username text, out uname text, out phash text)
	returns record language plpgsql security definer as $$ begin
	select usename, passwd from pg_catalog.pg_shadow where usename = i_username into uname, phash;
	return; end $$;
create function public.user_search(uname text) returns table (usename name, passwd text)
	language sql security definer as
	'select usename, passwd from pg_catalog.pg_shadow where usename = $1';
create schema pgbouncer;
create function pgbouncer.get_auth(username text) returns table (username text, password text)
	language sql stable security definer as $$
	select rolname::text, rolpassword::text from pg_catalog.pg_authid
	where rolname = $1 and rolcanlogin and not rolsuper
	and (rolvaliduntil is null or rolvaliduntil >= pg_catalog.now()) $$;
grant usage on schema pooler, pgbouncer to public;
alter role crunchy set search_path to pgbouncer;
"""

HBA = """
local all all trust
host all postgres 127.0.0.1/32 trust
hostssl all crunchy all scram-sha-256
host all crunchy all reject
hostssl all cnpg all cert
host all clear all password
host all trusted all trust
host all md5_pooler all md5
host all all all scram-sha-256
"""

DEFAULT = (
	"SELECT rolname, CASE WHEN rolvaliduntil < now() THEN NULL ELSE rolpassword END "
	"FROM pg_authid WHERE rolname=$1 AND rolcanlogin"
)


def sign(folder, name, subject, ca):
	"""NAME.crt and NAME.key for SUBJECT, signed by CA."""
	run(
		*("openssl", "req", "-x509", "-newkey", "ec", "-nodes"),
		*("-pkeyopt", "ec_paramgen_curve:prime256v1", "-days", "2"),
		*("-subj", "/CN=" + subject, "-CA", f"{ca}.crt", "-CAkey", f"{ca}.key"),
		*("-addext", "basicConstraints=critical,CA:false"),
		*("-keyout", folder / (name + ".key"), "-out", folder / (name + ".crt")),
	)
	(folder / (name + ".key")).chmod(0o600)


class Server(PostgreSQL):
	def configure(self, certs, max_connections):
		super().configure(certs, max_connections)
		with open(self.data / "postgresql.conf", "a") as conf:
			conf.write("listen_addresses = '127.0.0.1, 127.0.0.2'\n")
			conf.write("unix_socket_directories = '%s, @%s'\n" % ((self.folder,) * 2))
			conf.write("ssl_ca_file = '%s'\n" % (certs / "ca.crt"))
		(self.data / "pg_hba.conf").write_text(HBA)

	def backends(self):
		return self.sql(
			"select pid from pg_stat_activity where application_name = 'pgweir auth_query'",
			"postgres",
		)


@pytest.fixture(scope="module")
def authority(folder):
	"""PostgreSQL with roles of every kind and the look-up functions of three operators."""
	if not PROGRAMS:
		pytest.skip("no PostgreSQL server programs on this machine")
	version = sorted(PROGRAMS)[0]
	home = folder / "lookup"
	home.mkdir()
	home.chmod(0o755)
	certs = scratch.certificates(home)
	(home / "other").mkdir()
	scratch.certificates(home / "other")
	sign(home, "cnpg", "cnpg", home / "ca")
	server = Server(version, PROGRAMS[version], home / "postgres", certs)
	server.home = home
	try:
		server.start()
		for statement in ROLES.strip().split(";\n"):
			server.sql(statement.rstrip(";") + ";", "postgres")
		server.sql(FUNCTIONS)
		yield server
	finally:
		if server.process:
			server.stop()


@pytest.fixture
def asker(authority, tmp_path):
	"""asker(query, **settings): an Asker; HOST, PORT and AUTH_FILE lines may be given."""
	made = []

	def make(query=DEFAULT, host="127.0.0.1", port=None, users=None, env=None, **settings):
		folder = tmp_path / str(len(made))
		folder.mkdir()
		users = {"pooler": PASSWORD} if users is None else users
		(folder / "users.txt").write_text(
			"".join('"%s" "%s"\n' % pair for pair in users.items())
		)
		settings = {
			"listen_addr": "127.0.0.1",
			"unix_socket_dir": "",
			"auth_file": folder / "users.txt",
			"auth_query": query,
			"server_tls_sslmode": "disable",
			**settings,
		}
		(folder / "ini").write_text(
			"[databases]\napp = host=%s port=%d\n[pgbouncer]\n"
			% (host, port or authority.port)
			+ "".join("%s = %s\n" % pair for pair in settings.items())
		)
		asker = Asker(folder / "ini", env)
		asker.folder = folder
		made.append(asker)
		return asker

	yield make
	for asker in made:
		asker.stop()


# --- what the functions answer ---------------------------------------------------


def stored(authority, role):
	return authority.sql(
		"select rolpassword from pg_authid where rolname = '%s'" % role, "postgres"
	)[0][0]


LOOKUPS = {
	"PgBouncer's default": DEFAULT,
	"Zalando": "SELECT * FROM pooler.user_lookup($1)",
	"CloudNativePG": "SELECT usename, passwd FROM public.user_search($1)",
	"Crunchy": "SELECT username, password from pgbouncer.get_auth($1)",
}


@pytest.mark.parametrize("operator", LOOKUPS)
def test_roles_are_found(authority, asker, operator):
	a = asker(LOOKUPS[operator])
	for role in "scrammed", "hashed", 'we ird "q" ünï':
		assert a.lookup(role) == ["found", role, stored(authority, role)]
	# of Zalando's function a row of NULLs, as it has OUT parameters
	for name in "nobody", "scrammed' or '1'='1", "\udce4", "'; drop role hashed; --":
		assert a.lookup(name) == ["nobody"]
	assert a.lookup("no_password") == ["found", "no_password", "(null)"]
	assert a.numbers()["opened"] == 1


def test_our_own_default_query(authority, asker, tmp_path):
	a = asker("")
	a.stop()
	ini = (a.folder / "ini").read_text().replace("auth_query = \n", "")
	(a.folder / "ini").write_text(ini)
	a.__init__(a.folder / "ini")
	assert a.lookup("scrammed") == ["found", "scrammed", stored(authority, "scrammed")]
	assert a.lookup("expired") == ["found", "expired", "(null)"]
	assert a.lookup("stranger") == ["nobody"]


def test_names_have_a_length(asker):
	a = asker("select $1::text, 'x'")
	assert a.lookup("n" * 63) == ["found", "n" * 63, "x"]
	for name in "n" * 64, "":
		assert a.lookup(name) == [
			"refused",
			"28000",
			"expected a user name of 1 to 63 bytes, got %d" % len(name),
		]
	assert a.numbers()["found"] == 1


# --- how auth_user gets in ---------------------------------------------------------

SSL = "select $1::text, coalesce((select version from pg_stat_ssl where pid = pg_backend_pid()), 'none')"

# sslmode, host, which CA file, what comes of it
TLS = [
	("disable", "127.0.0.1", "ca.crt", "none"),
	("allow", "127.0.0.1", "", "TLSv1.3"),
	("prefer", "127.0.0.1", "", "TLSv1.3"),
	("prefer", "127.0.0.1", "other/ca.crt", "TLSv1.3"),
	("require", "127.0.0.1", "", "TLSv1.3"),
	("require", "127.0.0.1", "other/ca.crt", "TLSv1.3"),  # Zalando's
	("require", "127.0.0.2", "ca.crt", "TLSv1.3"),
	("verify-ca", "127.0.0.1", "ca.crt", "TLSv1.3"),
	("verify-ca", "127.0.0.2", "ca.crt", "TLSv1.3"),
	("verify-ca", "127.0.0.1", "other/ca.crt", None),
	("verify-full", "127.0.0.1", "ca.crt", "TLSv1.3"),
	("verify-full", "localhost", "ca.crt", "TLSv1.3"),
	("verify-full", "127.0.0.2", "ca.crt", None),
	("verify-full", "127.0.0.1", "other/ca.crt", None),
	("verify-full", "127.0.0.1", "", None),
]


@pytest.mark.parametrize("mode, host, ca, version", TLS)
def test_tls_means_what_it_means_elsewhere(authority, asker, mode, host, ca, version):
	a = asker(
		SSL,
		host,
		server_tls_sslmode=mode,
		server_tls_ca_file=authority.home / ca if ca else "",
	)
	answer = a.lookup("bob")
	if version:
		assert answer == ["found", "bob", version]
	else:
		assert answer[0] == "failed" and "certificate" in answer[2], answer


def test_tls_versions_are_kept_to(authority, asker):
	a = asker(SSL, server_tls_sslmode="require", server_tls_protocols="tlsv1.2")
	assert a.lookup("bob") == ["found", "bob", "TLSv1.2"]


def test_crunchy_wants_tls_and_scram(authority, asker):
	more = {
		"users": {"crunchy": PASSWORD},
		"server_tls_ca_file": authority.home / "ca.crt",
	}
	a = asker(LOOKUPS["Crunchy"], server_tls_sslmode="verify-full", **more)
	found = a.lookup("scrammed", user="crunchy")
	assert found == ["found", "scrammed", stored(authority, "scrammed")]
	assert a.lookup("pooler", user="crunchy") == ["nobody"]  # a superuser
	assert a.lookup("expired", user="crunchy") == ["nobody"]
	b = asker(LOOKUPS["Crunchy"], server_tls_sslmode="disable", **more)
	answer = b.lookup("scrammed", user="crunchy")
	assert answer[0] == "failed" and "pg_hba.conf rejects connection" in answer[2]


def test_cloudnativepg_shows_a_certificate(authority, asker):
	tls = {
		"server_tls_sslmode": "verify-ca",
		"server_tls_ca_file": authority.home / "ca.crt",
	}
	a = asker(
		LOOKUPS["CloudNativePG"],
		users={},
		server_tls_cert_file=authority.home / "cnpg.crt",
		server_tls_key_file=authority.home / "cnpg.key",
		**tls,
	)
	found = a.lookup("hashed", user="cnpg")
	assert found == ["found", "hashed", stored(authority, "hashed")]
	b = asker(LOOKUPS["CloudNativePG"], users={}, **tls)
	answer = b.lookup("hashed", user="cnpg")
	assert answer[0] == "failed" and "requires a valid client certificate" in answer[2]


def verifier(authority):
	return stored(authority, "pooler")


@pytest.mark.parametrize(
	"user, secret, expected",
	[
		("clear", PASSWORD, None),
		("md5_pooler", PASSWORD, None),
		("trusted", "", None),
		("trusted", "md5" + "0" * 32, None),  # not needed, not sent
		("trusted", verifier, None),
		("pooler", "wrong", "password authentication failed for user"),
		("pooler", "", "expected it in plain in auth_file, got none"),
		("md5_pooler", "md5" + "0" * 32, "in auth_file, got an MD5 hash"),
		("pooler", verifier, "in auth_file, got a SCRAM verifier"),
	],
)
def test_auth_user_logs_in_with_what_is_stored(authority, asker, user, secret, expected):
	secret = secret(authority) if callable(secret) else secret
	a = asker("select $1::text, user", users={user: secret} if secret else {})
	answer = a.lookup("bob", user=user)
	if expected is None:
		assert answer == ["found", "bob", user]
	else:
		assert answer[0] == "failed" and expected in answer[2], answer
		assert secret == "" or secret not in answer[2]


def test_a_changed_password_is_used_after_a_reload(authority, asker):
	query = "select $1::text, 'x'"
	a = asker(query, users={"rotating": PASSWORD})
	assert a.lookup("bob", "rotating")[0] == "found"
	authority.sql("alter role rotating password 'fresh'", "postgres")
	assert a.lookup("bob", "rotating")[0] == "found"  # it was let in before
	assert a.ask("reload") == [["reloaded"]]
	answer = a.lookup("bob", "rotating")
	assert answer[0] == "failed" and "password authentication failed" in answer[2]
	(a.folder / "users.txt").write_text('"rotating" "fresh"\n')
	assert a.ask("reload") == [["reloaded"]]
	assert a.lookup("bob", "rotating")[0] == "found"
	assert a.numbers()["open"] == 1


# --- what reaches the server ------------------------------------------------------

SEEN = """select $1::text, concat_ws('|', current_setting('application_name'),
current_setting('client_encoding'), current_setting('search_path'), current_setting('TimeZone'),
current_setting('DateStyle'), current_database(), user)""".replace("\n", " ")


def test_nothing_comes_from_the_environment(authority, asker, tmp_path):
	home = tmp_path / "home"
	(home / ".postgresql").mkdir(parents=True)
	for name in "postgresql.crt", "postgresql.key", "root.crt", "root.crl":
		(home / ".postgresql" / name).write_text("no certificate\n")
	(home / ".pgpass").write_text("*:*:*:*:wrong\n")
	(home / ".pgpass").chmod(0o600)
	env = {
		"HOME": str(home),
		"PGHOST": "nowhere.invalid",
		"PGHOSTADDR": "192.0.2.1",
		"PGPORT": "1",
		"PGUSER": "nobody",
		"PGPASSWORD": "wrong",
		"PGPASSFILE": str(home / ".pgpass"),
		"PGDATABASE": "nowhere",
		"PGSERVICE": "nothing",
		"PGSERVICEFILE": "/nonexistent",
		"PGOPTIONS": "-c search_path=evil",
		"PGAPPNAME": "evil",
		"PGCLIENTENCODING": "LATIN1",
		"PGTZ": "Asia/Tokyo",
		"PGDATESTYLE": "German",
		"PGSSLMODE": "verify-full",
		"PGSSLROOTCERT": "/nonexistent",
		"PGREQUIREPEER": "evil",
		"PGCHANNELBINDING": "require",
		"PGTARGETSESSIONATTRS": "standby",
		"PGCONNECT_TIMEOUT": "1",
	}
	expected = ["found", "bob", 'pgweir auth_query|SQL_ASCII|"$user", public|%s|ISO, MDY|app|pooler']
	zone = authority.sql("show timezone", "postgres")[0][0]
	expected[2] %= zone
	for mode in "disable", "prefer", "require":
		a = asker(SEEN, env=env, server_tls_sslmode=mode)
		assert a.lookup("bob") == expected
	b = asker(SEEN, users={}, env=env)
	assert "got none" in b.lookup("bob")[2]


def test_the_search_path_of_the_role_stays(authority, asker):
	a = asker(
		"select username, current_setting('search_path') from get_auth($1)",
		users={"crunchy": PASSWORD},
		server_tls_sslmode="require",
	)
	assert a.lookup("hashed", "crunchy") == ["found", "hashed", "pgbouncer"]


# --- bad answers -------------------------------------------------------------------

BAD = {
	"one column": ("select $1::text", "expected two columns, name and secret, got 1"),
	"three columns": ("select $1::text, 2, 3", "expected two columns, name and secret, got 3"),
	"no columns": ("select from (select $1::text) x", "expected two columns, name and secret, got 0"),
	"one column, no row": ("select $1::text where false", "expected two columns, name and secret, got 1"),
	"two rows": ("select $1::text, g from generate_series(1, 2) g", "expected at most one row, got more"),
	"a million rows": (
		"select $1::text, repeat('x', 1000) from generate_series(1, 1000000)",
		"expected at most one row, got more",
	),
	"a secret without a name": ("select nullif($1, $1), 'x'", "expected a name in the first column, got NULL"),
	"a long secret": ("select $1::text, repeat('x', 65531)", "expected a secret of at most 65530 bytes, got more"),
	"no query": (";", "bind message supplies 1 parameters, but prepared statement \"\" requires 0"),
	"a command": ("set application_name = evil", "bind message supplies 1 parameters, but prepared statement \"\" requires 0"),
	"copy": ("copy (select 1, 2) to stdout", "bind message supplies 1 parameters, but prepared statement \"\" requires 0"),
	"two queries": ("select $1::text, 2; select 1, 2", "cannot insert multiple commands into a prepared statement"),
	"no table": ("select * from not_pg_shadow where usename = $1", 'relation "not_pg_shadow" does not exist'),
	"no function": ("select * from nothing($1)", "function nothing(unknown) does not exist"),
	"an error behind the row": ("select $1::text, 1 / (2 - g) from generate_series(1, 2) g", "division by zero"),
	"two parameters": ("select $1::text, $2::text", "bind message supplies 1 parameters, but prepared statement \"\" requires 2"),
	"its own end": ("select $1::text, pg_terminate_backend(pg_backend_pid())", "terminating connection due to administrator command"),
}


@pytest.mark.parametrize("shape", BAD)
def test_a_bad_answer_is_told_in_one_line(authority, asker, shape):
	query, expected = BAD[shape]
	a = asker(query)
	for _ in range(2):
		kind, sqlstate, text = a.lookup("bob")
		assert kind == "failed" and len(sqlstate) == 5
		assert text == "auth_query of pooler in database app: " + expected
		assert PASSWORD not in text
	numbers = a.numbers()
	assert numbers["open"] == 0 and numbers["failed"] == 2
	assert a.process.poll() is None


def test_a_secret_of_the_most_bytes(asker):
	a = asker("select $1::text, repeat('x', 65530)")
	assert a.lookup("bob") == ["found", "bob", "x" * 65530]


def test_notices_go_nowhere(authority, asker):
	authority.sql(
		"create or replace function chatty(text) returns text language plpgsql as "
		"$$ begin raise warning 'listen'; return $1; end $$"
	)
	assert asker("select chatty($1), 'x'").lookup("bob") == ["found", "bob", "x"]


# --- time, ends, many --------------------------------------------------------------


def test_a_slow_query_is_given_up_and_canceled(authority, asker):
	a = asker("select $1::text, pg_sleep(60)::text")
	begun = time.monotonic()
	assert a.lookup("bob", ms=300) == [
		"failed",
		"08006",
		"auth_query of pooler in database app: timed out",
	]
	assert time.monotonic() - begun < 10
	wait_for("the server to have nobody", lambda: not authority.backends())
	assert a.numbers()["open"] == 0


def test_a_server_that_says_nothing(authority, asker):
	with socket.socket() as mute:
		mute.bind(("127.0.0.1", 0))
		mute.listen(5)
		a = asker(port=mute.getsockname()[1])
		answer = a.lookup("bob", ms=300)
		assert answer[0] == "failed" and answer[2].endswith(": timed out")


def test_what_waits_too_long_is_not_begun(asker):
	a = asker("select $1::text, pg_sleep(0.3)::text")
	answers = a.ask("many", 20, "app", "app", "pooler", "bob", 1000)
	kinds = [answer[0] for answer in answers]
	assert len(kinds) == 20 and "found" in kinds and "failed" in kinds
	assert all(a[0] == "found" or "timed out" in a[2] for a in answers)


def test_one_connection_is_used_again_and_two_are_the_most(authority, asker):
	a = asker()
	for _ in range(20):
		assert a.lookup("hashed")[0] == "found"
	assert a.numbers()["opened"] == 1 and len(authority.backends()) == 1
	answers = a.ask("many", 100, "app", "app", "pooler", "hashed", 20000)
	assert len(answers) == 100 and {a[0] for a in answers} == {"found"}
	numbers = a.numbers()
	assert numbers["opened"] <= 2 and numbers["open"] == numbers["opened"]
	assert numbers["found"] == 120 and numbers["threads"] <= 4


def test_an_idle_connection_is_closed(authority, asker):
	a = asker()
	a.ask("tune", 150, 600000)
	assert a.lookup("hashed")[0] == "found"
	wait_for("no connection", lambda: a.numbers()["open"] == 0 and not authority.backends())


def test_an_old_connection_is_replaced(authority, asker):
	a = asker()
	a.ask("tune", 600000, 200)
	begun = time.monotonic()
	while time.monotonic() - begun < 0.5:
		assert a.lookup("hashed")[0] == "found"
	assert a.numbers()["opened"] >= 2 and a.numbers()["open"] <= 1


def test_few_connections_are_kept(authority, asker):
	for i in range(12):
		authority.sql("create database kept%d" % i, "postgres")
	a = asker()
	for i in range(12):
		assert a.lookup("hashed", dbname="kept%d" % i)[0] == "found"
	assert a.numbers()["open"] == 8
	assert a.lookup("hashed", dbname="nowhere")[2].endswith(
		'database "nowhere" does not exist'
	)


def test_a_killed_connection_is_not_noticed(authority, asker):
	a = asker()
	for _ in range(3):
		assert a.lookup("hashed")[0] == "found"
		authority.sql(
			"select pg_terminate_backend(pid, 5000) from pg_stat_activity "
			"where application_name = 'pgweir auth_query'",
			"postgres",
		)
	assert a.lookup("hashed")[0] == "found"
	numbers = a.numbers()
	assert numbers["open"] == 1 and numbers["opened"] == 4 and numbers["failed"] == 0


def test_a_restart_is_not_noticed(authority, asker):
	a = asker()
	assert a.lookup("hashed")[0] == "found"
	authority.stop()
	answer = a.lookup("hashed", ms=300)
	assert answer[0] == "failed" and "Connection refused" in answer[2]
	authority.start()
	assert a.lookup("hashed")[0] == "found"
	authority.kill()
	authority.start()
	assert a.lookup("hashed")[0] == "found"
	assert a.numbers()["failed"] == 1


def test_a_lookup_waits_for_a_server_that_restarts(authority, asker):
	a = asker()
	authority.stop()
	with futures.ThreadPoolExecutor() as pool:
		answer = pool.submit(a.lookup, "hashed", ms=30000)
		authority.start()
		assert answer.result()[0] == "found"


def test_a_lookup_waits_for_a_server_that_is_full(authority, asker):
	a = asker("select $1::text, user", users={"clear": PASSWORD})
	authority.sql("alter role clear connection limit 0", "postgres")
	answer = a.lookup("bob", user="clear", ms=300)
	assert answer[:2] == ["failed", "53300"] and "too many connections for role" in answer[2]
	with futures.ThreadPoolExecutor() as pool:
		answer = pool.submit(a.lookup, "bob", user="clear", ms=30000)
		authority.sql("alter role clear connection limit -1", "postgres")
		assert answer.result() == ["found", "bob", "clear"]


def test_a_refusal_is_not_waited_for(authority, asker):
	begun = time.monotonic()
	a = asker(users={"pooler": "wrong"})
	assert a.lookup("bob", ms=30000)[:2] == ["failed", "28P01"]
	assert a.lookup("bob", dbname="nowhere", ms=30000)[:2] == ["failed", "28P01"]
	b = asker()
	assert b.lookup("bob", dbname="nowhere", ms=30000)[:2] == ["failed", "3D000"]
	assert time.monotonic() - begun < 15


def test_hosts_are_tried_in_turn(authority, asker):
	query = "select $1::text, coalesce(host(inet_server_addr()), 'unix')"
	silent = "192.0.2.1"  # nobody's (RFC 5737)
	assert asker(query, "nowhere.invalid,127.0.0.2").lookup("bob")[2] == "127.0.0.2"
	assert asker(query, "127.0.0.3,127.0.0.1").lookup("bob")[2] == "127.0.0.1"
	assert asker(query, authority.folder).lookup("bob")[2] == "unix"
	assert asker(query, "@%s" % authority.folder).lookup("bob")[2] == "unix"
	a = asker(query, "%s,127.0.0.1" % silent, server_connect_timeout=1)
	assert a.lookup("bob")[2] == "127.0.0.1"
