"""The unnamed statement: over round trips, between other clients, and its end."""

import pytest

from rawpg import bind, close, describe, execute, flush, parse, query, sync


def runs_unnamed():
	return bind("") + execute()


@pytest.mark.parametrize("shape", ["lib/pq", "sqlx", "pgx describe_exec", "postgrex"])
def test_the_unnamed_statement_over_two_round_trips(same, shape):
	"""Outside a transaction, while another client of the pool puts its own in
	between."""
	ends = {
		"lib/pq": sync(),
		"sqlx": sync(),
		"pgx describe_exec": sync(),
		"postgrex": flush(),
	}[shape]
	ready = "" if ends == flush() else " Z:I"
	last = (
		close("P", "")
		if shape == "sqlx"
		else close("S", "")
		if shape == "postgrex"
		else b""
	)

	def finish(who, values):
		who.send(
			bind("", values),
			describe("P") if shape.startswith("pgx") else b"",
			execute(),
			last,
			sync(),
		)
		who.hears(
			"2 %sD C %sZ:I"
			% ("T " if shape.startswith("pgx") else "", "3 " if last else "")
		)

	@same
	def talk(c):
		d = c.another()
		for n in range(3):
			for who, text in (
				(c, "select $1::text || ' of c'"),
				(d, "select $1::text, 'of d', $2::int"),
			):
				who.send(parse("", text), describe("S"), ends)
				who.hears("1 t T" + ready)
				if (
					shape == "postgrex"
				):  # keeps its server: the other may have to wait
					finish(who, [str(n), "1"][: 1 if who is c else 2])
			if shape != "postgrex":
				finish(c, [str(n)])
				finish(d, [str(n), "1"])


def test_the_unnamed_statement_again_and_again(same):
	@same
	def talk(c):
		d = c.another()
		c.send(parse("", "select $1::int + 1"), sync())
		c.hears("1 Z:I")
		for n in range(5):
			d.does("select 'another unnamed statement is gone'")
			c.send(bind("", [str(n)]), execute(), sync())
			c.hears("2 D:%d C Z:I" % (n + 1))
			c.send(describe("S", ""), sync())
			c.hears("t T Z:I")


@pytest.mark.parametrize("how", ["query", "close", "failed parse", "discard"])
def test_the_end_of_the_unnamed_statement(same, how):
	ending, heard = {
		"query": (query("select 1"), "T D:1 C Z:I"),
		"close": (close("S", "") + sync(), "3 Z:I"),
		"failed parse": (parse("", "selec") + sync(), "E:42601 Z:I"),
		"discard": (query("deallocate all"), "C Z:I"),
	}[how]

	@same
	def talk(c):
		c.send(
			parse("", "select 2"),
			sync(),
			runs_unnamed(),
			sync(),
			ending,
			runs_unnamed(),
			sync(),
			describe("S"),
			sync(),
		)
		c.hears("1 Z:I 2 D:2 C Z:I %s E:26000 Z:I E:26000 Z:I" % heard)


def test_the_unnamed_statement_never_was(same):
	@same
	def talk(c):
		c.send(runs_unnamed(), sync(), describe("S"), sync(), close("S"), sync())
		c.hears("E:26000 Z:I E:26000 Z:I 3 Z:I")
