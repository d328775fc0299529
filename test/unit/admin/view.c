/*
 * view.c - tests of admin/view.h: the columns of every view, as PgBouncer's clients read
 * them by name and by position, and values on the wire.
 */
#include "unit/unit.h"

#include <stdio.h>

#include "admin/view.h"
#include "wire/read.h"

#define SOCKET_COLUMNS                                                                \
	"type:t user:t database:t replication:t state:t addr:t port:i local_addr:t "  \
	"local_port:i connect_time:T request_time:T wait:i wait_us:i close_needed:i " \
	"ptr:t link:t remote_pid:i tls:t application_name:t prepared_statements:i id:i"
#define CLIENT_COLUMNS "client:t addr:t port:i application_name:t database:t user:t"
#define BUFFER_COLUMNS                                                                \
	" recv_pos:i pkt_pos:i pkt_remain:i send_pos:i send_remain:i pkt_avail:i "    \
	"send_avail:i"

/* As PgBouncer 1.25 has them (STATS without the logins that come after it), and our own
 * ones. name:kind, t text, T text that holds a time, i int4, q int8, n numeric */
static const struct {
	const char	*topic, *columns;
} expected[] = {
	{ "pools",
	    "database:t user:t cl_active:i cl_waiting:i cl_active_cancel_req:i "
	    "cl_waiting_cancel_req:i sv_active:i sv_active_cancel:i "
	    "sv_being_canceled:i sv_idle:i sv_used:i sv_tested:i sv_login:i maxwait:i "
	    "maxwait_us:i pool_mode:t load_balance_hosts:t" },
	{ "clients", SOCKET_COLUMNS },
	{ "servers", SOCKET_COLUMNS },
	{ "sockets", SOCKET_COLUMNS BUFFER_COLUMNS },
	{ "active_sockets", SOCKET_COLUMNS BUFFER_COLUMNS },
	{ "active",
	    CLIENT_COLUMNS " state:t server:t server_addr:t server_port:i server_pid:i held_us:q "
	    "transaction_us:q query_us:q fingerprint:t statement:t" },
	{ "closes", "reason:t clients:q servers:q text:t meaning:t" },
	{ "waiting",
	    CLIENT_COLUMNS " wait_us:q place:i pool:t waits_for:t account:t used:i limit:i waiting:i "
	    "most_pool:t most_used:i holder:t holder_addr:t holder_application_name:t holder_state:t "
	    "holder_pid:i holder_us:q setting:t" },
	{ "stats",
	    "database:t total_server_assignment_count:n total_xact_count:n "
	    "total_query_count:n total_received:n total_sent:n total_xact_time:n "
	    "total_query_time:n total_wait_time:n total_client_parse_count:n "
	    "total_server_parse_count:n total_bind_count:n "
	    "avg_server_assignment_count:n "
	    "avg_xact_count:n avg_query_count:n avg_recv:n avg_sent:n "
	    "avg_xact_time:n avg_query_time:n avg_wait_time:n "
	    "avg_client_parse_count:n avg_server_parse_count:n avg_bind_count:n" },
	{ "stats_totals",
	    "database:t server_assignment_count:n xact_count:n query_count:n "
	    "bytes_received:n bytes_sent:n xact_time:n query_time:n wait_time:n "
	    "client_parse_count:n server_parse_count:n bind_count:n" },
	{ "stats_averages",
	    "database:t server_assignment_count:n xact_count:n query_count:n "
	    "bytes_received:n bytes_sent:n xact_time:n query_time:n "
	    "wait_time:n avg_client_parse_count:n avg_server_parse_count:n "
	    "avg_bind_count:n" },
	{ "totals", "name:t value:n" },
	{ "counters", "database:t counter:t unit:t total:n average:n" },
	{ "databases",
	    "name:t host:t port:i database:t force_user:t pool_size:i "
	    "min_pool_size:i reserve_pool_size:i server_lifetime:i pool_mode:t "
	    "load_balance_hosts:t max_connections:i current_connections:i "
	    "max_client_connections:i current_client_connections:i paused:i "
	    "disabled:i" },
	{ "users",
	    "name:t pool_size:t reserve_pool_size:t pool_mode:t "
	    "max_user_connections:i current_connections:i "
	    "max_user_client_connections:i current_client_connections:i" },
	{ "peers", "peer_id:i host:t port:i pool_size:i" },
	{ "peer_pools",
	    "peer_id:i cl_active_cancel_req:i cl_waiting_cancel_req:i "
	    "sv_active_cancel:i sv_login:i" },
	{ "dns_hosts", "hostname:t ttl:q addrs:t" },
	{ "dns_zones", "zonename:t serial:q count:i" },
	{ "fds", "" },
	{ "budget",
	    "kind:t name:t used:i opening:i idle:i limit:i source:t guaranteed:i waiting:i "
	    "longest_wait_us:q server_limit:i server_reserved:i refused:q" },
	{ "hba",
	    "rule_number:i file_name:t line_number:i type:t database:t user_name:t address:t "
	    "networks:t auth_method:t options:t" },
	{ "helpers",
	    "name:t threads:i busy:i waiting:i places:i connections:i yes:n no:n "
	    "failed:n refused:n" },
	{ "latency",
	    "database:t user:t kind:t recent_count:q recent_mean:q recent_p50:q recent_p90:q "
	    "recent_p99:q recent_p99_9:q recent_max:q total_count:q total_mean:q total_p50:q "
	    "total_p90:q total_p99:q total_p99_9:q total_max:q" },
	{ "replicas",
	    "addr:t port:i state:t cl_active_cancel_req:i cl_waiting_cancel_req:i passed_on:q "
	    "unknown:q refused:q failed:q" },
	{ "config", "key:t value:t default:t changeable:t" },
	{ "settings",
	    "name:t value:t default:t source:t changeable:t text:t" },
	{ "version", "version:t" },
	{ "state", "key:t value:t" },
	{ "lists", "list:t items:i" },
	{ "mem", "name:t size:i used:i free:i memtotal:i" },
	{ "client_encoding", "client_encoding:t" },
	{ "datestyle", "datestyle:t" },
	{ "default_transaction_isolation", "default_transaction_isolation:t" },
	{ "standard_conforming_strings", "standard_conforming_strings:t" },
	{ "timezone", "timezone:t" },
	{ "transaction_isolation", "transaction_isolation:t" },
};

static char
letter_of(enum column_kind kind)
{
	static const char letters[] = { [COLUMN_TEXT] = 't', [COLUMN_INT] = 'i',
		[COLUMN_BIG] = 'q', [COLUMN_NUMERIC] = 'n', [COLUMN_TIME] = 'T' };

	return letters[kind];
}

static void
columns_are_those_that_tools_read(void **state)
{
	size_t count = 0;

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(expected); i++) {
		const struct view *view = view_find(span_text(expected[i].topic));
		char columns[2048] = "";

		assert_non_null(view);
		for (unsigned c = 0; c < view->column_count; c++) {
			const struct column *column = &view->columns[c];
			size_t len = strlen(columns);

			snprintf(columns + len, sizeof(columns) - len, "%s%s:%c",
			    c > 0 ? " " : "", column->name, letter_of(column->kind));
		}
		assert_string_equal(columns, expected[i].columns);
	}
	for (const struct view *v = view_next(NULL); v != NULL; v = view_next(v))
		count++;
	assert_int_equal(count, ARRAY_SIZE(expected));
}

static void
every_view_is_whole(void **state)
{
	(void)state;
	for (const struct view *v = view_next(NULL); v != NULL; v = view_next(v)) {
		assert_true(v->role == ROLE_STATS || v->role == ROLE_ADMIN);
		assert_true(v->text[0] != '\0' && v->text[strlen(v->text) - 1] == '.');
		assert_ptr_equal(view_find(span_text(v->topic)), v);
		if (v->refused != NULL) {
			assert_null(v->fill);
			assert_null(v->finish);
			continue;
		}
		assert_in_range(v->column_count, 1, 64);
		assert_true(v->fill != NULL || v->finish != NULL);
		assert_true((v->fill != NULL) == (v->part_size > 0));
		for (unsigned c = 0; c < v->column_count; c++) {
			const char *text = v->columns[c].text;
			size_t size = v->columns[c].kind == COLUMN_TEXT ?
			    sizeof(char *) :
			    sizeof(uint64_t);

			assert_true(text[0] != '\0' && text[strlen(text) - 1] == '.');
			assert_true(v->columns[c].at + size <= v->row_size);
		}
	}
	assert_null(view_find(SPAN_LITERAL("nothing")));
}

/* --- values --- */

struct sample {
	const char	*text;
	uint64_t	 count, big, numeric;
	usec_t		 time;
};

static const struct column sample_columns[] = {
	COLUMN(sample, TEXT, text, "text", "Text."),
	COLUMN(sample, INT, count, "count", "Count."),
	COLUMN(sample, BIG, big, "big", "Big."),
	COLUMN(sample, NUMERIC, numeric, "numeric", "Numeric."),
	COLUMN(sample, TIME, time, "time", "Time."),
};

static const struct view sample_view = {
	.topic = "sample", .columns = sample_columns, .column_count = 5,
	.row_size = sizeof(struct sample),
};

static void
begin(struct reader *r, const struct buf *b, char kind)
{
	assert_false(b->failed);
	*r = read_begin(buf_span(b));
	assert_int_equal(read_u8(r), kind);
	assert_int_equal(read_u32(r), b->len - 1);
	assert_int_equal(read_u16(r), 5);
}

static struct span
value(struct reader *r)
{
	return read_bytes(r, read_u32(r));
}

static void
text_format_is_for_people(void **state)
{
	struct sample row = { "a", 7, 1234567890123, 18, 86400 * SECOND };
	struct buf b = { 0 };
	struct reader r;

	(void)state;
	view_write_row(&b, &sample_view, &row, 0);
	begin(&r, &b, 'D');
	assert_span(value(&r), "a");
	assert_span(value(&r), "7");
	assert_span(value(&r), "1234567890123");
	assert_span(value(&r), "18");
	assert_span(value(&r), "1970-01-02 00:00:00 UTC");
	assert_true(read_done(&r));
	buf_fini(&b);
}

static void
nothing_is_null_and_too_much_is_cut(void **state)
{
	struct sample row = { NULL, 3000000000, UINT64_MAX, UINT64_MAX, 0 };
	struct buf b = { 0 };
	struct reader r;

	(void)state;
	view_write_row(&b, &sample_view, &row, 0);
	begin(&r, &b, 'D');
	assert_int_equal(read_u32(&r), UINT32_MAX);
	assert_span(value(&r), "2147483647");
	assert_span(value(&r), "9223372036854775807");
	assert_span(value(&r), "9223372036854775807");
	assert_int_equal(read_u32(&r), UINT32_MAX);
	assert_true(read_done(&r));
	buf_fini(&b);
}

static void
binary_format_is_postgresqls(void **state)
{
	struct sample row = { "a", 258, 0x0102030405060708, 120034, 0 };
	struct buf b = { 0 };
	struct reader r;

	(void)state;
	view_write_row(&b, &sample_view, &row, 0x1f);
	begin(&r, &b, 'D');
	assert_span(value(&r), "a");
	assert_memory_equal(value(&r).at, "\0\0\1\2", 4);
	assert_memory_equal(value(&r).at, "\1\2\3\4\5\6\7\10", 8);
	/* numeric: 2 digits of base 10000, weight 1, plus, no places; 12 and 34 */
	assert_memory_equal(value(&r).at, "\0\2\0\1\0\0\0\0\0\14\0\42", 12);
	buf_clear(&b);
	row.numeric = 0;
	view_write_row(&b, &sample_view, &row, 0x1f);
	begin(&r, &b, 'D');
	for (int i = 0; i < 3; i++)
		value(&r);
	assert_int_equal(value(&r).len, 8);
	buf_fini(&b);
}

static void
descriptions_name_types_and_formats(void **state)
{
	static const uint32_t oids[] = { 25, 23, 20, 1700, 25 };
	struct buf b = { 0 };
	struct reader r;

	(void)state;
	view_write_columns(&b, &sample_view, 0x2);
	begin(&r, &b, 'T');
	for (unsigned i = 0; i < 5; i++) {
		assert_span(read_string(&r), sample_columns[i].name);
		assert_int_equal(read_u32(&r), 0);
		assert_int_equal(read_u16(&r), 0);
		assert_int_equal(read_u32(&r), oids[i]);
		read_u16(&r);
		read_u32(&r);
		assert_int_equal(read_u16(&r), i == 1);
	}
	assert_true(read_done(&r));
	buf_fini(&b);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		UNIT_TEST(columns_are_those_that_tools_read),
		UNIT_TEST(every_view_is_whole),
		UNIT_TEST(text_format_is_for_people),
		UNIT_TEST(nothing_is_null_and_too_much_is_cut),
		UNIT_TEST(binary_format_is_postgresqls),
		UNIT_TEST(descriptions_name_types_and_formats),
	};

	return cmocka_run_group_tests_name("view", tests, NULL, NULL);
}
