"""Prepared statements: names of many clients, reuse, errors, DEALLOCATE, the unnamed
one."""

import pytest

from rawpg import bind, close, describe, execute, flush, parse, query, row_of, sync
from servers import Pooler


def runs(statement, values=()):
	return bind(statement, values) + execute()


def test_one_name_means_other_things_to_others(same):
	@same
	def talk(c):
		d = c.another()
		c.send(parse("a", "select 'of c', $1::int"), sync())
		c.hears("1 Z:I")
		d.send(parse("a", "select 'of d', $1::text"), sync())
		d.hears("1 Z:I")
		for n in range(3):
			for who, word in (c, "1"), (d, "text"):
				who.send(runs("a", [word]), describe("S", "a"), sync())
				who.hears("2 D C t T Z:I")


def test_the_same_name_and_text_of_two_clients(same):
	@same
	def talk(c):
		d = c.another()
		for who in c, d:
			who.send(
				parse("stmtcache_1", "select $1::int"),
				describe("S", "stmtcache_1"),
				sync(),
			)
			who.hears("1 t T Z:I")
		c.send(close("S", "stmtcache_1"), sync())
		c.hears("3 Z:I")
		d.send(runs("stmtcache_1", ["7"]), sync())
		d.hears("2 D:7 C Z:I")
		c.send(runs("stmtcache_1", ["7"]), sync())
		c.hears("E:26000 Z:I")


def test_the_same_text_with_other_types(same):
	@same
	def talk(c):
		for name, oid in ("a", 23), ("b", 25), ("c", 1700):
			c.send(
				parse(name, "select $1", [oid]),
				describe("S", name),
				sync(),
			)
			c.hears("1 t T Z:I")
		for name in "a", "b", "c":
			c.send(runs(name, ["1"]), close("S", name), sync())
			c.hears("2 D:1 C 3 Z:I")


def test_a_name_used_again_after_close_in_one_batch(same):
	@same
	def talk(c):
		c.send(parse("a", "select 1"), runs("a"), sync())
		c.hears("1 2 D:1 C Z:I")
		c.send(close("S", "a"), parse("a", "select 2"), runs("a"), sync())
		c.hears("3 1 2 D:2 C Z:I")
		c.send(
			*(
				close("S", "a") + parse("a", "select %d" % n) + runs("a")
				for n in range(20)
			),
			sync(),
		)
		for n in range(20):
			c.hears("3 1 2 D:%d C" % n)
		c.hears("Z:I")
		c.send(close("S", "a"), close("S", "a"), close("S", "never was"), sync())
		c.hears("3 3 3 Z:I")


@pytest.mark.parametrize("begin, good, bad", [(None, "I", "I"), ("begin", "T", "E")])
def test_an_unknown_name(same, begin, good, bad):
	for wrong in bind("never was"), describe("S", "never was"):

		@same
		def talk(c):
			if begin:
				c.does(begin)
			c.send(parse("a", "select 1"), sync(), wrong, runs("a"), sync())
			c.hears("1 Z:%s E:26000 Z:%s" % (good, bad))
			c.does("rollback")
			c.send(runs("a"), sync())
			c.hears("2 D:1 C Z:I")


@pytest.mark.parametrize("begin, good, bad", [(None, "I", "I"), ("begin", "T", "E")])
def test_a_name_that_is_taken(same, begin, good, bad):
	@same
	def talk(c):
		c.send(parse("a", "select 'old'"), sync())
		c.hears("1 Z:I")
		if begin:
			c.does(begin)
		c.send(parse("a", "select 'new'"), runs("a"), sync())
		c.hears("E:42P05 Z:" + bad)
		c.does("rollback")
		c.send(runs("a"), sync(), parse("a", "select 'old'"), sync())
		c.hears("2 D:old C Z:I E:42P05 Z:I")


def test_errors_about_names_inside_a_pipeline(same):
	@same
	def talk(c):
		c.send(
			parse("a", "select 1"),
			runs("a"),
			parse("a", "select 2"),
			runs("a"),
			sync(),
			runs("a"),
			runs("b"),
			runs("a"),
			sync(),
			runs("a"),
			sync(),
		)
		c.hears("1 2 D:1 C E:42P05 Z:I 2 D:1 C E:26000 Z:I 2 D:1 C Z:I")


def test_a_failed_parse_leaves_the_name_free(same):
	@same
	def talk(c):
		c.send(parse("a", "selec"), sync(), runs("a"), sync())
		c.hears("E:42601 Z:I E:26000 Z:I")
		c.send(parse("a", "select 1"), runs("a"), sync())
		c.hears("1 2 D:1 C Z:I")
		c.send(
			parse("b", "select * from nowhere"),
			parse("c", "select 2"),
			sync(),
			runs("c"),
			sync(),
		)
		c.hears("E:42P01 Z:I E:26000 Z:I")
		c.send(
			parse("b", "select 3"),
			parse("c", "select 4"),
			runs("b"),
			runs("c"),
			sync(),
		)
		c.hears("1 1 2 D:3 C 2 D:4 C Z:I")


def test_a_parse_refused_in_a_failed_transaction(same):
	@same
	def talk(c):
		c.send(
			query("begin; select 1/0"),
			parse("a", "select 1"),
			sync(),
			query("rollback"),
		)
		c.hears("C E:22012 Z:E E:25P02 Z:E C Z:I")
		c.send(parse("a", "select 2"), runs("a"), sync())
		c.hears("1 2 D:2 C Z:I")


def test_statements_outlive_a_rollback(same):
	@same
	def talk(c):
		c.send(
			query("begin"),
			parse("a", "select 1"),
			sync(),
			query("rollback"),
			runs("a"),
			sync(),
		)
		c.hears("C Z:T 1 Z:T C Z:I 2 D:1 C Z:I")
		c.send(
			query("begin"),
			close("S", "a"),
			sync(),
			query("rollback"),
			runs("a"),
			sync(),
		)
		c.hears("C Z:T 3 Z:T C Z:I E:26000 Z:I")


def test_a_close_that_is_skipped_closes_nothing(same):
	@same
	def talk(c):
		c.send(
			parse("a", "select 1"),
			sync(),
			parse("b", "selec"),
			close("S", "a"),
			sync(),
			runs("a"),
			sync(),
		)
		c.hears("1 Z:I E:42601 Z:I 2 D:1 C Z:I")


@pytest.mark.parametrize(
	"sql, tag",
	[("deallocate all", b"DEALLOCATE ALL"), ("discard all", b"DISCARD ALL")],
)
def test_forget_everything(same, sql, tag):
	def talk(c):
		def prepare_two():
			c.send(parse("a", "select 1"), parse("b", "select 2"), sync())
			c.hears("1 1 Z:I")

		def both_are_gone():
			c.send(runs("a"), sync(), describe("S", "b"), sync())
			c.hears("E:26000 Z:I E:26000 Z:I")

		prepare_two()
		c.send(query(sql))
		assert c.hears("C Z:I")[0].body == tag + b"\0"
		both_are_gone()
		prepare_two()
		c.send(parse("", sql), runs(""), sync())
		c.hears("1 2 C Z:I")
		both_are_gone()
		c.send(parse("a", "select 3"), runs("a"), sync())
		c.hears("1 2 D:3 C Z:I")

	# A client without settings of its own, so that DISCARD ALL has nothing to report.
	same(talk, application_name="")


def test_forget_everything_is_for_oneself_only(same):
	@same
	def talk(c):
		d = c.another()
		for who in c, d:
			who.send(parse("a", "select 'kept'"), sync())
			who.hears("1 Z:I")
		d.does("deallocate all")
		for who, heard in (c, "2 D:kept C Z:I"), (d, "E:26000 Z:I"):
			who.send(runs("a"), sync())
			who.hears(heard)


def test_sql_statements_inside_a_transaction(same):
	@same
	def talk(c):
		c.send(
			query(
				"begin; prepare p as select 5; execute p; deallocate p; commit"
			)
		)
		c.hears("C C T D:5 C C C Z:I")


@pytest.mark.parametrize("length", [62, 63, 64, 200, 9 * 1024])
def test_long_names(same, length):
	@same
	def talk(c):
		name, like_it = "a" + "n" * (length - 1), "b" + "n" * (length - 1)
		c.send(parse(name, "select 1"), parse(like_it, "select 2"), sync())
		c.hears("1 1 Z:I")
		c.send(
			runs(name),
			runs(like_it),
			describe("S", name),
			close("S", name),
			runs(name),
			sync(),
		)
		c.hears("2 D:1 C 2 D:2 C t T 3 E:26000 Z:I")


def test_names_that_look_like_ours(same):
	@same
	def talk(c):
		names = [
			"PGBOUNCER_1",
			"PGWEIR_1",
			"pgweir_1",
			"'; drop table kept",
			'a"b',
			"a b",
			"é",
		]
		for n, name in enumerate(names):
			c.send(parse(name, "select %d" % n), sync())
			c.hears("1 Z:I")
		for n, name in enumerate(names):
			c.send(
				runs(name),
				sync(),
				close("S", name),
				parse(name, "x"),
				sync(),
				runs(name),
				sync(),
			)
			c.hears("2 D:%d C Z:I 3 E:42601 Z:I E:26000 Z:I" % n)


def test_begin_and_commit_as_prepared_statements(same):
	@same
	def talk(c):
		c.send(
			parse("a", "begin"),
			parse("b", "commit"),
			parse("c", "select 1"),
			sync(),
		)
		c.hears("1 1 1 Z:I")
		for _ in range(3):
			c.send(runs("a"), sync(), runs("c"), sync(), runs("b"), sync())
			c.hears("2 C Z:T 2 D:1 C Z:T 2 C Z:I")


def test_many_statements_in_turn(same):
	@same
	def talk(c):
		numbers = range(250)
		c.send(*(parse("s%d" % n, "select %d" % n) for n in numbers), sync())
		c.hears("1 " * len(numbers) + "Z:I")
		for n in numbers:
			c.send(runs("s%d" % n), sync())
			c.hears("2 D:%d C Z:I" % n)
		c.send(*(close("S", "s%d" % n) for n in numbers), sync())
		c.hears("3 " * len(numbers) + "Z:I")


def test_a_late_close_after_the_work_is_done(same):
	@same
	def talk(c):
		c.send(parse("s1", "select 1"), runs("s1"), sync())
		c.hears("1 2 D:1 C Z:I")
		c.another().does("select 'somebody else'")
		c.send(close("S", "s1"), sync())
		c.hears("3 Z:I")
		c.send(close("S", "s1"), flush())
		c.hears("3")
		c.send(sync())
		c.hears("Z:I")


def test_an_error_of_a_statement_names_it_as_the_client_did(same):
	@same
	def talk(c):
		c.send(
			parse("mine", "select $1::int, $2::int"),
			bind("mine", ["1"]),
			sync(),
			close("S", "mine"),
			sync(),
		)
		heard = c.hears("1 E:08P01 Z:I 3 Z:I")
		assert b'prepared statement "mine"' in heard[1].body


def test_the_plan_changes_its_columns(same):
	@same
	def talk(c):
		c.does("create table changing (a int)")
		c.send(parse("a", "insert into changing values ($1)"), sync())
		c.hears("1 Z:I")
		c.does("alter table changing add b int")
		c.send(runs("a", ["1"]), sync())
		c.hears("2 C Z:I")
		c.does("drop table changing")


@pytest.fixture
def forgetful(front, postgres, folder, certs):
	"""A pooler whose servers keep three statements at most."""
	if front.direct:
		yield front
		return
	pooler = Pooler(
		postgres,
		folder / ("forgetful-%d" % front.workers),
		certs,
		front.workers,
		max_prepared_statements=3,
	)
	yield pooler.start()
	pooler.stop()


def test_more_statements_than_a_server_may_keep(forgetful, enter):
	c, d = enter(at=forgetful), enter(at=forgetful)
	names = ["s%d" % n for n in range(10)]
	for who, word in (c, "c"), (d, "d"):
		who.send(
			*(
				parse(name, "select '%s of %s'" % (name, word))
				for name in names
			),
			sync(),
		)
		who.hears("1 " * len(names) + "Z:I")
	for _ in range(3):
		for who, word in (c, "c"), (d, "d"):
			who.send(*(runs(name) for name in names), sync())
			rows = [
				row_of(m.body)[0]
				for m in who.until_ready()
				if m.kind == "D"
			]
			assert rows == ["%s of %s" % (name, word) for name in names]
