"""relay.py - a TCP relay before a server whose connections can be cut, in the middle of whatever they carry."""
import asyncio
import random
import signal
import socket
import struct


class Relay:
	"""Listens at PORT, passes bytes to and from SERVER; SIGUSR1 cuts some of the connections."""

	def __init__(self, port, server, seed):
		self.port, self.server, self.rng = port, server, random.Random("%s relay" % seed)
		self.pairs = set()

	def run(self):
		asyncio.run(self.main())

	async def main(self):
		asyncio.get_running_loop().add_signal_handler(signal.SIGUSR1, self.cut)
		async with await asyncio.start_server(self.accept, "127.0.0.1", self.port, limit=1 << 18) as server:
			await server.serve_forever()

	async def accept(self, reader, writer):
		try:
			far_reader, far_writer = await asyncio.open_connection(*self.server, limit=1 << 18)
		except OSError:
			writer.transport.abort()
			return
		pair = (writer, far_writer)
		self.pairs.add(pair)
		await asyncio.gather(self.pass_on(reader, far_writer), self.pass_on(far_reader, writer))
		self.pairs.discard(pair)

	async def pass_on(self, reader, writer):
		try:
			while data := await reader.read(1 << 17):
				writer.write(data)
				await writer.drain()
		except OSError:
			pass
		writer.close()

	def cut(self):
		"""Each with a reset or a plain end, at whatever byte they are."""
		for pair in sorted(self.pairs, key=id):
			if self.rng.random() < 0.5:
				continue
			for writer in pair:
				if self.rng.random() < 0.5 and not writer.is_closing():
					writer.get_extra_info("socket").setsockopt(
						socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
				writer.transport.abort()
