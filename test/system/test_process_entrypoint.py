"""contrib/entrypoint.sh: what the environment of other images' containers becomes."""

import os
import pathlib
import re
import shutil
import subprocess

import psycopg
import pytest

from scratch import as_user, give_to, wait_for
from servers import SECRET, own_environment
from test_process import own, pytestmark  # noqa: F401 (fixture and marks)

SCRIPT = pathlib.Path(__file__).resolve().parents[2] / "contrib" / "entrypoint.sh"


class Container:
	"""A folder that stands for the root of a container, and what runs in it."""

	def __init__(self, pooler):
		self.pooler, self.root = pooler, pooler.folder / "root"
		for part in ["etc/pgbouncer", "etc/ssl/certs", "var/log/pgbouncer", "var/run/pgbouncer", "bin"]:
			(self.root / part).mkdir(parents=True)
			give_to("nobody", self.root / part)
		(self.root / "bin" / "pgbouncer").symlink_to(pooler.program)
		self.script = self.root / "entrypoint.sh"
		shutil.copy(SCRIPT, self.script)
		self.ini = self.root / "etc/pgbouncer/pgbouncer.ini"
		self.users = self.root / "etc/pgbouncer/userlist.txt"

	def environment(self, env):
		return {
			**{k: v for k, v in own_environment().items() if not k.startswith("PG")},
			"PATH": "%s:%s" % (self.root / "bin", os.environ["PATH"]),
			"ENTRYPOINT_ROOT": str(self.root),
			**{k: str(v) for k, v in env.items()},
		}

	def words(self, words):
		return [*as_user("nobody", "KILL"), "sh", str(self.script), *words]

	def writes(self, **env):
		"""What the script writes; the program only checks it."""
		done = subprocess.run(
			self.words([str(self.root / "bin/pgbouncer"), "--check", str(self.ini)]),
			env=self.environment(env),
			capture_output=True,
			text=True,
			timeout=30,
			cwd="/",
		)
		assert done.returncode == 0, done.stdout + done.stderr
		return self.ini.read_text()

	def starts(self, **env):
		"""Start it with no words, as an image without a command does."""
		with open(self.pooler.log, "ab") as log:
			self.pooler.process = subprocess.Popen(
				self.words([]), env=self.environment(env), stdout=log, stderr=log, cwd="/"
			)
		wait_for("the pooler, see %s" % self.pooler.log, self.pooler.accepts, 30)

	def connect(self, user, database, secret=SECRET, **more):
		return psycopg.connect(
			host="127.0.0.1",
			port=self.pooler.port,
			user=user,
			dbname=database,
			password=secret,
			autocommit=True,
			**more,
		)


@pytest.fixture
def container(own):
	return Container(own())


def test_one_database_by_its_parts(container):
	pooler = container.pooler
	container.starts(
		DB_HOST="127.0.0.1",
		DB_PORT=pooler.server.port,
		DB_USER="app_scram",
		DB_PASSWORD=SECRET,
		DB_NAME="app",
		LISTEN_PORT=pooler.port,
		AUTH_TYPE="scram-sha-256",
		POOL_MODE="transaction",
		MAX_CLIENT_CONN=77,
		POOL_SIZE=3,
		ADMIN_USERS="boss,other",
		ADMIN_PASSWORDS='qu"ote,x',
	)
	assert container.users.stat().st_mode & 0o077 == 0
	with container.connect("app_scram", "app") as c:
		assert c.execute("select current_user").fetchone() == ("app_scram",)
	with container.connect("boss", "pgbouncer", 'qu"ote') as console:
		config = {row[0]: row[1] for row in console.execute("show config")}
		databases = {row[0]: row for row in console.execute("show databases")}
	assert config["max_client_conn"] == "77" and config["pool_mode"] == "transaction"
	assert config["unix_socket_dir"] == "" and config["listen_addr"] == "0.0.0.0"
	assert databases["app"][5] == 3
	assert SECRET not in container.pooler.log.read_text() + container.ini.read_text()


@pytest.mark.parametrize(
	"url, entry, user",
	[
		(
			"postgres://bob:p%40ss%22w@db.example:5433/app?sslmode=disable",
			"app = host='db.example' port='5433' auth_user='bob'",
			'"bob" "p@ss""w"',
		),
		("postgresql://bob:x@[::1]:5433/app", "app = host='::1' port='5433' auth_user='bob'", '"bob" "x"'),
		("postgres://bob@db", "* = host='db' port='5432' auth_user='bob'", ""),
		("postgres://o%27neil:y@db/a%20b", "\"a b\" = host='db' port='5432' auth_user='o''neil'", '"o\'neil" "y"'),
	],
)
def test_one_database_by_its_url(container, url, entry, user):
	ini = container.writes(DATABASE_URL=url)
	assert entry in ini.splitlines()
	assert container.users.read_text().strip() == user


def test_settings_by_their_names_in_capitals(container):
	ini = container.writes(
		DB_HOST="db",
		SERVER_IDLE_TIMEOUT=30,
		IGNORE_STARTUP_PARAMETERS="extra_float_digits,options",
		TCP_KEEPIDLE="",
		USER="somebody",
		TIMEZONE="Europe/Berlin",
		QUERY_WAIT_TIMEOUT=9,
		STATS_USERS="eve",
		STATS_PASSWORDS="z",
	)
	lines = ini.splitlines()
	assert "server_idle_timeout = 30" in lines and "query_wait_timeout = 9" in lines
	assert "ignore_startup_parameters = extra_float_digits,options" in lines
	assert not re.search(r"^(user|tcp_keepidle) ", ini, re.M)
	assert "timezone='Europe/Berlin'" in ini
	assert "stats_users = eve" in lines and '"eve" "z"\n' in container.users.read_text()


def test_files_that_are_there_stay(container):
	container.ini.write_text("[pgbouncer]\nlisten_addr = 127.0.0.1\n")
	container.users.write_text('"bob" "old"\n')
	give_to("nobody", container.ini, container.users)
	assert container.writes(DB_HOST="db", DB_USER="bob", DB_PASSWORD="new", POOL_MODE="session") == (
		"[pgbouncer]\nlisten_addr = 127.0.0.1\n"
	)
	assert container.users.read_text() == '"bob" "old"\n'
	container.writes(DB_USER="ann", DB_PASSWORD="x")
	assert container.users.read_text() == '"bob" "old"\n"ann" "x"\n'


def test_without_anything_it_says_what_is_missing(container):
	done = subprocess.run(
		container.words([]),
		env=container.environment({}),
		capture_output=True,
		text=True,
		timeout=30,
	)
	assert done.returncode == 1 and "set DB_HOST or DATABASE_URL" in done.stderr


def test_other_commands_are_run_as_they_are(container):
	done = subprocess.run(
		container.words(["echo", "hello"]),
		env=container.environment({}),
		capture_output=True,
		text=True,
		timeout=30,
	)
	assert (done.returncode, done.stdout) == (0, "hello\n") and not container.ini.exists()


OPERATOR = {
	"PGHOST": "acid-foo",
	"PGPORT": 5432,
	"PGUSER": "pooler",
	"PGSCHEMA": "pooler",
	"PGPASSWORD": "xyz",
	"CONNECTION_POOLER_MODE": "transaction",
	"CONNECTION_POOLER_PORT": 5432,
	"CONNECTION_POOLER_DEFAULT_SIZE": 15,
	"CONNECTION_POOLER_MIN_SIZE": 7,
	"CONNECTION_POOLER_RESERVE_SIZE": 7,
	"CONNECTION_POOLER_MAX_CLIENT_CONN": 10000,
	"CONNECTION_POOLER_MAX_DB_CONN": 30,
}


def test_the_operators_pooler_comes_up(container):
	pooler = container.pooler
	container.starts(**{**OPERATOR, "CONNECTION_POOLER_PORT": pooler.port})
	lines = container.ini.read_text().splitlines()
	for line in [
		"* = host=acid-foo port=5432 auth_user=pooler",
		"auth_query = SELECT * FROM pooler.user_lookup($1)",
		"stats_users = ",
		"max_client_conn = 10000",
		"max_db_connections = 30",
	]:
		assert line in lines
	with container.connect("pooler", "pgbouncer", "xyz", sslmode="require") as console:
		assert console.execute("show version").fetchone()
	assert (container.root / "var/log/pgbouncer/pgbouncer.log").stat().st_size > 0
	assert container.users.read_text() == '"pooler" "xyz"\n'


def test_the_operators_template_is_filled_in(container):
	template = pathlib.Path(str(container.ini) + ".tmpl")
	template.write_text(
		"[databases]\n* = host=$PGHOST port=${PGPORT}\n[pgbouncer]\n"
		"auth_query = SELECT * FROM $PGSCHEMA.user_lookup($1)\nstats_users = $INFRASTRUCTURE_ROLES\n"
	)
	assert container.writes(**OPERATOR) == (
		"[databases]\n* = host=acid-foo port=5432\n[pgbouncer]\n"
		"auth_query = SELECT * FROM pooler.user_lookup($1)\nstats_users = \n"
	)


def test_the_operators_certificate_is_taken(container):
	given = container.root / "given"
	given.mkdir()
	for name in ["crt", "key"]:
		shutil.copy(container.pooler.settings["client_tls_%s_file" % {"crt": "cert", "key": "key"}[name]], given / name)
	give_to("nobody", given / "key")
	container.writes(
		**OPERATOR,
		CONNECTION_POOLER_CLIENT_TLS_CRT=given / "crt",
		CONNECTION_POOLER_CLIENT_TLS_KEY=given / "key",
	)
	certs = container.root / "etc/ssl/certs"
	assert os.readlink(certs / "pgbouncer.crt") == str(given / "crt")
	assert os.readlink(certs / "pgbouncer.key") == str(given / "key")
