"""The log: the shape of its lines and the words that log readers look for."""

import re

import pytest

from rawpg import Client, Refused, startup
from scratch import wait_for
from servers import SECRET
from test_process import enters, own, pytestmark  # noqa: F401 (fixture and marks)

LINE = re.compile(
	r"\d{4}-\d\d-\d\d \d\d:\d\d:\d\d\.\d{3} \S+ \[\d+\] (FATAL|ERROR|WARNING|LOG|DEBUG|NOISE) \S.*"
)
WHERE = r"127\.0\.0\.1:\d+"


def says(pooler, pattern):
	"""Wait until a line of the log matches PATTERN from its level on."""
	return wait_for(
		"%r in the log, see %s" % (pattern, pooler.log),
		lambda: re.search(r"^.{23} \S+ \[\d+\] " + pattern + "$", pooler.log.read_text(), re.M),
	)


def test_every_line_has_the_known_shape(own):
	pooler = own(stats_period=1)
	pooler.options = ["-v", "-v"]
	pooler.start()
	client = enters(pooler)
	client.asks("select 1")
	client.leave()
	with pytest.raises(Refused):
		Client(pooler.address).login(database="no_such")
	pooler.reload()
	pooler.wait_until_logged("configuration reloaded")
	pooler.wait_until_logged("stats: ")
	for line in pooler.log.read_text().splitlines():
		assert LINE.fullmatch(line) or line.startswith("\t"), line


def test_the_words_of_a_start(own):
	pooler = own()
	pooler.settings["unix_socket_dir"] = pooler.folder
	pooler.write_files()
	pooler.start()
	says(pooler, r"LOG file descriptor limit: \d+ \(hard: \d+\); max_client_conn: 500, max expected fd use: \d+")
	says(pooler, r"LOG listening on 127\.0\.0\.1:%d" % pooler.port)
	says(pooler, r"LOG listening on unix:%s/\.s\.PGSQL\.%d" % (pooler.folder, pooler.port))
	says(pooler, r"LOG process up: PgBouncer \S+ \(pgweir .*\), libevent \S+ \(epoll\), adns: .*, tls: OpenSSL .*")


def test_each_address_has_its_line(own):
	pooler = own(listen_addr="*").start()
	says(pooler, r"LOG listening on 0\.0\.0\.0:%d" % pooler.port)


def test_the_words_of_connections(own):
	pooler = own().start()
	client = enters(pooler)
	client.asks("select 1")
	says(
		pooler,
		r"LOG C-\w+: one/app@%s login attempt: db=one user=app tls=no replication=no" % WHERE,
	)
	says(
		pooler,
		r"LOG S-\w+: one/app@%s new connection to server \(from %s\).*" % (WHERE, WHERE),
	)
	client.leave()
	says(pooler, r"LOG C-\w+: one/app@%s closing because: client close request \(age=\d+s\) reason=client_close_request" % WHERE)
	gone = enters(pooler)
	gone.close()
	says(pooler, r"LOG C-\w+: one/app@%s closing because: client unexpected eof \(age=\d+s\) reason=client_unexpected_eof" % WHERE)
	with pytest.raises(Refused):
		Client(pooler.address).login(database="no_such")
	says(pooler, r"WARNING C-\w+: \S+/app@%s pooler error: no such database: no_such" % WHERE)
	secure = Client(pooler.address)
	secure.start_tls()
	secure.login(database="one")
	says(pooler, r"LOG C-\w+: one/app@%s login attempt: db=one user=app tls=TLSv1\.3/\S+.* replication=no" % WHERE)


def test_the_line_of_statistics(own):
	pooler = own(stats_period=1).start()
	enters(pooler).asks("select 1")
	says(
		pooler,
		r"LOG stats: \d+ xacts/s, \d+ queries/s, \d+ client parses/s, \d+ server parses/s, "
		r"\d+ binds/s, (\d+ client logins/s, )?in \d+ B/s, out \d+ B/s, xact \d+ us, "
		r"query \d+ us, wait \d+ us",
	)


def test_switched_off_nothing_is_said(own):
	pooler = own(
		log_connections=0, log_disconnections=0, log_pooler_errors=0, log_stats=0, stats_period=1
	).start()
	enters(pooler).leave()
	with pytest.raises(Refused):
		Client(pooler.address).login(database="no_such")
	pooler.reload()
	pooler.wait_until_logged("configuration reloaded")
	for word in ["C-", "S-", "pooler error", "stats:"]:
		assert word not in pooler.log.read_text()


def test_what_strangers_send_cannot_forge_lines(own):
	pooler = own().start()
	stranger = Client(pooler.address)
	stranger.send(startup(user="eve\n2026-01-01 forged", database="a\x1b[31m\\\x7f\u0085b"))
	stranger.rest()
	pooler.wait_until_logged("forged")
	text = pooler.log.read_bytes()
	assert b"eve\\x0a2026-01-01 forged" in text
	assert b"a\\x1b[31m\\x5c\\x7f\\xc2\\x85b" in text
	assert not re.search(rb"[\x00-\x08\x0b-\x1f\x7f]", text)


def test_secrets_are_never_logged(own):
	pooler = own(auth_type="plain")
	pooler.options = ["-v", "-v", "-v"]
	pooler.databases["four"] = pooler.databases["one"] + " user=app_plain password=%s" % SECRET
	pooler.env["PGWEIR_AUTH_LDAP_OPTIONS"] = "ldapserver=ldap ldapbasedn=x ldapbinddn=y ldapbindpasswd=%s" % SECRET
	pooler.write_files()
	pooler.start()
	client = Client(pooler.address).login(database="four", user="app_plain", secret=SECRET)
	assert client.asks("select 1") == "1"
	pooler.reload()
	pooler.wait_until_logged("configuration reloaded")
	assert SECRET not in pooler.log.read_text()


def test_who_knocks_and_leaves_makes_no_noise(own):
	"""Probes connect and close: nothing at WARNING or above, best nothing at all."""
	pooler = own(tcp_defer_accept=0).start()
	for _ in range(50):
		Client(pooler.address).close()
	enters(pooler).leave()
	says(pooler, r"LOG C-\w+: .* closing because: client close request .*")
	said = pooler.log.read_text()
	assert "ERROR" not in said
	assert said.count("closing because") == 1


def test_the_logfile_is_opened_anew_on_reload(own):
	pooler = own()
	log, old = pooler.folder / "own.log", pooler.folder / "own.log.1"
	pooler.settings["logfile"] = log
	pooler.write_files()
	pooler.start()
	log.rename(old)
	pooler.reload()
	wait_for("a new file", lambda: log.exists() and "reloaded" in log.read_text())
	size = old.stat().st_size
	enters(pooler).leave()
	wait_for("a line", lambda: "login attempt" in log.read_text())
	assert old.stat().st_size == size
