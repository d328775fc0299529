/*
 * set_net.c - rows: sockets, buffers, names.
 */
#include "conf/rows.h"

static const struct setting rows[] = {
	{ TIME(dns_max_ttl, "15"), .ready = true,
	  .text = "How long the addresses of a host are remembered at most; the answer itself "
		  "may say less. While servers are open there they are asked for again by "
		  "then, at most every 5 seconds." },
	{ TIME(dns_nxdomain_ttl, "15"), .ready = true,
	  .text = "How long it is remembered that a lookup failed. A host that had addresses "
		  "keeps them meanwhile." },
	{ TIME(dns_zone_check_period, "0"), .ready = true,
	  .text = "How often the zones of host names are asked for their serial number; when "
		  "it changes their names are looked up again. 0 means never." },
	{ BOOL(isready_checks_server, "0"), .ready = true,
	  .text = "Let pg_isready say whether a server of its database can be reached, not only "
		  "whether we are there; for a database that we do not have, any server. If none is "
		  "open one is opened. pg_isready is known by its application_name." },
	{ LIST(listen_addr, ""), .reload = RESTART, .ready = true,
	  .text = "Addresses or names to listen on, split by commas. The word * means all; "
		  "empty means no TCP." },
	{ COUNT(listen_backlog, "128"), .reload = RESTART, .ready = true,
	  .text = "Connections the kernel keeps until they are accepted." },
	{ COUNT(listen_port, "6432"), .reload = RESTART, .most = 65535, .ready = true,
	  .text = "TCP port, and number in the name of the unix socket." },
	{ COUNT(pkt_buf, "4096"), .reload = RESTART, .least = 1,
	  .moot = "buffers take the size they need",
	  .text = "Bytes of one connection's buffer." },
	{ PATH(resolv_conf, ""), .reload = RESTART, .ready = true,
	  .text = "File to use in place of /etc/resolv.conf." },
	{ COUNT(sbuf_loopcnt, "5"),
	  .moot = "each connection is read once a turn",
	  .text = "Reads from one connection before others get their turn. 0 means no "
		  "limit." },
	{ BOOL(so_reuseport, "0"), .reload = RESTART, .ready = true,
	  .text = "Let several processes listen on the same port." },
	{ TIME(tcp_dead_timeout, "10"), .ready = true,
	  .text = "Close a busy server connection when the other machine has acknowledged nothing "
		  "for about so long, however often it was sent again. One that is only slow, or does "
		  "not read, acknowledges, which tcp_user_timeout does not see. 0 turns it off." },
	{ COUNT(tcp_defer_accept, "1"), .ready = true,
	  .text = "Seconds the kernel holds a new connection back until its first bytes "
		  "are there. 0 turns it off." },
	{ BOOL(tcp_keepalive, "1"), .ready = true,
	  .text = "Let the kernel find out when the other side is gone." },
	{ COUNT(tcp_keepcnt, "3"), .ready = true,
	  .text = "Unanswered probes until it counts as gone. 0 means the system's "
		  "choice." },
	{ COUNT(tcp_keepidle, "30"), .ready = true,
	  .text = "Seconds of silence before the first probe. 0 means the system's "
		  "choice." },
	{ COUNT(tcp_keepintvl, "10"), .ready = true,
	  .text = "Seconds between probes. 0 means the system's choice." },
	{ COUNT(tcp_socket_buffer, "0"), .ready = true,
	  .text = "Bytes of the kernel's buffers of one connection. 0 means the system's "
		  "choice." },
	{ COUNT(tcp_user_timeout, "0"), .ready = true,
	  .text = "Milliseconds sent data may stay unacknowledged. 0 means the system's "
		  "choice." },
	{ PATH(unix_socket_dir, "/tmp"), .reload = RESTART, .ready = true,
	  .text = "Folder of the unix socket, also where servers without host are looked "
		  "for. A leading @ means a name without file; empty means no socket." },
	{ TEXT(unix_socket_group, ""), .reload = RESTART, .ready = true,
	  .text = "Group of the unix socket, by name or number." },
	{ COUNT(unix_socket_mode, "0777"), .reload = RESTART, .most = 07777, .ready = true,
	  .text = "Permissions of the unix socket; a leading 0 makes it octal." },
};

const struct setting_table net_settings = { rows, ARRAY_SIZE(rows) };
