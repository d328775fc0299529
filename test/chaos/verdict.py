"""verdict.py - what the pooler's process looks like during the run, and whether all is well in the end."""
import collections
import json
import os
import pathlib

MEGABYTE = 1 << 20
SANITIZED = (b"__asan_init", b"__tsan_init")


def is_sanitized(program):
	data = pathlib.Path(program).read_bytes()
	return any(word in data for word in SANITIZED)


class Watch:
	"""The pooler's memory and descriptors."""

	def __init__(self, pid):
		self.pid, self.samples = pid, []

	def descriptors(self):
		return len(os.listdir("/proc/%d/fd" % self.pid))

	def rss(self):
		for line in pathlib.Path("/proc/%d/status" % self.pid).read_text().splitlines():
			if line.startswith("VmRSS:"):
				return int(line.split()[1]) * 1024
		return 0

	def sample(self):
		self.samples.append(self.rss())

	def peak(self, begin, end):
		n = len(self.samples)
		part = self.samples[int(n * begin):max(int(n * end), int(n * begin) + 1)]
		return max(part, default=0)

	def memory(self):
		"""RSS at the start, in the middle and at the end of the run."""
		return self.peak(0, 0.05), self.peak(0.4, 0.55), self.peak(0.9, 1)

	def grows(self):
		_, middle, end = self.memory()
		return end > middle * 1.1 + 5 * MEGABYTE


class Sums:
	"""What all fleets have told."""

	def __init__(self, path):
		self.done, self.errors = collections.Counter(), collections.Counter()
		self.wrong, self.longest = [], 0.0
		for line in path.read_text().splitlines() if path.exists() else ():
			try:
				told = json.loads(line)
			except ValueError:
				continue	# its writer was killed
			self.done.update(told["done"])
			self.errors.update(told["errors"])
			self.wrong += told["wrong"]
			self.longest = max(self.longest, told["longest"])


def table(title, counts):
	print("\n%s" % title)
	for name, count in sorted(counts.items(), key=lambda pair: (-pair[1], pair[0])):
		print("  %8d  %s" % (count, name))
	if not counts:
		print("         -")
