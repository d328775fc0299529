"""rolling.py - what a rolling restart needs beside poolers: a Service as of Kubernetes, and
applications that work all the time and count what fails.

Run as a program it is the Service: rolling.py PORT PERIOD BACKEND:PROBE...
"""

import asyncio
import contextlib
import pathlib
import random
import subprocess
import sys
import threading
import time

from scratch import can_connect, free_port, wait_for

# --- the Service ------------------------------------------------------------------------


async def is_ready(probe):
	"""Does /readyz at port PROBE say 200?"""
	try:
		reader, writer = await asyncio.open_connection("127.0.0.1", probe)
	except OSError:
		return False
	try:
		writer.write(b"GET /readyz HTTP/1.1\r\nHost: probe\r\nConnection: close\r\n\r\n")
		return b" 200 " in await asyncio.wait_for(reader.readline(), 2)
	except (OSError, asyncio.TimeoutError):
		return False
	finally:
		writer.close()


class Service:
	"""Hands new connections to those backends that were ready when it looked last; what is
	open stays where it is."""

	def __init__(self, backends):
		self.backends, self.ready, self.turn = backends, [], 0

	async def look(self, period):
		while True:
			answers = await asyncio.gather(*(is_ready(probe) for _, probe in self.backends))
			self.ready = [port for (port, _), yes in zip(self.backends, answers) if yes]
			await asyncio.sleep(period)

	async def serve(self, reader, writer):
		with contextlib.suppress(OSError):
			if self.ready:
				self.turn += 1
				port = self.ready[self.turn % len(self.ready)]
				there = await asyncio.open_connection("127.0.0.1", port)
				await asyncio.gather(pump(reader, there[1]), pump(there[0], writer))
		writer.close()


async def pump(reader, writer):
	with contextlib.suppress(OSError):
		while data := await reader.read(65536):
			writer.write(data)
			await writer.drain()
	with contextlib.suppress(OSError):
		if writer.can_write_eof():
			writer.write_eof()


async def be_service(port, period, backends):
	service = Service(backends)
	looking = asyncio.create_task(service.look(period))
	server = await asyncio.start_server(service.serve, "127.0.0.1", port, backlog=500)
	async with server:
		await asyncio.gather(looking, server.serve_forever())


@contextlib.contextmanager
def service(backends, period):
	"""A Service before BACKENDS, pairs of ports (of clients, of probes), that looks every
	PERIOD; its port."""
	port = free_port()
	words = [sys.executable, str(pathlib.Path(__file__).resolve()), str(port), str(period)]
	process = subprocess.Popen(
		["setpriv", "--pdeathsig", "KILL", *words, *("%d:%d" % pair for pair in backends)],
		stdin=subprocess.DEVNULL,
	)
	try:
		wait_for("the Service", lambda: can_connect(port))
		yield port
	finally:
		process.kill()
		process.wait()


# --- applications -----------------------------------------------------------------------


class Workers:
	"""COUNT threads that work, rest for up to REST seconds, and work again. WORK(index)
	returns a function that does it once; what it raises is a failed request."""

	def __init__(self, count, work, rest):
		self.stopping, self.rest = threading.Event(), rest
		self.failures, self.done, self.longest = [], [0] * count, 0.0
		self.threads = [threading.Thread(target=self.go, args=(i, work(i))) for i in range(count)]
		for thread in self.threads:
			thread.start()

	def go(self, index, once):
		while not self.stopping.is_set():
			began = time.monotonic()
			try:
				once()
				self.done[index] += 1
			except Exception as e:  # whatever a library raises is a failed request
				self.failures.append("%s: %s" % (type(e).__name__, e))
			self.longest = max(self.longest, time.monotonic() - began)
			self.stopping.wait(random.uniform(0, self.rest))

	def progress(self, more=3):
		"""Wait until each has worked MORE times from now on."""
		goals = [n + more for n in self.done]
		wait_for(
			"workers to go on: %s" % self.failures[:3],
			lambda: all(n >= goal for n, goal in zip(self.done, goals)) or self.failures,
			60,
		)

	def stop(self):
		self.stopping.set()
		for thread in self.threads:
			thread.join(60)


if __name__ == "__main__":
	pairs = [tuple(map(int, word.split(":"))) for word in sys.argv[3:]]
	asyncio.run(be_service(int(sys.argv[1]), float(sys.argv[2]), pairs))
