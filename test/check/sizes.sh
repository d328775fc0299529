#!/usr/bin/env bash
# A mirror, not a gate: prints files over 500 lines and functions over 80.
. "${srcdir:-.}/test/check/say.sh"

files=$(source_files '^(src|include|test)/.*\.[ch]$')
long_files=
long_functions=
if [ -n "$files" ]; then
	long_files=$(wc -l $files | awk '$2 != "total" && $1 > 500 { print $2 ": " $1 " lines" }')
	# a function begins with "{" in the first column and ends with "}" there
	long_functions=$(awk '
	FNR == 1 { begun = 0 }
	/^[a-z_]+[a-z_0-9]*\(/ { name = $0; sub(/\(.*/, "", name) }
	/^\{/ { begun = FNR }
	/^\}/ && begun {
		if (FNR - begun - 1 > 80)
			print FILENAME ":" begun ": " name " has " FNR - begun - 1 " lines"
		begun = 0
	}' $files)
fi
for line in "files over 500 lines:" "${long_files:-none}" \
	"functions over 80 lines:" "${long_functions:-none}"; do
	printf '%s\n' "$line" | sed 's/^/# /'
done
verdict "sizes were looked at"
plan
