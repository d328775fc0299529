"""scenes.py - what happens to a cluster while clients write through a pooler, and what must be true
of it. Split brain (an old primary that comes back as a primary) is out of scope: which of two
primaries is right no pooler can know; fencing is the operator's."""

import contextlib
import threading
import time
from dataclasses import dataclass, field

import psycopg

import servers
import writers
from writers import Writers, poll

WRITE, PRIMARY, READ, PREFER = "write", "primary", "read", "prefer"
POOL_SIZE = 20
SLACK = 1.0  # seconds from promotion to the first commit
DEAD = 10  # the default of tcp_dead_timeout


@dataclass
class Result:
	scene: str
	commits: int = 0
	errors: list = field(default_factory=list)
	in_flight: int = 0  # those of the errors that nobody could have spared
	pause: float = 0  # the longest that a client waited for one transaction
	silence: float = 0  # the longest without a commit of anybody
	back: float = 0  # from promotion to the first commit
	wrong: list = field(default_factory=list)

	def check(self):
		assert not self.wrong, "%s:\n%s" % (self.scene, "\n".join(self.wrong[:20]))
		return self


class Pooler(servers.Pooler):
	"""One before CLUSTER, found by HOST (all its nodes if not given): pools of the primary and of
	standbys."""

	def __init__(self, cluster, folder, certs, workers=2, host=None, **settings):
		super().__init__(cluster, folder, certs, workers, **{
			"query_wait_timeout": 20, "failover_hold_time": 20, **settings})
		where = "host=%s port=%d dbname=app" % (host or cluster.hosts, cluster.port)
		self.databases = {
			WRITE: where + " pool_size=%d target_session_attrs=read-write" % POOL_SIZE,
			PRIMARY: where + " pool_size=%d target_session_attrs=primary" % POOL_SIZE,
			READ: where + " pool_size=4 target_session_attrs=standby",
			PREFER: where + " pool_size=4 target_session_attrs=prefer-standby",
		}
		self.write_files()


def prepare(cluster):
	cluster.primary.sql("drop table if exists written")
	cluster.primary.sql("set role app; " + writers.TABLE)


def judge(result, cluster, crowd, down=0.0, spared=True, read_only=False):
	"""Fill RESULT. Errors of transactions that began before DOWN, when the old primary was gone,
	are of those in flight; SPARED: there must be none even so. READ_ONLY: before that it has
	refused to write."""
	cluster.wait_for_replay(cluster.written())
	result.commits, result.errors = len(crowd.commits), crowd.errors
	result.pause, result.silence = crowd.longest_wait(), crowd.longest_silence()
	result.wrong += crowd.wrong_rows(cluster.primary.sql("select * from written"))
	classes = ("08", "57", "", "25") if read_only else ("08", "57", "")
	flying = [] if spared else [e for e in crowd.errors if may_be_in_flight(e, down, classes)]
	result.in_flight = len(flying)
	result.wrong += [
		"writer %d, %d, began %+.3f s, ended %+.3f s: %s %s" % (
			e.writer, e.n, e.began - down, e.ended - down, e.sqlstate, e.error)
		for e in crowd.errors if e not in flying
	]
	if len(flying) > POOL_SIZE:
		result.wrong.append("%d errors of %d servers" % (len(flying), POOL_SIZE))
	return result


def may_be_in_flight(attempt, down, classes):
	"""The connection was lost (08) or ended by the server (57); drivers give no SQLSTATE where a
	connection just ends."""
	return attempt.began <= down and attempt.sqlstate[:2] in classes


def switch(cluster, gap):
	"""The primary has stopped: GAP seconds later promote a standby that has all of it. When
	promotion was over."""
	new = cluster.best_standby()
	cluster.wait_for_replay(cluster.primary.last_checkpoint(), new)
	time.sleep(gap)
	return cluster.promote(new)[1]


@contextlib.contextmanager
def writing(result, cluster, pooler, database=WRITE, **more):
	"""Clients write while inside; all of them are served before and afterwards."""
	prepare(cluster)
	crowd = Writers(pooler.address, database, **more).start()
	try:
		yield crowd
		crowd.wait_for_commits(2 * crowd.count)
	finally:
		crowd.stop()


# --- planned ---

def planned(cluster, pooler, way, gap=0.3, **more):
	"""A switchover as Patroni and CloudNativePG do it: checkpoint, stop fast, wait until the
	standby has all of it, promote (GAP seconds later, for who decides that takes his time).

	WAY "between": nobody is in a transaction when the stop begins; all clients ask while
	there is no primary. "paused": the same, by PAUSE on the console. "under way": whoever is
	in a transaction is, and loses it. "read-only": default_transaction_read_only first.
	"""
	result = Result("planned, " + way)
	database = PRIMARY if way == "between" else WRITE
	with writing(result, cluster, pooler, database, **more) as crowd:
		old = cluster.primary
		old.sql("checkpoint", "postgres")
		spared = WAYS[way](old, pooler, crowd)
		old.process.wait(20)
		down = time.monotonic()
		promoted = switch(cluster, gap)
		if way == "paused":
			pooler.console("resume")
		crowd.wait_for_commits()
	result.back = max(0.0, crowd.first_commit(down) - promoted)
	cluster.bring_back(old)
	return judge(result, cluster, crowd, down, spared, way == "read-only")


def stop_between(old, pooler, crowd):
	crowd.hold()
	old.begin_stop()
	poll("the old primary's sessions to end", lambda: not old.has_clients())
	crowd.go()
	return True


def stop_paused(old, pooler, crowd):
	pooler.console("pause")
	old.begin_stop()
	return True


def stop_under_way(old, pooler, crowd):
	old.begin_stop()
	return False


def stop_read_only(old, pooler, crowd):
	old.write_settings(default_transaction_read_only="on")
	old.reload()
	poll("no transaction that writes", lambda: not old.sql(
		"select 1 from pg_stat_activity where usename = 'app' and backend_xid is not null"))
	old.begin_stop()
	return False


WAYS = {
	"between": stop_between,
	"paused": stop_paused,
	"under way": stop_under_way,
	"read-only": stop_read_only,
}


# --- a crash ---

def crash(cluster, pooler, gap=0.3, **more):
	"""The primary dies without a word; GAP seconds later its standby is promoted."""
	result = Result("crash")
	with writing(result, cluster, pooler, PRIMARY, **more) as crowd:
		old = cluster.primary
		old.kill()
		down = time.monotonic()
		time.sleep(gap)
		promoted = cluster.promote(cluster.best_standby())[1]
		crowd.wait_for_commits()
	result.back = max(0.0, crowd.first_commit(down) - promoted)
	if result.back > SLACK:
		result.wrong.append("first commit %.2f s after promotion" % result.back)
	cluster.bring_back(old)
	return judge(result, cluster, crowd, down, spared=False)


def cable(cluster, pooler, gap=0.3, **more):
	"""The primary's machine is gone from the network, as when its power fails: no connection is
	ended, who is asked does not answer. GAP seconds later the standby is promoted. Transactions
	under way hold their servers until tcp_dead_timeout; if that is all of the pool others wait."""
	result = Result("cable cut")
	with writing(result, cluster, pooler, **more) as crowd:
		old = cluster.primary
		old.machine.cut_cable()
		down = time.monotonic()
		time.sleep(gap)
		cluster.primary = cluster.best_standby()
		promoted = cluster.primary.promote()[1]
		crowd.wait_for_commits()
	old.kill()
	result.back = max(0.0, crowd.first_commit(promoted) - promoted)
	# a server that looked well until then may have been given to anybody
	judge(result, cluster, crowd, down + DEAD, spared=False)
	if result.pause > DEAD + SLACK:
		result.wrong.append("a client waited for %.2f s" % result.pause)
	return result


# --- those who only read ---

class Reader(threading.Thread):
	"""Asks again and again whether it is served by a standby."""

	def __init__(self, pooler, database):
		super().__init__(daemon=True)
		self.pooler, self.database, self.over = pooler, database, False
		self.answers, self.errors = [], []  # (when, a standby?), (when, text)

	def run(self):
		c = None
		while not self.over:
			try:
				c = c or self.connect()
				(standby,) = c.execute("select pg_is_in_recovery()").fetchone()
				self.answers.append((time.monotonic(), standby))
			except psycopg.Error as why:
				self.errors.append((time.monotonic(), "%s %s" % (why.sqlstate, why)))
				c = None
			time.sleep(0.005)
		if c:
			c.close()

	def connect(self):
		host, port = self.pooler.address
		return psycopg.connect(
			host=host, port=port, user="app", dbname=self.database, autocommit=True,
			sslmode="disable", connect_timeout=20, prepare_threshold=None)

	def wait_for(self, standby, more=20):
		"""Until it was answered MORE times in a row, from now on, by a standby (or not)."""
		now = time.monotonic()
		poll("%s: %d answers by a %s" % (self.database, more, "standby" if standby else "primary"),
		     lambda: [s for t, s in self.answers[-more:] if t > now] == [standby] * more)

	def strayed(self, since):
		"""Answers by a primary after SINCE."""
		return sum(t > since and not standby for t, standby in self.answers)

	def stop(self):
		self.over = True
		self.join(25)
		assert not self.is_alive(), "a reader does not end"


def readers(cluster, pooler):
	"""A switchover as those see it who want a standby, or would rather have one. With two nodes
	there is none between promotion and the old primary's return: the former wait, the latter
	are served by the primary."""
	result = Result("readers")
	read, prefer = Reader(pooler, READ), Reader(pooler, PREFER)
	for one in read, prefer:
		one.start()
	try:
		for one in read, prefer:
			one.wait_for(standby=True)
		old = cluster.primary
		old.stop()
		switch(cluster, 0)
		left = bool(cluster.standbys)
		prefer.wait_for(standby=left)
		began = time.monotonic()
		if left:
			read.wait_for(standby=True)
		else:
			poll("reader to wait", lambda: not any(
				t > time.monotonic() - 0.2 for t, _ in read.answers))
		cluster.bring_back(old)
		read.wait_for(standby=True)
	finally:
		for one in read, prefer:
			one.stop()
		result.commits = len(read.answers) + len(prefer.answers)
		result.errors = read.errors + prefer.errors
	times = [t for t, _ in read.answers]
	result.pause = max(b - a for a, b in zip(times, times[1:]))
	result.wrong += ["%s" % e[1] for e in result.errors]
	# a session learns of it with the answer to its next query
	if read.strayed(began) > 0:
		result.wrong.append("%d answers of a primary" % read.strayed(began))
	return result


# --- one name that moves ---

def moved_name(cluster, pooler, names, name, gap=0.3, ttl=1, **more):
	"""The service's name is given to the new primary, as Kubernetes and DNS do it."""
	result = Result("name that moves")
	names.ttl = ttl
	with writing(result, cluster, pooler, **more) as crowd:
		old = cluster.primary
		crowd.hold()
		old.begin_stop()
		poll("the old primary's sessions to end", lambda: not old.has_clients())
		crowd.go()
		old.process.wait(20)
		down = time.monotonic()
		promoted = switch(cluster, gap)
		names.hosts[name] = [cluster.primary.host]
		crowd.wait_for_commits()
	result.back = max(0.0, crowd.first_commit(down) - promoted)
	if result.back > ttl + SLACK:
		result.wrong.append("first commit %.2f s after promotion" % result.back)
	cluster.bring_back(old)
	return judge(result, cluster, crowd, down)


# --- nobody is there ---

def nobody_there(cluster, pooler):
	"""The pooler starts before any server. A client waits and is served."""
	result = Result("start without servers")
	nodes = [cluster.primary, *cluster.standbys]
	for node in nodes:
		node.stop()
	pooler.start()
	reader = Reader(pooler, WRITE)
	reader.start()
	try:
		pooler.wait_until_logged("connect failed")
		for node in nodes:
			node.start()
		there = time.monotonic()
		poll("the client to be served", lambda: reader.answers or reader.errors)
		result.back = max(0.0, reader.answers[0][0] - there) if reader.answers else 0.0
	finally:
		reader.stop()
	result.commits, result.errors = len(reader.answers), reader.errors
	result.wrong += [text for _, text in reader.errors]
	return result
