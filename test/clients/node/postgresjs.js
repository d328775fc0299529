'use strict'
// postgres.js: every tagged query prepared under a name of the driver's, many queries
// written to one connection before the first answer.
const { pipeline: flow } = require('node:stream/promises')
const { Readable } = require('node:stream')
const postgres = require('postgres')
const { committed, copyRows, expect, expectError, main, oneAtATime, ownWord, pause, rounds,
	table, tag, tls, watch } = require('./common')

const options = { ssl: tls ? 'require' : false, onnotice: () => {} }
const sql = postgres(options)
const watcher = postgres({ ...options, max: 1 })	// never in line behind the sleeper
const T = sql(table('postgresjs'))

// Commit, roll back or fail: afterwards exactly the committed row is there.
async function transaction(n, mine) {
	const ended = sql.begin(async (sql) => {
		await sql`insert into ${T} values (${mine}, ${n})`
		const rows = await sql`select tag, n from ${T} where tag = ${mine}`
		expect('own row', [{ tag: mine, n }], [...rows])
		const got = []
		for await (const part of sql`select ${mine}::text || i as x from generate_series(1, 25) i`.cursor(10))
			got.push(...part.map((row) => row.x))
		expect('rows of a portal', Array.from({ length: 25 }, (_, i) => `${mine}${i + 1}`), got)
		if (n % 3 === 1) throw Object.assign(new Error('rollback'), { code: 'rollback' })
		if (n % 3 === 2) await sql`select 1/${0}::int`
	})
	await expectError('end of the transaction', ['no error', 'rollback', '22012'][n % 3], ended)
	const rows = await sql`select tag, n from ${T} where tag = ${mine}`
	expect('rows left', n % 3 === 0 ? [{ tag: mine, n }] : [], [...rows])
}

async function copy(mine) {
	const lines = Array.from({ length: copyRows }, (_, i) => `${mine}-c${i}\t${i}\n`)
	const back = []
	const ended = sql.begin(async (sql) => {
		await flow(Readable.from(lines), await sql`copy ${T} from stdin`.writable())
		const own = sql.unsafe(`'${mine}-c'`)
		const out = await sql`copy (select * from ${T} where strpos(tag, ${own}) = 1 order by n) to stdout`
			.readable()
		for await (const chunk of out) back.push(chunk)
		throw Object.assign(new Error('rollback'), { code: 'rollback' })
	})
	await expectError('end of the copy', 'rollback', ended)
	expect('copied rows', lines.join(''), Buffer.concat(back).toString())
}

// On one connection all of these are written before the first answer comes.
async function pipeline(mine) {
	const reserved = await sql.reserve()
	const ask = (value) => reserved`select ${value}::text as x`.execute()
	const asked = Array.from({ length: 10 }, (_, i) => ask(`${mine}-p${i}`))
	const failed = expectError('division in a pipeline', '22012', reserved`select 1/${0}::int`.execute())
	const last = ask(mine)
	const came = (await Promise.all(asked)).map((rows) => rows[0].x)
	await failed
	expect('pipelined answers', asked.map((_, i) => `${mine}-p${i}`), came)
	expect('answer after the error', mine, (await last)[0].x)
	reserved.release()
}

function cancel(mine) {
	return oneAtATime(async (left) => {
		const query = sql`select pg_sleep(30) ${sql.unsafe(`/* ${mine} */`)}`
		const failed = expectError('cancelled query', '57014', query.execute())
		while (!(await watcher.unsafe(watch, [mine]))[0].n && left()) await pause()
		query.cancel()
		await failed
	})
}

async function session(number) {
	const word = sql.unsafe(`'${ownWord(number)}'`)
	for (let n = 0; n < rounds; n++) {
		const mine = tag(number, n)
		expect('no parameters', [{ x: 7 }], [...await sql`select 3 + 4 as x`])
		expect('simple', [{ x: mine }], [...await sql.unsafe(`select '${mine}' as x`)])
		expect('parameter', [{ x: mine }], [...await sql`select ${mine}::text as x`])
		expect('own statement', [{ x: ownWord(number) + mine }],
			[...await sql`select ${word} || ${mine} as x`])
		await expectError('division', '22012', sql`select 1/0`)
		await sql`do $$ begin raise notice 'to be ignored'; end $$`
		await transaction(n, mine)
		await pipeline(mine)
		if (n % 5 === 0) await copy(mine)
		if (n === rounds >> 1) await cancel(mine)
	}
}

main('postgresjs', require('./package.json').dependencies.postgres,
	() => sql`create table if not exists ${T} (tag text, n int)`, session, async () => {
		const all = await sql`select count(*)::int as n from ${T}`
		expect('committed rows', committed, all[0].n)
		await sql`drop table ${T}`
		await Promise.all([sql.end(), watcher.end()])
	})
