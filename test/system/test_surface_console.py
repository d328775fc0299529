"""The console as tools know it: its welcome, its topics by position, its grammar, its words."""

import pytest

from rawpg import Client, Refused, fields_of, query, row_of
from servers import PEER
from surface import Poolers, columns, last_words, row, rows, told

pytestmark = pytest.mark.any_version

WELCOME = [
	("server_version", "/bouncer"),
	("client_encoding", "UTF8"),
	("server_encoding", "UTF8"),
	("DateStyle", "ISO"),
	("TimeZone", "GMT"),
	("standard_conforming_strings", "on"),
	("is_superuser", "on"),
]
SOCKET = """type:t user:t database:t {0}state:t addr:t port:i local_addr:t local_port:i
	connect_time:t request_time:t wait:i wait_us:i close_needed:i ptr:t link:t remote_pid:i tls:t
	application_name:t prepared_statements:i id:i"""
COUNTS = """server_assignment_count xact_count query_count {0} {1} xact_time query_time wait_time
	{2}client_parse_count {2}server_parse_count {2}bind_count"""
TOPICS = {
	"CLIENTS": SOCKET.format("replication:t "),
	"SERVERS": SOCKET.format("replication:t "),
	"SOCKETS": SOCKET.format("replication:t ")
	+ """ recv_pos:i pkt_pos:i pkt_remain:i send_pos:i
		send_remain:i pkt_avail:i send_avail:i""",
	"CONFIG": "key:t value:t default:t changeable:t",
	"DATABASES": """name:t host:t port:i database:t force_user:t pool_size:i min_pool_size:i
		reserve_pool_size:i server_lifetime:i pool_mode:t load_balance_hosts:t max_connections:i
		current_connections:i max_client_connections:i current_client_connections:i paused:i
		disabled:i""",
	"DNS_HOSTS": "hostname:t ttl:q addrs:t",
	"DNS_ZONES": "zonename:t serial:q count:i",
	"LISTS": "list:t items:i",
	"MEM": "name:t size:i used:i free:i memtotal:i",
	"PEERS": "peer_id:i host:t port:i pool_size:i",
	"PEER_POOLS": """peer_id:i cl_active_cancel_req:i cl_waiting_cancel_req:i
		sv_active_cancel:i sv_login:i""",
	"POOLS": """database:t user:t cl_active:i cl_waiting:i cl_active_cancel_req:i
		cl_waiting_cancel_req:i sv_active:i sv_active_cancel:i sv_being_canceled:i sv_idle:i
		sv_used:i sv_tested:i sv_login:i maxwait:i maxwait_us:i pool_mode:t load_balance_hosts:t""",
	"STATE": "key:t value:t",
	"STATS": "database:t "
	+ " ".join(
		kind + word + ":n"
		for kind, names in (
			("total_", COUNTS.format("received", "sent", "")),
			("avg_", COUNTS.format("recv", "sent", "")),
		)
		for word in names.split()
	),
	"STATS_TOTALS": "database:t "
	+ " ".join(w + ":n" for w in COUNTS.format("bytes_received", "bytes_sent", "").split()),
	"STATS_AVERAGES": "database:t "
	+ " ".join(w + ":n" for w in COUNTS.format("bytes_received", "bytes_sent", "avg_").split()),
	"TOTALS": "name:t value:n",
	"USERS": """name:t pool_size:t reserve_pool_size:t pool_mode:t max_user_connections:i
		current_connections:i max_user_client_connections:i current_client_connections:i""",
	"VERSION": "version:t",
}
LISTS = """databases users peers pools peer_pools free_clients used_clients login_clients free_servers
	used_servers dns_names dns_zones dns_queries dns_pending""".split()
TOTALS = [
	kind + word
	for kind in ("total_", "avg_")
	for word in COUNTS.format("client_bytes", "server_bytes", "")
	.replace("client_parse", "ps_client_parse")
	.replace("server_parse", "ps_server_parse")
	.replace("bind", "ps_bind")
	.split()
]
FAKED = {
	"client_encoding": "UTF-8",
	"default_transaction_isolation": "read committed",
	"standard_conforming_strings": "on",
	"datestyle": "ISO",
	"timezone": "GMT",
}
ADMIN_ONLY = """SET verbose=0|RELOAD|PAUSE|PAUSE one|RESUME|RESUME one|DISABLE one|ENABLE one|RECONNECT
	|RECONNECT one|KILL|KILL one|KILL_CLIENT 1|SUSPEND|SHUTDOWN|SHUTDOWN WAIT_FOR_CLIENTS
	|SHUTDOWN WAIT_FOR_SERVERS|WAIT_CLOSE|WAIT_CLOSE one"""
WRONG = [
	"invalid",
	"SHOW nothing_of_this_name",
	"SHOW",
	"RELOAD now",
	"SHOW LISTS; SHOW LISTS",
	"SHUTDOWN sometime",
	"KILL one two",
]
# What is said to an administrator, in turn.
DIALOGUE = [
	("PAUSE nosuchdb", "ERROR 08P01 no such database: nosuchdb"),
	("RESUME nosuchdb", "ERROR 08P01 no such database: nosuchdb"),
	("PAUSE", "PAUSE"),
	("PAUSE", "ERROR 08P01 already suspended/paused"),
	("RESUME", "RESUME"),
	("RESUME", "ERROR 08P01 pooler is not paused/suspended"),
	("PAUSE one", "PAUSE"),
	("resume ONE;", "ERROR 08P01 no such database: ONE"),
	('resume "one" ;', "RESUME"),
	("RESUME one", "ERROR 08P01 database one is not paused"),
	("DISABLE one", "DISABLE"),
	("ENABLE one", "ENABLE"),
	("DISABLE", "ERROR 08P01 a database is required"),
	("RECONNECT", "RECONNECT"),
	("RECONNECT one", "RECONNECT"),
	("WAIT_CLOSE", "WAIT_CLOSE"),
	("WAIT_CLOSE one", "WAIT_CLOSE"),
	("KILL_CLIENT nonsense", "ERROR 08P01 invalid client pointer supplied"),
	("KILL_CLIENT 123456789", "ERROR 08P01 client not found"),
	("SET query_timeout=7", "SET query_timeout=7"),
	("set query_timeout TO '8.5'", "SET query_timeout=8.5"),
	("SET auth_type='scram-sha-256'", "SET auth_type=scram-sha-256"),
	("SET auth_type='trust'", "SET auth_type=trust"),
]


@pytest.fixture
def poolers(front, postgres, folder, certs):
	if front.direct:
		pytest.skip("there is no pooler")
	made = Poolers(front, postgres, folder, certs)
	yield made
	made.end()


@pytest.fixture
def console(poolers):
	"""A pooler's console, entered by its administrator."""
	return poolers.enter(poolers(stats_users="app_plain"), "pgbouncer", user="admin")


def words(columns_of):
	return columns_of.split()


def test_the_welcome(console):
	told_first = [m.body.split(b"\0")[:2] for m in console.login_heard if m.kind == "S"]
	assert len(told_first) == len(WELCOME)
	for (name, value), (expected, ending) in zip(told_first, WELCOME):
		assert name.decode() == expected and value.decode().endswith(ending)
	assert [m.kind for m in console.login_heard if m.kind not in "RS"] == ["K", "Z"]


@pytest.mark.skipif(PEER, reason="columns of 1.25, and nothing newer or older")
@pytest.mark.parametrize("topic", TOPICS)
def test_columns(console, topic):
	console.send(query("show %s;" % topic.lower()))
	heard = console.until_ready()
	assert columns(heard[0]) == words(TOPICS[topic])
	assert [m.kind for m in heard[1:]] == ["D"] * (len(heard) - 3) + ["C", "Z"]
	assert heard[-2].body == b"SHOW\0"


def test_rows_by_position(console):
	assert [r["list"] for r in rows(console, "LISTS")] == LISTS
	assert [(r["key"], r["value"]) for r in rows(console, "STATE")] == [
		("active", "yes"),
		("paused", "no"),
		("suspended", "no"),
	]
	names = [r["name"] for r in rows(console, "DATABASES")]
	assert names == sorted(names) and {"one", "two", "three", "pgbouncer"} == set(names)
	assert [r["name"] for r in rows(console, "USERS")] == sorted(
		r["name"] for r in rows(console, "USERS")
	)


@pytest.mark.skipif(PEER, reason="rows of 1.25")
def test_totals_by_position(console):
	assert [r["name"] for r in rows(console, "TOTALS")] == TOTALS


def test_our_own_entry(console):
	ours = row(console, "DATABASES", "pgbouncer", "name")
	assert (ours["database"], ours["force_user"]) == ("pgbouncer", "pgbouncer")
	assert (ours["pool_size"], ours["pool_mode"]) == (2, "statement")
	assert row(console, "POOLS", "pgbouncer")["user"] == "pgbouncer"


def test_help_is_a_notice(console):
	console.send(query("SHOW HELP"))
	notice, done, _ = console.until_ready()
	fields = fields_of(notice.body)
	assert (notice.kind, fields["C"], fields["M"]) == ("N", "00000", "Console usage")
	assert "SHUTDOWN" in fields["D"] and done.body == b"SHOW\0"


@pytest.mark.parametrize("name", FAKED)
def test_what_drivers_probe_for(console, name):
	for verb in ("SHOW", "SELECT"):
		if verb == "SELECT" and PEER:
			continue
		console.send(query("%s %s" % (verb, name)))
		heard = console.until_ready()
		assert columns(heard[0])[0].partition(":")[2] == "t"
		assert row_of(heard[1].body) == [FAKED[name]]
	assert told(console, "SET %s = '%s'" % (name, FAKED[name])).endswith("SET")


@pytest.mark.parametrize("wrong", WRONG)
def test_what_is_no_command(console, wrong):
	assert told(console, wrong).startswith("ERROR 08P01 invalid command '%s'" % wrong)
	assert told(console, wrong).endswith(", use SHOW HELP;")
	assert told(console, "SHOW STATE") == "SHOW"


def test_words_of_commands(console):
	for command, answer in DIALOGUE:
		assert (command, told(console, command)) == (command, answer)


@pytest.mark.parametrize("wrong", ["no_such_setting=1", "query_timeout=soon", "pool_mode=none"])
def test_a_setting_that_cannot_be(console, wrong):
	before = rows(console, "CONFIG")
	assert told(console, "SET " + wrong).startswith("ERROR 08P01 SET failed")
	assert rows(console, "CONFIG") == before


@pytest.mark.parametrize("command", [c.strip() for c in ADMIN_ONLY.split("|")])
def test_who_may_only_look(console, poolers, command):
	watcher = poolers.enter(poolers.made[0], "pgbouncer", user="app_plain")
	assert told(watcher, command).startswith("ERROR 08P01 admin access needed")
	assert told(watcher, "SHOW POOLS") == "SHOW"
	assert told(watcher, "SET client_encoding = 'UTF8'").endswith("SET")
	assert told(console, "SHOW STATE") == "SHOW"


def test_who_may_not_even_look(console, poolers):
	with pytest.raises(Refused) as why:
		Client(poolers.made[0].address).login(user="app", database="pgbouncer")
	assert (why.value.fields["C"], why.value.fields["M"]) == ("08P01", "not allowed")


def test_a_client_is_sent_away(console, poolers):
	other = poolers.enter(poolers.made[0], "two")
	other.does("select 1")
	found = row(console, "CLIENTS", "two")
	assert told(console, "KILL_CLIENT %d" % found["id"]) == "KILL_CLIENT"
	assert last_words(other)["M"] == "admin forced disconnect"
	assert row(console, "CLIENTS", "two") is None


def test_one_counter_numbers_all_sockets(console, poolers):
	at = poolers.made[0]
	first = poolers.enter(at, "two")	# the look whether the pooler accepts is numbered by now
	first.does("select 1")
	ids = [row(console, topic, "two")["id"] for topic in ("CLIENTS", "SERVERS")]
	assert ids[1] == ids[0] + 1
	first.leave()
	poolers.enter(at, "two")
	assert row(console, "CLIENTS", "two")["id"] == ids[1] + 1


def test_shutdown_says_nothing(console, poolers):
	client = poolers.enter(poolers.made[0])
	console.send(query("SHUTDOWN"))
	assert console.rest() == [] and client.rest() == []
	assert poolers.made.pop().process.wait(15) == 0
