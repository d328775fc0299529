#!/usr/bin/env bash
# Small things a reader trips over: debts without a number, trailing blanks.
. "${srcdir:-.}/test/check/say.sh"

texts=$(source_files '\.(c|h|am|ac|m4|sh|py|md|ini|go|java|rs|js|mjs|toml|txt)$|^(contrib|test|\.ci)/[^.]*$' |
	grep -vE '^test/corpus/|\.(lock|sum)$|^test/check/words\.sh$')
code=$(grep -vE '\.(md|txt)$' <<<"$texts")

verdict "every debt names its issue" \
	"$(grep -nE '\b(TODO|FIXME|XXX|HACK)\b' $code /dev/null |
		grep -vE '(TODO|FIXME|XXX|HACK)[( ]*#[0-9]+')"
verdict "no trailing blanks" "$(grep -nE '[[:blank:]]+$' $texts /dev/null)"
verdict "files end with a newline" "$(
	for file in $texts; do
		[ -z "$(tail -c 1 "$file")" ] || echo "$file: expected a newline at the end"
	done
)"
verdict "no conflict marks" "$(grep -nE '^(<<<<<<<|>>>>>>>) ' $texts /dev/null)"
verdict "C is indented with tabs" \
	"$(grep -nE '^ {8,}[^ \]' $(grep -E '\.[ch]$' <<<"$texts") /dev/null)"
plan
