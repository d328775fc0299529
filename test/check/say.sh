# Shared by the checks: print TAP. Sourced, not run; leaves the caller in the
# top folder of the sources.
# shellcheck shell=bash
set -uo pipefail
cd "${srcdir:-.}" || exit 1
said=0

# verdict NAME [COMPLAINTS]: test NAME holds if there are no complaints.
verdict() {
	said=$((said + 1))
	if [ -z "${2:-}" ]; then
		echo "ok $said - $1"
	else
		echo "not ok $said - $1"
		printf '%s\n' "$2" | sed 's/^/# /'
	fi
}

# skipped NAME REASON
skipped() {
	said=$((said + 1))
	echo "ok $said - $1 # SKIP $2"
}

# The plan comes last.
plan() {
	echo "1..$said"
}

# source_files PATTERN...: files of ours whose path matches a grep -E pattern,
# without what was built or fetched.
source_files() {
	find . \( -name .git -o -name .deps -o -name .pytest_cache -o -name build \
		-o -name build-aux -o -name autom4te.cache -o -name node_modules \
		-o -name __pycache__ -o -name target -o -name 'pgweir-[0-9]*' \) -prune \
		-o -type f -print | sed 's#^\./##' |
		grep -vE '^(aclocal\.m4|configure|configure~|Makefile\.in|Makefile|config\..*)$' |
		grep -E "$1" | sort
}
