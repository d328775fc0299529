"""dialogue.py - the same conversation with PostgreSQL itself and through the pooler.

A dialogue is a function that talks with one client. It runs once on a direct connection
and
once through the pooler while others make noise in the same pool; both must hear the same
messages with the same bodies, save what has to differ (see `comparable`).
"""

from itertools import zip_longest

from rawpg import Client, readable

# PostgreSQL's line numbers in these two belong to its version; the pooler gives both
# errors itself.
LOCAL_ERRORS = ("26000", "42P05")


def comparable(message):
	"""MESSAGE without what legitimately differs between two connections."""
	kind, value = readable(message)
	if kind == "A":
		return kind, value[4:]  # the notifier's process id
	if kind == "K":
		return kind, "key"
	if kind == "E" and value.get("C") in LOCAL_ERRORS:
		value.pop("L", None)
	return kind, value


class Speaker(Client):
	"""A client of one side of a comparison; `another()` is a second client of the
	same side."""

	def __init__(self, side, database, login):
		super().__init__(side.address)
		self.side, self.others, self.over = side, [], False
		self.login(
			**{"database": database, "application_name": "dialogue", **login}
		)
		self.login_as = (side, database)

	def another(self, **login):
		other = Speaker(*self.login_as, login)
		self.others.append(other)
		return other

	def everything_heard(self):
		"""Settings told at login and all messages since, of this client and its
		others."""
		login = sorted(comparable(m) for m in self.login_heard if m.kind == "S")
		return [login, [comparable(m) for m in self.heard]] + [
			part for other in self.others for part in other.everything_heard()
		]

	def is_over(self):
		"""The other side has closed this connection and says no more."""
		assert self.rest() == []
		self.over = True

	def finish(self):
		"""Nothing unasked may have been left behind: the next answer is the
		answer."""
		for speaker in [self] + self.others:
			if not speaker.over:
				speaker.does("rollback; select 'the end'")
				speaker.leave()


def first_difference(directly, through):
	"""Where two lists of transcripts part, in words; empty if they are equal."""
	for number, (one, other) in enumerate(
		zip_longest(directly, through, fillvalue=[])
	):
		for at, (left, right) in enumerate(zip_longest(one, other)):
			if left != right:
				return (
					"transcript %d, message %d:\n  directly: %.600r\n  through the pooler: %.600r"
					% (number, at, left, right)
				)
	return ""


class Same:
	"""Calls a dialogue on both sides and compares. Use as a decorator inside a
	test."""

	def __init__(self, postgres, front, pool, noise):
		self.postgres, self.front, self.pool, self.noise = (
			postgres,
			front,
			pool,
			noise,
		)

	def __call__(self, talk, **login):
		directly = self.hold(talk, self.postgres, "app", login)
		with self.noise:
			through = self.hold(
				talk, self.front, self.front.database(self.pool), login
			)
		difference = first_difference(directly, through)
		assert not difference, difference

	def with_login(self, **login):
		return lambda talk: self(talk, **login)

	@staticmethod
	def hold(talk, side, database, login):
		speaker = Speaker(side, database, login)
		try:
			talk(speaker)
			speaker.finish()
			return speaker.everything_heard()
		finally:
			for each in [speaker] + speaker.others:
				each.close()
