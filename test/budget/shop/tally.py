"""tally.py - what a process of the shop asked and what it was answered, for the scene."""
import collections
import contextlib
import json
import time

FULL = ("too many clients", "remaining connection slots", "53300")


class Tally:
	"""Requests asked and answered, how many heard of a full server, other errors by their text.

	.took has the seconds of each; shown are the median, the 99th percentile and the most.
	"""

	def __init__(self):
		self.asked = self.answered = self.full = 0
		self.errors, self.took = collections.Counter(), []

	@contextlib.contextmanager
	def request(self):
		"""What is done inside is one request: answered unless it raises, which is noted."""
		began = time.monotonic()
		self.asked += 1
		try:
			yield
			self.answered += 1
		except Exception as error:
			self.note(error)
		self.took.append(time.monotonic() - began)

	def note(self, error):
		text = "%s: %s" % (type(error).__name__, error)
		if any(word in text for word in FULL):
			self.full += 1
		else:
			self.errors[" ".join(text.split())[:300]] += 1

	def show(self):
		took = sorted(self.took) or [0]
		print(json.dumps({**vars(self), "took": [
			took[len(took) // 2], took[int(len(took) * 0.99)], took[-1]]}), flush=True)
