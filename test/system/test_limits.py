"""Clients too many: what they are told, who is let in all the same, and that every way out counts as
one."""

import threading
import time

import pytest

from rawpg import Client, Closed, Refused, Wire, cancel, password, query, startup, terminate
from scratch import wait_for
from servers import SECRET

pytestmark = pytest.mark.any_version

DATABASE = "client connections exceeded (max_db_client_connections)"
USER = "client connections exceeded (max_user_client_connections)"
ADDRESS = "client connections exceeded (max_client_connections_per_address)"


@pytest.fixture(autouse=True)
def console_password(monkeypatch):
	monkeypatch.setenv("PGPASSWORD", SECRET)


def enters(pooler, database="three", **login):
	return Client(pooler.address).login(database=database, **login)


def refused(pooler, text, **login):
	with pytest.raises(Refused) as why:
		enters(pooler, **login)
	assert why.value.fields["M"] == text and why.value.fields["C"] == "08P01"
	assert why.value.fields["S"] == "FATAL"


def counted(pooler, topic, name):
	for row in pooler.console("show " + topic):
		if row["name"] == name:
			return int(row["current_client_connections"])
	return 0


def test_clients_of_a_database(pooler):
	at = pooler(max_db_client_connections=3)
	clients = [enters(at) for _ in range(3)]
	refused(at, DATABASE)
	assert counted(at, "databases", "three") == 3
	enters(at, "two").leave()
	clients.pop().leave()
	wait_for("two", lambda: counted(at, "databases", "three") == 2)
	clients.append(enters(at))
	refused(at, DATABASE)
	for client in clients:
		client.leave()
	wait_for("none", lambda: counted(at, "databases", "three") == 0)


def test_clients_of_a_user(pooler):
	at = pooler(max_user_client_connections=2)
	clients = [enters(at, "one"), enters(at, "two")]
	refused(at, USER)
	assert counted(at, "users", "app") == 2
	enters(at, user="app_plain").leave()
	for client in clients:
		client.leave()
	wait_for("none", lambda: counted(at, "users", "app") == 0)


def leave_in_login(at):
	wire = Wire(at.address)
	wire.send(startup(user="app_scram", database="three"))
	wire.receive()
	wire.close()


def wrong_password(at):
	with pytest.raises(Refused):
		enters(at, user="app_scram", secret="wrong")


def break_off(at):
	client = enters(at, user="app_scram")
	client.send(query("select pg_sleep(60)"))
	client.close()


def be_killed(at):
	client = enters(at, user="app_scram")
	(row,) = [r for r in at.console("show clients") if r["user"] == "app_scram"]
	at.console("kill_client " + row["id"])
	assert client.rest()[-1].kind == "E"
	client.close()


def garbage(at):
	client = enters(at, user="app_scram")
	client.send(b"?" * 50)
	client.rest()
	client.close()


@pytest.mark.parametrize(
	"way", [leave_in_login, wrong_password, break_off, be_killed, garbage], ids=lambda f: f.__name__
)
def test_every_way_out_counts(pooler, way):
	at = pooler(
		auth_type="scram-sha-256",
		max_user_client_connections=2,
		max_db_client_connections=2,
	)
	for _ in range(5):
		way(at)
		wait_for("nobody", lambda: counted(at, "users", "app_scram") == 0)
		assert counted(at, "databases", "three") == 0
	clients = [enters(at, user="app_scram") for _ in range(2)]
	refused(at, DATABASE, user="app_scram")
	for client in clients:
		client.leave()


def test_refused_before_it_has_proven_itself(pooler):
	at = pooler(auth_type="scram-sha-256", max_user_client_connections=1)
	client = enters(at, user="app_scram")
	wire = Wire(at.address)
	wire.send(startup(user="app_scram", database="three"))
	(said,) = wire.rest()
	assert said.kind == "E" and USER.encode() in said.body
	client.leave()


def test_names_nobody_knows_leave_nothing(pooler):
	at = pooler(auth_type="scram-sha-256")
	for i in range(50):
		with pytest.raises(Refused):
			enters(at, "base%d" % i, user="somebody%d" % i)
	names = [row["name"] for row in at.console("show users")]
	assert not [name for name in names if name.startswith("somebody")]
	names = [row["name"] for row in at.console("show databases")]
	assert not [name for name in names if name.startswith("base")]


def test_administrators_get_in_and_nobody_else(pooler):
	at = pooler(
		max_db_client_connections=1,
		max_user_client_connections=1,
		stats_users="app_plain",
	)
	admins = [enters(at, "pgbouncer", user="admin") for _ in range(4)]
	refused(at, DATABASE, database="pgbouncer", user="app_plain")
	assert counted(at, "databases", "pgbouncer") == 5  # the one that asks, too
	for admin in admins:
		admin.leave()
	wait_for("it alone", lambda: counted(at, "databases", "pgbouncer") == 1)
	stats = enters(at, "pgbouncer", user="app_plain")
	refused(at, DATABASE, database="pgbouncer", user="app_plain")
	stats.leave()


def test_an_administrator_of_no_console_is_as_others(pooler, postgres):
	at = pooler(max_user_client_connections=1, admin_users="admin,app")
	client = enters(at)
	refused(at, USER)
	client.leave()


def test_an_address(pooler):
	at = pooler(max_client_connections_per_address=3)
	clients = [enters(at) for _ in range(3)]
	refused(at, ADDRESS)
	assert len(at.console("show lists")) > 0
	clients[0].send(query("select pg_sleep(60) /* crowded */"))
	wait_for(
		"the query",
		lambda: at.server.sql(
			"select 1 from pg_stat_activity where query like 'select pg_sleep(60) /* crowd%'"
		),
	)
	cancel(at.address, clients[0].pid, clients[0].key)
	heard = [m.kind for m in clients[0].until_ready() if m.kind != "T"]
	assert heard == ["E", "Z"]
	silent = [Wire(at.address) for _ in range(8)]
	wait_for("some to be sent away", lambda: gone(silent) >= 5)
	assert gone(silent) == 5
	for one in silent + clients:
		one.close()


def gone(wires):
	count = 0
	for wire in wires:
		wire.socket.settimeout(0.01)
		try:
			count += wire.socket.recv(1) == b""
		except TimeoutError:
			pass
		except ConnectionResetError:
			count += 1
	return count


def test_many_come_at_once(pooler):
	"""However they race, there are never more in than there may be."""
	at = pooler(max_user_client_connections=10, max_client_conn=300)
	barrier = threading.Barrier(40)
	ins, outs = [], []

	def come():
		barrier.wait()
		try:
			ins.append(enters(at))
		except Refused as why:
			outs.append(why.fields["M"])

	threads = [threading.Thread(target=come) for _ in range(40)]
	for thread in threads:
		thread.start()
	for thread in threads:
		thread.join(30)
	assert len(ins) + len(outs) == 40 and set(outs) == {USER}
	assert len(ins) <= 10
	for client in ins:
		client.leave()
	wait_for("none", lambda: counted(at, "users", "app") == 0)
	assert len([enters(at) for _ in range(10)]) == 10


def test_idle_pools_end_while_others_come(pooler, postgres):
	"""Pools of many names come and go as fast as can be, on all workers."""
	at = pooler(
		pool_idle_timeout=0.1,
		server_idle_timeout=0.1,
		server_lifetime=1,
		log_connections=0,
		log_disconnections=0,
	)
	until = time.monotonic() + 6
	errors, served = [], []

	def come_and_go(seed):
		rounds = 0
		while time.monotonic() < until:
			rounds += 1
			try:
				client = enters(at, ("one", "two", "three")[(seed + rounds) % 3])
				if rounds % 4:
					assert client.asks("select %d" % rounds) == str(rounds)
				if rounds % 3:
					client.send(terminate())
				client.close()
			except (Refused, Closed, AssertionError, OSError) as why:
				errors.append(why)
			time.sleep((seed * 37 + rounds * 13) % 40 / 100)
		served.append(rounds)

	threads = [threading.Thread(target=come_and_go, args=(n,)) for n in range(8)]
	for thread in threads:
		thread.start()
	for thread in threads:
		thread.join(60)
	assert not errors and len(served) == 8
	wait_for(
		"all pools to be gone",
		lambda: [r["database"] for r in at.console("show pools")] == ["pgbouncer"],
	)
	assert at.log.read_text().count("cleaning up idle pool") >= 3
	assert enters(at).asks("select 'as before'") == "as before"


def test_a_database_of_the_template_is_forgotten(pooler):
	at = pooler(autodb_idle_timeout=0.5, server_idle_timeout=0.2)
	at.databases["*"] = at.databases["three"].replace("dbname=app ", "")
	at.write_files()
	at.reload()
	wait_for("the template", lambda: "auto" in names_after_use(at))
	at.wait_until_logged("registered new auto-database: app")
	wait_for("its end", lambda: "app" not in names(at))
	assert enters(at, "app").asks("select 1") == "1"


def names(at):
	return [row["name"] for row in at.console("show databases")] + [
		row["database"] for row in at.console("show pools")
	]


def names_after_use(at):
	try:
		enters(at, "app").leave()
	except Refused:
		return ""
	return "auto"


def test_password_is_not_asked_of_who_is_too_many(pooler):
	"""Nor may it be sent unasked."""
	at = pooler(auth_type="plain", max_db_client_connections=1)
	client = enters(at, user="app_plain")
	wire = Wire(at.address)
	wire.send(startup(user="app_plain", database="three") + password("secret"))
	(said,) = wire.rest()
	assert said.kind == "E" and DATABASE.encode() in said.body
	client.leave()
