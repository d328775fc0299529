"""What clients may ask for when they come: names that are swallowed, names with an address, replication,
and in which order they are told what."""

import pytest

from rawpg import Client, Refused, startup
from scratch import wait_for
from servers import PEER
from surface import Poolers, row, rows

pytestmark = pytest.mark.any_version

REPLICATION = {"true": "physical", "on": "physical", "1": "physical", "database": "logical"}


@pytest.fixture
def poolers(front, postgres, folder, certs):
	if front.direct:
		pytest.skip("there is no pooler")
	made = Poolers(front, postgres, folder, certs)
	yield made
	made.end()


def test_parameters_that_are_swallowed(poolers):
	at = poolers(ignore_startup_parameters="extra_float_digits, no_such_setting")
	client = poolers.enter(at, extra_float_digits="0", no_such_setting="x")
	assert client.asks("show extra_float_digits") == "1"
	with pytest.raises(Refused) as why:
		Client(at.address).login(database="one", No_Such_Setting="x")
	assert "No_Such_Setting" in why.value.fields["M"] and why.value.fields["S"] == "FATAL"


def test_settings_in_options_that_are_swallowed(poolers):
	at = poolers(ignore_startup_parameters="geqo")
	client = poolers.enter(at, options="-c geqo=off -cDateStyle=German --TimeZone=UTC")
	assert client.asks("show geqo") == "on"
	assert (client.asks("show datestyle"), client.asks("show timezone")) == ("German, DMY", "UTC")


def test_everything_in_options_may_be_swallowed(poolers):
	at = poolers(ignore_startup_parameters="options")
	client = poolers.enter(at, options="-c no_such_setting=1 -c DateStyle=German")
	assert client.asks("show datestyle") == "German, DMY" if PEER else "ISO, MDY"


@pytest.mark.parametrize("name, expected", [("batch", "batch"), (None, "app")])
def test_an_application_is_told_apart_by_its_address(poolers, name, expected):
	at = poolers(application_name_add_host=1)
	client = poolers.enter(at, application_name=name)
	host, port = client.ours[:2]
	named = "%s - %s:%d" % (expected, host, port)
	assert client.asks("show application_name") == named
	assert client.reported["application_name"] == named
	console = poolers.enter(at, "pgbouncer", user="admin")
	assert row(console, "CLIENTS", "one")["application_name"] == named
	client.does("set application_name = 'its own'")
	assert client.asks("show application_name") == "its own"


@pytest.mark.parametrize("word", REPLICATION)
def test_replication_is_shown(poolers, word):
	"""While it waits for a server: there is none that would let it in."""
	at = poolers(databases={"nowhere": "port=1 user=app"})
	console = poolers.enter(at, "pgbouncer", user="admin")
	client = Client(at.address)
	poolers.guests.append(client)
	client.send(startup(user="app", database="nowhere", replication=word))
	found = wait_for("the client", lambda: row(console, "CLIENTS", "nowhere"))
	assert found["replication"] == REPLICATION[word]


def test_words_that_are_no_replication(poolers):
	at = poolers()
	console = poolers.enter(at, "pgbouncer", user="admin")
	for word in ("off", "false", "0"):
		assert poolers.enter(at, "two", replication=word).asks("select 1") == "1"
	found = {r["replication"] for r in rows(console, "CLIENTS") if r["database"] == "two"}
	assert found == {"none"}


def test_the_database_is_the_users_name_by_default(poolers):
	at = poolers(databases={"app": ""})
	client = poolers.enter(at, database=None)
	assert client.asks("select current_database()") == "app"
	console = poolers.enter(at, "pgbouncer", user="admin")
	assert row(console, "CLIENTS", "app")["user"] == "app"


def test_settings_of_a_client_are_told_as_the_server_spells_them(poolers):
	at = poolers()
	client = poolers.enter(at, client_encoding="latin1", datestyle="german", timezone="utc")
	told = client.reported
	assert told["DateStyle"].lower().startswith("german")
	assert told["client_encoding"].lower() == "latin1" and told["TimeZone"].lower() == "utc"
	kinds = "".join(m.kind for m in client.login_heard)
	assert kinds.rstrip("Z").endswith("K") and kinds.strip("R").startswith("S")


def test_settings_of_an_entry(poolers):
	at = poolers(
		databases={
			"styled": "client_encoding=latin1 datestyle=german timezone=utc application_name=pooled"
		}
	)
	client = poolers.enter(at, "styled")
	assert client.asks("show datestyle").startswith("German")
	assert client.asks("show client_encoding") == "LATIN1"
	assert client.asks("show timezone").lower() == "utc"
	assert client.reported["client_encoding"].lower() == "latin1"
