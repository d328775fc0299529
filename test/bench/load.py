"""load.py - one run of pgload (or pgbench) against a pooler, and what it cost the pooler."""
import glob
import json
import os
import re
import shutil
import statistics
import subprocess
import tempfile
import threading
import time

import procs


class Target:
	"""A running pooler: a name for people, its port, the processes to look at."""

	def __init__(self, name, port, pids=(), user="bench", database="bench", password=""):
		self.name, self.port, self.pids = name, port, list(pids)
		self.user, self.database, self.password = user, database, password


class Plan:
	"""What pgload shall do. CPUS: where it runs, and where the pooler does; None: anywhere."""

	def __init__(self, **differences):
		self.tools = os.environ.get("BENCH_BIN", "/tmp/bench")
		self.host = "127.0.0.1"
		self.mode = "run"
		self.proto = "simple"
		self.clients = 16
		self.seconds, self.warmup = 1.5, 0.4
		self.rate = 0
		self.count = 0
		self.depth = self.statements = self.queries = 1
		self.block = self.tls = self.calls = False
		self.query = None
		self.slow = 0
		self.ramp = 64
		self.load_cpu = self.pooler_cpu = None
		self.script = None
		self.jobs = 1
		for name, value in differences.items():
			if not hasattr(self, name):
				raise TypeError(f"a plan has no {name}")
			setattr(self, name, value)

	def command(self, target):
		words = [f"{self.tools}/pgload", "-h", self.host, "-p", target.port, "-u", target.user,
			"-d", target.database, "-w", target.password, "-m", self.mode, "-M", self.proto,
			"-c", self.clients, "-t", self.seconds, "-W", self.warmup, "-D", self.depth,
			"-N", self.statements, "-R", self.ramp, "-Q", self.queries]
		for flag, value in (("-r", self.rate), ("-n", self.count), ("-q", self.query),
				("-S", self.slow)):
			if value:
				words += [flag, value]
		words += ["-T"] * self.tls + ["-x"] * self.block + ["-P"] * self.calls
		if self.load_cpu is not None:
			words = ["taskset", "-c", self.load_cpu] + words
		return list(map(str, words))


class LoadFailed(Exception):
	pass


class Run:
	"""pgload at work: iterating gives the lines it prints, after which `result` is there."""

	def __init__(self, plan, target):
		self.name, self.result = target.name, None
		self.process = subprocess.Popen(plan.command(target), stdin=subprocess.PIPE,
			stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, bufsize=1)
		self.killer = threading.Timer(plan.seconds + plan.warmup + 150, self.process.kill)
		self.killer.start()

	def go_on(self):
		"""After HOLD or DRAINED."""
		self.process.stdin.write("\n")

	def __iter__(self):
		try:
			for line in self.process.stdout:
				if line.startswith("{"):
					self.result = json.loads(line)
				else:
					yield line.split()[0]
			complaint = self.process.stderr.read().strip()
			self.process.wait()
		finally:
			self.killer.cancel()
			if self.process.poll() is None:
				self.process.kill()
				self.process.wait()
		if self.result is None:
			raise LoadFailed(f"{self.name}: {complaint[:300]}")


def run(target, plan):
	"""The result of one run, as pgload and the pooler's processes tell it."""
	work = Run(plan, target)
	calls, counts = None, {}
	before = after = None
	for line in work:
		if line == "HOLD":		# all are logged in, nothing is under way
			procs.pin(target.pids, plan.pooler_cpu)
			calls = procs.Calls(target.pids)
			work.go_on()
		elif line == "START":
			if not plan.calls:
				procs.pin(target.pids, plan.pooler_cpu)
			before, begun = procs.sample(target.pids), time.monotonic()
		elif line == "STOP":
			after, ended = procs.sample(target.pids), time.monotonic()
		elif line == "DRAINED":		# nothing is under way any more
			counts = calls.stop()
			work.go_on()
	result = work.result
	done = result["conns"] if plan.mode == "connect" else result["tx"]
	result.update(procs.cost(before, after, done, ended - begun))
	if plan.mode == "big" and result["bytes"]:
		result["cpu_s_per_gb"] = result["cpu_s"] / (result["bytes"] / 1e9)
	if counts and done:
		result["sysc"] = counts["total"] / done
		result["calls"] = {name: round(n / done, 3) for name, n in
			sorted(counts.items(), key=lambda x: -x[1]) if n / done > 0.005}
	return result


def run_pgbench(target, plan):
	"""The same figures from pgbench: latencies from its log."""
	folder = tempfile.mkdtemp(prefix="pgbench")
	try:
		command = ["pgbench", "-h", plan.host, "-p", target.port, "-U", target.user, "-n",
			"-M", plan.proto, "-c", plan.clients, "-j", plan.jobs, "-T", int(plan.seconds),
			"--log", "--log-prefix", f"{folder}/log"]
		command += (["-f", plan.script] if plan.script else ["-S"]) + [target.database]
		if plan.load_cpu is not None:
			command = ["taskset", "-c", plan.load_cpu] + command
		procs.pin(target.pids, plan.pooler_cpu)
		before, begun = procs.sample(target.pids), time.monotonic()
		done = subprocess.run(list(map(str, command)), capture_output=True, text=True,
			timeout=plan.seconds + 120, check=False, env=dict(os.environ,
			PGPASSWORD=target.password, PGSSLMODE="require" if plan.tls else "disable"))
		after, ended = procs.sample(target.pids), time.monotonic()
		count = re.search(r"transactions actually processed: (\d+)", done.stdout)
		if not count:
			raise LoadFailed(f"{target.name}: {done.stderr.strip()[:300]}")
		waits = []
		for name in glob.glob(f"{folder}/log*"):
			with open(name, encoding="ascii") as lines:
				waits += [int(line.split()[2]) for line in lines if line.split()[2].isdigit()]
		waits.sort()
	finally:
		shutil.rmtree(folder)
	result = dict(tx=int(count.group(1)), errors=len(re.findall("error|aborted", done.stderr)),
		tps=float(re.search(r"tps = ([\d.]+)", done.stdout).group(1)))
	if waits:
		result["avg_us"] = sum(waits) / len(waits)
		for name, part in (("p50_us", .5), ("p95_us", .95), ("p99_us", .99), ("p999_us", .999)):
			result[name] = waits[min(len(waits) - 1, int(part * len(waits)))]
	result.update(procs.cost(before, after, result["tx"], ended - begun))
	return result


def rounds(targets, plan, count, once=run, complain=print):
	"""COUNT rounds over all TARGETS in turn (A B C A B C): {name: [result or None]}.

	A failed run is None, so that the same place is the same round for everyone.
	"""
	found = {target.name: [] for target in targets}
	for _ in range(count):
		for target in targets:
			try:
				found[target.name].append(once(target, plan))
			except LoadFailed as why:
				complain(why)
				found[target.name].append(None)
			time.sleep(0.2)
	return found


def median(results, name):
	"""The median of NAME over those that have it; None if nobody does."""
	values = [x[name] for x in results if x and x.get(name) is not None]
	return statistics.median(values) if values else None


def ratio(results, base, name):
	"""The median of the rounds' ratios to BASE; None if no round has both."""
	values = [x[name] / y[name] for x, y in zip(results, base) if x and y and y.get(name)]
	return statistics.median(values) if values else None


def troubles(results):
	"""The first word of trouble in RESULTS, or nothing."""
	for x in results:
		if x and (x.get("errors") or x.get("tagbad")):
			return (f"{x.get('errors', 0)} errors, {x.get('tagbad', 0)} wrong replies: "
				f"{x.get('first_error', '')}")
	return ""


def idle(target, plan, settle=2.0):
	"""Hold PLAN.clients idle clients: bytes before, with them and after, and CPU meanwhile."""
	before = procs.memory(target.pids)[1]
	work = Run(plan, target)
	share = peak = 0
	for line in work:
		if line == "START":
			time.sleep(min(settle, plan.seconds / 3))
			peak = procs.memory(target.pids)[1]
			first, begun = procs.sample(target.pids), time.monotonic()
			time.sleep(min(settle, plan.seconds / 3))
			last = procs.sample(target.pids)
			share = (last["ns"] - first["ns"]) / 1e9 / (time.monotonic() - begun)
	until = time.monotonic() + 30
	while procs.descriptors(target.pids) > 200 and time.monotonic() < until:
		time.sleep(0.1)
	time.sleep(settle)
	after = procs.memory(target.pids)[1]
	up = work.result["up"]
	return dict(up=up, before=before, peak=peak, after=after, idle_cpu=share,
		each=(peak - before) / max(1, up), back=(peak - after) / max(1, peak - before),
		errors=work.result["errors"], first_error=work.result["first_error"],
		ramp_s=work.result["ramp_s"])
