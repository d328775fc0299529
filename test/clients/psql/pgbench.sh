#!/bin/bash
# Client pgbench: tagged rows by each of its three protocols, two processes at a time.
set -u
clients=${CLIENTS:-12} rounds=${ROUNDS:-20}
here=$(cd "$(dirname "$0")" && pwd)
table=clients_pgbench_$$
dir=$(mktemp -d) || exit 1
trap 'rm -rf "$dir"; kill $(jobs -p) 2>/dev/null' EXIT
checks=0

fail()
{
	echo "failed: $*" >&2
	exit 1
}

ask()
{
	psql -XAtq -v ON_ERROR_STOP=1 -c "$1" || fail "$1: expected an answer"
}

# Process $2, 1 or 2, of mode $1.
bench()
{
	local parts=("$here/pgbench.sql")

	# pgbench waits for the answer to a PREPARE with all its clients at once, those in a
	# transaction included: with fewer servers than clients they would hold them all.
	[ "$1" = prepared ] || parts+=("$here/transaction.sql")
	[ "$1" = simple ] || parts+=("$here/pipeline.sql")
	sed "s/@WORD@/$(($$ * 10 + $2))0000000/g; s/@TABLE@/$table/g" "${parts[@]}" >"$dir/$1$2.sql"
	pgbench -n -M "$1" -c "$clients" -j 1 -t "$rounds" -D round=0 -f "$dir/$1$2.sql" \
		>"$dir/$1$2.out" 2>&1
}

for mode in simple extended prepared; do
	per_round=3 commits=$((2 * clients * (rounds / 3)))
	[ $mode = simple ] || per_round=4
	[ $mode = prepared ] && per_round=3 commits=0
	ask "create table if not exists $table (tag bigint, n int)"
	bench $mode 1 &
	first=$!
	bench $mode 2 &
	second=$!
	wait $first || fail "$mode: $(head -5 "$dir/${mode}1.out")"
	wait $second || fail "$mode: $(head -5 "$dir/${mode}2.out")"
	for out in "$dir/$mode"?.out; do
		grep -q "actually processed: $((clients * rounds))/" "$out" ||
			fail "$mode: expected $((clients * rounds)) transactions, got: $(cat "$out")"
	done
	kept=$(ask "select count(*) from $table where tag > 0")
	[ "$kept" = $commits ] ||
		fail "$mode: expected $commits committed rows, got $kept"
	checks=$((checks + 1 + 2 * clients * rounds * per_round))
	ask "drop table $table"
done
echo "ok pgbench $(pgbench --version | awk '{ print $3 }') $checks checks"
