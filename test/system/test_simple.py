"""The simple query protocol, function calls, and messages that nobody asked for."""

import threading

import pytest

from rawpg import Client, function_call, query, row_of, sync, terminate

INT4PL = 177  # oid of the function int4pl(int4, int4)


def test_rows_and_command_tags(same):
	@same
	def talk(c):
		c.send(query("select 7 as n, null as nothing, 'text' as words"))
		c.hears("T D:7 C Z:I")
		c.send(
			query(
				"begin; create temp table brief (n int) on commit drop; commit"
			)
		)
		c.hears("C:BEGIN C C:COMMIT Z:I")
		c.send(query("select generate_series(1, 3)"))
		c.hears("T D:1 D:2 D:3 C Z:I")


@pytest.mark.parametrize("nothing", ["", ";", " ;; ", "-- ping"])
def test_a_query_of_nothing(same, nothing):
	@same
	def talk(c):
		c.send(query(nothing))
		c.hears("I Z:I")
		c.send(query("begin"), query(nothing), query("commit"))
		c.hears("C Z:T I Z:T C Z:I")


def test_a_bare_sync(same):
	@same
	def talk(c):
		c.send(sync())
		c.hears("Z:I")
		c.send(query("begin"), sync(), sync(), query("rollback"))
		c.hears("C Z:T Z:T Z:T C Z:I")


def test_error_in_the_middle_of_several_statements(same):
	@same
	def talk(c):
		c.send(query("select 'before'; select 1/0; select 'never'"))
		c.hears("T D:before C E:22012 Z:I")
		c.send(query("begin; select 'before'; select nonsense; select 'never'"))
		c.hears("C T D:before C E:42703 Z:E")
		c.send(query("select 'refused'"))
		c.hears("E:25P02 Z:E")
		c.send(query("rollback; select 'after'"))
		c.hears("C T D:after C Z:I")


def test_several_statements_are_one_transaction(same):
	@same
	def talk(c):
		c.does("truncate kept")
		c.send(query("insert into kept values ('lost', 1); select 1/0"))
		c.hears("C E:22012 Z:I")
		assert c.asks("select count(*) from kept") == "0"
		c.send(query("insert into kept values ('stays', 1); commit; select 1/0"))
		c.hears("C N C:COMMIT E:22012 Z:I")
		assert c.asks("select count(*) from kept") == "1"


def test_transactions_and_savepoints(same):
	@same
	def talk(c):
		c.does("truncate kept")
		c.does("begin")
		c.does("insert into kept values ('first', 1)")
		c.does("savepoint here")
		c.send(query("insert into kept values (1/0)"))
		c.hears("E:22012 Z:E")
		c.does("rollback to here")
		c.does("insert into kept values ('second', 2)")
		assert c.does("select tag from kept order by n") == [
			["first"],
			["second"],
		]
		c.send(query("commit and chain"), query("commit"))
		c.hears("C:COMMIT Z:T C:COMMIT Z:I")


def test_queries_sent_in_one_write(same):
	@same
	def talk(c):
		numbers = range(100)
		c.send(*(query("select %d" % n) for n in numbers))
		for n in numbers:
			c.hears("T D:%d C Z:I" % n)


def test_megabytes_of_questions_and_answers_cross(same):
	@same
	def talk(c):
		questions = [
			query("select %d, repeat('x', 2000) -- %s" % (n, "y" * 2000))
			for n in range(1000)
		]
		sender = threading.Thread(target=c.send, args=questions)
		sender.start()
		for n in range(1000):
			assert row_of(c.hears("T D C Z:I")[1].body) == [
				str(n),
				"x" * 2000,
			]
		sender.join()


def test_a_row_of_many_megabytes(same):
	@same
	def talk(c):
		c.send(query("select repeat('0123456789abcdef', 1024 * 1024)"))
		row = c.hears("T D C Z:I")[1]
		assert len(row.body) == 16 * 1024 * 1024 + 6


def test_notices_in_their_place(same):
	@same
	def talk(c):
		c.send(query("select warns('first'); select warns('second')"))
		c.hears("T N:00000 D:first C T N:00000 D:second C Z:I")
		c.send(query("drop table if exists nowhere"))
		c.hears("N:00000 C Z:I")
		c.send(query("commit"))
		c.hears("N:25P01 C Z:I")


def test_a_notification_to_oneself(same):
	@same
	def talk(c):
		c.send(
			query("begin"),
			query("listen news"),
			query("notify news, 'hello'"),
			query("commit"),
			query("unlisten news"),
		)
		c.hears("C Z:T C Z:T C Z:T C A Z:I C Z:I")


def test_a_notification_to_others_goes_out_at_commit(postgres, enter):
	listener = Client(postgres.address).login(database="app")
	listener.does("listen news")
	speaker = enter("one")
	speaker.does("begin; notify news, 'never said'")
	speaker.does("rollback")
	speaker.does("begin; notify news, 'said'")
	speaker.does("commit")
	assert b"\0said\0" in listener.hears("A")[0].body
	listener.leave()


def test_errors_keep_all_their_fields(same):
	@same
	def talk(c):
		c.send(
			query(
				"do $$ begin raise exception 'message' using errcode = 'ABCDE', detail = 'detail', "
				"hint = 'hint', schema = 's', table = 't', column = 'c', datatype = 'd', "
				"constraint = 'n'; end $$"
			)
		)
		c.hears("E:ABCDE Z:I")
		c.send(query("select * from nowhere"))
		c.hears("E:42P01 Z:I")


def test_function_calls(same):
	@same
	def talk(c):
		c.send(function_call(INT4PL, ["2", "3"]))
		assert c.hears("V Z:I")[0].body == b"\0\0\0\x015"
		c.send(function_call(1, []))
		c.hears("E:42883 Z:I")
		c.send(query("begin"), function_call(INT4PL, ["4", "5"]), query("commit"))
		c.hears("C Z:T V Z:T C Z:I")
		c.send(
			function_call(INT4PL, ["a", "b"]),
			function_call(INT4PL, ["6", "7"]),
		)
		c.hears("E:22P02 Z:I V Z:I")


def test_who_leaves_in_a_transaction_leaves_nothing_behind(enter):
	watcher = enter("one")
	watcher.does("truncate kept")
	for goodbye in (terminate(), b""):
		guest = enter("one")
		guest.does(
			"begin; insert into kept values ('unfinished', 1); set local TimeZone = 'Asia/Tokyo'"
		)
		guest.send(goodbye)
		guest.close()
		assert watcher.does(
			"select count(*), current_setting('TimeZone') from kept"
		) == [["0", watcher.reported["TimeZone"]]]
