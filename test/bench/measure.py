#!/usr/bin/env python3
"""Measure poolers (or a server without one) that somebody else has started, by hand.

  measure.py pair --target A:6432:123 --target B:6433:456,457 [--rounds 3] [options]
  measure.py idle --target A:6432:123 -c 10000 [--tls]
  measure.py memory --target A:6432:123

A target is NAME:PORT[:PID[,PID...]][:key=value;...]; all descendants of the pids are counted.
Keys: user, database, password. `pair` runs the targets in turn (A B C A B C ...) and prints
medians, and the median of the rounds' ratios to the first target.

pgload is taken from $BENCH_BIN (default /tmp/bench); test/bench/build DIR makes it.

  cpu_us        pooler's CPU microseconds a transaction (schedstat: exact to nanoseconds)
  usr_us sys_us the same, split by utime:stime
  busy          pooler's CPU / elapsed: 1.00 means one thread of it was the limit
  sysc          system calls a transaction (--calls)
  csw           context switches a transaction
"""
import argparse
import json
import sys

sys.dont_write_bytecode = True

import load						# noqa: E402
import procs						# noqa: E402
from load import Plan, Target				# noqa: E402

COLUMNS = (("tps", "{:.0f}"), ("conn_per_s", "{:.0f}"), ("mb_per_s", "{:.0f}"),
	("avg_us", "{:.0f}"), ("p50_us", "{:.0f}"), ("p99_us", "{:.0f}"), ("p999_us", "{:.0f}"),
	("cpu_us", "{:.2f}"), ("usr_us", "{:.2f}"), ("sys_us", "{:.2f}"), ("busy", "{:.2f}"),
	("sysc", "{:.2f}"), ("csw", "{:.3f}"), ("cpu_s_per_gb", "{:.2f}"), ("errors", "{:.0f}"),
	("tagbad", "{:.0f}"))


def read_target(text):
	name, port, pids, keys = (text.split(":", 3) + ["", ""])[:4]
	more = dict(x.split("=", 1) for x in keys.split(";") if x)
	return Target(name, int(port), [int(x) for x in pids.split(",") if x], **more)


def pair(targets, plan, options):
	once = load.run_pgbench if options.tool == "pgbench" else load.run
	found = load.rounds(targets, plan, options.rounds, once,
		lambda why: print(f"# {why}", file=sys.stderr))
	shown = [(k, form) for k, form in COLUMNS
		if any(x.get(k) for results in found.values() for x in results if x)]
	print("| target | " + " | ".join(k for k, _ in shown) + " | cpu ratio |")
	print("| --- " * (len(shown) + 2) + "|")
	base = found[targets[0].name]
	for name, results in found.items():
		values = [(load.median(results, k), form) for k, form in shown]
		values.append((load.ratio(results, base, "cpu_us"), "{:.3f}"))
		print(f"| {name} | " + " | ".join("-" if v is None else form.format(v)
			for v, form in values) + " |")
	for name, results in found.items():
		makeup = [x["calls"] for x in results if x and "calls" in x]
		if makeup:
			print(f"{name}: " + ", ".join(f"{k} {v}" for k, v in makeup[-1].items()))
		if load.troubles(results):
			print(f"{name}: {load.troubles(results)}")
	if options.json:
		with open(options.json, "a", encoding="utf-8") as out:
			json.dump(found, out)
			out.write("\n")


def main():
	parser = argparse.ArgumentParser(description=__doc__,
		formatter_class=argparse.RawDescriptionHelpFormatter)
	parser.add_argument("what", choices=["pair", "idle", "memory"])
	parser.add_argument("--target", action="append", required=True, type=read_target)
	parser.add_argument("--tool", default="pgload", choices=["pgload", "pgbench"])
	parser.add_argument("--rounds", type=int, default=3)
	parser.add_argument("--json", help="append all results to this file")
	for name, value in sorted(vars(Plan()).items()):
		short = {"clients": ["-c"], "seconds": ["-t"]}.get(name, [])
		flag = short + ["--" + name.replace("_", "-")]
		if isinstance(value, bool):
			parser.add_argument(*flag, action="store_true")
		else:
			parser.add_argument(*flag, default=value,
				type=float if name in ("seconds", "warmup", "rate", "slow") else
				int if isinstance(value, int) else str)
	options = parser.parse_args()
	plan = Plan(**{name: getattr(options, name) for name in vars(Plan())})
	if options.what == "pair":
		pair(options.target, plan, options)
	for target in options.target if options.what != "pair" else ():
		if options.what == "memory":
			print("{}: rss {} pss {} bytes".format(target.name, *procs.memory(target.pids)))
			continue
		plan.mode, plan.seconds = "idle", max(plan.seconds, 6)
		found = load.idle(target, plan)
		print(f"{target.name}: {found['up']} clients, {found['each']:.0f} bytes each, "
			f"{found['back']:.0%} given back when they left, idle CPU "
			f"{100 * found['idle_cpu']:.2f} %, {found['errors']} errors {found['first_error']}")


if __name__ == "__main__":
	main()
