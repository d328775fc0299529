"""rough.py - clients that leave without a word in the middle of something, and strangers who never were clients."""
import asyncio
import struct

import rawpg
from rawpg import bind, copy_data, execute, parse, query, sync
from session import Gone, Session, Wrong


# --- leaving in the middle: the caller closes the connection afterwards -------------------------

async def in_a_message(w):
	"""The rest of a message never comes: nothing of it may have happened."""
	w.gone.append(w.tag)
	data = query("insert into kept values ('%s', 1) -- %s" % (w.tag, "z" * w.rng.choice((0, 20000, 300000))))
	await w.session.send(data[:w.rng.randrange(1, len(data))])


async def in_an_extended_message(w):
	w.gone.append(w.tag)
	data = parse("", "insert into kept values ($1, 1)") + bind("", [w.tag + "z" * w.rng.choice((0, 50000))]) + execute()
	await w.session.send(data[:w.rng.randrange(1, len(data))])


async def without_sync(w):
	"""Executed and never ended: rolled back."""
	w.gone.append(w.tag)
	await w.session.send(parse("", "insert into kept values ($1, 1)"), bind("", [w.tag]), execute(), rawpg.flush())
	if w.rng.random() < 0.5:
		await w.session.hears(("1", None), ("2", None), ("C", "INSERT 0 1"))


async def in_a_transaction(w):
	w.gone.append(w.tag)
	await w.session.does("begin", "BEGIN", "T")
	await w.session.does("insert into kept values ('%s', 1)" % w.tag, "INSERT 0 1", "T")
	if w.rng.random() < 0.5:
		await w.session.send(query("select pg_sleep(%.2f)" % w.rng.random()))


async def in_a_failed_transaction(w):
	await w.session.does("begin", "BEGIN", "T")
	await w.session.send(query("select nonsense"))
	await w.session.hears(("E", "42703"), ("Z", "E"))


async def in_a_copy_in(w):
	w.gone.append(w.tag)
	extended = w.rng.random() < 0.5
	sql = "copy copied from stdin"
	await w.session.send(parse("", sql) + bind() + execute() + w.rng.choice((b"", sync())) if extended else query(sql))
	if not extended and w.rng.random() < 0.8:
		await w.session.hears(("G", None))
		data = b"".join(copy_data("%s\t%d\n" % (w.tag, n)) for n in range(w.rng.choice((1, 3000))))
		await w.session.send(data[:w.rng.randrange(0, len(data) + 1)])


async def in_a_copy_out(w):
	await w.session.send(query("copy (select repeat('x', 1000) from generate_series(1, 5000)) to stdout"))
	for _ in range(w.rng.choice((0, 1, 50))):
		await w.session.message()


async def in_a_large_answer(w):
	await w.session.send(query("select '%s', repeat('x', 2000) from generate_series(1, 4000)" % w.tag))
	for _ in range(w.rng.choice((0, 1, 50))):
		await w.session.message()


async def while_it_runs_or_waits(w):
	"""Other clients keep the servers: many of these never get one."""
	await w.session.send(query("select pg_sleep(%.2f) /* %s */" % (w.rng.random() * 2, w.tag)))
	await asyncio.sleep(w.rng.random() * 0.2)


async def in_a_pipeline(w):
	part = parse("", "select $1::text") + bind("", [w.tag]) + execute() + sync() + query("select '%s'" % w.tag)
	data = part * w.rng.randrange(1, 60)
	await w.session.send(data[:w.rng.randrange(1, len(data) + 1)])


async def at_rest(w):
	"""Idle, with statements, without saying goodbye."""
	await w.named()


LEAVING = (in_a_message, in_an_extended_message, without_sync, in_a_transaction, in_a_failed_transaction, in_a_copy_in,
	   in_a_copy_out, in_a_large_answer, while_it_runs_or_waits, in_a_pipeline, at_rest)


# --- strangers -----------------------------------------------------------------------------------

async def wrong_password(address, rng, targets):
	user, database, tls, version = rng.choice(targets)
	await refused(Session(address, tls), user, "not the secret", database, version)


async def wrong_user(address, rng, targets):
	await refused(Session(address), rng.choice(("nobody_we_know", "app'--", "\u00fc" * 30)), "secret", targets[0][1])


async def wrong_database(address, rng, targets):
	await refused(Session(address), "app", "secret", "no such database")


async def refused(s, user, secret, database, *more):
	"""The login must end in a fatal error."""
	try:
		await s.enter(user, secret, database, *more)
	except Gone as why:
		await s.close()
		if why.code is None and not why.text.startswith(("end of stream", "while", "connecting")):
			raise Wrong("refused without a code: %s" % why.text) from None
		return
	raise Wrong("%s entered %s with secret %r" % (user, database, secret))


def garbage(rng):
	def noise(n):
		return rng.randbytes(n)
	whole = rawpg.startup(user="app", database="d3")
	return rng.choice((
		lambda: noise(rng.randrange(1, 5000)),
		lambda: b"GET / HTTP/1.1\r\nHost: localhost\r\n\r\n",
		lambda: struct.pack("!II", 0x7fffffff, rawpg.PROTOCOL_3_0) + noise(100),
		lambda: struct.pack("!II", 8, rawpg.SSL_REQUEST) + noise(300),
		lambda: struct.pack("!II", 8, rawpg.SSL_REQUEST),
		lambda: struct.pack("!II", 8, rawpg.GSS_REQUEST) * 3,
		lambda: rawpg.cancel_request(rng.getrandbits(32), noise(rng.choice((0, 4, 32, 256)))),
		lambda: whole[:rng.randrange(1, len(whole))],
		lambda: whole + noise(rng.randrange(1, 200)),
		lambda: rawpg.startup(user="app_scram", database="d3") + rawpg.password("x" * 3000),
		lambda: rawpg.startup(version=rawpg.PROTOCOL_GREASED, user="app_scram", database="d3") + query("select 1"),
		lambda: rawpg.startup(user="app" * 3000, database="d3"),
		lambda: rawpg.startup(database="d3"),
		lambda: b"",
	))()


async def stranger(address, rng, _):
	"""Nothing a stranger sends may harm; what is said back does not matter."""
	s = Session(address)
	try:
		await s.connect()
		data = garbage(rng)
		cut = rng.randrange(0, len(data) + 1)
		await s.send(data[:cut])
		await asyncio.sleep(rng.random() * 0.05)
		await s.send(data[cut:])
		await asyncio.wait_for(s.reader.read(4096), rng.random())
	except (Gone, Wrong, OSError, asyncio.TimeoutError):
		pass
	await s.vanish(rng.random() < 0.3)


STRANGERS = (wrong_password, wrong_user, wrong_database, stranger, stranger, stranger)
