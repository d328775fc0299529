"""The extended query protocol: pipelines, Syncs, Flush, errors, portals."""

import threading

import pytest

from rawpg import (
	bind,
	close,
	describe,
	execute,
	flush,
	function_call,
	parse,
	query,
	row_of,
	sync,
)

SLOW_TO_FAIL = "select 1 / (random() * 0)::int"  # fails when run, not when planned


def asking(sql, values=()):
	"""The messages that drivers send for one unprepared query, without the Sync."""
	return parse("", sql) + bind("", values) + describe("P") + execute()


def test_one_question(same):
	@same
	def talk(c):
		c.send(asking("select $1::int + 1", ["41"]), sync())
		c.hears("1 2 T D:42 C Z:I")
		c.send(asking("truncate kept"), sync())
		c.hears("1 2 n C Z:I")
		c.send(asking(""), sync())
		c.hears("1 2 n I Z:I")


@pytest.mark.parametrize("depth", [2, 10, 300])
def test_pipelines_with_a_sync_each(same, depth):
	@same
	def talk(c):
		c.send(*(asking("select %d" % n) + sync() for n in range(depth)))
		for n in range(depth):
			c.hears("1 2 T D:%d C Z:I" % n)


@pytest.mark.parametrize("depth", [2, 10, 300])
def test_pipelines_with_one_sync(same, depth):
	@same
	def talk(c):
		c.send(*(asking("select %d" % n) for n in range(depth)), sync())
		for n in range(depth):
			c.hears("1 2 T D:%d C" % n)
		c.hears("Z:I")


def test_a_long_pipeline_that_nobody_reads_at_first(same):
	@same
	def talk(c):
		asked = [
			asking("select %d, repeat('x', 3000)" % n) + sync()
			for n in range(1000)
		]
		sender = threading.Thread(target=c.send, args=asked)
		sender.start()
		for n in range(1000):
			assert row_of(c.hears("1 2 T D C Z:I")[3].body) == [
				str(n),
				"x" * 3000,
			]
		sender.join()


def test_syncs_without_anything(same):
	@same
	def talk(c):
		c.send(*[sync()] * 50)
		c.hears("Z:I " * 50)
		c.send(
			asking("select 1"),
			sync(),
			sync(),
			sync(),
			asking("select 2"),
			sync(),
		)
		c.hears("1 2 T D:1 C Z:I Z:I Z:I 1 2 T D:2 C Z:I")


def test_flush_and_more_later(same):
	@same
	def talk(c):
		c.send(parse("", "select $1::text"), describe("S"), flush())
		c.hears("1 t T")
		c.send(bind("", ["asyncpg"]), execute(), sync())
		c.hears("2 D:asyncpg C Z:I")
		c.send(
			parse("", "select generate_series(1, 3)"),
			bind(),
			execute(rows=2),
			flush(),
		)
		c.hears("1 2 D:1 D:2 s")
		c.send(execute(), flush())
		c.hears("D:3 C")
		c.send(sync())
		c.hears("Z:I")


def test_flush_between_and_after_syncs(same):
	@same
	def talk(c):
		c.send(flush(), flush(), sync(), flush())
		c.hears("Z:I")
		c.send(
			asking("select 1"),
			flush(),
			asking("select 2"),
			sync(),
			asking("select 3"),
			flush(),
		)
		c.hears("1 2 T D:1 C 1 2 T D:2 C Z:I 1 2 T D:3 C")
		c.send(sync())
		c.hears("Z:I")


def test_an_error_and_a_flush(same):
	@same
	def talk(c):
		c.send(parse("", "selec"), flush())
		c.hears("E:42601")
		c.send(asking("select 'skipped'"), flush(), asking("select 'skipped'"))
		c.send(sync(), asking("select 'heard'"), sync())
		c.hears("Z:I 1 2 T D:heard C Z:I")


def test_errors_last_until_sync(same):
	@same
	def talk(c):
		c.send(
			asking("select 1"),
			asking("selec"),
			asking("select 'skipped'"),
			sync(),
		)
		c.hears("1 2 T D:1 C E:42601 Z:I")
		c.send(
			asking(SLOW_TO_FAIL),
			asking("select 'skipped'"),
			close("S", ""),
			sync(),
			asking("select 2"),
			sync(),
		)
		c.hears("1 2 T E:22012 Z:I 1 2 T D:2 C Z:I")


def test_every_second_batch_fails(same):
	@same
	def talk(c):
		for wrong in ("selec", "select 1/0", SLOW_TO_FAIL):
			c.send(
				*(
					(
						asking(wrong)
						if n % 2
						else asking("select %d" % n)
					)
					+ sync()
					for n in range(40)
				)
			)
			heard = c.until_ready(40)
			assert [row_of(m.body)[0] for m in heard if m.kind == "D"] == [
				str(n) for n in range(0, 40, 2)
			]
			assert sum(m.kind == "E" for m in heard) == 20


def test_a_batch_is_one_transaction(same):
	@same
	def talk(c):
		c.does("truncate kept")
		c.send(
			asking("insert into kept values ('lost', 1)"),
			asking(SLOW_TO_FAIL),
			sync(),
		)
		c.hears("1 2 n C 1 2 T E:22012 Z:I")
		assert c.asks("select count(*) from kept") == "0"


def test_status_comes_from_the_server_only(same):
	@same
	def talk(c):
		c.send(asking("begin"), sync())
		c.hears("1 2 n C:BEGIN Z:T")
		c.send(
			asking("select 1"),
			sync(),
			asking("select 1/0"),
			sync(),
			asking("select 2"),
			sync(),
		)
		c.hears("1 2 T D:1 C Z:T 1 E:22012 Z:E E:25P02 Z:E")
		c.send(asking("commit"), sync())
		c.hears("1 2 n C:ROLLBACK Z:I")


# Whether a batch that has run something is an open transaction for a Query or a
# FunctionCall inside it
# differs: newer servers answer those with status T and commit at the Sync. So `Z` says
# nothing here.


def test_a_simple_query_inside_an_open_sequence(same):
	@same
	def talk(c):
		c.send(asking("select 1"), query("select 2"), asking("select 3"), sync())
		c.hears("1 2 T D:1 C T D:2 C Z 1 2 T D:3 C Z:I")
		c.send(
			parse("s1", "select 3"),
			query("select 4"),
			bind("s1"),
			execute(),
			sync(),
			close("S", "s1"),
			sync(),
		)
		c.hears("1 T D:4 C Z 2 D:3 C Z:I 3 Z:I")


def test_a_simple_query_right_before_sync_does_not_hurt_others(enter):
	"""PostgreSQL 18.4 answers whatever follows such a batch with XX000: that must not
	hit a stranger."""
	culprit, stranger = enter("one"), enter("one")
	culprit.send(asking("select 1"), query("select 2"), sync())
	culprit.hears("1 2 T D:1 C T D:2 C Z Z:I")
	assert stranger.asks("select 3") == "3"


def test_a_simple_query_inside_a_sequence_of_a_transaction(same):
	@same
	def talk(c):
		c.send(
			query("begin"),
			asking("select 1"),
			query("savepoint here"),
			asking("select 2"),
			sync(),
			query("rollback to here"),
			query("commit"),
		)
		c.hears("C Z:T 1 2 T D:1 C C Z:T 1 2 T D:2 C Z:T C Z:T C Z:I")


def test_a_simple_query_behind_an_error_is_skipped(same):
	@same
	def talk(c):
		c.send(
			asking("selec"),
			query("select 'skipped'"),
			asking("select 'skipped'"),
			sync(),
			query("select 2"),
		)
		c.hears("E:42601 Z:I T D:2 C Z:I")
		c.send(asking("selec"), flush())
		c.hears("E:42601")
		c.send(query("select 'skipped'"), function_call(177, ["1", "1"]), sync())
		c.hears("Z:I")


def test_a_simple_query_that_fails_inside_a_sequence(same):
	@same
	def talk(c):
		c.send(
			asking("select 1"),
			query("select 1/0"),
			asking("select 2"),
			sync(),
		)
		c.hears("1 2 T D:1 C E:22012 Z:I 1 2 T D:2 C Z:I")


def test_begin_in_front_of_a_sequence(same):
	@same
	def talk(c):
		c.send(query("begin"), asking("select 1"), sync())
		c.hears("C Z:T 1 2 T D:1 C Z:T")
		c.send(asking("commit"), sync())
		c.hears("1 2 n C:COMMIT Z:I")


def test_a_function_call_inside_a_sequence(same):
	@same
	def talk(c):
		c.send(
			asking("select 1"),
			function_call(177, ["2", "3"]),
			asking("select 4"),
			sync(),
		)
		c.hears("1 2 T D:1 C V Z 1 2 T D:4 C Z:I")


def test_portals_with_row_limits(same):
	@same
	def talk(c):
		c.send(
			query("begin"),
			parse("", "select generate_series(1, 5)"),
			bind(portal="p"),
			execute("p", 2),
			sync(),
		)
		c.hears("C Z:T 1 2 D:1 D:2 s Z:T")
		c.send(describe("P", "p"), execute("p", 2), sync())
		c.hears("T D:3 D:4 s Z:T")
		c.send(execute("p", 2), execute("p", 2), close("P", "p"), sync())
		c.hears("D:5 C C 3 Z:T")
		c.send(execute("p"), sync())
		c.hears("E:34000 Z:E")
		c.does("rollback")


def test_two_portals_in_turn(same):
	@same
	def talk(c):
		c.send(
			query("begin"),
			parse("s1", "select $1::text || generate_series(1, 3)"),
			bind("s1", ["x"], portal="x"),
			bind("s1", ["y"], portal="y"),
			sync(),
		)
		c.hears("C Z:T 1 2 2 Z:T")
		for round_ in "1", "2":
			for portal in "x", "y":
				c.send(execute(portal, 1), sync())
				c.hears("D:%s%s s Z:T" % (portal, round_))
		c.send(
			close("P", "x"),
			execute("y"),
			close("S", "s1"),
			sync(),
			query("commit"),
		)
		c.hears("3 D:y3 C 3 Z:T C Z:I")


def test_portals_end_with_their_transaction(same):
	@same
	def talk(c):
		c.send(
			parse("", "select generate_series(1, 5)"),
			bind(portal="p"),
			execute("p", 2),
			execute("p", 2),
			sync(),
		)
		c.hears("1 2 D:1 D:2 s D:3 D:4 s Z:I")
		c.send(
			execute("p"),
			sync(),
			describe("P", "p"),
			sync(),
			close("P", "p"),
			sync(),
		)
		c.hears("E:34000 Z:I E:34000 Z:I 3 Z:I")


def test_a_row_limit_then_flush_then_sync(same):
	@same
	def talk(c):
		c.send(
			parse("", "select generate_series(1, 3)"),
			bind(portal="C_1"),
			describe("P", "C_1"),
			execute("C_1", 2),
			flush(),
		)
		c.hears("1 2 T D:1 D:2 s")
		c.send(execute("C_1", 2), flush())
		c.hears("D:3 C")
		c.send(close("P", "C_1"), sync())
		c.hears("3 Z:I")


def test_binary_values_and_results(same):
	@same
	def talk(c):
		c.send(
			parse("", "select $1::int8, $2::bytea, $3::text", [20, 17, 25]),
			bind(
				"",
				[b"\0" * 7 + b"\x2a", b"\0Q\0\0\0\4", None],
				formats=[1],
				results=[1],
			),
			describe("P"),
			execute(),
			sync(),
		)
		c.hears("1 2 T D C Z:I")


def test_a_bind_that_does_not_fit(same):
	@same
	def talk(c):
		c.send(
			parse("s1", "select $1::int, $2::int"),
			bind("s1", ["1"]),
			execute(),
			sync(),
		)
		c.hears("1 E:08P01 Z:I")
		c.send(bind("s1", ["1", "two"]), execute(), sync())
		c.hears("E:22P02 Z:I")
		c.send(bind("s1", ["1", "2"]), execute(), close("S", "s1"), sync())
		c.hears("2 D:1 C 3 Z:I")


def test_a_big_bind(same):
	@same
	def talk(c):
		big = "0123456789abcdef" * 65536
		c.send(
			parse("s1", "select length($1), md5($1)", [25]),
			bind("s1", [big]),
			execute(),
			bind("s1", ["small"]),
			execute(),
			close("S", "s1"),
			sync(),
		)
		c.hears("1 2 D:1048576 C 2 D:5 C 3 Z:I")


def test_a_conversation_in_pieces_of_one_byte(same):
	@same
	def talk(c):
		sent = (
			asking("select 1")
			+ flush()
			+ query("select 2")
			+ parse("s1", "select 3")
			+ bind("s1")
			+ execute()
			+ close("S", "s1")
			+ sync()
		)
		c.send_cut(sent, *range(1, len(sent)))
		c.hears("1 2 T D:1 C T D:2 C Z 1 2 D:3 C 3 Z:I")


def test_a_long_message_in_two_pieces_cut_anywhere(same):
	@same
	def talk(c):
		sent = (
			parse("s1", "select $1::text")
			+ bind("s1", ["value"])
			+ execute()
			+ close("S", "s1")
			+ sync()
		)
		for cut in range(1, len(sent)):
			c.send_cut(sent, cut)
			c.hears("1 2 D:value C 3 Z:I")
