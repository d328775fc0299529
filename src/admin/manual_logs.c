/*
 * manual_logs.c - the log as Markdown: its shapes, and the table of reasons.
 */
#include "admin/manual.h"
#include "pool/reason.h"

static void
put_formats(struct buf *out)
{
	buf_put_text(out,
	    "# The log\n\n"
	    "Made by `pgweir --describe logs` from `include/pool/reason.h` and the text in\n"
	    "`src/admin/manual_logs.c`; edit those.\n\n"
	    "`log_format` says how a line looks; RELOAD and SET change it in a running pgweir. What is said\n"
	    "before the configuration is read is text.\n\n"
	    "## text\n\n"
	    "PgBouncer's lines, which log readers know. A line that goes on begins with a tab.\n\n"
	    "    2026-01-31 23:59:59.123 UTC [1234] LOG C-17: app/bob@10.0.0.1:5000 closing because: query "
	    "timeout (age=3s) reason=query_timeout\n\n"
	    "Day, time, zone, process, level; then, if the line is about a connection, `C-` (a client) or\n"
	    "`S-` (a server) with its number, database, user and address. What strangers say stands\n"
	    "with control characters, backslashes and what is no UTF-8 as `\\xNN`.\n\n"
	    "## keyvalue, json\n\n"
	    "One line is one event, in logfmt or as one flat JSON object with the same keys:\n\n"
	    "    time=2026-01-31T23:59:59.123Z level=info pid=1234 client=17 server=5 server_pid=4711 "
	    "database=app user=bob addr=10.0.0.1:5000 reason=query_timeout msg=\"closing because: query "
	    "timeout (age=3s)\"\n\n"
	    "| key | there when | what it says |\n| --- | --- | --- |\n"
	    "| time | always | RFC 3339, UTC, milliseconds |\n"
	    "| level | always | fatal, error, warning, info (LOG of the text), debug, trace (NOISE) |\n"
	    "| pid | always | pgweir's process |\n"
	    "| client, server | about a connection | numbers, as in SHOW CLIENTS and SHOW SERVERS; the "
	    "second one is whom it belongs to at that time |\n"
	    "| server_pid | there is a server | PostgreSQL's process, as in pg_stat_activity |\n"
	    "| database, user | they are known | as the client named them; of a server: its pool's |\n"
	    "| addr | about a connection | the other end of the client or server the line is about |\n"
	    "| reason | it is closed | a code of the table below |\n"
	    "| statement | it is closed while a client has a server, and `log_statements` is on | the "
	    "beginning of what was asked last, without values if it is `fingerprint` |\n"
	    "| msg | always | the text |\n\n"
	    "Every line is valid UTF-8; names stand as JSON escapes them, and bytes that are no UTF-8 as\n"
	    "`\\xNN`. A line has at most 4096 bytes, which a pipe takes whole: a longer msg ends in `...`. When\n"
	    "there is no memory for such a line it is written as text. The journal and syslog get the same\n"
	    "lines; the text form without what they know themselves.\n\n"
	    "No line holds a password, a verifier, a key or what a statement was asked with, unless\n"
	    "`log_statements = text` allows the last; console commands are logged without secrets.\n\n");
}

static void
put_reasons(struct buf *out)
{
	buf_put_text(out,
	    "## Why connections are closed\n\n"
	    "Each close has one code, in the log behind `reason=` and counted in SHOW CLOSES. When a server's end\n"
	    "is its client's, too, both have the server's code. The log says what is in the second\n"
	    "column, or more than that.\n\n"
	    "| code | closing because | meaning |\n| --- | --- | --- |\n");
	for (unsigned why = CLOSE_NONE + 1; why < CLOSE_KINDS; why++)
		buf_printf(out, "| %s | %s | %s |\n", reason_rows[why].code, reason_rows[why].text,
		    reason_rows[why].meaning);
}

void
manual_logs(struct buf *out)
{
	put_formats(out);
	put_reasons(out);
}
