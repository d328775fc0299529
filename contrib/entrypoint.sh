#!/bin/sh
# The first process of a container: writes the configuration that the environment
# describes, unless there is one, and becomes the pooler.
#
#   entrypoint.sh [COMMAND...]          default: pgbouncer /etc/pgbouncer/pgbouncer.ini
#
# A command that is not the pooler's, or has nothing to do with that file, is carried out as
# it is; one that is only options is given to the pooler.
#
# Understands what two images that it can take the place of are given:
#
#   edoburu/pgbouncer     DATABASE_URL, or DB_HOST DB_PORT DB_NAME DB_USER DB_PASSWORD;
#                         each setting under its name in capitals (POOL_MODE, AUTH_TYPE, ...);
#                         POOL_SIZE, TIMEZONE, CLIENT_ENCODING for the database;
#                         ADMIN_USERS with ADMIN_PASSWORDS, STATS_USERS with STATS_PASSWORDS
#   Zalando's operator    CONNECTION_POOLER_MODE and others, PGHOST PGPORT PGUSER PGSCHEMA;
#                         pgbouncer.ini.tmpl, where there is one, is filled in
#
# A file that is there is left as it is, but for users that are missing in the user list.
# Passwords are written as they are, so that both MD5 and SCRAM work on both sides; only
# the owner can read the files. ENTRYPOINT_ROOT comes before every path, for tests.
set -eu

root=${ENTRYPOINT_ROOT:-}
conf=$root/etc/pgbouncer
certs=$root/etc/ssl/certs
ini=$conf/pgbouncer.ini
users=${AUTH_FILE:-$conf/userlist.txt}
newline='
'
umask 077

die() {
	echo "entrypoint.sh: $*" >&2
	exit 1
}

# value NAME: what the variable of that name holds
value() {
	eval "printf '%s' \"\${$1:-}\""
}

# --- users -------------------------------------------------------------------

# doubled TEXT: as it stands between double quotes
doubled() {
	printf '%s' "$1" | sed 's/"/""/g'
}

# add_user NAME PASSWORD: a line of the user list, unless it has one
add_user() {
	[ -n "$1" ] && [ -n "$2" ] || return 0
	name=\"$(doubled "$1")\"
	if [ -e "$users" ] && NAME=$name awk 'index($0, ENVIRON["NAME"] " ") == 1 { found = 1 }
		END { exit !found }' "$users"; then
		return 0
	fi
	printf '%s "%s"\n' "$name" "$(doubled "$2")" >>"$users" || die "cannot write $users"
}

# add_users NAMES PASSWORDS: lists split by commas, of equal length
add_users() {
	names=$1, passwords=$2,
	[ -n "$2" ] || return 0
	while [ -n "$names" ]; do
		[ -n "$passwords" ] || die "expected a password for each of $1"
		add_user "${names%%,*}" "${passwords%%,*}"
		names=${names#*,} passwords=${passwords#*,}
	done
}

# --- a URL -------------------------------------------------------------------

# decoded TEXT: with %41 as A
decoded() {
	printf '%s' "$1" | LC_ALL=C awk '{
		out = ""
		while (match($0, /%[0-9A-Fa-f][0-9A-Fa-f]/)) {
			hex = toupper(substr($0, RSTART + 1, 2))
			n = (index("0123456789ABCDEF", substr(hex, 1, 1)) - 1) * 16
			n += index("0123456789ABCDEF", substr(hex, 2, 1)) - 1
			out = out substr($0, 1, RSTART - 1) sprintf("%c", n)
			$0 = substr($0, RSTART + 3)
		}
		printf "%s", out $0
	}'
}

# take_url URL: postgres://user:password@host:port/database?... into DB_...
take_url() {
	rest=${1#*://}
	rest=${rest%%\?*}
	at=${rest%%/*}
	case $rest in
	*/?*) DB_NAME=$(decoded "${rest#*/}") ;;
	esac
	case $at in
	*@*)
		who=${at%@*} at=${at##*@}
		DB_USER=$(decoded "${who%%:*}")
		case $who in
		*:*) DB_PASSWORD=$(decoded "${who#*:}") ;;
		esac
		;;
	esac
	case $at in
	\[*\]:*) DB_PORT=${at##*:} at=${at%:*} ;;
	\[*) ;;
	*:*) DB_PORT=${at##*:} at=${at%:*} ;;
	esac
	at=${at#\[}
	DB_HOST=$(decoded "${at%\]}")
}

# --- the file of a single database -------------------------------------------

# quoted TEXT: as a value of a connection string
quoted() {
	printf "'%s'" "$(printf '%s' "$1" | sed "s/'/''/g")"
}

# pair KEY VALUE: " KEY='VALUE'", or nothing
pair() {
	[ -z "$2" ] || printf ' %s=%s' "$1" "$(quoted "$2")"
}

# Names of all settings that an environment may give; USER is the shell's own.
setting_names() {
	"$program" --describe settings |
		sed -n '/^## \[pgbouncer\]/,/^## Entries/s/^| `\([a-z0-9_]*\)` |.*/\1/p' |
		grep -vxE 'user|conffile|job_name|listen_addr|listen_port|unix_socket_dir|auth_file|admin_users|ignore_startup_parameters'
}

write_single() {
	name=${DB_NAME:-*}
	case $name in
	*[!A-Za-z0-9_.*-]*) name=\"$(doubled "$name")\" ;;
	esac
	echo "; written by entrypoint.sh from the environment"
	echo "[databases]"
	printf '%s =%s\n' "$name" "$(
		pair host "$DB_HOST"
		pair port "${DB_PORT:-5432}"
		pair auth_user "${DB_USER:-postgres}"
		pair pool_size "${POOL_SIZE:-}"
		pair timezone "${TIMEZONE:-}"
		pair client_encoding "${CLIENT_ENCODING:-}"
	)"
	echo "[pgbouncer]"
	echo "listen_addr = ${LISTEN_ADDR:-0.0.0.0}"
	echo "listen_port = ${LISTEN_PORT:-5432}"
	echo "unix_socket_dir = ${UNIX_SOCKET_DIR:-}"
	echo "auth_file = $users"
	echo "admin_users = ${ADMIN_USERS:-postgres}"
	echo "ignore_startup_parameters = ${IGNORE_STARTUP_PARAMETERS:-extra_float_digits}"
	for setting in $(setting_names); do
		text=$(value "$(echo "$setting" | tr '[:lower:]' '[:upper:]')")
		case $text in
		'') ;;
		*"$newline"*) die "expected one line for $setting" ;;
		*) printf '%s = %s\n' "$setting" "$text" ;;
		esac
	done
	[ "$(id -u)" -ne 0 ] || echo "user = postgres"
}

begin_single() {
	[ -z "${DATABASE_URL:-}" ] || take_url "$DATABASE_URL"
	if ! [ -e "$ini" ]; then
		[ -n "${DB_HOST:-}" ] ||
			die "set DB_HOST or DATABASE_URL, or put a configuration at $ini"
		write_single >"$ini.new" || die "cannot write $ini"
		mv "$ini.new" "$ini"
	fi
	add_user "${DB_USER:-}" "${DB_PASSWORD:-}"
	add_users "${ADMIN_USERS:-postgres}" "${ADMIN_PASSWORDS:-${ADMIN_PASSWORD:-}}"
	[ -z "${STATS_USERS:-}" ] || add_users "$STATS_USERS" "${STATS_PASSWORDS:-}"
	# a configuration that is mounted may have its users elsewhere
	[ -e "$users" ] || ! [ -w "$conf" ] || : >"$users" || die "cannot write $users"
}

# --- the file of Zalando's operator ------------------------------------------

# What $NAME and ${NAME} stand for is put in; $1 is not a name.
fill_in() {
	awk '{
		out = ""
		while (match($0, /\$([A-Za-z_][A-Za-z0-9_]*|\{[A-Za-z_][A-Za-z0-9_]*\})/)) {
			name = substr($0, RSTART + 1, RLENGTH - 1)
			gsub(/[{}]/, "", name)
			out = out substr($0, 1, RSTART - 1) ENVIRON[name]
			$0 = substr($0, RSTART + RLENGTH)
		}
		print out $0
	}'
}

template() {
	cat <<-'INI'
		; written by entrypoint.sh from the environment
		[databases]
		* = host=$PGHOST port=$PGPORT auth_user=$PGUSER
		postgres = host=$PGHOST port=$PGPORT auth_user=$PGUSER
		[pgbouncer]
		pool_mode = $CONNECTION_POOLER_MODE
		listen_port = $CONNECTION_POOLER_PORT
		listen_addr = *
		admin_users = $PGUSER
		stats_users = $INFRASTRUCTURE_ROLES
		auth_dbname = postgres
		auth_query = SELECT * FROM $PGSCHEMA.user_lookup($1)
		auth_type = md5
		server_tls_sslmode = require
		server_tls_protocols = secure
		client_tls_sslmode = require
		log_connections = 0
		log_disconnections = 0
		max_prepared_statements = 200
		default_pool_size = $CONNECTION_POOLER_DEFAULT_SIZE
		reserve_pool_size = $CONNECTION_POOLER_RESERVE_SIZE
		max_client_conn = $CONNECTION_POOLER_MAX_CLIENT_CONN
		max_db_connections = $CONNECTION_POOLER_MAX_DB_CONN
		idle_transaction_timeout = 600
		server_login_retry = 5
		ignore_startup_parameters = extra_float_digits,options
	INI
	echo "auth_file = $users"
	echo "server_tls_ca_file = $certs/pgbouncer.crt"
	echo "client_tls_cert_file = $certs/pgbouncer.crt"
	echo "client_tls_key_file = $certs/pgbouncer.key"
	! [ -w "$root/var/log/pgbouncer" ] || echo "logfile = $root/var/log/pgbouncer/pgbouncer.log"
	! [ -w "$root/var/run/pgbouncer" ] || echo "pidfile = $root/var/run/pgbouncer/pgbouncer.pid"
}

# The key pair the operator's users have given, or one of our own that nobody vouches for.
begin_certificates() {
	if [ -n "${CONNECTION_POOLER_CLIENT_TLS_CRT:-}" ]; then
		ln -sf "$CONNECTION_POOLER_CLIENT_TLS_CRT" "$certs/pgbouncer.crt"
		ln -sf "${CONNECTION_POOLER_CLIENT_TLS_KEY:?}" "$certs/pgbouncer.key"
		[ -z "${CONNECTION_POOLER_CLIENT_CA_FILE:-}" ] ||
			ln -sf "$CONNECTION_POOLER_CLIENT_CA_FILE" "$certs/ca.crt"
	elif ! [ -e "$certs/pgbouncer.key" ]; then
		openssl req -nodes -new -x509 -days 3650 -subj /CN=pgbouncer \
			-keyout "$certs/pgbouncer.key" -out "$certs/pgbouncer.crt" 2>/dev/null ||
			die "cannot make a certificate in $certs: is openssl there?"
		chmod 644 "$certs/pgbouncer.crt"
	fi
}

begin_operator() {
	: "${PGHOST:?}" "${PGUSER:?}" "${PGSCHEMA:?}"
	export PGPORT="${PGPORT:-5432}" CONNECTION_POOLER_PORT="${CONNECTION_POOLER_PORT:-5432}"
	begin_certificates
	if [ -e "$ini.tmpl" ]; then
		fill_in <"$ini.tmpl" >"$ini.new"
	elif ! [ -e "$ini" ]; then
		template | fill_in >"$ini.new"
	fi
	! [ -e "$ini.new" ] || mv "$ini.new" "$ini" || die "cannot write $ini"
	[ -e "$users" ] || add_user "$PGUSER" "${PGPASSWORD:-}"
}

[ $# -gt 0 ] || set -- pgbouncer "$ini"
case $1 in
-*) set -- pgbouncer "$@" ;;
esac
program=$1
case "${program##*/} $* " in
"pgbouncer "*" $ini "* | "pgweir "*" $ini "*) ;;
*) exec "$@" ;;
esac
mkdir -p "$conf" 2>/dev/null || :
if [ -n "${CONNECTION_POOLER_MODE:-}" ]; then
	begin_operator
else
	begin_single
fi
exec "$@"
