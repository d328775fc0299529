#!/usr/bin/env bash
# Are the documents true? Files they name exist, and the pages that are made
# from the tables in the source are up to date.
# docs.sh --write makes those pages anew ("make docs").
pgweir=${PGWEIR:-./pgweir}
[ "${1:-}" = --write ] && [ -x "$pgweir" ] && pgweir=$(realpath "$pgweir")
. "${srcdir:-.}/test/check/say.sh"

# page FILE: what the generated FILE should hold
page() {
	local table
	case $1 in
	doc/settings.md) set -- settings ;;
	doc/console.md) set -- commands views ;;
	doc/metrics.md) set -- metrics counters latencies ;;
	doc/logs.md) set -- logs ;;
	etc/pgweir.ini) set -- sample ;;
	esac
	for table in "$@"; do
		"$pgweir" --describe "$table" || return 1
	done
}
pages="doc/settings.md doc/console.md doc/metrics.md doc/logs.md etc/pgweir.ini"

# keys FILE: "[section] key state" of each row whose first cell is one key. The
# state is a cell in the table of what works, a note in the page of settings.
keys() {
	awk -F ' *[|] *' '
		/^## / { section = match($0, /\[[a-z]+\]/) ? substr($0, RSTART, RLENGTH) : "" }
		section == "" || $2 !~ /^`[a-z0-9_]+`$/ { next }
		$3 ~ /^(works|no effect|refused|not yet)$/ { print section, $2, $3; next }
		{ print section, $2, /\*\*No effect/ ? "no effect" : /not honoured yet/ ? "not yet" : "works" }
	' "$1"
}

# The table of what works with the states of settings.md, and rows for keys it has not.
compatibility() {
	keys doc/settings.md | awk '
		function plain(key) {
			gsub(/`/, "", key)
			return key
		}
		function add(before) {
			while (next_row <= count &&
			    (before == "" || plain(row[next_row]) < plain(before))) {
				print "| " row[next_row] " | " state[section, row[next_row]] \
					" | not in PgBouncer |"
				next_row++
			}
		}
		function close_table() {
			if (open)
				add("")
			open = 0
		}
		FNR == NR {
			key = $2; from = $1
			sub(/^[^ ]+ [^ ]+ /, "")
			state[from, key] = $0
			rows[from, ++counts[from]] = key
			next
		}
		/^## / {
			section = match($0, /\[[a-z]+\]/) ? substr($0, RSTART, RLENGTH) : ""
			next_row = 1
			count = counts[section] + 0
			for (i = 1; i <= count; i++)
				row[i] = rows[section, i]
		}
		section != "" && $2 ~ /^`[a-z0-9_]+`$/ && next_row <= count {
			open = 1
			add($2)
			if (row[next_row] == $2) {
				split($0, cell, /[|]/)
				print "|" cell[2] "| " state[section, $2] " |" cell[4] "|"
				next_row++
				next
			}
		}
		!/^[|]/ { close_table() }
		{ print }
		END { close_table() }
	' - doc/compatibility.md
}

if [ "${1:-}" = --write ]; then
	for name in $pages; do
		if text=$(page "$name"); then
			printf '%s\n' "$text" >"$name"
			echo "$name"
		fi
	done
	text=$(compatibility) && printf '%s\n' "$text" >doc/compatibility.md
	echo doc/compatibility.md
	exit 0
fi

# named DOCUMENT: paths a document names that are not there. A path is what stands
# between backticks or in a link and begins with one of our folders.
named() {
	local path
	grep -oE '`[^` ]+|\]\([^)#: ]+\)' "$1" | sed -E 's/^`//; s/^\]\(//; s/\)$//' |
		grep -E '^(\.\./)?((src|include|test|doc|contrib|etc|m4|\.ci)(/|$)|[A-Z]+\.md|LICENSE$|autogen\.sh|configure\.ac|Makefile\.am)' |
		grep -vE '[<>*{}]|^(DSN|TAP|SHOW|FILE|PATH)$' | sort -u |
		while read -r path; do
			[ -e "$path" ] || [ -e "$(dirname "$1")/$path" ] ||
				echo "$1 names $path, which is not there"
		done
}

for document in README.md doc/architecture.md doc/threads.md doc/protocol.md \
	doc/differences.md doc/compatibility.md doc/contributing.md; do
	if [ -e "$document" ]; then
		verdict "$document names what is there" "$(named "$document")"
	else
		verdict "$document exists" "expected $document"
	fi
done
if [ -e doc/settings.md ] && [ -e doc/compatibility.md ]; then
	verdict "doc/compatibility.md has every key, in its state (make docs)" \
		"$(diff <(keys doc/settings.md | sort) <(keys doc/compatibility.md | sort))"
fi

for name in $pages; do
	if ! [ -x "$pgweir" ]; then
		skipped "$name is up to date" "no pgweir is built here"
	elif text=$(page "$name" 2>/dev/null) && [ -n "$text" ]; then
		verdict "$name is up to date (make docs)" \
			"$(printf '%s\n' "$text" | diff "$name" - 2>&1 | head -n 20)"
	elif [ -e "$name" ]; then
		verdict "$name is up to date" "expected pgweir --describe to write it"
	else
		skipped "$name is up to date" "nothing describes it yet"
	fi
done
plan
