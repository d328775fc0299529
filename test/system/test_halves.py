"""A message that has begun when the answers end: its rest must not be read as another's.

A server that has answered everything may still have got the first half of a message. Given to
somebody else then, it takes the stranger's bytes for the other half.
"""

import pytest

from rawpg import (
	bind,
	copy_data,
	copy_done,
	execute,
	parse,
	query,
	sync,
)

BAD = "bad\tnot a number\n" * 10000  # more than PostgreSQL collects before it looks
LONG = "x" * 50000

FIRST = {
	"query": (query("select 1"), "T D:1 C Z:I"),
	"batch": (parse("", "select 1") + bind() + execute() + sync(), "1 2 D:1 C Z:I"),
}
SECOND = {
	"query": (query("select 2 /* %s */" % LONG), "T D:2 C Z:I"),
	"parse": (
		parse("", "select 2 /* %s */" % LONG) + bind() + execute() + sync(),
		"1 2 D:2 C Z:I",
	),
	"bind": (
		parse("", "select length($1)") + bind("", [LONG]) + execute() + sync(),
		"1 2 D:50000 C Z:I",
	),
	"late copy data": (copy_data(LONG) + query("select 2"), "T D:2 C Z:I"),
}


@pytest.mark.parametrize("half", [1, 5, 30000])
@pytest.mark.parametrize("second", SECOND)
@pytest.mark.parametrize("first", FIRST)
def test_half_a_message_behind_a_whole_batch(same, first, second, half):
	(asked, answered), (later, heard) = FIRST[first], SECOND[second]

	@same
	def talk(c):
		d = c.another()
		c.send(asked, later[:half])
		c.hears(answered)
		d.send(query("select 'd'"))
		if half < 5:  # nobody can have begun on it
			d.hears("T D:d C Z:I")
		c.send(later[half:])
		c.hears(heard)
		if half >= 5:  # may have had to wait until then
			d.hears("T D:d C Z:I")


@pytest.mark.parametrize("half", [1, 5, 30000])
def test_half_a_copy_data_behind_the_error_of_its_copy(same, half):
	late = copy_data(LONG)

	@same
	def talk(c):
		d = c.another()
		c.does("truncate copied")
		c.send(query("copy copied from stdin"))
		c.hears("G")
		c.send(copy_data(BAD), late[:half])
		c.hears("E:22P02 Z:I")
		d.send(query("select 'd'"))
		c.send(late[half:], copy_done(), query("select 'c'"))
		c.hears("T D:c C Z:I")
		d.hears("T D:d C Z:I")


def test_a_client_that_leaves_half_a_message_behind(enter):
	for later in SECOND:
		for half in 5, 6, 30000:
			client, watcher = enter("one"), enter("one")
			client.send(query("select 1"), SECOND[later][0][:half])
			client.hears("T D:1 C Z:I")
			client.close()
			assert watcher.asks("select 'fine'") == "fine"
			watcher.leave()
