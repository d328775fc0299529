/*
 * reason.h - why connections are closed: THE table. A row has a code for machines, which stands in the log,
 * in SHOW CLOSES and in metrics, and PgBouncer's words for people and for tools that read its log.
 */
#ifndef POOL_REASON_H
#define POOL_REASON_H

#include "base/port.h"

/* code, what the log says and the client hears unless there is more to say, what it means */
#define REASONS(X)                                                                                \
	/* the client */                                                                          \
	X(client_close_request, "client close request", "The client said goodbye.")               \
	X(client_unexpected_eof, "client unexpected eof",                                         \
	    "The client was gone without a goodbye.")                                             \
	X(client_connection_failed, "client connection failed",                                   \
	    "The network or TLS lost the client.")                                                \
	X(client_login_timeout, "client_login_timeout",                                           \
	    "The client did not log in within client_login_timeout.")                             \
	X(client_idle_timeout, "client_idle_timeout",                                             \
	    "The client asked nothing for client_idle_timeout.")                                  \
	X(query_wait_timeout, "query_wait_timeout",                                               \
	    "The client got no server within query_wait_timeout; SHOW WAITING says who "          \
	    "holds them.")                                                                        \
	X(protocol_violation, "protocol violation",                                               \
	    "The client sent what the protocol does not allow.")                                  \
	X(unsupported_protocol, "old V2 protocol not supported",                                  \
	    "The client wants a version of the protocol that is not spoken here.")                \
	X(bad_startup, "unsupported startup parameter",                                           \
	    "The client's first packet asks for what cannot be.")                                 \
	X(tls_required, "SSL required",                                                           \
	    "The client came without TLS, which client_tls_sslmode demands.")                     \
	X(tls_failed, "TLS failed", "TLS with the client could not begin.")                       \
	X(login_failed, "login failed", "The client did not prove who it is, or may not enter.")  \
	X(config_error, "bouncer config error",                                                   \
	    "The login cannot succeed as things are configured; the log has said why.")           \
	X(no_such_database, "no such database",                                                   \
	    "The client asked for a database that is not configured.")                            \
	X(database_disabled, "database is disabled", "The client came after DISABLE.")            \
	X(unready, "no server can be reached",                                                    \
	    "pg_isready asked, and isready_checks_server is on.")                                 \
	X(too_many_clients, "client connections exceeded",                                        \
	    "A limit of client connections is reached.")                                          \
	X(too_many_of_address, "client connections exceeded (max_client_connections_per_address)", \
	    "The client's address has more connections than its share.")                          \
	X(pqexec_disallowed, "PQexec disallowed",                                                 \
	    "The client sent a simple query, which disable_pqexec forbids.")                      \
	X(transaction_in_statement_mode, "transaction blocks not allowed in statement pooling mode", \
	    "The client began a transaction in pool_mode statement.")                             \
	X(settings_refused, "invalid server parameter",                                           \
	    "The server did not take a setting of the client's.")                                 \
	X(cancel_request, "cancel request",                                                       \
	    "The connection brought a cancel request, which was dealt with.")                     \
	X(broken_cancel_request, "broken cancel request",                                         \
	    "The connection brought a cancel request that cannot be.")                            \
	/* times */                                                                               \
	X(query_timeout, "query timeout", "A query took longer than query_timeout.")              \
	X(idle_transaction_timeout, "idle transaction timeout",                                   \
	    "The client did nothing in its transaction for idle_transaction_timeout.")            \
	X(transaction_timeout, "transaction timeout",                                             \
	    "A transaction took longer than transaction_timeout.")                                \
	X(server_lifetime, "server lifetime over", "The server was older than server_lifetime.")  \
	X(server_idle_timeout, "server idle timeout",                                             \
	    "Nobody used the server for server_idle_timeout.")                                    \
	X(suspend_timeout, "suspend_timeout", "SUSPEND would have had to wait for it.")           \
	/* the server */                                                                          \
	X(connect_failed, "connect failed", "The server could not be reached.")                   \
	X(server_login_failed, "server login failed", "The server refused our login.")            \
	X(server_crashed, "server conn crashed?", "The server was lost while a client had it.")   \
	X(server_closed, "server closed the connection", "The server ended an idle connection.")  \
	X(server_violation, "server sent what the protocol does not allow",                       \
	    "The server is not to be trusted.")                                                   \
	X(server_silent, "server does not answer",                                                \
	    "The server did not finish a clean-up of ours in time.")                              \
	X(server_machine_dead, "server's machine does not answer",                                \
	    "Nothing that was sent was acknowledged for tcp_dead_timeout.")                       \
	X(server_lingers, "server does not end",                                                  \
	    "The server did not close the connection after our goodbye.")                         \
	X(server_unclear, "client left the server in an unclear state",                           \
	    "What the server would do next is not sure.")                                         \
	X(server_unclear_transaction, "server is in a transaction nobody began",                  \
	    "The server is not in the state that a new connection has.")                          \
	X(reset_failed, "server_reset_query failed",                                              \
	    "The server could not be cleaned after a session.")                                   \
	X(client_left_mid_message, "client disconnected in the middle of a message",              \
	    "The server waits for the rest of a message that will not come.")                     \
	X(client_left_mid_query, "client disconnect while server was not ready",                  \
	    "The client left while the server worked for it, and the work could not be "          \
	    "ended in peace.")                                                                    \
	X(replication_client_left, "replication client has left",                                 \
	    "Servers for replication are not shared.")                                            \
	/* the pool */                                                                            \
	X(evicted, "evicted", "The server was idle, and another pool needed its place.")          \
	X(evicted_busy, "evicted, another pool needs its place",                                  \
	    "The server became free, and another pool that shares its limit has fewer.")          \
	X(too_many_servers, "too many servers in the pool", "A limit was lowered.")               \
	X(pool_shrinks, "pool is paused or has too many servers",                                 \
	    "The server became free during PAUSE, or after a limit was lowered.")                 \
	X(lost_between_threads, "lost on its way to another thread",                              \
	    "The server ended while it changed threads.")                                         \
	X(server_unfit, "server does not fit target_session_attrs",                               \
	    "The server's role is not, or no more, what its database wants.")                     \
	X(host_goes, "its host goes down",                                                        \
	    "Another server there said that PostgreSQL stops, and this one was idle.")            \
	X(host_moved, "address of its host has changed",                                          \
	    "The name of the server's host leads elsewhere now.")                                 \
	X(configuration_changed, "database configuration changed",                                \
	    "The server was opened under settings that changed, or RECONNECT marked it.")         \
	/* the operator */                                                                        \
	X(admin_disconnect, "admin forced disconnect", "KILL_CLIENT.")                            \
	X(database_removed, "database removed", "KILL, or a RELOAD without the database.")        \
	X(pause, "pause mode", "PAUSE.")                                                          \
	X(reconnect, "obsolete connection", "RECONNECT.")                                         \
	X(pooler_shutting_down, "pooler is shutting down", "The client logged in after SHUTDOWN.") \
	X(server_shutting_down, "server shutting down",                                           \
	    "The client waited for a server, and none is opened any more.")                       \
	X(drain, "terminating connection due to administrator command",                           \
	    "The process drains, and the client was told to connect elsewhere.")                  \
	X(shutting_down, "shutting down", "The process ended.")                                   \
	X(out_of_memory, "out of memory", "There was no memory for what the connection needed.")

enum reason {
	CLOSE_NONE,
#define REASON_ENUM(code, text, meaning) CLOSE_##code,
	REASONS(REASON_ENUM)
#undef REASON_ENUM
	CLOSE_KINDS
};

struct reason_row {
	const char	*code, *text, *meaning;
};
/* By enum reason; the first is nothing's. */
extern const struct reason_row reason_rows[CLOSE_KINDS];

/* How many connections a worker has closed for each; its own thread writes them. */
struct closes {
	uint64_t	 clients[CLOSE_KINDS], servers[CLOSE_KINDS];
};

static inline const char *
reason_code(enum reason why)
{
	return reason_rows[why].code;
}

static inline const char *
reason_text(enum reason why)
{
	return reason_rows[why].text;
}

#endif
