"""measure.py - what the scenes of test/budget/run share: helpers beside the clients, rows of the
table."""

import threading


class Helper(threading.Thread):
	"""Does something beside the clients until it is told to end; its failure is the run's."""

	def __init__(self):
		super().__init__(daemon=True)
		self.over, self.failure = threading.Event(), None

	def run(self):
		try:
			while not self.over.is_set():
				self.act()
		except Exception as error:	# shown by end()
			self.failure = error

	def end(self):
		self.over.set()
		self.join(60)
		if self.failure:
			raise self.failure
		assert not self.is_alive(), "%s does not end" % type(self).__name__


def report(name, value, bar, met):
	print("| %s | %s | %s | %s |" % (name, value, bar, "yes" if met else "**no**"), flush=True)
	return met
