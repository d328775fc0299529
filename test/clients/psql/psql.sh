#!/bin/bash
# Client psql: simple queries, several statements in one message, COPY, cancel by SIGINT.
#
# Every session runs a script of its own and must print the text that was written down
# with it. Every value carries a tag that no other session and no other process uses.
set -u
clients=${CLIENTS:-12} rounds=${ROUNDS:-20} cancels=3 limit=5000
table=clients_psql_$$
dir=$(mktemp -d) || exit 1
trap 'rm -rf "$dir"; kill $(jobs -p) 2>/dev/null' EXIT

fail()
{
	echo "failed: $*" >&2
	exit 1
}

ask()
{
	psql -XAtq -v ON_ERROR_STOP=1 -c "$1" || fail "$1: expected an answer"
}

milliseconds()
{
	echo $(($(date +%s%N) / 1000000))
}

# One round of session $1, number $2: the script to file descriptor 3, what it must
# print to 4. Every third transaction commits, the others roll back or fail.
round()
{
	local mine=$$-s$1-r$2 word=p$$s$1 lines

	printf '%s\n' "select 3 + 4, '$mine';" "select '$word' || '-' || '$mine';" \
		"select 1 \\; select 2 \\; select '$mine';" "select 1/0;" \
		'\echo :LAST_ERROR_SQLSTATE' \
		"do \$\$ begin raise notice 'to be ignored'; end \$\$;" \
		"begin;" "insert into $table values ('$mine', $2);" \
		"select tag, n from $table where tag = '$mine';" >&3
	printf '%s\n' "7|$mine" "$word-$mine" "$mine" 22012 "$mine|$2" >&4
	case $(($2 % 3)) in
	0) echo "commit;" >&3 ;;
	1) echo "rollback;" >&3 ;;
	2) printf '%s\n' "select 1/0;" "select 1;" '\echo :LAST_ERROR_SQLSTATE' "commit;" >&3
	   echo 25P02 >&4 ;;
	esac
	echo "select count(*) from $table where tag = '$mine';" >&3
	echo $(($2 % 3 == 0)) >&4
	[ $(($2 % 5)) = 0 ] || return 0
	lines=$(printf "$mine-c\t%s\n" {1..50})
	echo "$lines" >&4
	printf '%s\n' "begin;" "copy $table from stdin;" "$lines" '\.' \
		"copy (select * from $table where tag = '$mine-c' order by n) to stdout;" \
		"rollback;" >&3
}

session()
{
	psql -XAtq -v SHOW_ALL_RESULTS=off -f "$dir/$1.sql" >"$dir/$1.out" 2>"$dir/$1.err"
	diff "$dir/$1.expected" "$dir/$1.out" >"$dir/$1.diff"
}

# psql sends a cancel request when it is interrupted, and ends.
cancel()
{
	local mine=$$-cancel-$1- start sleeper
	local watch="select count(*) from pg_stat_activity
		where wait_event = 'PgSleep' and strpos(query, '$mine') > 0"

	start=$(milliseconds)
	psql -XAtq -v VERBOSITY=sqlstate -c "select pg_sleep(30) /* $mine */" \
		>/dev/null 2>"$dir/cancel" &
	sleeper=$!
	until [ "$(ask "$watch")" = 1 ] || [ $(($(milliseconds) - start)) -gt $limit ]; do
		:
	done
	kill -INT $sleeper
	wait $sleeper
	[ $(($(milliseconds) - start)) -le $limit ] || fail "expected a cancel within $limit ms"
	grep -q 57014 "$dir/cancel" || fail "cancelled query: expected 57014, got $(<"$dir/cancel")"
}

for ((s = 0; s < clients; s++)); do
	for ((n = 0; n < rounds; n++)); do
		round $s $n
	done 3>"$dir/$s.sql" 4>"$dir/$s.expected"
done
ask "create table if not exists $table (tag text, n int)"
sessions=()
for ((s = 0; s < clients; s++)); do
	session $s &
	sessions+=($!)
done
for ((i = 0; i < cancels; i++)); do
	cancel $i
done
for ((s = 0; s < clients; s++)); do
	wait "${sessions[s]}" || fail "session $s: expected (<) is not what came (>):
$(head -20 "$dir/$s.diff" "$dir/$s.err")"
done
committed=$(ask "select count(*) from $table")
[ "$committed" = $((clients * ((rounds + 2) / 3))) ] ||
	fail "committed rows: expected $((clients * ((rounds + 2) / 3))), got $committed"
ask "drop table $table"
version=$(psql --version | awk '{ print $3 }')
echo "ok psql $version $(($(cat "$dir"/*.expected | wc -l) + 2 * cancels + 1)) checks"
