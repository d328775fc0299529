"""Rules of auth_type hba and maps: who gets in, when files are read, what a mistake does.
Every method by itself is in test_login_matrix.py."""

import os

import psycopg
import pytest

from rawpg import Client, Refused
from test_config import console_fails, reloaded
from test_process import command, own, pytestmark  # noqa: F401 (fixture and marks)

BASE = "host pgbouncer admin 127.0.0.1/32 trust\n"
SECRET = "secret"


@pytest.fixture
def ruled(own):
	"""ruled(rules, maps=None, **settings): a pooler with these rules, not yet started."""

	def ruled(rules, maps=None, **settings):
		pooler = own(auth_type="hba", **settings)
		pooler.rules = pooler.folder / "pg_hba.conf"
		pooler.rules.write_text(rules)
		pooler.settings["auth_hba_file"] = pooler.rules
		if maps is not None:
			pooler.maps = pooler.folder / "pg_ident.conf"
			pooler.maps.write_text(maps)
			pooler.settings["auth_ident_file"] = pooler.maps
		pooler.write_files()
		return pooler

	yield ruled


def enters(pooler, user="app", secret=SECRET, **login):
	"""Log in, which must work, and ask something."""
	client = Client(pooler.address).login(user, secret, database="one", **login)
	assert client.asks("select 7") == "7"
	client.leave()


def refused(pooler, user="app", secret=SECRET, database="one", **login):
	"""Log in, which must fail; the text of the refusal."""
	client = Client(pooler.address)
	with pytest.raises(Refused) as caught:
		client.login(user, secret, database=database, **login)
	client.close()
	return caught.value.fields["M"]


def test_the_first_rule_decides(ruled):
	pooler = ruled(
		BASE
		+ "host all app_md5 all reject\n"
		"host one,two app_scram 127.0.0.0 255.0.0.0 scram-sha-256\n"
		'host "one" app 127.0.0.0/8 trust\n'
		"host all app_scram 10.0.0.0/8 trust\n"
	).start()
	assert "login rejected" in refused(pooler, "app_md5")
	enters(pooler, "app_scram")
	assert "authentication failed" in refused(pooler, "app_scram", "wrong")
	enters(pooler, "app", "whatever")
	assert "no authentication method is found" in refused(pooler, "app_plain")
	assert "no authentication method is found" in refused(pooler, "app", database="two")


def test_replication_has_its_own_word(ruled):
	pooler = ruled(BASE + "host all all all trust\n").start()
	assert "no authentication method is found" in refused(pooler, replication="true")
	assert "no authentication method is found" in refused(pooler, replication="on")
	pooler.rules.write_text(BASE + "host replication all all reject\nhost all all all trust\n")
	reloaded(pooler)
	assert "login rejected" in refused(pooler, replication="1")
	enters(pooler)


def test_a_mistake_changes_nothing(ruled):
	"""S13: the slip is named, and who was let in or kept out still is."""
	good = BASE + "host all app_md5 all reject\nhost all all all trust\n"
	pooler = ruled(good).start()
	for bad, said in [
		("host all app_md5 all rejct\n", "closest is reject"),
		("host all app_md5 127.0.0.1/8 reject\n", "expected 127.0.0.0/8, or 127.0.0.1/32"),
		("host all +admins all reject\n", "list names"),
		("host all @nobody all reject\n", "No such file"),
		("local all all peer map=m\n", "no auth_ident_file"),
	]:
		pooler.rules.write_text(BASE + bad + "host all all all trust\n")
		log = reloaded(pooler, "reload failed")
		assert "%s:2: " % pooler.rules in log or "No such file" in log
		assert said in log
		error = console_fails(pooler, "reload")
		assert said in str(error)
		status, out, err = command("--check", pooler.ini)
		assert status != 0 and said in out + err
		assert "login rejected" in refused(pooler, "app_md5")
		enters(pooler)
	os.unlink(pooler.rules)
	assert "No such file" in reloaded(pooler, "reload failed")
	assert "login rejected" in refused(pooler, "app_md5")
	pooler.rules.write_text(BASE + "host all all all trust\n")
	reloaded(pooler)
	enters(pooler, "app_md5")
	assert command("--check", pooler.ini)[0] == 0


def test_it_does_not_start_without_rules(ruled):
	pooler = ruled("# none\n")
	for text, said in [
		("# none\n", "expected at least one rule"),
		("host all all all\n", "expected a method"),
		(None, "No such file"),
	]:
		if text is None:
			os.unlink(pooler.rules)
		else:
			pooler.rules.write_text(text)
		status, out, err = command(pooler.ini)
		assert status == 1
		assert said in out + err


def test_set_reads_the_files(own):
	"""SET auth_type = hba is in force at once, with rules."""
	pooler = own().start()
	rules = pooler.folder / "rules"
	error = console_fails(pooler, "set auth_type = 'hba'")
	assert "expected auth_hba_file" in str(error)
	rules.write_text(BASE + "host all app_md5 all reject\nhost all all all trust\n")
	pooler.console("set auth_hba_file = '%s'" % rules)
	enters(pooler, "app_md5")
	pooler.console("set auth_type = 'hba'")
	assert "login rejected" in refused(pooler, "app_md5")
	enters(pooler)


def test_files_of_names_are_read_again(ruled):
	pooler = ruled(BASE + "host all @lists/users all trust\n")
	(pooler.folder / "lists").mkdir()
	users = pooler.folder / "lists" / "users"
	users.write_text("# of the reports\napp, @more\n")
	(pooler.folder / "lists" / "more").write_text('"app_md5"\n')
	pooler.start()
	enters(pooler)
	enters(pooler, "app_md5")
	users.write_text("app_md5\n")
	reloaded(pooler)
	assert "no authentication method is found" in refused(pooler)
	enters(pooler, "app_md5")


def test_the_console_shows_the_rules(ruled):
	pooler = ruled(
		BASE
		+ "# two lines further\n\n"
		'hostssl sameuser,"all" @users 10.0.0.0 255.0.0.0 scram-sha-256\n'
		"host all all localhost ldap ldapserver=x ldapbasedn=y "
		'ldapbinddn=z ldapbindpasswd="geheim"\n'
	)
	(pooler.folder / "users").write_text('app "a b"')
	pooler.start()
	rows = pooler.console("show hba")
	assert [row["line_number"] for row in rows] == ["1", "4", "5"]
	assert rows[0]["file_name"] == str(pooler.rules)
	assert rows[1]["type"] == "hostssl"
	assert rows[1]["database"] == 'sameuser,"all"'
	assert rows[1]["user_name"] == 'app,"a b"'
	assert rows[1]["address"] == rows[1]["networks"] == "10.0.0.0/8"
	assert "127.0.0.1/32" in rows[2]["networks"]
	assert rows[2]["options"].endswith("ldapbindpasswd=********")
	assert "geheim" not in pooler.log.read_text()


def test_peers_by_a_map(ruled):
	"""The unix socket's other end is root here, whom a map lets be somebody."""
	rules = BASE + "local one app peer map=m\nlocal one app_md5 peer\nlocal two all peer map=m\n"
	pooler = ruled(rules, "m root app\nm /^(ro)ot$ app_md\\1\n")
	pooler.settings["unix_socket_dir"] = pooler.folder
	pooler.write_files()
	pooler.start()

	def says(user, database):
		try:
			with psycopg.connect(
				host=str(pooler.folder), port=pooler.port, user=user, dbname=database
			) as c:
				return c.execute("select 'in'").fetchone()[0]
		except psycopg.OperationalError as error:
			return str(error)

	assert says("app", "one") == "in"
	assert "unix socket login rejected" in says("app_md5", "one")
	assert "unix socket login rejected" in says("app_md5", "two")
	assert "no authentication method is found" in says("app", "three")
	pooler.maps.write_text("m nobody app\n")
	reloaded(pooler)
	assert "unix socket login rejected" in says("app", "one")
	pooler.maps.write_text("m root\n")
	assert "%s:1: expected three columns" % pooler.maps in reloaded(pooler, "reload failed")
	pooler.maps.write_text("n root app\n")
	assert 'got "m"' in reloaded(pooler, "reload failed")
	pooler.maps.write_text("m root all\n")
	reloaded(pooler)
	assert says("app_plain", "two") == "in"
