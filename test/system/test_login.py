"""Logins that the matrix does not have: unix peers, names in certificates, channel binding, users
of auth_query (who they are, when they change, what the server hears of them), passwords that PAM or
LDAP has judged, and strangers who try to learn or to do something."""

import base64
import os
import pathlib
import pwd
import re
import signal
import socket
import ssl
import threading

import pytest

import ldap_server
import rawpg
from door import (
	DIRECT, IN, PLAIN, TLS, BoundScram, Visitor, certificate, endpoint_hash, forged, knock, psql,
	verifier,
)
from scratch import free_port, give_to, run, wait_for
from servers import SECRET, Pooler, server_programs

pytestmark = pytest.mark.parametrize(
	"postgres", [max(server_programs(), default=None)], indirect=True, scope="session"
)

FINDER = """
create schema lookups;
create table lookups.users (name text primary key, secret text);
create table lookups.asked (name text, path text, app text);
create function lookups.find(in asked text, out name text, out secret text)
language plpgsql as $$ begin
	perform pg_advisory_xact_lock_shared(77);
	insert into lookups.asked values (asked, current_setting('search_path'),
		current_setting('application_name'));
	select u.name, u.secret into name, secret from lookups.users u where u.name = asked;
end $$;
"""
QUERY = "select name, secret from lookups.find($1) where name is not null"


@pytest.fixture(scope="module")
def home(folder):
	home = folder / "logins"
	home.mkdir()
	home.chmod(0o755)
	return home


@pytest.fixture(scope="module")
def finder(postgres):
	"""A function that auth_query may ask, which writes down what it is asked."""
	postgres.sql(FINDER)
	yield Finder(postgres)
	postgres.sql("drop schema lookups cascade")


class Finder:
	def __init__(self, postgres):
		self.postgres = postgres

	def store(self, name, secret):
		value = "null" if secret is None else "'%s'" % secret
		self.postgres.sql(
			"insert into lookups.users values ('%s', %s) "
			"on conflict (name) do update set secret = excluded.secret" % (name, value)
		)

	def remove(self, name):
		self.postgres.sql("delete from lookups.users where name = '%s'" % name)

	def asked(self, name):
		"""How often it was asked for NAME."""
		return self.postgres.sql(
			"select count(*) from lookups.asked where name = '%s'" % name
		)[0][0]


@pytest.fixture(scope="module", autouse=True)
def the_admins_password():
	os.environ["PGPASSWORD"] = SECRET
	yield
	del os.environ["PGPASSWORD"]


class House(Pooler):
	"""A pooler whose auth_file has USERS and an admin."""

	users = {}

	def write_files(self):
		self.settings = {k: v for k, v in self.settings.items() if v is not None}
		super().write_files()
		(self.folder / "userlist.txt").write_text(
			"".join('"%s" "%s"\n' % pair for pair in {"admin": SECRET, **self.users}.items())
		)


@pytest.fixture
def build(postgres, home, certs):
	"""build(users, databases, **settings): a pooler that runs."""
	made = []

	def build(users=None, databases=None, **settings):
		House.users = users or {}
		entry = "host=127.0.0.1 port=%d dbname=app" % postgres.port
		h = House(
			postgres,
			home / ("pooler%d" % free_port()),
			certs,
			2,
			{
				"here": entry + " user=app",
				"through": entry,
				"lookups": entry,
				**{k: v.replace("ENTRY", entry) for k, v in (databases or {}).items()},
			},
			**{
				"auth_user": "postgres",
				"auth_dbname": "lookups",
				"auth_query": QUERY,
				"client_tls_ca_file": certs / "ca.crt",
				**settings,
			},
		)
		made.append(h)
		return h.start()

	yield build
	for h in made:
		h.stop()


# --- unix sockets, certificates -----------------------------------------------------------


def test_the_process_behind_a_unix_socket(build, home):
	sockets = home / "sockets"
	sockets.mkdir(mode=0o777)
	sockets.chmod(0o777)
	hba, ident = home / "peer.conf", home / "peer_ident.conf"
	hba.write_text(
		"local here mapped peer map=me\nlocal here all peer\nhost here all all trust\n"
		"local pgbouncer all peer map=me\n"
	)
	me = pwd.getpwuid(os.geteuid()).pw_name
	ident.write_text("me %s mapped\nme %s admin\n" % (me, me))
	h = build(
		{me: "", "mapped": "", "other": ""}, auth_type="hba", auth_hba_file=hba,
		auth_ident_file=ident, unix_socket_dir=sockets,
	)
	path = "%s/.s.PGSQL.%d" % (sockets, h.port)
	no = "unix socket login rejected"
	assert knock(path, me, "", database="here") == IN
	assert knock(path, "mapped", "", database="here") == IN
	assert knock(path, "other", "", database="here") == no
	assert knock(path, "unknown", "", database="here") == no
	assert knock(path, me, "", database="lookups") == "no authentication method is found"
	# what a map says goes for its own users only
	assert knock(path, "admin", "", database="pgbouncer") == IN
	assert knock(path, me, "", database="pgbouncer") == no


@pytest.mark.parametrize(
	"common_name,names,user,enters",
	[
		("amy", None, "amy", True),
		("amy", None, "Amy", False),
		("Amy", None, "amy", False),
		("amy", "DNS:ben", "ben", True),
		("amy", "DNS:ben", "amy", True),
		("amy", "IP:10.1.2.3", "10.1.2.3", True),
		("amy", "IP:10.1.2.3", "10.1.2.4", False),
		("*.example.com", None, "amy.example.com", True),
		("x", "DNS:*.example.com", "amy.example.com", True),
		("x", "DNS:*.example.com", "example.com", False),
		("x", "DNS:*.example.com", "a.b.example.com", False),
		("*", None, "amy", False),
		("*.com", None, "amy.com", False),
		("amy.example.com", None, "*.example.com", False),
	],
)
def test_names_in_certificates(build, home, certs, common_name, names, user, enters):
	h = build({user: ""}, auth_type="cert", client_tls_sslmode="verify-full")
	folder = home / ("cert%d" % h.port)
	folder.mkdir()
	card = certificate(folder, certs / "ca", "card", common_name, names)
	for channel in TLS, DIRECT:
		got = knock(h.address, user, "", channel, card, database="here")
		assert got == (IN if enters else "certificate authentication failed")


def test_a_zero_byte_in_a_name(build, home, certs):
	"""amy, as far as whoever stops at a zero byte reads it."""
	h = build({"amy": ""}, auth_type="cert", client_tls_sslmode="verify-full")
	for names, old in ((None, b"amy.evil"), ("DNS:amy.evil", b"amy.evil")):
		folder = home / ("zero%s" % bool(names))
		folder.mkdir()
		common_name = "amy" if names else "amy.evil"
		card = certificate(folder, certs / "ca", "card", common_name, names)
		card = forged(card, certs / "ca", old, b"amy\0evil")
		assert knock(h.address, "amy", "", TLS, card, database="here") == (
			"certificate authentication failed"
		)
	h.check()


# --- channel binding ----------------------------------------------------------------------

BOTH, ALONE = ["SCRAM-SHA-256-PLUS", "SCRAM-SHA-256"], ["SCRAM-SHA-256"]
NO = "SASL authentication failed"


@pytest.fixture
def bound(build, finder):
	finder.store("q_bound", verifier(SECRET))
	return build(
		{"plain": SECRET, "scram": verifier(SECRET)}, auth_type="scram-sha-256"
	)


@pytest.mark.parametrize("channel", [TLS, DIRECT])
@pytest.mark.parametrize("user", ["plain", "scram", "q_bound"])
def test_scram_bound_to_the_channel(bound, user, channel):
	v = Visitor(bound.address, channel).bind(SECRET)
	assert v.knock(user, SECRET, database="here") == IN
	assert v.offered == BOTH
	assert v.asks("select 'bound'") == "bound"
	v.leave()
	v = Visitor(bound.address, channel).bind("wrong")
	assert v.knock(user, SECRET, database="here") == NO
	v.leave()


@pytest.mark.parametrize(
	"header,data",
	[
		(None, b"x" * 32),  # somebody else's certificate
		(None, b""),
		("p=tls-unique,,", None),
		("p=,,", None),
		("y,,", None),
		("n,,", None),  # PLUS was chosen: it must be bound
	],
)
def test_a_channel_that_is_not_ours(bound, header, data):
	v = Visitor(bound.address, TLS).bind(SECRET, header, data)
	assert v.knock("plain", SECRET, database="here") == NO
	v.leave()


class Unbound(Visitor):
	"""Chooses SCRAM-SHA-256 and says HEADER."""

	def say(self, header):
		self.lie = BoundScram("secret", header)
		return self

	def proof(self, body, user, secret, scram):
		return super().proof(body, user, secret, self.lie)


@pytest.mark.parametrize(
	"channel,header,comes",
	[
		(PLAIN, "n,,", IN),
		(PLAIN, "y,,", IN),
		(PLAIN, "p=tls-server-end-point,,", NO),
		(TLS, "n,,", IN),
		(TLS, "y,,", NO),  # somebody has hidden our offer from it
		(TLS, "p=tls-server-end-point,,", NO),
	],
)
def test_what_a_client_says_about_binding(bound, channel, header, comes):
	v = Unbound(bound.address, channel).say(header)
	assert v.knock("plain", SECRET, database="here") == comes
	assert v.offered == (ALONE if channel == PLAIN else BOTH)
	v.leave()


def test_libpq_binds_on_both_sides(build, postgres):
	"""psql that insists, through a verifier from pg_authid, to a server that wants SCRAM."""
	h = build(
		auth_type="scram-sha-256", server_tls_sslmode="require",
		auth_query="select rolname, rolpassword from pg_authid where rolname = $1",
	)
	words = dict(
		host="127.0.0.1", port=h.port, user="app_scram", dbname="through",
		sslmode="require",
	)
	for channel_binding in "require", "prefer", "disable":
		got = psql("select current_user", SECRET, channel_binding=channel_binding, **words)
		assert got == "app_scram"
	got = psql("select ssl from pg_stat_ssl where pid = pg_backend_pid()", SECRET, **words)
	assert got == "t"
	assert "channel binding required" in psql(
		"select 1", SECRET, channel_binding="require", **{**words, "sslmode": "disable"}
	)


def serve_bound(listener, certs, said):
	"""A server that offers nothing but SCRAM-SHA-256-PLUS; SAID gets what it hears."""
	wire, _ = listener.accept()
	wire.settimeout(rawpg.PATIENCE)
	with wire:
		wire.recv(8)
		wire.sendall(b"S")
		context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
		context.load_cert_chain(certs / "server.crt", certs / "server.key")
		with context.wrap_socket(wire, server_side=True) as tls:
			tls.recv(10000)
			offer = b"\0\0\0\x0aSCRAM-SHA-256-PLUS\0\0"
			tls.sendall(b"R" + (len(offer) + 4).to_bytes(4, "big") + offer)
			first = tls.recv(10000)
			said.append(first)
			nonce = first.split(b"r=")[1]
			more = b"\0\0\0\x0br=" + nonce + b"more,s=c2FsdA==,i=4096"
			tls.sendall(b"R" + (len(more) + 4).to_bytes(4, "big") + more)
			said.append(tls.recv(10000))
			no = b"SFATAL\0C28P01\0Mthat was all\0\0"
			tls.sendall(b"E" + (len(no) + 4).to_bytes(4, "big") + no)


def test_a_server_that_must_be_bound_to(build, certs):
	said = []
	with socket.create_server(("127.0.0.1", 0)) as listener:
		thread = threading.Thread(target=serve_bound, args=(listener, certs, said), daemon=True)
		thread.start()
		h = build(
			{"app": ""}, auth_type="trust", server_tls_sslmode="require",
			databases={
				"bound": "host=127.0.0.1 port=%d dbname=x user=app password=secret"
				% listener.getsockname()[1]
			},
		)
		assert knock(h.address, "app", "", database="bound") == "that was all"
		thread.join(rawpg.PATIENCE)
	first, final = said
	assert b"SCRAM-SHA-256-PLUS\0" in first and b"p=tls-server-end-point,," in first
	der = ssl.PEM_cert_to_DER_cert((certs / "server.crt").read_text())
	bound = base64.b64encode(b"p=tls-server-end-point,," + endpoint_hash(der))
	assert b"c=" + bound + b"," in final


# --- users of auth_query ------------------------------------------------------------------


@pytest.mark.parametrize("method", ["plain", "md5", "scram-sha-256"])
def test_a_password_that_changes(build, finder, method):
	"""The old answer is remembered for long; nobody is to notice."""
	finder.store("turner", "old one")
	h = build(auth_type=method, auth_query_cache_time=3600)
	assert knock(h.address, "turner", "old one", database="here") == IN
	finder.store("turner", "new one")
	assert knock(h.address, "turner", "new one", database="here") == IN
	assert knock(h.address, "turner", "old one", database="here") != IN
	finder.store("turner", None)
	assert knock(h.address, "turner", "old one", database="here") != IN
	assert knock(h.address, "turner", "new one", database="here") != IN
	finder.remove("turner")


def test_a_verifier_that_changes(build, finder):
	"""Another salt: an exchange that has begun cannot be mended, the next one is right."""
	finder.store("turner", verifier("old one", b"salt one........"))
	h = build(auth_type="md5", auth_query_cache_time=3600)
	assert knock(h.address, "turner", "old one", database="here") == IN
	finder.store("turner", verifier("new one", b"salt two........"))
	assert knock(h.address, "turner", "new one", database="here") == NO
	assert knock(h.address, "turner", "new one", database="here") == IN
	assert knock(h.address, "turner", "old one", database="here") == NO
	# the same salt, as after a change of the password by hand
	finder.store("turner", verifier("newest", b"salt two........"))
	assert knock(h.address, "turner", "newest", database="here") == IN
	finder.remove("turner")


@pytest.mark.parametrize("method", ["plain", "md5", "scram-sha-256"])
def test_users_who_come_and_go(build, finder, method):
	h = build(auth_type=method, auth_query_cache_time=3600)
	assert knock(h.address, "comer", SECRET, database="here") != IN
	finder.store("comer", SECRET)
	assert knock(h.address, "comer", SECRET, database="here") == IN
	finder.remove("comer")
	asked = finder.asked("comer")
	assert knock(h.address, "comer", SECRET, database="here") == IN  # remembered
	assert finder.asked("comer") == asked
	assert knock(h.address, "comer", "wrong", database="here") != IN  # and forgotten
	assert knock(h.address, "comer", SECRET, database="here") != IN


def test_each_login_asks_where_nothing_is_remembered(build, finder):
	finder.store("often", SECRET)
	h = build(auth_type="md5", auth_query_cache_time=0)
	before = finder.asked("often")
	for _ in range(5):
		assert knock(h.address, "often", SECRET, database="here") == IN
	assert finder.asked("often") == before + 5
	assert knock(h.address, "often", "wrong", database="here") != IN
	assert finder.asked("often") == before + 6  # it was asked just now: not again
	h2 = build(auth_type="md5", auth_query_cache_time=3600)
	for _ in range(5):
		assert knock(h2.address, "often", SECRET, database="here") == IN
	assert finder.asked("often") == before + 7
	finder.remove("often")


def test_one_question_for_all_who_wait(build, finder, postgres):
	finder.store("crowd", SECRET)
	h = build(auth_type="md5", auth_query_cache_time=3600)
	before, came = finder.asked("crowd"), []

	def enter():
		came.append(knock(h.address, "crowd", SECRET, database="here"))

	with held(postgres):
		threads = [threading.Thread(target=enter) for _ in range(30)]
		for t in threads:
			t.start()
		wait_for(
			"a lookup that waits",
			lambda: postgres.sql(
				"select 1 from pg_locks where locktype = 'advisory' and not granted"
			),
		)
		# all have said hello, and some have left again
		leavers = [Visitor(h.address) for _ in range(5)]
		for v in leavers:
			v.send(rawpg.startup(user="crowd", database="here"))
			v.wait_until_read()
			v.close()
		wait_for("30 clients to ask", lambda: logging_in(h) == 30)
		other = knock(h.address, "admin", SECRET, database="here")
	for t in threads:
		t.join()
	assert other == IN  # who is in auth_file waits for nobody
	assert came == [IN] * 30
	assert finder.asked("crowd") - before <= 2
	h.check()
	finder.remove("crowd")


def logging_in(h):
	return next(
		int(row["items"]) for row in h.console("show lists") if row["list"] == "login_clients"
	)


class held:
	"""While inside, every lookup waits."""

	def __init__(self, postgres):
		import psycopg

		self.c = psycopg.connect(
			host="127.0.0.1", port=postgres.port, user="postgres", dbname="app",
			autocommit=True,
		)

	def __enter__(self):
		self.c.execute("select pg_advisory_lock(77)")
		return self

	def __exit__(self, *why):
		self.c.close()


def test_a_lookup_that_takes_too_long(build, finder, postgres):
	finder.store("slow", SECRET)
	h = build(auth_type="md5", client_login_timeout=1)
	with held(postgres):
		assert knock(h.address, "slow", SECRET, database="here") == "client_login_timeout"
	wait_for("the answer", lambda: knock(h.address, "slow", SECRET, database="here") == IN)
	h.check()
	finder.remove("slow")
	h = build(auth_type="md5", server_connect_timeout=1)
	with held(postgres):
		assert knock(h.address, "slow", SECRET, database="here") == "bouncer config error"
	h.check()


@pytest.mark.parametrize("sign", [signal.SIGQUIT, signal.SIGTERM])
def test_the_end_while_a_lookup_waits(build, finder, postgres, sign):
	"""Also after a RELOAD in between: nothing is left, nobody is hung on."""
	finder.store("waiter", SECRET)
	h = build(auth_type="md5")
	with held(postgres):
		waiters = [Visitor(h.address) for _ in range(6)]
		for v in waiters:
			v.send(rawpg.startup(user="waiter", database="here"))
		wait_for("6 clients to ask", lambda: logging_in(h) == 6)
		h.reload()
		h.process.send_signal(sign)
		if sign == signal.SIGTERM:
			for v in waiters:
				v.close()
		assert h.process.wait(20) == 0
		for v in waiters:
			v.close()
	h.check_log()
	finder.remove("waiter")


def test_a_name_that_is_not_the_one(build, finder, postgres):
	"""Whatever the query says: nobody becomes somebody else by it."""
	finder.store("victim", SECRET)
	h = build(
		{"here": SECRET}, auth_type="md5",
		auth_query="select name, secret from lookups.users where lower(name) = lower($1)",
	)
	assert knock(h.address, "victim", SECRET, database="here") == IN
	assert knock(h.address, "VICTIM", SECRET, database="here") == (
		"SASL authentication failed"
	)
	h.wait_until_logged("another user's name than it was asked for")
	finder.remove("victim")


@pytest.mark.parametrize(
	"query,words",
	[
		("select name from lookups.users where name = $1", "column"),
		("select name, secret from not_there where name = $1", '"not_there" does not exist'),
		("select 1/0, $1::text", "division by zero"),
	],
)
def test_a_query_that_fails(build, finder, query, words):
	h = build(auth_type="md5", auth_query=query)
	assert knock(h.address, "somebody", SECRET, database="here") == "bouncer config error"
	h.wait_until_logged(words)
	assert knock(h.address, "admin", SECRET, database="here") == IN


def test_where_it_is_asked(build, finder, postgres):
	finder.store("seeker", SECRET)
	h = build(
		auth_type="md5", auth_dbname="",
		databases={
			"own": "ENTRY",
			"named": "ENTRY user=app auth_dbname=lookups",
			"astray": "ENTRY user=app auth_dbname=not_there",
			"alone": "ENTRY user=app auth_user=nobody_there",
		},
	)
	assert knock(h.address, "seeker", SECRET, database="named") == IN
	assert knock(h.address, "seeker", SECRET, database="here") == IN
	for database in "astray", "alone", "pgbouncer":
		got = knock(h.address, "seeker", SECRET, database=database)
		assert got == "bouncer config error", database
	h.wait_until_logged('cannot use the reserved "pgbouncer" database as an auth_dbname')
	# no database: the steps of a wrong password, and no server is asked
	before = finder.asked("seeker")
	assert knock(h.address, "seeker", SECRET, database="nowhere") == NO
	assert finder.asked("seeker") == before
	assert knock(h.address, "admin", SECRET, database="nowhere") == (
		"no such database: nowhere"
	)
	h.console("disable lookups")
	assert knock(h.address, "seeker2", SECRET, database="named") == (
		'authentication database "lookups" is disabled'
	)
	finder.remove("seeker")


def test_nothing_of_a_client_reaches_the_lookup(build, finder, postgres):
	finder.store("quiet", SECRET)
	h = build(auth_type="md5", auth_query_cache_time=0)
	assert knock(
		h.address, "quiet", SECRET, database="here", search_path="evil",
		options="-c search_path=evil", application_name="evil",
	) == IN
	names = ["'; drop table lookups.users; --", "$1", 'a"b', "x" * 63, "x" * 64, "\\", "é"]
	for name in names:
		assert knock(h.address, name, SECRET, database="here") != IN
	rows = postgres.sql("select name, path, app from lookups.asked where path ~ 'evil' or app ~ 'evil'")
	assert rows == []
	seen = {row[0] for row in postgres.sql("select name from lookups.asked")}
	assert set(names) - {"x" * 64} <= seen and "x" * 64 not in seen
	h.check()
	finder.remove("quiet")


# --- what servers hear ----------------------------------------------------------------------

AUTHID = (
	"select rolname, case when rolvaliduntil < now() then null else rolpassword end "
	"from pg_authid where rolname = $1 and rolcanlogin"
)


@pytest.mark.parametrize("keep", [0, 3600])
def test_secrets_that_were_asked_for_open_servers_too(build, postgres, keep):
	h = build(auth_type="md5", auth_query=AUTHID, auth_query_cache_time=keep)
	for user in "app_scram", "app_md5":
		v = Visitor(h.address)
		assert v.knock(user, SECRET, database="through") == IN
		assert v.asks("select current_user") == user
		h.console("reconnect through")
		assert v.asks("select current_user") == user
		v.leave()
	# an MD5 hash cannot be sent in clear, a verifier teaches nothing without a proof
	assert knock(h.address, "app_plain", SECRET, database="through") == (
		"server login failed: wrong password type"
	)
	h.check()


def test_a_password_in_clear_opens_servers_that_keep_its_verifier(build, postgres):
	h = build(auth_type="plain", auth_query=AUTHID)
	v = Visitor(h.address)
	assert v.knock("app_scram", SECRET, database="through") == IN
	h.console("reconnect through")
	assert v.asks("select current_user") == "app_scram"
	v.leave()


def test_a_new_password_opens_servers_at_once(build, postgres):
	"""Also after servers have refused the old one."""
	postgres.sql("create role rotated login password 'first'")
	with open(postgres.data / "pg_hba.conf") as old:
		rules = old.read()
	(postgres.data / "pg_hba.conf").write_text(
		"host all rotated 127.0.0.1/32 scram-sha-256\n" + rules
	)
	postgres.sql("select pg_reload_conf()")
	h = build(auth_type="scram-sha-256", auth_query=AUTHID, server_login_retry=60)
	v = Visitor(h.address)
	assert v.knock("rotated", "first", database="through") == IN
	postgres.sql("alter role rotated password 'second'")
	h.console("reconnect through")
	v.send(rawpg.query("select 1"))
	heard = v.rest()
	assert any(m.kind == "E" for m in heard), heard  # the old one is worth nothing any more
	v.close()
	wait_for(
		"the new password to be known",
		lambda: knock(h.address, "rotated", "second", database="through") == IN,
	)
	(postgres.data / "pg_hba.conf").write_text(rules)
	postgres.sql("select pg_reload_conf()")
	h.stop()
	postgres.sql("drop role rotated")


def test_roles_that_may_not_log_in(build, postgres):
	postgres.sql("create role expired login password 'secret' valid until '2001-01-01'")
	postgres.sql("create role locked nologin password 'secret'")
	h = build(auth_type="scram-sha-256", auth_query=None)
	assert knock(h.address, "app_scram", SECRET, database="here") == IN
	for user, lack in [
		("expired", "auth_query gives this user no password: expired?"),
		("locked", "neither auth_file nor auth_query has this user"),
		("unknown", "neither auth_file nor auth_query has this user"),
	]:
		assert knock(h.address, user, SECRET, database="here") == NO
		h.wait_until_logged("here/%s@127.0.0.1" % user)
		assert re.search("here/%s@.* login cannot succeed: %s" % (user, re.escape(lack)),
			h.log.read_text())
	postgres.sql("drop role expired; drop role locked")


# --- strangers --------------------------------------------------------------------------------


@pytest.mark.parametrize("method", ["plain", "md5", "scram-sha-256"])
def test_strangers_learn_nothing(build, finder, method):
	"""Unknown, wrong password, expired, no database: one and the same conversation."""
	finder.store("q_known", verifier(SECRET))
	finder.store("q_locked", None)
	h = build({"known": verifier(SECRET)}, auth_type=method)
	heard = {}
	for user, database in [
		("known", "here"), ("q_known", "here"), ("q_locked", "here"), ("unknown", "here"),
		("known", "nowhere"), ("unknown", "nowhere"), ("known", "pgbouncer"),
		("unknown", "pgbouncer"), ("u" * 64, "here"),
	]:
		v = Visitor(h.address)
		text = v.knock(user, "wrong", database=database)
		heard[user, database] = text, [m.kind for m in v.login_heard], [
			(m[1], m[2]) for m in v.transcript()
		]
		v.leave()
	assert len({str(v) for v in heard.values()}) == 1, heard
	finder.remove("q_known")
	finder.remove("q_locked")


def test_a_salt_that_stays(build, finder):
	"""Who asks twice hears the same salt, for users that there are not as well."""
	h = build(auth_type="scram-sha-256")

	def salt(user):
		v = Visitor(h.address)
		v.knock(user, "wrong", database="here")
		v.leave()
		said = v.login_heard[1].body[4:].decode()
		return dict(p.split("=", 1) for p in said.split(","))["s"]

	assert salt("nobody1") == salt("nobody1") != salt("nobody2")


def test_no_secret_is_written_anywhere(build, finder, postgres):
	stored = verifier("hush hush")
	finder.store("q_hush", stored)
	h = build({"hush": "hush hush"}, auth_type="plain", verbose=2)
	for user in "hush", "q_hush":
		assert knock(h.address, user, "hush hush", database="here") == IN
		assert knock(h.address, user, "no hush no", database="here") != IN
	shown = "".join(
		str(h.console("show " + topic))
		for topic in ("config", "users", "databases", "clients", "servers", "pools")
	)
	text = h.log.read_text() + shown
	for secret in "hush hush", stored, stored[-40:], "no hush no":
		assert secret not in text
	cmdline = pathlib.Path("/proc/%d/cmdline" % h.process.pid).read_bytes()
	assert b"hush" not in cmdline
	finder.remove("q_hush")


def test_a_second_startup_in_the_middle_of_scram(build):
	h = build({"plain": SECRET}, auth_type="scram-sha-256")
	for before in range(3):
		v = Visitor(h.address)
		v.send(rawpg.startup(user="plain", database="here"))
		scram = rawpg.Scram(SECRET)
		heard = v.receive()
		if before >= 1:
			first = scram.first()
			v.send(rawpg.message("p", rawpg.text("SCRAM-SHA-256"),
				len(first).to_bytes(4, "big"), first))
			heard = v.receive()
		assert heard.kind == "R"
		v.send(rawpg.startup(user="admin", database="here"))
		rest = v.rest()
		assert [m.kind for m in rest] in ([], ["E"]), rest
		v.close()
	h.check()


@pytest.mark.parametrize(
	"options", ["-c =x", "--=x", "-c", "--", "-c ''=x", "-c \\ =x", "-c = ", "-c x"]
)
def test_options_without_a_name(build, options):
	h = build({"plain": SECRET}, auth_type="md5")
	got = knock(h.address, "plain", SECRET, database="here", options=options)
	assert got != IN and got != "cut", got
	assert knock(h.address, "plain", SECRET, database="here") == IN
	h.check()


def test_a_parameter_without_a_name(build):
	h = build({"plain": SECRET}, auth_type="trust")
	v = Visitor(h.address)
	body = (3 << 16).to_bytes(4, "big") + b"user\0plain\0\0x\0database\0here\0\0"
	v.send((len(body) + 4).to_bytes(4, "big") + body)
	assert [m.kind for m in v.rest()] == ["E"]
	v.close()
	h.check()


@pytest.mark.parametrize("size,comes", [(65530, IN), (65531, "password too long")])
def test_passwords_as_long_as_they_come(build, size, comes):
	h = build({"long": "x" * min(size, 65530)}, auth_type="plain")
	assert knock(h.address, "long", "x" * size, database="here") == comes
	h.check()


def test_before_they_are_in_strangers_cost_little(build, finder, postgres):
	"""Lengths that promise much take no memory; no server is opened; probes are not logged."""
	h = build({"plain": SECRET}, auth_type="md5")
	before = len(h.log.read_text().splitlines())
	for v in [Visitor(h.address) for _ in range(50)]:
		v.close()
	lines = h.log.read_text().splitlines()[before:]
	assert not [line for line in lines if "WARNING" in line or "ERROR" in line]
	status = pathlib.Path("/proc/%d/status" % h.process.pid)

	def resident():
		return int(re.search(r"VmRSS:\s*(\d+)", status.read_text()).group(1))

	rss, crowd = resident(), [Visitor(h.address) for _ in range(200)]
	for v in crowd:
		v.send(rawpg.startup(user="plain", database="here"))
		assert v.receive().kind == "R"
		v.send(b"p" + (60000).to_bytes(4, "big"))
		v.wait_until_read()
	assert resident() - rss < 200 * 45  # kB; with what they promise it would be 12,000 more
	assert logging_in(h) == 200
	rows = h.console("show servers")
	assert rows == []
	for v in crowd:
		v.close()
	h.check()


# --- passwords that others judge, as far as servers hear of them ----------------------------


def test_a_password_that_ldap_has_judged_opens_servers(build, postgres, home, certs):
	if not ldap_server.available():
		pytest.skip("no slapd on this machine")
	slapd = ldap_server.LdapServer(home / "slapd", certs)
	postgres.sql("create role bob login password 'bobs secret'")
	rules = (postgres.data / "pg_hba.conf").read_text()
	(postgres.data / "pg_hba.conf").write_text(
		"host all bob 127.0.0.1/32 scram-sha-256\n" + rules
	)
	postgres.sql("select pg_reload_conf()")
	try:
		slapd.start()
		h = build(
			auth_type="ldap",
			auth_ldap_options="ldapserver=127.0.0.1 ldapport=%d ldapprefix=uid= "
			"ldapsuffix=,ou=people,dc=example,dc=net" % slapd.port,
		)
		v = Visitor(h.address)
		assert v.knock("bob", "bobs secret", database="through") == IN
		assert v.asks("select current_user") == "bob"
		assert knock(h.address, "bob", "not his", database="through") == (
			"LDAP authentication failed"
		)
		assert v.asks("select current_user") == "bob"
		v.leave()
		slapd.stop()
		assert knock(h.address, "bob", "bobs secret", database="through") == (
			"LDAP authentication failed"
		)
		assert "bobs secret" not in h.log.read_text()
		h.check()
		h.stop()
	finally:
		slapd.stop()
		(postgres.data / "pg_hba.conf").write_text(rules)
		postgres.sql("select pg_reload_conf()")
		postgres.sql("drop role bob")


def test_no_binding_where_the_certificate_has_no_hash(build, home, certs):
	"""Ed25519 signs without a hash of its own: tls-server-end-point is not defined."""
	folder = home / "ed25519"
	folder.mkdir(mode=0o755)
	run(
		"openssl", "req", "-x509", "-newkey", "ed25519", "-nodes", "-keyout",
		folder / "server.key", "-out", folder / "server.crt", "-days", "2", "-subj",
		"/CN=localhost",
	)
	give_to("nobody", folder / "server.key")
	h = build(
		{"plain": SECRET}, auth_type="scram-sha-256",
		client_tls_cert_file=folder / "server.crt", client_tls_key_file=folder / "server.key",
	)
	v = Visitor(h.address, TLS)
	assert v.knock("plain", SECRET, database="here") == IN
	assert v.offered == ALONE
	v.leave()
