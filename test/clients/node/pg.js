'use strict'
// node-postgres: unnamed statements with parameters, named ones where the program names
// them: every session gives the same names to texts of its own.
const { pipeline: flow } = require('node:stream/promises')
const { Readable } = require('node:stream')
const pg = require('pg')
const Cursor = require('pg-cursor')
const { from, to } = require('pg-copy-streams')
const { committed, copyRows, expect, expectError, main, oneAtATime, ownWord, pause, rounds,
	table, tag, tls, watch } = require('./common')

const T = table('pg')
const options = tls ? { ssl: { rejectUnauthorized: false } } : {}
let pool

// Commit, roll back or fail: afterwards exactly the committed row is there.
async function transaction(client, n, mine) {
	const own = `select tag, n from ${T} where tag = $1`
	await client.query('begin')
	await client.query(`insert into ${T} values ($1, $2)`, [mine, n])
	expect('own row', [{ tag: mine, n }], (await client.query(own, [mine])).rows)
	const cursor = client.query(new Cursor('select $1 || i as x from generate_series(1, 25) i', [mine]))
	const got = []
	for (let rows; (rows = await cursor.read(10)).length;) got.push(...rows.map((row) => row.x))
	await cursor.close()
	expect('rows of a portal', Array.from({ length: 25 }, (_, i) => `${mine}${i + 1}`), got)
	if (n % 3 === 2)
		await expectError('division', '22012', client.query('select 1/$1::int', [0]))
	await client.query(n % 3 === 0 ? 'commit' : 'rollback')
	expect('rows left', n % 3 === 0 ? 1 : 0, (await client.query(own, [mine])).rowCount)
}

async function copy(client, mine) {
	const lines = Array.from({ length: copyRows }, (_, i) => `${mine}-c${i}\t${i}\n`)
	await client.query('begin')
	await flow(Readable.from(lines), client.query(from(`copy ${T} from stdin`)))
	const out = client.query(to(`copy (select * from ${T} where strpos(tag, '${mine}-c') = 1 ` +
		'order by n) to stdout'))
	const back = []
	for await (const chunk of out) back.push(chunk)
	await client.query('rollback')
	expect('copied rows', lines.join(''), Buffer.concat(back).toString())
}

// The driver's own pipeline, on a connection beside the session's.
async function pipeline(mine) {
	const client = new pg.Client({ ...options, pipeline: true })
	await client.connect()
	const asked = Array.from({ length: 10 }, (_, i) => client.query('select $1 as x', [`${mine}-p${i}`]))
	const failed = expectError('division in a pipeline', '22012', client.query('select 1/$1::int', [0]))
	const last = client.query({ name: 'last', text: `select '${mine}' || $1 as x`, values: ['!'] })
	const came = (await Promise.all(asked)).map((result) => result.rows[0].x)
	await failed
	expect('pipelined answers', asked.map((_, i) => `${mine}-p${i}`), came)
	expect('answer after the error', `${mine}!`, (await last).rows[0].x)
	await client.end()
}

// The driver sends a cancel request from a second client, never over TLS.
function cancel(client, mine) {
	return oneAtATime(async (left) => {
		const query = new pg.Query(`select pg_sleep(30) /* ${mine} */`)
		const ended = new Promise((resolve, reject) => query.on('end', resolve).on('error', reject))
		const failed = expectError('cancelled query', '57014', ended)
		client.query(query)
		while (!(await pool.query(watch, [mine])).rows[0].n && left()) await pause()
		const canceller = new pg.Client({ ...options, ssl: false })
		canceller.connection.on('error', () => {})
		canceller.cancel(client, query)
		await failed
	})
}

async function session(number) {
	const client = new pg.Client(options)
	await client.connect()
	for (let n = 0; n < rounds; n++) {
		const mine = tag(number, n)
		expect('no parameters', [{ x: 7 }], (await client.query('select 3 + 4 as x')).rows)
		expect('parameter', [{ x: mine }], (await client.query('select $1::text as x', [mine])).rows)
		const own = { name: 'own', text: `select '${ownWord(number)}' || $1 as x`, values: [mine] }
		expect('own statement', [{ x: ownWord(number) + mine }], (await client.query(own)).rows)
		await expectError('division', '22012', client.query('select 1/0'))
		await client.query("do $$ begin raise notice 'to be ignored'; end $$")
		await transaction(client, n, mine)
		if (n % 5 === 0) {
			await copy(client, mine)
			await pipeline(mine)
		}
		if (n === rounds >> 1) await cancel(client, mine)
	}
	await client.end()
}

main('pg', require('./package.json').dependencies.pg, async () => {
	pool = new pg.Pool(options)
	await pool.query(`create table if not exists ${T} (tag text, n int)`)
}, session, async () => {
	const all = await pool.query(`select count(*)::int as n from ${T}`)
	expect('committed rows', committed, all.rows[0].n)
	await pool.query(`drop table ${T}`)
	await pool.end()
})
