"""PAM and LDAP as judges of passwords, before a real slapd and a PAM stack of our own: each way to
bind, what may be in a name, servers that are gone, silent or not to be trusted."""

import os
import shutil
import socket
import subprocess
import threading
import time
import types

import pytest

import ldap_server
import pam_service
import scratch
from asker import Asker
from ldap_server import BASE, FINDER, LdapServer
from servers import Pooler


@pytest.fixture
def asker(tmp_path):
	"""asker(options, env): an Asker with these LDAP options."""
	made = []

	def make(options=None, env=None):
		ini = tmp_path / ("ini%d" % len(made))
		lines = ["[databases]", "[pgbouncer]", "unix_socket_dir ="]
		if options is not None:
			lines.append("auth_ldap_options = " + options)
		ini.write_text("\n".join(lines) + "\n")
		made.append(Asker(ini, env))
		return made[-1]

	yield make
	for asker in made:
		asker.stop()


def ldap(asker, user, password, ms=10000):
	(answer,) = asker.ask("ldap", user, password, ms)
	assert password == "" or answer[0] == "yes" or password not in answer[-1]
	return answer


# --- LDAP ---------------------------------------------------------------------------


@pytest.fixture(scope="module")
def home(folder):
	home = folder / "outside"
	home.mkdir()
	home.chmod(0o755)
	scratch.certificates(home)
	return home


@pytest.fixture(scope="module")
def slapd(home):
	if not ldap_server.available():
		pytest.skip("no slapd on this machine")
	server = LdapServer(home / "slapd", home)
	try:
		yield server.start()
	finally:
		server.stop()


@pytest.fixture(scope="module")
def shy(home):
	"""A server in which only the finder may search."""
	if not ldap_server.available():
		pytest.skip("no slapd on this machine")
	server = LdapServer(home / "shy", home, anonymous_search=False)
	try:
		yield server.start()
	finally:
		server.stop()


SERVER = "ldapserver=127.0.0.1 ldapport={port} "
FOUND_BY_FINDER = 'ldapbinddn="%s" ldapbindpasswd=found ' % FINDER
WAYS = {
	"prefix and suffix": SERVER + 'ldapprefix="uid=" ldapsuffix=",ou=people,%s"' % BASE,
	"search": SERVER + 'ldapbasedn="ou=people,%s"' % BASE,
	"search by attribute": SERVER + 'ldapbasedn="ou=people,%s" ldapsearchattribute=cn' % BASE,
	"search by filter": SERVER
	+ 'ldapbasedn="%s" "ldapsearchfilter=(&(ou:dn:=people)(uid=$username))"' % BASE,
	"search as somebody": SERVER + FOUND_BY_FINDER + 'ldapbasedn="ou=people,%s"' % BASE,
	"URL": 'ldapurl="ldap://127.0.0.1:{port}/ou=people,%s?uid?sub"' % BASE,
	"URL with a filter": 'ldapurl="ldap://127.0.0.1:{port}/ou=people,%s??one?(mail=$username@example.net)"'
	% BASE,
	"second server": 'ldapserver="127.0.0.1:1 127.0.0.1" ldapport={port} '
	'ldapprefix="uid=" ldapsuffix=",ou=people,%s"' % BASE,
	"TLS": 'ldapserver=127.0.0.1 ldapport={tls_port} ldapscheme=ldaps ldapbasedn="ou=people,%s"' % BASE,
	"StartTLS": 'ldapserver=127.0.0.1 ldapport={port} ldaptls=1 ldapbasedn="ou=people,%s"' % BASE,
}


def options(way, server):
	return way.replace("{tls_port}", str(server.tls_port)).replace(
		"{port}", str(server.port)
	)


@pytest.mark.parametrize("way", WAYS)
def test_people_are_known_by_their_passwords(home, slapd, asker, way):
	a = asker(options(WAYS[way], slapd), {"LDAPTLS_CACERT": str(home / "ca.crt")})
	assert ldap(a, "bob", "bobs secret") == ["yes", "bobs secret"]
	assert ldap(a, "amy", "amys") == ["yes", "amys"]
	for user, password in ("bob", "amys"), ("bob", "bobs secret "), ("nobody", "xyzzy"), ("bob", "xyzzy" * 12000):
		answer = ldap(a, user, password)
		assert answer[:2] == ["no", "28P01"], answer
		assert "refused: Invalid credentials" in answer[2] or "expected one entry of the user, found none" in answer[2]


@pytest.mark.parametrize("way", WAYS)
def test_no_password_is_no_password(home, slapd, asker, way):
	"""slapd takes a bind without one for an anonymous one and says yes."""
	a = asker(options(WAYS[way], slapd))
	assert ldap(a, "bob", "") == ["refused", "28P01", "expected a password, got none"]


def test_two_entries_are_nobody(slapd, asker):
	a = asker(options(SERVER + 'ldapbasedn="%s"' % BASE, slapd))
	assert ldap(a, "bob", "bobs secret")[0] == "yes"
	answer = ldap(a, "twin", "twins")
	assert answer[0] == "no" and answer[2].endswith("found several")
	one = asker(options('ldapurl="ldap://127.0.0.1:{port}/ou=people,%s?uid?one"' % BASE, slapd))
	assert ldap(one, "twin", "twins")[0] == "yes"
	base = asker(options('ldapurl="ldap://127.0.0.1:{port}/ou=people,%s?uid"' % BASE, slapd))
	assert ldap(base, "bob", "bobs secret")[2].endswith("found none")


def test_who_may_search_is_asked_first(shy, asker):
	base = 'ldapbasedn="ou=people,%s" ' % BASE
	assert ldap(asker(options(SERVER + base + FOUND_BY_FINDER, shy)), "bob", "bobs secret")[0] == "yes"
	answer = ldap(asker(options(SERVER + base, shy)), "bob", "bobs secret")
	assert answer[0] in ("no", "failed"), answer
	wrong = FOUND_BY_FINDER.replace("found", "lost")
	answer = ldap(asker(options(SERVER + base + wrong, shy)), "bob", "bobs secret")
	assert answer[0] == "failed" and "bind before the search: Invalid credentials" in answer[2]
	assert "lost" not in answer[2]


def test_names_cannot_change_the_question(slapd, asker):
	search = asker(options(WAYS["search"], slapd))
	for name in "*", "b*", "bob)(uid=*", "bob\\2a", "a/b", "(bob":
		answer = ldap(search, name, "bobs secret")
		assert answer[0] == "refused" and "without any of *()\\/" in answer[2]
	bind = asker(options(WAYS["prefix and suffix"], slapd))
	for name in "bob,ou=people", "bob+cn=bob", 'b"', "a\\b", "<b>", "a;b", "#bob", "a=b":
		answer = ldap(bind, name, "bobs secret")
		assert answer[0] == "refused" and "without any of" in answer[2]
	plain = asker(options(SERVER + "ldapprefix=CORP\\ ", slapd))
	assert ldap(plain, "a,b", "xyzzy")[0] == "no"  # no DN, slapd says
	assert ldap(search, "n" * 128, "xyzzy")[0] == "refused"
	assert ldap(search, "ünï", "xyzzy")[0] == "no"


@pytest.mark.parametrize("way", ["TLS", "StartTLS"])
def test_a_certificate_is_checked(home, slapd, asker, way, tmp_path):
	(tmp_path / "other").mkdir()
	scratch.certificates(tmp_path / "other")
	env = {"LDAPTLS_CACERT": str(tmp_path / "other" / "ca.crt")}
	answer = ldap(asker(options(WAYS[way], slapd), env), "bob", "bobs secret")
	assert answer[0] == "failed"
	assert "connecting: Connect error" in answer[2] or "Can't contact LDAP server" in answer[2]


def test_a_server_that_is_not_there(asker):
	a = asker("ldapserver=127.0.0.1 ldapport=%d ldapprefix=uid=" % scratch.free_port())
	answer = ldap(a, "bob", "bobs secret")
	assert answer == [
		"failed",
		"28000",
		"LDAP server 127.0.0.1, bind as the user: Can't contact LDAP server",
	]


@pytest.mark.parametrize("scheme", ["ldap", "ldaps"])
def test_a_silent_server_is_given_up(asker, scheme):
	with socket.socket() as mute:
		mute.bind(("127.0.0.1", 0))
		mute.listen(5)
		a = asker(
			"ldapserver=127.0.0.1 ldapport=%d ldapscheme=%s ldapprefix=uid="
			% (mute.getsockname()[1], scheme)
		)
		begun = time.monotonic()
		answer = ldap(a, "bob", "bobs secret", 500)
		assert answer[0] == "failed"
		assert time.monotonic() - begun < 3


def test_a_server_that_babbles(asker):
	with socket.socket() as server:
		server.bind(("127.0.0.1", 0))
		server.listen(5)

		def babble():
			for said in b"\x00" * 100, b"\x30\x84\xff\xff\xff\xff", b"HTTP/1.1 400 Bad Request\r\n\r\n", b"":
				connection, _ = server.accept()
				connection.recv(1000)
				connection.sendall(said)
				connection.close()

		thread = threading.Thread(target=babble)
		thread.start()
		a = asker("ldapserver=127.0.0.1 ldapport=%d ldapprefix=uid=" % server.getsockname()[1])
		for _ in range(4):
			assert ldap(a, "bob", "bobs secret")[0] == "failed"
		thread.join()


def test_a_process_ends_though_a_server_is_silent(home):
	"""A helper that is stuck is left to itself."""
	with socket.socket() as mute:
		mute.bind(("127.0.0.1", 0))
		mute.listen(5)
		pooler = Pooler(
			types.SimpleNamespace(port=scratch.free_port()),
			home / "ending",
			home,
			2,
			auth_type="ldap",
			auth_ldap_options="ldapserver=127.0.0.1 ldapport=%d ldapprefix=uid="
			% mute.getsockname()[1],
		)
		pooler.start()
		client = subprocess.Popen(
			["psql", "-h", "127.0.0.1", "-p", str(pooler.port), "-U", "bob", "one"],
			env={**os.environ, "PGPASSWORD": "bobs secret"},
			stdin=subprocess.DEVNULL,
			stderr=subprocess.DEVNULL,
		)
		asked, _ = mute.accept()
		begun = time.monotonic()
		pooler.stop()
		assert time.monotonic() - begun < 3
		assert client.wait(10) == 2
		asked.close()


# --- PAM ----------------------------------------------------------------------------

PEOPLE = {"bob": "bobs secret", "amy": "it's $HOME \"*\"", "late": "lates", "ünï": "pässword"}


@pytest.fixture
def service(home):
	if not pam_service.available():
		pytest.skip("no pam_exec on this machine")
	service = pam_service.Service(home / "pam", users=PEOPLE, expired=["late"])
	yield service
	shutil.rmtree(home / "pam")


def pam(asker, service, user, password, peer="-", name="-"):
	(answer,) = asker.ask("pam", name, service.folder, user, password, peer)
	assert answer[0] == "yes" or password == "" or password not in answer[-1]
	return answer


def test_pam_decides(service, asker):
	a = asker()
	for user, password in ("bob", PEOPLE["bob"]), ("amy", PEOPLE["amy"]), ("ünï", PEOPLE["ünï"]):
		assert pam(a, service, user, password) == ["yes", password]
	for user, password in ("bob", "wrong"), ("nobody", "bobs secret"), ("bob", "bobs secret "):
		answer = pam(a, service, user, password)
		assert answer[:2] == ["no", "28P01"] and answer[2].startswith("PAM refused (authentication): ")
	answer = pam(a, service, "late", "lates")
	assert answer[0] == "no" and answer[2].startswith("PAM refused (account): ")
	assert pam(a, service, "bob", "") == ["refused", "28P01", "expected a password, got none"]


def test_pam_hears_who_asks_from_where(service, asker):
	a = asker()
	pam(a, service, "bob", "x", "192.0.2.7")
	pam(a, service, "bob", "x", "2001:db8::7")
	pam(a, service, "bob", "x")
	assert service.asked() == [
		"auth pgbouncer bob from 192.0.2.7",
		"auth pgbouncer bob from 2001:db8::7",
		"auth pgbouncer bob from ",
	]


def test_another_service(service, asker):
	a = asker()
	assert pam(a, service, "bob", PEOPLE["bob"], name="other")[0] == "no"
	assert pam(a, service, "bob", PEOPLE["bob"], name="nowhere")[0] == "no"  # PAM takes "other"
	assert pam(a, service, "bob", PEOPLE["bob"], name="pgbouncer")[0] == "yes"


def test_a_service_that_is_not_there(asker, tmp_path):
	# libpam loses a block of its own then
	a = asker(env={"ASAN_OPTIONS": "detect_leaks=0"})
	(answer,) = a.ask("pam", "-", tmp_path, "bob", "x", "-")
	assert answer[0] in ("no", "failed") and answer[2].startswith("PAM ")


def test_a_refusal_takes_no_nap(service, asker):
	"""PAM's delays are made for terminals; here they would stop others."""
	(service.folder / "pgbouncer").write_text(
		"auth optional pam_faildelay.so delay=5000000\nauth required pam_deny.so\n"
	)
	begun = time.monotonic()
	assert pam(asker(), service, "bob", "x")[0] == "no"
	assert time.monotonic() - begun < 3


def test_the_prefix_shows_a_program_our_services(service, asker):
	"""For poolers, which use the system's folder."""
	if os.geteuid() != 0:
		pytest.skip("needs root to mount")
	assert "pgbouncer" in scratch.run(*service.prefix, "ls", "/etc/pam.d").split()
	assert "pgbouncer" not in os.listdir("/etc/pam.d")
