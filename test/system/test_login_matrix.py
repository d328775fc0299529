"""Every way to log in x every channel x every user x every password, against a table of what
must come of it. The table is made of rules as people would say them (expected())."""

import collections
import subprocess

import pytest

import ldap_server
import pam_service
from door import DIRECT, IN, PLAIN, TLS, Visitor, certificate, knock, md5, verifier
from scratch import as_user, wait_for
from servers import SECRET, Pooler, own_environment, server_programs

# One server is enough: who gets in is not decided there.
pytestmark = pytest.mark.parametrize(
	"postgres", [max(server_programs(), default=None)], indirect=True, scope="session"
)

LONG = "long" * 16000  # 64,000 bytes
RIGHT, WRONG, EMPTY = "right", "wrong", "empty"

# Users by what is stored of them, and where.
STORED = {
	"plain": SECRET,
	"md5": md5(SECRET, "md5"),
	"scram": verifier(SECRET),
	"none": "",
	"long": LONG,
}
ASKED = {
	"q_plain": SECRET,
	"q_md5": md5(SECRET, "q_md5"),
	"q_scram": verifier(SECRET, b"another salt...."),
	"q_expired": None,
}
NOBODY = "nobody_at_all"
OUTSIDE = {"bob": "bobs secret"}
USERS = [*STORED, *ASKED, NOBODY, "bob"]

# Databases, each with a rule of its own: what the rule says.
RULES = {
	"trust": "host trust all all trust",
	"password": "host password all all password",
	"md5": "host md5 all all md5",
	"scram": "host scram all all scram-sha-256",
	"ssl": "hostssl ssl all all md5",
	"clear": "hostnossl clear all all md5",
	"reject": "host reject all all reject",
	"cert": "hostssl cert all all cert",
	"certmap": "hostssl certmap all all cert map=friends",
	"withcert": "hostssl withcert all all md5 clientcert=verify-full",
	"ldap": "host ldap all all ldap ldapserver=127.0.0.1 ldapport=%(ldap)d "
	'ldapprefix="uid=" ldapsuffix=",ou=people,dc=example,dc=net"',
	"pam": "host pam all all pam",
	"nowhere": "",
}
MAPS = "friends plain scram\nfriends plain q_scram\n"
NOWAY = "no authentication method is found"


def kind_of(user):
	"""plain, md5, scram, long, none (nothing matches), or nobody."""
	if user in STORED:
		return user
	if user in ASKED:
		return {"q_expired": "none"}.get(user, user[2:])
	return "nobody"


def by_password(method, user, given):
	kind = kind_of(user)
	# where there is an auth_query, whoever has no secret looks like whom servers keep today
	looks_scram = kind in ("scram", "nobody") or user == "q_expired"
	scram = method == "scram" or (method == "md5" and looks_scram)
	no = "SASL authentication failed" if scram else "password authentication failed"
	if method == "password" and given == EMPTY:
		return "empty password returned by client"
	fits = kind in ("plain", "scram", "long") or (kind == "md5" and not scram)
	return IN if given == RIGHT and fits else no


def by_others(name, user, given):
	if given == EMPTY:
		return "empty password returned by client"
	return IN if user in OUTSIDE and given == RIGHT else name + " authentication failed"


def expected(rule, channel, user, given, cert):
	"""What becomes of USER with a GIVEN password and the certificate of CERT (a name)."""
	tls, known = channel != PLAIN, kind_of(user) != "nobody"
	if rule == "nowhere" or (rule == "clear" and tls):
		return NOWAY
	if RULES[rule].startswith("hostssl") and not tls:
		return NOWAY
	if rule == "reject":
		return "login rejected"
	if rule == "trust":
		return IN if known else '"trust" authentication failed'
	if rule == "cert":
		return IN if known and cert == user else "certificate authentication failed"
	if rule == "certmap":
		mapped = cert == "plain" and user in ("scram", "q_scram")
		return IN if mapped else "certificate authentication failed"
	if rule == "withcert" and cert != user:
		return "certificate authentication failed"
	if rule in ("ldap", "pam"):
		return by_others(rule.upper(), user, given)
	return by_password({"password": "password", "scram": "scram"}.get(rule, "md5"), user, given)


def secret_of(user, given):
	right = {"long": LONG, **OUTSIDE}.get(user, SECRET)
	return {RIGHT: right, WRONG: right[:-1] + "!", EMPTY: ""}[given]


# --- the house --------------------------------------------------------------------------


@pytest.fixture(scope="module")
def home(folder):
	home = folder / "matrix"
	home.mkdir()
	home.chmod(0o755)
	return home


@pytest.fixture(scope="module")
def slapd(home, certs):
	if not ldap_server.available():
		pytest.skip("no slapd on this machine")
	server = ldap_server.LdapServer(home / "slapd", certs)
	try:
		yield server.start()
	finally:
		server.stop()


@pytest.fixture(scope="module")
def pam(home):
	if not pam_service.available():
		pytest.skip("no pam_exec on this machine")
	return pam_service.Service(home / "pam", users=OUTSIDE)


@pytest.fixture(scope="module")
def asked(postgres):
	"""A table of users for auth_query."""
	rows = ", ".join(
		"('%s', %s)" % (name, "null" if secret is None else "'%s'" % secret)
		for name, secret in ASKED.items()
	)
	postgres.sql(
		"create schema logins; create table logins.users (name text, secret text); "
		"insert into logins.users values %s" % rows
	)
	yield
	postgres.sql("drop schema logins cascade")


class House(Pooler):
	"""A pooler with our users, rules and services."""

	prefix = ()

	def write_files(self):
		super().write_files()
		users = "".join('"%s" "%s"\n' % pair for pair in STORED.items())
		(self.folder / "userlist.txt").write_text(users + '"admin" "%s"\n' % SECRET)

	def start(self):
		self.process = spawn_with(self.prefix, [self.program, self.ini], self.log)
		wait_for("the pooler to accept", self.accepts, 30)
		return self


def spawn_with(prefix, command, log):
	"""As spawn() for user nobody, in the namespace that PREFIX makes."""
	with open(log, "ab") as out:
		return subprocess.Popen(
			[*prefix, *as_user("nobody", "KILL"), *(str(w) for w in command)],
			stdin=subprocess.DEVNULL,
			stdout=out,
			stderr=out,
			cwd="/",
			env={**own_environment(), "ASAN_OPTIONS": "abort_on_error=0"},
		)


def house(postgres, folder, certs, rules, prefix=(), workers=2, **settings):
	"""A House whose databases are those of RULES and the usual ones."""
	entry = "host=127.0.0.1 port=%d dbname=app user=app pool_size=2" % postgres.port
	databases = {name: entry for name in rules}
	databases["lookups"] = "host=127.0.0.1 port=%d dbname=app" % postgres.port
	h = House(
		postgres,
		folder,
		certs,
		workers,
		databases,
		**{
			"auth_user": "postgres",
			"auth_dbname": "lookups",
			"auth_query": "select name, secret from logins.users where name = $1",
			"client_tls_ca_file": certs / "ca.crt",
			"client_login_timeout": 30,
			**settings,
		},
	)
	h.prefix = prefix
	return h


@pytest.fixture(scope="module")
def ruled(postgres, home, certs, slapd, pam, asked):
	hba, ident = home / "hba.conf", home / "ident.conf"
	lines = [line % {"ldap": slapd.port} for line in RULES.values()]
	hba.write_text("\n".join([*lines, "host pgbouncer admin all trust"]) + "\n")
	ident.write_text(MAPS)
	h = house(
		postgres, home / "ruled", certs, RULES, pam.prefix,
		auth_type="hba", auth_hba_file=hba, auth_ident_file=ident,
	)
	yield h.start()
	h.stop()


@pytest.fixture(scope="module")
def cards(home, certs):
	"""Client certificates by name."""
	made = {name: certificate(home, certs / "ca", name, name) for name in ("plain", "q_md5")}
	made[None] = None
	return made


# --- the matrix -------------------------------------------------------------------------

tried = collections.Counter()


def cells(rule):
	for channel in PLAIN, TLS, DIRECT:
		for user in USERS:
			for given in RIGHT, WRONG, EMPTY:
				yield channel, user, given


@pytest.mark.parametrize("rule", RULES)
def test_every_rule_channel_user_and_password(ruled, cards, rule):
	wrong = []
	for channel, user, given in cells(rule):
		certs = [None]
		if channel != PLAIN and rule in ("cert", "certmap", "withcert"):
			certs = [None, "plain", "q_md5"]
		for cert in certs:
			want = expected(rule, channel, user, given, cert)
			got = knock(
				ruled.address, user, secret_of(user, given), channel, cards[cert],
				database=rule,
			)
			tried[rule, want == IN] += 1
			if got != want:
				wrong.append((channel, user, given, cert, got, want))
	ruled.check()
	if rule == "reject":
		line = list(RULES).index(rule) + 1
		assert "login refused by rule %s/hba.conf:%d (reject)" % (
			ruled.folder.parent, line,
		) in ruled.log.read_text()
	assert not wrong, "%d of the cells: got, expected: %s" % (
		len(wrong), "\n".join(map(str, wrong[:20])),
	)


def test_the_matrix_was_whole(ruled, capsys):
	"""Each rule lets somebody in and refuses somebody, but for those that let nobody in."""
	if len({rule for rule, _ in tried}) < len(RULES):
		pytest.skip("only a part of the matrix was run")
	for rule in RULES:
		assert tried[rule, False], "%s: nobody was to be refused" % rule
		assert bool(tried[rule, True]) == (rule not in ("reject", "nowhere")), rule
	with capsys.disabled():
		print(
			"\nlogin matrix: %d rules, %d logins, %d let in, %d refused"
			% (
				len(RULES),
				sum(tried.values()),
				sum(n for (_, yes), n in tried.items() if yes),
				sum(n for (_, yes), n in tried.items() if not yes),
			)
		)


# --- auth_type, without rules ------------------------------------------------------------

TYPES = {
	"any": None, "trust": "trust", "plain": "password", "md5": "md5",
	"scram-sha-256": "scram", "ldap": "ldap", "pam": "pam", "cert": "cert",
}


@pytest.mark.parametrize("auth_type", TYPES)
def test_every_auth_type(postgres, home, certs, slapd, pam, asked, cards, auth_type):
	cert_only = auth_type == "cert"
	h = house(
		postgres, home / ("type-" + auth_type), certs, ["here"], pam.prefix, auth_type=auth_type,
		client_tls_sslmode="verify-full" if cert_only else "allow",
		auth_ldap_options="ldapserver=127.0.0.1 ldapport=%d ldapprefix=uid= "
		"ldapsuffix=,ou=people,dc=example,dc=net" % slapd.port,
	)
	h.start()
	wrong = []
	for channel, user, given in cells(auth_type):
		cert = "plain" if cert_only and channel != PLAIN else None
		rule = TYPES[auth_type]
		if cert_only and channel == PLAIN:
			want = "SSL required"
		elif auth_type == "any":
			want = IN
		elif cert_only:
			want = IN if user == cert else "certificate authentication failed"
		else:
			want = expected(rule, channel, user, given, cert)
		got = knock(
			h.address, user, secret_of(user, given), channel, cards[cert], database="here"
		)
		if got != want:
			wrong.append((channel, user, given, got, want))
	h.check()
	h.stop()
	assert not wrong, "got, expected: %s" % "\n".join(map(str, wrong[:20]))
