"""gremlin.py - what goes wrong in a bad week, at random, with quiet times between."""
import collections
import os
import random
import signal
import subprocess
import time

import scratch
import servers

QUIET_EVERY, QUIET_FOR = 30.0, 12.0	# seconds; in quiet times no connection may end by itself


class Gremlin:
	def __init__(self, seed, stage):
		self.rng, self.stage = random.Random("%s gremlin" % seed), stage
		self.done, self.errors = collections.Counter(), collections.Counter()
		self.sizes = {}
		self.began = self.next_act = time.monotonic() + 2
		self.acts = [self.kill_fleet] * 2 + [self.terminate_some] * 5 + [self.cut] * 3 \
			+ [self.restart_fast, self.restart_immediate]
		if stage.reloads:
			self.acts += [self.reload] * 3
		if stage.has_console:
			self.acts += [self.console_kill, self.reconnect, self.pause, self.suspend,
				self.disable, self.show] * 2

	def quiet(self, now):
		return (now - self.began) % QUIET_EVERY > QUIET_EVERY - QUIET_FOR

	def tick(self, now):
		"""Perhaps do something."""
		if now < self.next_act or self.quiet(now):
			return
		act = self.rng.choice(self.acts)
		self.stage.acted.value = time.monotonic()
		try:
			act()
			self.done[act.__name__] += 1
		except (AssertionError, servers.psycopg.OperationalError, subprocess.SubprocessError) as why:
			self.errors["%s: %s" % (act.__name__, str(why).strip().splitlines()[-1][:100])] += 1
		self.stage.acted.value = time.monotonic()
		self.next_act = time.monotonic() + self.rng.random()

	# --- clients, servers, wires ---

	def kill_fleet(self):
		fleet = self.rng.choice(self.stage.fleets)
		os.kill(fleet.pid, signal.SIGKILL)

	def terminate_some(self):
		most = self.rng.choice((1, 1, 1, 3, 100))
		self.stage.postgres.sql(
			"select pg_terminate_backend(pid) from pg_stat_activity where usename <> 'postgres' "
			"and backend_type <> 'parallel worker' "
			"order by random() limit %d" % most)

	def cut(self):
		os.kill(self.stage.relay.pid, signal.SIGUSR1)

	def restart_fast(self):
		self.stage.postgres.stop()
		self.stage.postgres.start()

	def restart_immediate(self):
		self.stage.postgres.kill()
		time.sleep(self.rng.choice((0, 0, 0.5, 1.5)))	# this is how long it is down, not a wait for anything
		self.stage.postgres.start()

	# --- the pooler's operator ---

	def reload(self):
		self.stage.resize({name: size + self.rng.choice((-2, -1, 0, 1, 3))
				   for name, size in self.stage.sizes.items()})

	def database(self):
		return self.rng.choice(list(self.stage.sizes))

	def console_kill(self):
		name = self.database()
		self.stage.pooler.console("kill %s" % name)
		self.stage.pooler.console("resume %s" % name)

	def reconnect(self):
		self.stage.pooler.console("reconnect" + self.rng.choice(("", " " + self.database())))

	def pause(self):
		"""A PAUSE waits for transactions; RESUME from elsewhere ends that, too."""
		name = self.database()
		pausing = self.stage.console_process("pause " + name)
		scratch.wait_for("PAUSE", lambda: self.is_paused(name))	# or RESUME may come first
		time.sleep(self.rng.random() * 2)		# this is how long it lasts
		self.stage.pooler.console("resume " + name)
		pausing.wait(20)

	def is_paused(self, name):
		rows = self.stage.pooler.console("show databases")
		return any(row["name"] == name and row["paused"] != "0" for row in rows)

	def suspend(self):
		"""Ends by RESUME, or with the console that said it."""
		with servers.psycopg.connect(host="127.0.0.1", port=self.stage.pooler.port, user="admin",
				dbname="pgbouncer", autocommit=True) as console:
			console.execute("suspend")
			time.sleep(self.rng.random())
			if self.rng.random() < 0.5:
				console.execute("resume")

	def disable(self):
		name = self.database()
		self.stage.pooler.console("disable " + name)
		time.sleep(self.rng.random())
		self.stage.pooler.console("enable " + name)

	def show(self):
		for what in ("pools", "clients", "servers", "stats", "databases", "lists", "mem"):
			self.stage.pooler.console("show " + what)
