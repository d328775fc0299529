#!/usr/bin/env bash
# Do includes point one way? The linker says it for calls; this says it in words
# and for headers, and keeps other people's libraries behind their doors.
. "${srcdir:-.}/test/check/say.sh"

declare -A sees=(
	[base]=""
	[wire]="base"
	[sql]="base"
	[conf]="base"
	[net]="base"
	[session]="wire sql base"
	[auth]="session wire sql conf net base"
	[pool]="auth session wire sql conf net base"
	[admin]="pool auth session wire sql conf net base"
	[web]="admin pool auth session wire sql conf net base"
)

# includes FOLDER...: lines "file:number:header", with " or < before the header
includes() {
	grep -rnE '^[[:space:]]*#[[:space:]]*include' --include='*.[ch]' "$@" 2>/dev/null |
		sed -E 's/#[[:space:]]*include[[:space:]]*(["<][^">]*).*/\1/; s/:[[:space:]]+(["<])/:\1/'
}

# own_from LAYER: what LAYER includes of ours and may not see
own_from() {
	local layer=$1 file number header folder
	includes "src/$layer" "include/$layer" | while IFS=: read -r file number header; do
		case $header in
		'"'*/*) folder=${header#\"} folder=${folder%%/*} ;;
		*) continue ;;
		esac
		case " $layer ${sees[$layer]} " in
		*" $folder "*) ;;
		*) echo "$file:$number: $layer may not include ${header#\"}" ;;
		esac
	done
}

for layer in base wire sql conf net session auth pool admin web; do
	verdict "$layer includes itself and what is below it" "$(own_from $layer)"
done

# A header that lives in src/ is its layer's own.
private_from() {
	local file number header layer
	includes src | while IFS=: read -r file number header; do
		header=${header#\"}
		[[ $header == */* && -e src/$header ]] || continue
		layer=${file#src/}
		[ "${layer%%/*}" = "${header%%/*}" ] || echo "$file:$number: $header is private"
	done
	includes include | while IFS=: read -r file number header; do
		[ ! -e "src/${header#\"}" ] || echo "$file:$number: ${header#\"} is private"
	done
}

verdict "private headers stay in their layer" "$(private_from)"

# outside HEADERS DOOR: files under src/ that include HEADERS beyond the DOOR
outside() {
	includes src | grep -E ":<($1)" | grep -vE "^($2)"
}

verdict "libevent stays in net and, for HTTP, in web, c-ares in net" "$(
	outside 'event2/|event\.h' 'src/net/|src/web/'
	outside 'ares' 'src/net/'
)"
verdict "OpenSSL stays in net, its digests also in auth, TLS for HTTP in web" "$(
	outside 'openssl/' 'src/net/|src/auth/|src/web/'
	outside 'openssl/' 'src/net/' |
		grep -vE '<openssl/(evp|hmac|sha|md5|kdf|crypto|core_names|params|err)\.h' |
		grep -E '^src/auth/'
)"
verdict "libpq stays in auth/lookup_*.c" \
	"$(outside 'libpq|pg_config' 'src/auth/lookup_(line|row)\.c:')"
verdict "libpam stays in auth/pam.c" "$(outside 'security/' 'src/auth/pam\.c:')"
verdict "libldap stays in auth/ldap.c" \
	"$(outside 'ldap|lber' 'src/auth/ldap(_patience)?\.[ch]:')"
verdict "GNU libidn stays in auth/saslprep.c" \
	"$(outside 'stringprep|idna' 'src/auth/saslprep\.c:')"
verdict "no public header includes another project's" \
	"$(includes include | grep -E ':<(event2/|event\.h|ares|openssl/|libpq|stringprep|hdr/)')"
verdict "nothing in src or include sees the tests" \
	"$(includes src include | grep -E ':"(\.\./|test/|sim/|unit/)')"
verdict "wire, sql and session open no files, sockets or clocks" \
	"$(includes src/wire src/sql src/session include/wire include/sql include/session |
		grep -E ':<(fcntl|sys/socket|netinet/.*|time|sys/time|poll|netdb)\.h')"
plan
