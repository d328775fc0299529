"""COPY by both protocols: in, out, failing, pipelined, with late data."""

import pytest

from rawpg import (
	bind,
	copy_data,
	copy_done,
	copy_fail,
	describe,
	execute,
	flush,
	parse,
	query,
	sync,
)

COPY_IN = "copy copied from stdin"
GOOD, BAD = "good\t1\n", "bad\tnot a number\n"


def copying(sql=COPY_IN):
	return parse("", sql) + bind() + execute()


def rows(c):
	return c.asks("select count(*) from copied")


def test_copy_in_by_simple_query(same):
	@same
	def talk(c):
		c.does("truncate copied")
		c.send(query(COPY_IN))
		c.hears("G")
		c.send(
			copy_data("first\t1\nsec"),
			copy_data(""),
			copy_data("ond\t2\n"),
			copy_done(),
		)
		c.hears("C Z:I")
		assert c.does("select tag from copied order by n") == [
			["first"],
			["second"],
		]


def test_copy_out_by_simple_query(same):
	@same
	def talk(c):
		c.send(
			query(
				"copy (select g, repeat('x', 100) from generate_series(1, 5000) g) to stdout"
			)
		)
		c.hears("H" + " d" * 5000 + " c C Z:I")
		c.send(query("copy (select 1) to stdout (format binary)"))
		heard = c.until_ready()
		assert b"PGCOPY" in b"".join(m.body for m in heard)


def test_copy_in_and_out_by_extended_query(same):
	@same
	def talk(c):
		c.does("truncate copied")
		c.send(copying(), flush())
		c.hears("1 2 G")
		c.send(copy_data(GOOD), copy_done(), sync())
		c.hears("C Z:I")
		c.send(copying("copy copied to stdout"), sync())
		c.hears("1 2 H d c C Z:I")


def test_describe_before_copy(same):
	@same
	def talk(c):
		c.does("truncate copied")
		c.send(
			parse("", COPY_IN),
			describe("S"),
			bind(),
			describe("P"),
			execute(),
			flush(),
		)
		c.hears("1 t n 2 n G")
		c.send(copy_data(GOOD), copy_done(), sync())
		c.hears("C Z:I")


@pytest.mark.parametrize("begin, status", [(None, "I"), ("begin", "T")])
def test_copy_in_all_in_one_write(same, begin, status):
	@same
	def talk(c):
		c.does("truncate copied")
		if begin:
			c.does(begin)
		c.send(
			query(COPY_IN),
			copy_data(GOOD),
			copy_done(),
			query("select count(*) from copied"),
		)
		c.hears("G C Z:%s T D:1 C Z:%s" % (status, status))
		c.send(
			copying(),
			copy_data(GOOD),
			copy_done(),
			sync(),
			query("select count(*) from copied"),
		)
		c.hears("1 2 G C Z:%s T D:2 C Z:%s" % (status, status))


def test_a_sync_before_the_data_has_no_answer(same):
	@same
	def talk(c):
		c.does("truncate copied")
		c.send(copying(), sync())
		c.hears("1 2 G")
		c.send(
			copy_data(GOOD),
			flush(),
			sync(),
			copy_data(GOOD),
			copy_done(),
			flush(),
		)
		c.hears("C")
		c.send(sync())
		c.hears("Z:I")
		assert rows(c) == "2"


def test_a_sync_before_the_data_in_one_write(same):
	@same
	def talk(c):
		c.does("truncate copied")
		c.send(
			copying(),
			sync(),
			copy_data(GOOD),
			copy_done(),
			sync(),
			query("select count(*) from copied"),
		)
		c.hears("1 2 G C Z:I T D:1 C Z:I")


def test_the_client_gives_up(same):
	@same
	def talk(c):
		c.does("truncate copied")
		c.send(query(COPY_IN), copy_data(GOOD), copy_fail("changed my mind"))
		c.hears("G E:57014 Z:I")
		c.send(copying(), copy_data(GOOD), copy_fail("again"), sync())
		c.hears("1 2 G E:57014 Z:I")
		assert rows(c) == "0"


@pytest.mark.parametrize("late", ["", "d", "c", "f", "dddc", "dfc", "cdc"])
def test_late_messages_of_a_failed_copy_are_ignored(same, late):
	messages = {"d": copy_data(GOOD), "c": copy_done(), "f": copy_fail("late")}

	@same
	def talk(c):
		c.does("truncate copied")
		c.send(
			query(COPY_IN),
			copy_data(BAD * 10000),
			*(messages[kind] for kind in late),
		)
		c.hears("G E:22P02 Z:I")
		c.send(*(messages[kind] for kind in late), query("select 'on'"))
		c.hears("T D:on C Z:I")
		assert rows(c) == "0"


@pytest.mark.parametrize("late", ["", "d", "c", "dddc"])
def test_late_messages_of_a_failed_extended_copy_are_skipped(same, late):
	messages = {"d": copy_data(GOOD), "c": copy_done()}

	@same
	def talk(c):
		c.does("truncate copied")
		c.send(
			copying(),
			copy_data(BAD * 10000),
			*(messages[kind] for kind in late),
			query("select 'skipped'"),
			sync(),
		)
		c.hears("1 2 G E:22P02 Z:I")
		c.send(*(messages[kind] for kind in late), sync(), query("select 1"))
		c.hears("Z:I T D:1 C Z:I")
		assert rows(c) == "0"


def test_a_failed_copy_whose_sync_came_first(same):
	@same
	def talk(c):
		c.does("truncate copied")
		c.send(
			copying(),
			sync(),
			copy_data(BAD * 10000),
			copy_done(),
			sync(),
			query("select 1"),
		)
		c.hears("1 2 G E:22P02 Z:I T D:1 C Z:I")


def test_copy_that_cannot_begin_with_data_behind_it(same):
	@same
	def talk(c):
		c.send(
			query("copy nowhere from stdin"),
			copy_data(GOOD),
			copy_done(),
			query("select 1"),
		)
		c.hears("E:42P01 Z:I T D:1 C Z:I")
		c.send(
			copying("copy nowhere from stdin"),
			copy_data(GOOD),
			copy_done(),
			sync(),
			query("select 2"),
		)
		c.hears("1 2 E:42P01 Z:I T D:2 C Z:I")


def test_copy_data_out_of_the_blue_is_ignored(same):
	@same
	def talk(c):
		c.send(
			copy_data(GOOD),
			copy_done(),
			copy_fail("why not"),
			query("select 1"),
		)
		c.hears("T D:1 C Z:I")
		c.send(copy_done())
		c.send(
			parse("", "select 2"),
			copy_data(GOOD),
			bind(),
			copy_done(),
			execute(),
			sync(),
		)
		c.hears("1 2 D:2 C Z:I")


def test_copy_in_a_transaction_that_fails(same):
	@same
	def talk(c):
		c.does("truncate copied")
		c.send(
			query("begin"),
			query(COPY_IN),
			copy_data(GOOD),
			copy_done(),
			query(COPY_IN),
			copy_data(BAD),
			copy_done(),
		)
		c.hears("C Z:T G C Z:T G E:22P02 Z:E")
		c.send(query(COPY_IN), copy_data(GOOD), copy_done(), query("rollback"))
		c.hears("E:25P02 Z:E C Z:I")


def test_copies_among_other_statements_of_one_query(same):
	@same
	def talk(c):
		c.does("truncate copied")
		c.send(
			query(
				"select 1; %s; select 2; %s; copy copied to stdout; select 3"
				% (COPY_IN, COPY_IN)
			)
		)
		c.hears("T D:1 C G")
		c.send(copy_data(GOOD), copy_done())
		c.hears("C T D:2 C G")
		c.send(copy_data(GOOD), copy_done())
		c.hears("C H d d c C T D:3 C Z:I")


def test_pipelined_copies(same):
	@same
	def talk(c):
		c.does("truncate copied")
		one = query(COPY_IN) + copy_data(GOOD) + copy_done()
		c.send(one * 20, query("select count(*) from copied"))
		c.hears("G C Z:I " * 20 + "T D:20 C Z:I")
		one = copying() + copy_data(GOOD) + copy_done() + sync()
		c.send(one * 20, query("select count(*) from copied"))
		c.hears("1 2 G C Z:I " * 20 + "T D:40 C Z:I")


def test_much_data_both_ways(same):
	@same
	def talk(c):
		c.does("truncate copied")
		c.send(query(COPY_IN))
		c.hears("G")
		line = "x" * 1000 + "\t%d\n"
		for n in range(200):
			c.send(copy_data((line % n) * 50))
		c.send(copy_done())
		c.hears("C Z:I")
		c.send(query("copy copied to stdout"))
		c.hears("H")
		sizes = [len(m.body) for m in c.until_ready() if m.kind == "d"]
		assert len(sizes) == 10000


def test_copy_in_pieces_of_one_byte(same):
	@same
	def talk(c):
		c.does("truncate copied")
		sent = (
			query(COPY_IN)
			+ copy_data(GOOD)
			+ copy_data(GOOD)
			+ copy_done()
			+ copying()
			+ sync()
			+ copy_data(GOOD)
			+ copy_done()
			+ sync()
			+ query(COPY_IN)
			+ copy_data(BAD)
			+ copy_data(GOOD)
			+ copy_done()
			+ query("select 1")
		)
		c.send_cut(sent, *range(1, len(sent)))
		c.hears("G C Z:I 1 2 G C Z:I G E:22P02 Z:I T D:1 C Z:I")


@pytest.mark.parametrize(
	"wrong", [query("select 'lost'"), bind(), sync() + describe("P")]
)
def test_another_message_inside_a_copy_ends_the_connection(same, wrong):
	@same
	def talk(c):
		c.does("truncate copied")
		c.send(copying(), copy_data(GOOD), wrong)
		c.hears("1 2 G E:08P01 E:08P01")
		c.is_over()
