"""What the console and the log explain: who waits and for whom, what runs, why connections
ended, and the log's lines for machines."""

import json
import re
import shlex

import pytest

from rawpg import Client, Refused, bind, execute, parse, query, startup, sync
from scratch import wait_for
from test_process import enters, own, pytestmark  # noqa: F401 (fixture and marks)


def named(pooler, name, pool="one", **parameters):
	return Client(pooler.address).login(database=pool, application_name=name, **parameters)


def waiting(pooler, count):
	"""SHOW WAITING once COUNT clients are in it."""
	return wait_for(
		"%d waiting clients" % count,
		lambda: [rows for rows in [pooler.console("show waiting")] if len(rows) == count],
	)[0]


def active(pooler, name):
	"""The row of SHOW ACTIVE of the client that calls itself NAME."""
	rows = [r for r in pooler.console("show active") if r["application_name"] == name]
	assert len(rows) <= 1, rows
	return rows[0] if rows else None


def closes(pooler, reason):
	(row,) = [r for r in pooler.console("show closes") if r["reason"] == reason]
	return int(row["clients"]), int(row["servers"])


# --- who waits ---------------------------------------------------------------------------


def test_who_waits_sees_who_holds(own):
	pooler = own().start()
	assert pooler.console("show waiting") == []
	holder = named(pooler, "holder")
	holder.does("begin")
	pid = holder.asks("select pg_backend_pid()")
	first, second = named(pooler, "first"), named(pooler, "second")
	first.send(query("select 1"))
	waiting(pooler, 1)
	second.send(query("select 2"))
	rows = waiting(pooler, 2)
	assert [(r["application_name"], r["place"]) for r in rows] == [("first", "1"), ("second", "2")]
	assert int(rows[0]["wait_us"]) >= int(rows[1]["wait_us"]) > 0
	for row in rows:
		assert (row["database"], row["user"], row["pool"]) == ("one", "app", "one/app")
		assert (row["waits_for"], row["account"]) == ("pool", "one/app")
		assert (row["used"], row["limit"], row["waiting"]) == ("1", "1", "2")
		assert (row["most_pool"], row["most_used"]) == ("one/app", "1")
		assert row["holder_application_name"] == "holder"
		assert row["holder_state"] == "idle in transaction"
		assert row["holder_pid"] == pid
		assert int(row["holder_us"]) > 0
		assert "pool_size" in row["setting"]
	(client,) = [r for r in pooler.console("show clients") if r["application_name"] == "holder"]
	assert rows[0]["holder"] == client["ptr"]
	holder.does("commit")
	assert second.until_ready()[-1].kind == "Z"
	assert pooler.console("show waiting") == []


def test_the_holder_may_be_in_another_pool(own):
	pooler = own(max_db_connections=1).start()
	holder = named(pooler, "holder", "two")
	holder.does("begin")
	other = Client(pooler.address)  # it waits while it logs in
	other.send(startup(user="app_plain", database="two"))
	(row,) = waiting(pooler, 1)
	assert (row["pool"], row["user"]) == ("two/app_plain", "app_plain")
	assert (row["waits_for"], row["account"]) == ("database", "two")
	assert row["most_pool"] == "two/app"
	assert (row["holder_application_name"], row["holder_state"]) == ("holder", "idle in transaction")
	assert "max_db_connections" in row["setting"]
	holder.does("commit")
	waiting(pooler, 0)


def test_who_waits_for_an_operator_or_a_login_sees_that(own):
	pooler = own()
	pooler.databases["gone"] = "host=127.0.0.1 port=1"
	pooler.write_files()
	pooler.start()
	pooler.console("pause one")
	named_one = Client(pooler.address)
	named_one.send(startup(user="app", database="one"))
	(row,) = waiting(pooler, 1)
	assert (row["waits_for"], row["account"], row["holder"]) == ("pause", "", "")
	pooler.console("resume one")
	named_one.close()
	waiting(pooler, 0)
	gone = Client(pooler.address)
	gone.send(startup(user="app", database="gone"))
	row = wait_for(
		"a failed login",
		lambda: [r for r in pooler.console("show waiting") if r["waits_for"] == "login"],
	)[0]
	assert "refused" in row["account"]
	gone.close()


# --- what runs ---------------------------------------------------------------------------


def test_what_runs_is_shown_without_its_values(own):
	pooler = own(log_statements="fingerprint", max_prepared_statements=10).start()
	client = named(pooler, "one")
	client.does("begin")
	seen = []
	for value in ("'pass word'", "E'it\\'s'", "$x$4711 x$x$"):
		client.does("SELECT  %s,1 /* secret */ FROM generate_series(1,%d)" % (value, 3 + len(seen)))
		seen.append(active(pooler, "one"))
	assert {r["statement"] for r in seen} == {"select ?, ... from generate_series(?, ...)"}
	assert len({r["fingerprint"] for r in seen}) == 1
	assert re.fullmatch("[0-9a-f]{16}", seen[0]["fingerprint"])
	row = seen[0]
	assert (row["state"], row["database"], row["user"]) == ("idle in transaction", "one", "app")
	assert row["server_pid"] == client.asks("select pg_backend_pid()")
	assert row["query_us"] == "0" and int(row["transaction_us"]) > 0 and int(row["held_us"]) > 0
	# the extended protocol: as it is prepared, and each time it is run
	client.send(parse("p", "select 'value', 2 as named"), sync())
	client.until_ready()
	assert active(pooler, "one")["statement"] == "select ?, ... as named"
	client.does("select 1")
	client.send(bind("p"), execute(), sync())
	client.until_ready()
	assert active(pooler, "one")["statement"] == "select ?, ... as named"
	client.send(parse("", "select 3 as nameless"), bind(), execute(), sync())
	client.until_ready()
	assert active(pooler, "one")["statement"] == "select ? as nameless"
	# a failed transaction, and one that is over
	client.send(query("select 1/0"))
	client.until_ready()
	assert active(pooler, "one")["state"] == "idle in transaction (aborted)"
	client.does("rollback")
	assert active(pooler, "one") is None
	# nothing of the last client's is said of the next
	other = named(pooler, "other")
	other.send(query("select pg_sleep(60) as nap"))
	row = wait_for("a running query", lambda: active(pooler, "other"))
	assert (row["state"], row["statement"]) == ("active", "select pg_sleep(?) as nap")
	assert int(row["query_us"]) > 0
	other.close()
	text = pooler.log.read_text()
	assert "pass word" not in text and "4711 x" not in text


def test_log_statements_is_obeyed_at_once(own):
	pooler = own().start()
	client = named(pooler, "one")
	client.does("begin; select 'secret'")
	row = active(pooler, "one")
	assert (row["fingerprint"], row["statement"]) == ("", "")
	pooler.console("set log_statements = 'text'")
	client.does("select 'plain'\n, 1")
	shown = active(pooler, "one")["statement"]
	assert shown.startswith("select 'plain'") and shown.endswith(", 1")
	pooler.console("set log_statements = 'fingerprint'")
	assert active(pooler, "one")["statement"] == ""
	client.does("select 'plain'")
	assert active(pooler, "one")["statement"] == "select ?"
	# too long to have a fingerprint, or not all here when it was looked at
	client.does("select '%s' as long" % ("x" * 20000))
	row = active(pooler, "one")
	assert (row["fingerprint"], row["statement"][:9]) == ("", "select ?")
	pooler.console("set log_statements = 'off'")
	client.does("select 'plain'")
	assert active(pooler, "one")["statement"] == ""


# --- why connections end -----------------------------------------------------------------


def test_closes_are_counted_by_reason(own):
	pooler = own(query_timeout=0.2).start()
	before = closes(pooler, "client_close_request")
	enters(pooler).leave()
	wait_for("the close to be counted", lambda: closes(pooler, "client_close_request")[0] > before[0])
	slow = enters(pooler)
	slow.send(query("select pg_sleep(60)"))
	slow.rest()
	assert closes(pooler, "query_timeout") == (1, 1)
	with pytest.raises(Refused):
		Client(pooler.address).login(database="no_such")
	assert closes(pooler, "no_such_database") == (1, 0)
	pooler.wait_until_logged("closing because: query timeout (age=0s) reason=query_timeout")
	pooler.wait_until_logged("closing because: no such database: no_such (age=0s) reason=no_such_database")


# --- lines for machines ------------------------------------------------------------------


def objects(pooler):
	"""The lines of the log that are JSON; each must be a flat object."""
	out = []
	for line in pooler.log.read_text().splitlines():
		if line.startswith("{"):
			out.append(json.loads(line))
			assert all(isinstance(v, (str, int)) for v in out[-1].values())
	return out


def test_json_lines_say_what_belongs_together(own):
	pooler = own(log_format="json", log_statements="fingerprint", query_timeout=0.2)
	pooler.start()
	client = enters(pooler)
	pid = int(client.asks("select pg_backend_pid()"))
	client.send(query("select pg_sleep(60), 'secret'"))
	client.rest()
	stranger = Client(pooler.address)
	stranger.send(startup(user='e"v\\e\n\x1b\u20ac', database='}",\t"level":"x'))
	stranger.rest()

	def ended():
		return [o for o in objects(pooler) if o.get("reason") == "query_timeout"]

	wait_for("both ends", lambda: len(ended()) == 2)
	to_server = "127.0.0.1:%d" % pooler.server.port
	(client_end,) = [o for o in ended() if o["addr"] != to_server]
	(server_end,) = [o for o in ended() if o["addr"] == to_server]
	for o in (client_end, server_end):
		assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z", o["time"])
		assert (o["level"], o["pid"]) == ("info", pooler.process.pid)
		assert (o["database"], o["user"]) == ("one", "app")
		assert o["msg"] == "closing because: query timeout (age=0s)"
	assert server_end["server_pid"] == pid
	assert server_end["client"] == client_end["client"]
	assert server_end["statement"] == "select pg_sleep(?), ?"
	hostile = wait_for(
		"the stranger's line",
		lambda: [o for o in objects(pooler) if o.get("database") == '}",\t"level":"x'],
	)[0]
	assert hostile["user"] == 'e"v\\e\n\x1b\u20ac'
	assert hostile["level"] in ("info", "warning")
	assert "secret" not in pooler.log.read_text()


def test_reload_changes_the_format(own):
	pooler = own().start()
	pooler.settings["log_format"] = "keyvalue"
	pooler.write_files()
	pooler.reload()
	pooler.wait_until_logged('msg="configuration reloaded"')
	enters(pooler).leave()
	pooler.wait_until_logged("reason=client_close_request msg=")
	(line,) = [l for l in pooler.log.read_text().splitlines() if "reason=client_close_request" in l]
	pairs = dict(word.split("=", 1) for word in shlex.split(line))
	assert pairs["msg"] == "closing because: client close request (age=0s)"
	assert (pairs["level"], pairs["database"], pairs["user"]) == ("info", "one", "app")
	pooler.console("set log_format = 'json'")
	enters(pooler).leave()
	wait_for("a line of JSON", lambda: [o for o in objects(pooler) if o.get("reason")])
