# A PostgreSQL and a pooler for a while: shared by contrib/quickstart and
# test/run. Sourced, not run; the caller ends what it began.
# shellcheck shell=bash

postgres_bin=${PG15_BIN:-/usr/lib/postgresql/15/bin}

# as_user USER COMMAND...: replaces this (sub)shell. Neither PostgreSQL nor the
# pooler runs as root; somebody who is not root runs them as himself.
as_user() {
	local user=$1
	shift
	if [ "$(id -u)" -ne 0 ]; then
		exec "$@"
	fi
	exec setpriv --reuid "$user" --regid "$(id -gn "$user")" --init-groups "$@"
}

# port_taken PORT: does somebody listen there on loopback?
port_taken() {
	(exec 3<>"/dev/tcp/127.0.0.1/$1") 2>/dev/null
}

# A port nobody listens on, below those the kernel gives to clients.
port_free() {
	local port
	while :; do
		port=$((20000 + RANDOM % 12000))
		port_taken "$port" || break
	done
	echo "$port"
}

# until_true SECONDS COMMAND...: try again every 0.1 s; false if it never holds.
until_true() {
	local last=$((SECONDS + $1))
	shift
	until "$@" >/dev/null 2>&1; do
		[ "$SECONDS" -lt "$last" ] || return 1
		sleep 0.1
	done
}

# postgres_begin DIR PORT [SETTING...]: a fresh PostgreSQL in DIR/data that listens
# on 127.0.0.1:PORT and in no folder. Its superuser is postgres, by trust; its pid is in
# $postgres, its log in DIR.log.
postgres_begin() {
	local dir=$1 port=$2
	shift 2
	mkdir -p "$dir"
	chmod 755 "$dir"
	[ "$(id -u)" -ne 0 ] || chown postgres "$dir"
	(cd / && as_user postgres "$postgres_bin/initdb" -D "$dir/data" -U postgres -A trust \
		--no-sync -E UTF8 --locale=C) >"$dir.log" 2>&1 || return 1
	printf '%s\n' "listen_addresses = '127.0.0.1'" "port = $port" \
		"unix_socket_directories = ''" "fsync = off" "max_connections = 100" \
		"shared_buffers = 64MB" "$@" >>"$dir/data/postgresql.conf"
	(cd / && as_user postgres "$postgres_bin/postgres" -D "$dir/data") \
		>>"$dir.log" 2>&1 </dev/null &
	postgres=$!
	until_true 30 postgres_settled "$port" && kill -0 "$postgres" 2>/dev/null
}

postgres_settled() {
	postgres_accepts "$1" || ! kill -0 "$postgres" 2>/dev/null
}

postgres_accepts() {
	"$postgres_bin/pg_isready" -q -h 127.0.0.1 -p "$1"
}

# postgres_end DIR: stop it, if it runs, and wait until it has.
postgres_end() {
	local file=$1/data/postmaster.pid
	[ -f "$file" ] || return 0
	kill -INT "$(head -n 1 "$file")" 2>/dev/null
	until_true 20 test ! -e "$file"
	wait "${postgres:-}" 2>/dev/null
}

# certificate_make DIR USER: DIR/server.crt for localhost, signed by itself, with
# DIR/server.key that USER alone can read.
certificate_make() {
	mkdir -p "$1"
	openssl req -new -x509 -days 30 -nodes -newkey rsa:2048 -subj /CN=localhost \
		-addext subjectAltName=DNS:localhost,IP:127.0.0.1 \
		-keyout "$1/server.key" -out "$1/server.crt" 2>/dev/null || return 1
	chmod 755 "$1"
	chmod 600 "$1/server.key"
	[ "$(id -u)" -ne 0 ] || chown "$2" "$1/server.key"
}

# pooler_begin PROGRAM INI PORT LOG: start PROGRAM and wait until it accepts on PORT;
# its pid is in $pooler. False, with the log in LOG, when it does not come up. Our own
# PGWEIR_... are not for it: it takes them for settings.
pooler_begin() {
	(unset ${!PGWEIR_@} && cd / && as_user nobody "$1" "$2") >"$4" 2>&1 </dev/null &
	pooler=$!
	until_true 15 pooler_settled "$3" && kill -0 "$pooler" 2>/dev/null
}

pooler_settled() {
	port_taken "$1" || ! kill -0 "$pooler" 2>/dev/null
}

# pooler_end: stop it at once, forcibly after 10 s.
pooler_end() {
	[ -n "${pooler:-}" ] || return 0
	{
		kill -QUIT "$pooler"
		until_true 10 pooler_gone || kill -KILL "$pooler"
		wait "$pooler"
	} 2>/dev/null
	pooler=
}

pooler_gone() {
	! kill -0 "$pooler" 2>/dev/null
}
