'use strict'
// What the node clients share: their settings, their tags and the counting of checks.
//
// Every value a client sends carries a tag that no other session and no other process
// uses, so an answer that went to the wrong session cannot pass for the right one.
const { isDeepStrictEqual, inspect } = require('node:util')

const clients = Number(process.env.CLIENTS || 12)
const rounds = Number(process.env.ROUNDS || 20)
const cancelSeconds = 5
let checks = 0
let gate = Promise.resolve()

// Count one check, or say what was expected and what came.
function expect(what, expected, came) {
	if (!isDeepStrictEqual(expected, came))
		throw new Error(`${what}: expected ${inspect(expected)}, got ${inspect(came)}`)
	checks++
}

// Wait until PROMISE fails and check the SQLSTATE it fails with.
async function expectError(what, sqlstate, promise) {
	let code = 'no error'
	try {
		await promise
	} catch (error) {
		code = error.code || String(error)
	}
	expect(what, sqlstate, code)
}

// A sleeping query occupies a server and the watcher needs another one, so a
// process runs one WORK at a time. It must be over within cancelSeconds.
function oneAtATime(work) {
	gate = gate.then(async () => {
		const start = process.hrtime.bigint()
		const left = () => Number(process.hrtime.bigint() - start) / 1e9 < cancelSeconds
		await work(left)
		expect(`cancelled within ${cancelSeconds} s`, true, left())
	})
	return gate
}

// One line for the reader of the suite, the trace for who looks closer.
function die(error) {
	console.error(`${error.stack}\nfailed: ${error.message}`)
	process.exit(1)
}

// Run SESSION(number) CLIENTS times at once between OPEN and CLOSE.
async function main(driver, version, open, session, close) {
	process.on('unhandledRejection', die)
	try {
		await open()
		await Promise.all(Array.from({ length: clients }, (_, number) => session(number)))
		await close()
	} catch (error) {
		die(error)
	}
	console.log(`ok ${driver} ${version} ${checks} checks`)
}

module.exports = {
	clients, rounds, expect, expectError, oneAtATime, main,
	copyRows: 50,
	tls: process.env.PGSSLMODE === 'require',
	tag: (session, n) => `${process.pid}-s${session}-r${n}`,
	table: (driver) => `clients_${driver}_${process.pid}`,
	ownWord: (session) => `p${process.pid}s${session}`,
	committed: clients * Math.ceil(rounds / 3),
	watch: "select count(*)::int as n from pg_stat_activity " +
		"where wait_event = 'PgSleep' and strpos(query, $1) > 0",
	pause: () => new Promise((resolve) => setTimeout(resolve, 10)),
}
