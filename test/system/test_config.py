"""The configuration: files and what they include, the environment, RELOAD and SET."""

import os
import shutil

import psycopg
import pytest

from scratch import certificates, give_to, wait_for
from test_process import command, enters, own, pytestmark  # noqa: F401 (fixture and marks)


def sources(pooler):
	return {row["name"]: row["source"] for row in pooler.console("show settings")}


def config(pooler):
	return {row["key"]: row["value"] for row in pooler.console("show config")}


def reloaded(pooler, word="configuration reloaded"):
	"""Reload by signal and wait until it says WORD."""
	size = pooler.log.stat().st_size
	pooler.reload()
	wait_for("%r in the log" % word, lambda: word in pooler.log.read_text()[size:])
	return pooler.log.read_text()[size:]


def console_fails(pooler, text):
	"""What the console says to TEXT, which it must refuse."""
	with psycopg.connect(
		host="127.0.0.1",
		port=pooler.port,
		dbname="pgbouncer",
		user="admin",
		autocommit=True,
	) as console:
		with pytest.raises(psycopg.Error) as caught:
			console.execute(text)
	return caught.value


# --- files ------------------------------------------------------------------------------


def test_files_include_files_under_any_name(own):
	"""As an operator lays them out: an included file that may be empty, a name with ~, a
	header before and one after it."""
	pooler = own()
	more = pooler.folder / "~more.ini"
	ini = pooler.ini.read_text()
	pooler.ini = pooler.folder / "~postgres-operator.ini"
	more.write_text("")
	pooler.ini.write_text("; made by a program\n\n[pgbouncer]\n%%include %s\n\n%s" % (more, ini))
	pooler.start()
	assert config(pooler)["query_wait_notify"] == "0"
	assert "one more [pgbouncer]" not in pooler.log.read_text()
	more.write_text("default_pool_size = 77\nmax_client_conn = 400\n")
	said = reloaded(pooler)
	assert "%s:" % pooler.ini in said and "one more [pgbouncer]: what is set above it holds" in said
	assert "default_pool_size, max_client_conn" in said
	assert config(pooler)["default_pool_size"] == "77"
	assert config(pooler)["max_client_conn"] == "500"  # given again further down


def test_includes_nest_ten_deep_and_no_deeper(own):
	pooler = own()
	for depth in range(1, 12):
		(pooler.folder / ("%d.ini" % depth)).write_text(
			"%%include %s/%d.ini\n" % (pooler.folder, depth + 1)
		)
	last = pooler.folder / "11.ini"
	last.write_text("default_pool_size = 3\n")
	pooler.ini.write_text(pooler.ini.read_text() + "%%include %s/2.ini\n" % pooler.folder)
	pooler.start()
	assert config(pooler)["default_pool_size"] == "3"
	pooler.ini.write_text(
		pooler.ini.read_text().replace("/2.ini", "/1.ini")
	)
	said = reloaded(pooler, "reload failed")
	assert "nested at most 10 deep" in said and "10.ini:1" in said


def test_a_file_that_is_included_in_vain_is_named(own):
	pooler = own()
	pooler.ini.write_text("%include nowhere.ini\n" + pooler.ini.read_text())
	status, _, err = command(pooler.ini)
	assert status == 1 and '%s:1: cannot read "nowhere.ini"' % pooler.ini in err


def test_every_old_setting_is_taken(own):
	"""Whatever stands in a file of PgBouncer 1.15 or later loads; without effect is said."""
	pooler = own()
	pooler.settings.update(
		pkt_buf=2048, sbuf_loopcnt=1, job_name="pool", service_name="pool", stats_users=""
	)
	pooler.write_files()
	pooler.start()
	for name in ["pkt_buf", "sbuf_loopcnt", "job_name", "service_name"]:
		assert "%s has no effect: " % name in pooler.log.read_text()


# --- the environment --------------------------------------------------------------------


def test_the_environment_wins_over_the_file_also_after_a_reload(own):
	pooler = own(default_pool_size=5)
	pooler.env.update(
		PGWEIR_DEFAULT_POOL_SIZE="7", PGWEIR_MAX_DB_CONNECTIONS="9", PGHOST="elsewhere"
	)
	pooler.start()
	assert config(pooler)["default_pool_size"] == "7"
	assert config(pooler)["max_db_connections"] == "9"
	pooler.settings["default_pool_size"] = 6
	pooler.write_files()
	reloaded(pooler)
	assert config(pooler)["default_pool_size"] == "7"
	assert sources(pooler)["default_pool_size"] == "environment"
	pooler.console("set default_pool_size = 8")
	assert config(pooler)["default_pool_size"] == "8"
	assert sources(pooler)["default_pool_size"] == "console"
	assert sources(pooler)["pool_mode"].startswith("%s:" % pooler.ini)
	assert sources(pooler)["conffile"] == "command line"
	assert sources(pooler)["query_timeout"] == "default"
	reloaded(pooler)
	assert config(pooler)["default_pool_size"] == "7"
	assert enters(pooler).asks("select 1") == "1"


@pytest.mark.parametrize(
	"name, value, said",
	[
		("PGWEIR_POOL_MOD", "session", 'unknown setting "pool_mod", closest is "pool_mode"'),
		("PGWEIR_POOL_MODE", "seldom", "PGWEIR_POOL_MODE: pool_mode: expected session"),
	],
)
def test_what_is_no_setting_in_the_environment_is_refused(own, name, value, said):
	status, _, err = command(own().ini, env={name: value})
	assert status == 1 and said in err


def test_check_sees_the_environment_too(own):
	ini = own().ini
	assert command("--check", ini)[0] == 0
	status, out, _ = command("--check", ini, env={"PGWEIR_LISTEN_PORT": "none"})
	assert status == 1 and "PGWEIR_LISTEN_PORT" in out


# --- RELOAD and SET ---------------------------------------------------------------------


def test_a_removed_key_goes_back_to_its_default(own):
	pooler = own(default_pool_size=5).start()
	del pooler.settings["default_pool_size"]
	pooler.write_files()
	assert "applied: default_pool_size 5 -> 20" in reloaded(pooler)
	assert config(pooler)["default_pool_size"] == "20"
	assert "unchanged: all settings and entries" in reloaded(pooler)


def test_what_was_set_lasts_until_the_reload_but_for_keys_without_default(own):
	pooler = own().start()
	pooler.console("set default_pool_size = 3")
	pooler.console("set auth_dbname = 'one'")
	assert config(pooler)["auth_dbname"] == "one"
	pooler.console("set listen_port = 5")  # succeeds, as in PgBouncer, and changes nothing
	assert config(pooler)["listen_port"] == str(pooler.port)
	reloaded(pooler)
	assert config(pooler)["default_pool_size"] == "20"
	assert config(pooler)["auth_dbname"] == "one"


def test_what_needs_a_restart_is_said(own):
	pooler = own().start()
	pooler.settings["listen_backlog"] = 77
	pooler.write_files()
	assert "needs restart: listen_backlog 128 -> 77" in reloaded(pooler)
	assert config(pooler)["listen_backlog"] == "128"


@pytest.mark.parametrize(
	"broken",
	["setting", "connection string", "user list", "no user list", "certificate", "logfile"],
)
def test_a_fault_anywhere_changes_nothing(own, broken):
	"""Beside a fault stand changes that are good: none of them is taken."""
	pooler = own().start()
	client = enters(pooler)
	pooler.databases["fresh"] = pooler.databases["one"]
	pooler.settings["default_pool_size"] = 3
	if broken == "setting":
		pooler.settings["pool_mode"] = "sometimes"
	elif broken == "connection string":
		pooler.databases["z"] = "host=a prt=5"
	elif broken == "certificate":
		pooler.settings["client_tls_cert_file"] = pooler.folder / "nowhere.crt"
	elif broken == "logfile":
		pooler.settings["logfile"] = pooler.folder / "nowhere" / "log"
	pooler.write_files()
	users = pooler.folder / "userlist.txt"
	if broken == "user list":
		users.write_text(users.read_text() + "mistyped\n")
	elif broken == "no user list":
		users.rename(pooler.folder / "userlist.gone")
	said = reloaded(pooler, "reload failed, nothing has changed")
	assert "configuration reloaded" not in said
	assert config(pooler)["default_pool_size"] == "20"
	assert not any(row["name"] == "fresh" for row in pooler.console("show databases"))
	error = console_fails(pooler, "reload")
	assert error.sqlstate == "F0000" and "RELOAD failed" in str(error)
	assert client.asks("select 'still here'") == "still here"
	assert enters(pooler).asks("select 'let in'") == "let in"


def test_files_are_found_by_name_again_when_links_are_swapped(own):
	"""Kubernetes: ..data points to a new folder, all files change at once."""
	pooler = own()
	volume = pooler.folder / "volume"
	for number in [1, 2]:
		(volume / ("..%d" % number)).mkdir(parents=True)
		certificates(volume / ("..%d" % number))
		give_to("nobody", volume / ("..%d" % number) / "server.key")
	data = volume / "..data"
	data.symlink_to("..1")
	for name in ["pgweir.ini", "userlist.txt", "server.crt", "server.key"]:
		(volume / name).symlink_to("..data/" + name)
	pooler.settings.update(
		auth_file=volume / "userlist.txt",
		client_tls_cert_file=volume / "server.crt",
		client_tls_key_file=volume / "server.key",
	)
	pooler.write_files()
	for name in ["pgweir.ini", "userlist.txt"]:
		for number in [1, 2]:
			shutil.copy(pooler.folder / name, volume / ("..%d" % number) / name)
	second = volume / "..2"
	(second / "pgweir.ini").write_text(
		(volume / "pgweir.ini").read_text().replace("[pgbouncer]", "[pgbouncer]\nmin_pool_size = 0\ndefault_pool_size = 4")
	)
	(second / "userlist.txt").write_text('"admin" "x"\n"later" "x"\n')
	pooler.ini = volume / "pgweir.ini"
	pooler.start()

	def login(user, number):
		with psycopg.connect(
			host="127.0.0.1",
			port=pooler.port,
			dbname="pgbouncer",
			user=user,
			sslmode="verify-ca",
			sslrootcert=str(volume / ("..%d" % number) / "ca.crt"),
			autocommit=True,
		) as c:
			return c.execute("show version").fetchone()

	assert login("admin", 1)
	with pytest.raises(psycopg.OperationalError, match="certificate verify failed"):
		login("admin", 2)
	(volume / "..data_tmp").symlink_to("..2")
	(volume / "..data_tmp").rename(data)
	assert "applied: default_pool_size 20 -> 4" in reloaded(pooler)
	assert login("admin", 2)
	with pytest.raises(psycopg.OperationalError, match="certificate verify failed"):
		login("admin", 1)
	with pytest.raises(psycopg.OperationalError):
		psycopg.connect(host="127.0.0.1", port=pooler.port, dbname="one", user="app")
	(row,) = [row for row in pooler.console("show users") if row["name"] == "later"]


def test_a_reload_of_the_same_files_closes_no_server(own):
	pooler = own(server_tls_sslmode="require").start()
	client = enters(pooler)
	pid = client.asks("select pg_backend_pid()")
	reloaded(pooler)
	assert client.asks("select pg_backend_pid()") == pid


@pytest.mark.parametrize(
	"mode, warned", [(0o600, False), (0o640, True), (0o644, True), (0o400, False)]
)
def test_a_key_that_others_can_read_is_warned_about(own, mode, warned):
	pooler = own()
	key = pooler.folder / "server.key"
	key.chmod(mode)
	pooler.start()
	assert ("client_tls_key_file %s has mode %04o" % (key, mode) in pooler.log.read_text()) == warned


@pytest.mark.skipif(os.geteuid() != 0, reason="only root may give files to groups")
def test_a_key_of_root_may_be_read_by_a_group(own):
	pooler = own()
	key = pooler.folder / "server.key"
	os.chown(key, 0, pooler.folder.stat().st_gid)
	key.chmod(0o640)
	pooler.start()
	assert "has mode" not in pooler.log.read_text()


def test_an_auth_file_may_come_later(own):
	pooler = own(auth_type="plain")
	users = pooler.folder / "userlist.txt"
	text = users.read_text()
	users.unlink()
	pooler.start()
	assert "auth_file %s: there is no such file" % users in pooler.log.read_text()
	with pytest.raises(psycopg.OperationalError):
		psycopg.connect(
			host="127.0.0.1", port=pooler.port, dbname="one", user="app", password="secret"
		)
	users.write_text(text)
	reloaded(pooler)
	psycopg.connect(
		host="127.0.0.1", port=pooler.port, dbname="one", user="app", password="secret"
	).close()
