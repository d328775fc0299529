"""Host names: lookups, their lives, trouble with them, lists of hosts, and all else that may
stand in host=."""

import os
import socket

import pytest

from dns_server import AAAA, SOA, NameServer, Relay
from rawpg import Client, Refused, startup
from scratch import give_to, wait_for
from servers import PEER, Pooler

pytestmark = [
	pytest.mark.any_version,
	pytest.mark.skipif(PEER, reason="PgBouncer keeps names in its own way"),
]


@pytest.fixture
def names():
	server = NameServer()
	yield server
	server.stop()


@pytest.fixture
def relay(postgres):
	"""relay("127.0.0.9"): one more address of the server, at its port; "/dir", "@name"."""
	relays = []

	def relay(where):
		if where[0] in "/@":
			path = "%s/.s.PGSQL.%d" % (where, postgres.port)
			address = "\0" + path[1:] if where[0] == "@" else path
			relays.append(Relay(socket.AF_UNIX, address, postgres.address))
			if where[0] == "/":
				os.chmod(path, 0o777)
		else:
			family = socket.AF_INET6 if ":" in where else socket.AF_INET
			relays.append(Relay(family, (where, postgres.port), postgres.address))
		return relays[-1]

	yield relay
	for r in relays:
		r.stop()


@pytest.fixture
def before(front, postgres, folder, certs, names):
	"""before("host=a.test", **settings): a pooler whose database app has that host."""
	if front.direct:
		pytest.skip("there is no pooler")
	poolers = []

	def before(host, **settings):
		where = folder / ("names-" + os.urandom(4).hex())
		entry = "%s port=%d dbname=app pool_size=2" % (host, postgres.port)
		pooler = Pooler(
			postgres,
			where,
			certs,
			front.workers,
			{"app": entry},
			# folder is there when the pooler's is
			**{"resolv_conf": folder / ("resolv-" + where.name), **settings},
		)
		if "resolv_conf" not in settings:
			names.write_resolv_conf(pooler.settings["resolv_conf"])
		poolers.append(pooler.start())
		return poolers[-1]

	yield before
	for pooler in poolers:
		pooler.stop()


def enters(pooler):
	return Client(pooler.address).login(database="app")


def works(pooler):
	client = enters(pooler)
	assert client.asks("select 'well'") == "well"
	client.leave()


def tries_again(pooler):
	"""Each worker that had trouble with a name finds out when it needs it."""
	pooler.console("reconnect")
	clients = [enters(pooler) for _ in range(2)]  # one on each worker
	for client in clients:
		client.does("begin")
	for client in clients:
		client.leave()
	return "DNS lookup works again: db.test" in pooler.log.read_text()


def list_of(pooler):
	return {row["list"]: int(row["items"]) for row in pooler.console("show lists")}


def test_a_name_has_addresses_of_both_kinds(before, names, relay):
	four, six = relay("127.0.0.21"), relay("::1")
	names.hosts["four.test"] = ["127.0.0.21"]
	names.hosts["six.test"] = ["::1"]
	works(before("host=four.test"))
	assert (four.count, six.count) == (1, 0)
	pooler = before("host=six.test")
	works(pooler)
	assert (four.count, six.count) == (1, 1)
	assert names.count("six.test", AAAA) >= 1
	(row,) = pooler.console("show dns_hosts")
	assert (row["hostname"], row["addrs"]) == ("six.test", "[::1]:0")
	assert 0 < int(row["ttl"]) <= 15  # dns_max_ttl wins over the 60 of the answer
	(row,) = pooler.console("show dns_zones")
	assert row == {"zonename": "test", "serial": "0", "count": "1"}
	lists = list_of(pooler)
	assert (lists["dns_names"], lists["dns_zones"]) == (1, 1)


def test_an_address_that_does_not_answer_is_not_the_last(before, names, relay):
	there = relay("127.0.0.22")
	names.hosts["some.test"] = ["127.0.0.22", "127.0.0.23"]  # nobody is at the latter
	pooler = before("host=some.test")
	for _ in range(6):
		works(pooler)
		pooler.console("reconnect")
	assert there.count >= 6


def test_servers_follow_a_name(before, names, relay):
	"""By its time to live, with nobody connecting; transactions end where they began."""
	old, new = relay("127.0.0.24"), relay("127.0.0.25")
	names.hosts["db.test"], names.ttl = ["127.0.0.24"], 1
	pooler = before("host=db.test")
	busy, idle = enters(pooler), enters(pooler)
	busy.does("begin")
	assert idle.asks("select 1") == "1"
	assert old.open == 2
	names.hosts["db.test"] = ["127.0.0.25"]
	wait_for("the idle server to be closed", lambda: old.open == 1)
	assert idle.asks("select 2") == "2"
	assert busy.asks("select 3") == "3"
	assert (old.open, new.open) == (1, 1)
	(doomed,) = wait_for(
		"the busy one to be marked",  # by its own worker
		lambda: [r for r in pooler.console("show servers") if r["close_needed"] == "1"],
	)
	assert doomed["addr"] == "127.0.0.24"
	busy.does("commit")
	wait_for("the last one there to be closed", lambda: old.open == 0)
	assert busy.asks("select 4") == "4"
	assert new.open <= 2
	assert "address of its host has changed" in pooler.log.read_text()
	busy.leave()
	idle.leave()


def test_a_zones_serial_number_is_watched(before, names, relay):
	old, new = relay("127.0.0.26"), relay("127.0.0.27")
	names.hosts["db.zone.test"], names.ttl = ["127.0.0.26"], 3600
	names.serials["zone.test"] = 7
	pooler = before("host=db.zone.test", dns_zone_check_period=1, dns_max_ttl=3600)
	client = enters(pooler)
	assert client.asks("select 1") == "1"
	wait_for("the zone's serial number", lambda: [
		row["serial"] for row in pooler.console("show dns_zones")] == ["7"])
	asked = names.count("db.zone.test")
	wait_for("more looks at it", lambda: names.count("zone.test", SOA) >= 4)
	assert names.count("db.zone.test") == asked, "nothing had changed"
	names.hosts["db.zone.test"] = ["127.0.0.27"]
	names.serials["zone.test"] = 8
	wait_for("the server to be closed", lambda: old.open == 0)
	assert client.asks("select 2") == "2"
	assert new.open == 1
	client.leave()


@pytest.mark.parametrize("trouble", ["servfail", "nxdomain", "silent"])
def test_trouble_breaks_nothing_that_works(before, names, relay, trouble):
	there = relay("127.0.0.28")
	names.hosts["db.test"], names.ttl = ["127.0.0.28"], 1
	pooler = before("host=db.test", dns_nxdomain_ttl=1)
	works(pooler)
	asked = names.count("db.test")
	names.mood = trouble
	wait_for("a question in vain", lambda: names.count("db.test") > asked)
	for _ in range(3):
		pooler.console("reconnect")
		works(pooler)
	assert there.count >= 4
	if trouble != "silent":  # else it takes long to know
		pooler.wait_until_logged("DNS lookup failed: db.test")
		asked = names.count("db.test")
		wait_for("further attempts", lambda: names.count("db.test") > asked)
		works(pooler)
		lines = pooler.log.read_text().count("DNS lookup failed: db.test")
		assert 1 <= lines <= pooler.workers, "it is said once"
	names.mood = "answers"
	if trouble != "silent":
		wait_for("another word about it", lambda: tries_again(pooler))
	works(pooler)


def test_a_name_that_is_none(before, names):
	pooler = before("host=none.test", query_wait_timeout=2, dns_nxdomain_ttl=60)
	client = Client(pooler.address)
	with pytest.raises(Refused, match="client_login_timeout|query_wait_timeout"):
		client.login(database="app")
	log = pooler.log.read_text()
	assert "closing because: server DNS lookup failed" in log
	assert names.count("none.test") <= pooler.workers, "failures are remembered"
	rows = pooler.console("show dns_hosts")
	assert [(r["hostname"], r["addrs"]) for r in rows] == [("none.test", "")]
	client.close()


def test_settings_may_change_while_somebody_waits_for_an_answer(before, names, relay):
	there = relay("127.0.0.36")
	names.hosts["db.test"], names.mood = ["127.0.0.36"], "silent"
	pooler = before("host=db.test")
	client = Client(pooler.address)
	client.send(startup(user="app", database="app"))
	wait_for("the question", lambda: names.count("db.test") > 0)
	names.mood = "answers"
	pooler.console("set dns_max_ttl = 5")  # c-ares begins anew and asks again
	client.finish_login("app", "")
	assert client.asks("select 1") == "1"
	assert there.count == 1
	client.leave()


def test_a_resolv_conf_that_is_not_there(before):
	pooler = before("host=127.0.0.1", resolv_conf="/nowhere/resolv.conf")
	works(pooler)
	assert "resolv_conf: cannot read /nowhere/resolv.conf" in pooler.log.read_text()


def test_long_answers_come_by_tcp(before, names, relay):
	there = relay("127.0.0.29")
	names.hosts["long.test"], names.short = ["127.0.0.29"], True
	works(before("host=long.test"))
	assert there.count == 1
	assert ("long.test", 1, "tcp") in names.asked


def test_a_list_takes_its_turns_and_follows_its_names(before, names, relay):
	one, two, moved = relay("127.0.0.31"), relay("127.0.0.32"), relay("127.0.0.33")
	names.hosts.update({"one.test": ["127.0.0.31"], "two.test": ["127.0.0.32"]})
	names.ttl = 1
	pooler = before("host=one.test,two.test")
	first, second = enters(pooler), enters(pooler)
	first.does("begin")
	second.does("begin")
	assert (one.open, two.open) == (1, 1)
	(row,) = [r for r in pooler.console("show databases") if r["name"] == "app"]
	assert row["host"] == "one.test,two.test" and row["load_balance_hosts"] == "round-robin"
	first.does("commit")
	second.does("commit")
	names.hosts["two.test"] = ["127.0.0.33"]
	wait_for("the moved one's server to be closed", lambda: two.open == 0)
	assert one.open == 1
	first.does("begin")
	second.does("begin")
	assert (one.open + moved.open, two.open) == (2, 0)
	first.leave()
	second.leave()


def test_without_load_balancing_it_stays_where_it_works(before, names, relay):
	second = relay("127.0.0.35")
	names.hosts.update({"one.test": ["127.0.0.34"], "two.test": ["127.0.0.35"]})
	pooler = before("host=one.test,two.test load_balance_hosts=disable")
	works(pooler)
	assert second.count == 1
	first = relay("127.0.0.34")
	for _ in range(3):
		pooler.console("reconnect")
		works(pooler)
	assert first.count == 0, "nothing was wrong with the second"
	assert second.count >= 4


def test_a_certificate_is_for_the_name_in_the_list(before, certs, names):
	"""Both lead to the same server, whose certificate is for localhost."""
	names.hosts["other.test"] = ["127.0.0.1"]
	pooler = before(
		"host=other.test,localhost load_balance_hosts=disable",
		server_tls_sslmode="verify-full",
		server_tls_ca_file=certs / "ca.crt",
	)
	works(pooler)
	log = pooler.log.read_text()
	assert "hostname mismatch" in log
	(row,) = [r for r in pooler.console("show servers") if r["database"] == "app"]
	assert row["tls"].startswith("TLSv1.3/")


def test_all_that_a_host_may_be(before, folder, relay):
	sockets = folder / ("sockets-" + os.urandom(4).hex())
	sockets.mkdir(mode=0o755)
	give_to("nobody", sockets)
	abstract = "@pgweir-" + os.urandom(4).hex()
	for host in ("::1", str(sockets), abstract):
		at = relay(host)
		pooler = before("host=" + host)
		works(pooler)
		assert at.count == 1
		assert list_of(pooler)["dns_names"] == 0
	works(before("host=127.0.0.1"))
