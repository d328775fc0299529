"""crowd.py - many clients that log in by TLS and MD5 and then say nothing.

Arguments: address, port, user, password, database, how many. Says `in N` when all are, and
then obeys lines: `ask` runs a query on each hundredth of them, `go` ends.
"""
import asyncio
import hashlib
import json
import resource
import ssl
import struct
import sys

address, port, user, password, database = sys.argv[1:6]
count = int(sys.argv[6])
ABREAST = 40

soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
context = ssl.create_default_context()
context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
# cheap for both sides, as there are so many
context.maximum_version = ssl.TLSVersion.TLSv1_3


def message(kind, body):
	return kind + struct.pack("!i", len(body) + 4) + body


async def answer(reader):
	kind = await reader.readexactly(1)
	length = struct.unpack("!i", await reader.readexactly(4))[0]
	return kind, await reader.readexactly(length - 4)


async def until_ready(reader):
	rows = 0
	while True:
		kind, body = await answer(reader)
		if kind == b"E":
			raise RuntimeError(body)
		rows += kind == b"D"
		if kind == b"Z":
			return rows


async def enter():
	reader, writer = await asyncio.open_connection(address, int(port))
	writer.write(struct.pack("!ii", 8, 80877103))
	assert await reader.readexactly(1) == b"S"
	await writer.start_tls(context)
	words = b"user\0%s\0database\0%s\0\0" % (user.encode(), database.encode())
	writer.write(struct.pack("!ii", len(words) + 8, 196608) + words)
	kind, body = await answer(reader)
	if kind != b"R":
		raise RuntimeError(body)
	assert struct.unpack("!i", body[:4])[0] == 5, body
	inner = hashlib.md5(password.encode() + user.encode()).hexdigest().encode()
	writer.write(message(b"p", b"md5" + hashlib.md5(inner + body[4:]).hexdigest().encode() + b"\0"))
	await until_ready(reader)
	return reader, writer


async def main():
	clients, waiting = [], asyncio.Semaphore(ABREAST)

	async def one():
		async with waiting:
			clients.append(await enter())

	await asyncio.gather(*(one() for _ in range(count)))
	print("in %d" % len(clients), flush=True)
	loop = asyncio.get_running_loop()
	while (await loop.run_in_executor(None, sys.stdin.readline)).strip() == "ask":
		rows = 0
		for reader, writer in clients[::100]:
			writer.write(message(b"Q", b"select 1\0"))
			rows += await until_ready(reader)
		print(json.dumps(rows), flush=True)
	for _, writer in clients:
		writer.transport.abort()


asyncio.run(main())
