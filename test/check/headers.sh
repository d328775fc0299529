#!/usr/bin/env bash
# Does every header compile alone, twice in a row, and say what it declares?
. "${srcdir:-.}/test/check/say.sh"

cc=${CC:-cc}
flags="-std=gnu11 -Wall -Wextra -Wshadow -Wstrict-prototypes -Werror -Iinclude -Isrc -Itest"

# alone HEADER: what the compiler says when nothing but HEADER is there
alone() {
	printf '#include "%s"\n#include "%s"\nextern int nothing;\n' "$PWD/$1" "$PWD/$1" |
		$cc ${CPPFLAGS:--D_GNU_SOURCE} $flags -fsyntax-only -x c - 2>&1
}

# uncommented HEADER: prototypes in a paragraph that does not begin with a comment.
# Prototypes that follow each other without a blank line share the comment above
# them; static inline functions show what they do, and the names of a life (init and
# fini, new and free, hold and drop) mean the same everywhere.
uncommented() {
	awk -v file="$1" '
	/^[[:space:]]*$/ { told = 0; next }
	/^[[:space:]]*\/\*/ || /^static/ { told = 1 }
	/^[a-z].*\(/ && !/^static/ && !/^(typedef|struct [a-z_]+ \{|enum|union)/ && depth == 0 {
		if (!told && $0 !~ /\/\*/ && $0 !~ /_(init|fini|new|free|hold|drop)\(/)
			print file ":" NR ": expected a comment before: " $0
	}
	/^extern "C"/ { next }
	{ depth += gsub(/\{/, "{") - gsub(/\}/, "}") }
	' "$1"
}

headers=$(source_files '^(include|src|test/sim)/.*\.h$')
for header in $headers; do
	verdict "$header compiles alone" "$(alone "$header")"
done
for header in $(grep '^include/' <<<"$headers"); do
	verdict "$header comments what it declares" "$(uncommented "$header")"
	case $(head -c 2 "$header") in
	'/*') ;;
	*) verdict "$header says what it is for" "$header:1: expected a comment" ;;
	esac
done
[ "$said" -gt 0 ] || skipped "headers" "there are none"
plan
