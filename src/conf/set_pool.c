/*
 * set_pool.c - rows: pools, their limits and their time limits.
 */
#include "conf/rows.h"

const char *const pool_mode_words[] = { "session", "transaction", "statement", NULL };

static bool
is_peer_secret(struct span value, const char **expected)
{
	*expected = "at least 16 bytes";
	return value.len == 0 || value.len >= PEER_SECRET_LEAST;
}

static const struct setting rows[] = {
	{ BOOL(application_name_add_host, "0"), .ready = true,
	  .text = "Append the client's address and port to its application_name at login. "
		  "A later SET by the client is left alone." },
	{ TIME(autodb_idle_timeout, "3600"), .ready = true,
	  .text = "Forget a database made from the entry * when nobody has used it for so "
		  "long. 0 keeps it." },
	{ TIME(cancel_wait_timeout, "10"), .ready = true,
	  .text = "Longest time a cancel request waits to be passed on. 0 means no limit." },
	{ TIME(client_idle_timeout, "0"), .ready = true,
	  .text = "Close a client that holds no server and sent nothing for so long. 0 "
		  "means never." },
	{ TIME(client_login_timeout, "60"), .ready = true,
	  .text = "Close a client that has not finished logging in after so long. 0 means "
		  "never." },
	{ COUNT(default_pool_size, "20"), .ready = true,
	  .text = "Most server connections of one database and user. 0 means no limit." },
	{ BOOL(disable_pqexec, "0"), .reload = RESTART, .ready = true,
	  .text = "Refuse simple queries, which may carry several statements at once." },
	{ TIME(failover_hold_time, "0"), .ready = true,
	  .text = "While no server of a database can be opened, longest time its clients are held "
		  "before they hear why; after that, until one more attempt has failed. 0 means only "
		  "query_wait_timeout ends their waiting." },
	{ TIME(idle_transaction_timeout, "0"), .ready = true,
	  .text = "Close a client that leaves its transaction idle for so long. 0 means "
		  "never." },
	{ LIST(ignore_startup_parameters, ""), .ready = true,
	  .text = "Startup parameters to accept and drop. The word options drops the whole "
		  "options parameter." },
	{ TEXT(login_notify_message, ""), .ready = true,
	  .text = "A notice every client gets when its login is done. Empty means none." },
	{ COUNT(max_client_conn, "100"), .ready = true,
	  .text = "Most client connections, logins and cancel requests included." },
	{ COUNT(max_client_connections_per_address, "0"), .ready = true,
	  .text = "Most client connections of one address, or one IPv6 network of 64 "
		  "bits. Twice as many may be there without having logged in. 0 means no "
		  "limit." },
	{ COUNT(max_db_client_connections, "0"), .ready = true,
	  .text = "Most client connections of one database. 0 means no limit." },
	{ COUNT(max_db_connections, "0"), .ready = true,
	  .text = "Most server connections of one database over all its pools. 0 means no "
		  "limit." },
	{ COUNT(max_packet_size, "2147483647"), .least = 5, .most = UINT32_MAX, .ready = true,
	  .text = "Largest message in bytes; a longer one ends its connection. More than "
		  "1 GiB is never taken." },
	{ COUNT(max_prepared_statements, "200"), .ready = true,
	  .text = "Prepared statements kept on one server connection; the one unused "
		  "longest makes room. 0 turns following them off." },
	{ COUNT(max_user_client_connections, "0"), .ready = true,
	  .text = "Most client connections of one user over all databases. 0 means no "
		  "limit." },
	{ COUNT(max_user_connections, "0"), .ready = true,
	  .text = "Most server connections of one user over all databases. 0 means no "
		  "limit." },
	{ COUNT(min_pool_size, "0"), .ready = true,
	  .text = "Server connections a pool in use keeps open at least." },
	{ COUNT(peer_id, "0"), .most = 16383, .ready = true,
	  .text = "Own number among the peers that share an address. 0 means no peers." },
	{ TEXT(peer_secret, ""), .check = is_peer_secret, .secret = true, .ready = true,
	  .text = "A secret that all replicas of budget_peers share: with it they pass cancel "
		  "requests on to whoever gave the key. At least 16 bytes. Empty means they do "
		  "not, unless there is peer_secret_file." },
	{ PATH(peer_secret_file, NULL), .source = true, .ready = true,
	  .text = "The same from a file, one secret a line, so that they can be changed: the "
		  "first one (peer_secret, if given) marks new keys, all are taken." },
	{ TIME(pool_idle_timeout, "0"), .ready = true,
	  .text = "Forget a pool that had neither clients nor servers for so long. 0 "
		  "keeps it." },
	{ ENUM(pool_mode, enum pool_mode, pool_mode_words, "session"), .ready = true,
	  .text = "When a server goes back to its pool: when the client leaves, after "
		  "each transaction, or after each statement." },
	{ TIME(query_timeout, "0"), .ready = true,
	  .text = "Longest time one query may run. 0 means no limit." },
	{ SECONDS(query_wait_notify, "5"), .ready = true,
	  .text = "Tell a client that waits for a server so long, once, by a notice. 0 "
		  "means never." },
	{ TIME(query_wait_timeout, "120"), .ready = true,
	  .text = "Longest time a query waits for a server. 0 means no limit." },
	{ COUNT(reserve_pool_size, "0"), .ready = true,
	  .text = "Server connections a pool may open beyond its size when clients wait "
		  "too long." },
	{ TIME(reserve_pool_timeout, "5"), .ready = true,
	  .text = "How long the first client in line waits before the reserve is used. 0 "
		  "turns the reserve off." },
	{ TIME(server_check_delay, "30"), .ready = true,
	  .text = "Check a server before use when it was idle for so long. 0 checks it "
		  "every time." },
	{ TEXT(server_check_query, "<empty>"), .ready = true,
	  .text = "What that check sends. The word <empty> is an empty query; nothing at "
		  "all means no check." },
	{ TIME(server_connect_timeout, "15"), .ready = true,
	  .text = "Longest time to connect and log in to a server." },
	{ BOOL(server_fast_close, "0"), .ready = true,
	  .text = "In session mode, close a server that must be closed as soon as its "
		  "transaction ends, and its client with it." },
	{ TIME(server_idle_timeout, "600"), .ready = true,
	  .text = "Close a server that was idle for so long, down to min_pool_size. 0 "
		  "means never." },
	{ TIME(server_lifetime, "3600"), .ready = true,
	  .text = "Close a free server that was connected so long ago. 0 means to use each "
		  "connection once." },
	{ TIME(server_login_retry, "15"), .ready = true,
	  .text = "How long to wait after a server refused a login before the next try. "
		  "Where nobody answers it is 0.05 at first and grows, to 2 at most." },
	{ TEXT(server_reset_query, "DISCARD ALL"), .ready = true,
	  .text = "Sent when a server leaves its client in session mode. Empty means "
		  "none." },
	{ BOOL(server_reset_query_always, "0"), .ready = true,
	  .text = "Send server_reset_query in every pool mode." },
	{ BOOL(server_round_robin, "0"), .ready = true,
	  .text = "Use the server that was idle longest instead of the freshest." },
	{ TIME(suspend_timeout, "10"), .ready = true,
	  .text = "Longest time to empty buffers on SUSPEND; what is not empty then is "
		  "closed." },
	{ LIST(track_extra_parameters, "IntervalStyle"), .reload = RESTART, .ready = true,
	  .text = "More settings to keep for each client. Not needed: all that the server "
		  "reports are kept, and those of the startup packet." },
	{ TIME(transaction_timeout, "0"), .ready = true,
	  .text = "Longest time one transaction may take. 0 means no limit." },
	{ COUNT(workers, "0"), .reload = RESTART, .most = 1024, .ready = true,
	  .text = "Threads that serve clients, at most 64. 0 means one for each core." },
};

const struct setting_table pool_settings = { rows, ARRAY_SIZE(rows) };
