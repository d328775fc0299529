/*
 * Unit tests of net/resolve.c: a small name server on the same loop.
 */
#include "unit/unit.h"

#include <event2/event.h>
#include <stdio.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/log.h"
#include "net/loop.h"
#include "net/loop_private.h"
#include "net/resolve.h"
#include "unit/net/nameserver.h"

#define PATIENCE (20 * SECOND)

/* A loop, a name server on it, and what its resolver has said. */
struct world {
	struct loop	*loop;
	struct resolver	*resolver;
	struct timer	*alarm;
	int		 fd;
	struct event	*event;
	struct sayings	 says;
	bool		 used;		/* what resolver_user.uses() says */
	unsigned	 changes;	/* that resolver_user.changed() told of */
	unsigned	 asked_a;	/* questions so far */
	unsigned	 asked_soa, wanted_soa;
	usec_t		 zone_period;
	unsigned	 answers, wanted;
	unsigned	 count;		/* of the last answer */
	struct addr	 addrs[8];
	char		 why[128];
};

static void
on_question(evutil_socket_t fd, short what, void *arg)
{
	struct world *w = arg;
	struct sockaddr_storage from;
	socklen_t from_len = sizeof(from);
	uint8_t packet[512];
	ssize_t n = recvfrom(fd, packet, 300, 0, (struct sockaddr *)&from, &from_len);
	unsigned type;
	size_t len;

	(void)what;
	if (n < HEADER)
		return;
	if (w->says.mood == IS_SILENT)
		return;
	len = answer(&w->says, packet, (size_t)n, &type);
	if (type == TYPE_A)
		w->asked_a++;
	if (type == TYPE_SOA && ++w->asked_soa == w->wanted_soa)
		loop_stop(w->loop);
	sendto(fd, packet, len, 0, (struct sockaddr *)&from, from_len);
}

static void
too_late(void *owner)
{
	(void)owner;
	fail_msg("expected an answer, none came");
}

static void
set_limits(struct world *w, usec_t least, usec_t most, usec_t negative)
{
	struct sockaddr_in in;
	socklen_t len = sizeof(in);
	char servers[32];

	assert_int_equal(getsockname(w->fd, (struct sockaddr *)&in, &len), 0);
	snprintf(servers, sizeof(servers), "127.0.0.1:%u", ntohs(in.sin_port));
	resolver_set_limits(w->resolver, &(struct resolver_limits){
	    .ttl_least = least, .ttl_most = most, .ttl_negative = negative,
	    .zone_period = w->zone_period, .servers = servers });
}

static bool
uses(void *owner, const char *name)
{
	struct world *w = owner;

	(void)name;
	return w->used;
}

static void
changed(void *owner, const char *name, const struct addr *addrs, unsigned count)
{
	struct world *w = owner;

	if (strcmp(name, "db.example") != 0)
		return;
	assert_int_equal(count, w->says.only_a ? 2 : 3);
	assert_int_equal(addrs[0].port, 0);
	w->changes++;
	loop_stop(w->loop);
}

static const struct resolver_user user = { uses, changed };

static int
begin(void **state)
{
	struct world *w = calloc(1, sizeof(*w));
	struct sockaddr_in in = { .sin_family = AF_INET,
		.sin_addr.s_addr = htonl(INADDR_LOOPBACK) };

	w->loop = loop_new(NULL);
	w->resolver = resolver_of(w->loop);
	assert_non_null(w->resolver);
	assert_ptr_equal(resolver_of(w->loop), w->resolver);
	w->alarm = timer_new(w->loop, too_late, NULL);
	w->fd = socket(AF_INET, SOCK_DGRAM | SOCK_NONBLOCK, 0);
	assert_int_equal(bind(w->fd, (struct sockaddr *)&in, sizeof(in)), 0);
	w->event = event_new(loop_base(w->loop), w->fd, EV_READ | EV_PERSIST, on_question,
	    w);
	event_add(w->event, NULL);
	log_to_stderr(false);
	resolver_set_user(w->resolver, &user, w);
	w->says.last = 7;
	w->says.ttl = 60;
	set_limits(w, 0, 3600 * SECOND, 10 * SECOND);
	*state = w;
	return 0;
}

static int
end(void **state)
{
	struct world *w = *state;

	event_free(w->event);
	close(w->fd);
	timer_free(w->alarm);
	loop_free(w->loop);
	free(w);
	return 0;
}

static void
resolved(void *owner, const struct addr *addrs, unsigned count, const char *why)
{
	struct world *w = owner;

	w->answers++;
	w->count = count;
	assert_true(count <= ARRAY_SIZE(w->addrs));
	for (unsigned i = 0; i < count; i++)
		w->addrs[i] = addrs[i];
	snprintf(w->why, sizeof(w->why), "%s", why != NULL ? why : "");
	if (w->answers == w->wanted)
		loop_stop(w->loop);
}

/* Wait until there are COUNT answers. */
static void
wait_for(struct world *w, unsigned count)
{
	w->wanted = count;
	if (w->answers >= count)
		return;
	timer_set(w->alarm, PATIENCE);
	loop_run(w->loop);
	timer_stop(w->alarm);
	assert_int_equal(w->answers, count);
}

/* Ask for NAME and wait for the answer. True if it was known already. */
static bool
look_up(struct world *w, const char *name)
{
	bool known;

	w->answers = 0;
	known = resolve(w->resolver, name, resolved, w) == NULL;
	if (known)
		assert_int_equal(w->answers, 1);
	wait_for(w, 1);
	return known;
}

/* Is TEXT among the addresses of the last answer? */
static bool
has(const struct world *w, const char *text)
{
	char host[64];

	for (unsigned i = 0; i < w->count; i++)
		if (strcmp(addr_host(&w->addrs[i], host), text) == 0 &&
		    w->addrs[i].port == 0)
			return true;
	return false;
}

static void
both_kinds_of_addresses_come(void **state)
{
	struct world *w = *state;

	assert_false(look_up(w, "db.example"));
	assert_int_equal(w->count, 3);
	assert_true(has(w, "192.0.2.7") && has(w, "192.0.2.8") && has(w, "2001:db8::7"));
	/* and are remembered */
	assert_true(look_up(w, "db.example"));
	assert_int_equal(w->count, 3);
	assert_int_equal(w->asked_a, 1);
}

static void
one_query_answers_all_who_wait(void **state)
{
	struct world *w = *state;
	struct lookup *given_up;

	assert_non_null(resolve(w->resolver, "db.example", resolved, w));
	given_up = resolve(w->resolver, "db.example", resolved, w);
	assert_non_null(resolve(w->resolver, "db.example", resolved, w));
	resolve_cancel(given_up);
	wait_for(w, 2);
	assert_int_equal(w->asked_a, 1);
	assert_int_equal(w->count, 3);
}

static void
bounds_hold_against_the_ttl(void **state)
{
	struct world *w = *state;

	/* at most nothing: asked each time */
	set_limits(w, 0, 0, 0);
	look_up(w, "db.example");
	w->says.last = 70;
	assert_false(look_up(w, "db.example"));
	assert_true(has(w, "192.0.2.70"));
	assert_int_equal(w->asked_a, 2);
	/* at least a minute: remembered though it says nothing */
	set_limits(w, 60 * SECOND, 60 * SECOND, 0);
	w->says.ttl = 0;
	look_up(w, "other.example");
	assert_true(look_up(w, "other.example"));
	assert_int_equal(w->asked_a, 3);
}

static void
names_that_are_not_are_remembered_too(void **state)
{
	struct world *w = *state;

	w->says.mood = KNOWS_NOTHING;
	assert_false(look_up(w, "no.example"));
	assert_int_equal(w->count, 0);
	assert_string_equal(w->why, "Domain name not found");
	assert_true(look_up(w, "no.example"));
	assert_int_equal(w->count, 0);
	assert_string_equal(w->why, "Domain name not found");
	assert_int_equal(w->asked_a, 1);
}

static void
a_failed_refresh_keeps_the_old_answer(void **state)
{
	static const enum mood moods[] = { KNOWS_NOTHING, FAILS, IS_SILENT };
	struct world *w = *state;

	set_limits(w, 0, 0, 0);
	look_up(w, "db.example");
	for (size_t i = 0; i < ARRAY_SIZE(moods); i++) {
		w->says.mood = moods[i];
		assert_false(look_up(w, "db.example"));
		assert_true(has(w, "192.0.2.7"));
		assert_string_equal(w->why, "");
	}
	/* that name's query is still under way, and nobody waits for it any more */
	assert_true(look_up(w, "db.example"));
	assert_true(has(w, "192.0.2.7"));
}

static void
this_machine_needs_no_name_server(void **state)
{
	struct world *w = *state;

	w->says.mood = IS_SILENT;
	look_up(w, "localhost");
	assert_true(has(w, "127.0.0.1"));
	assert_int_equal(w->asked_a, 0);
}

static void
what_is_no_name_is_refused_at_once(void **state)
{
	struct world *w = *state;
	char longest[300];

	memset(longest, 'a', sizeof(longest));
	longest[sizeof(longest) - 1] = '\0';
	assert_true(look_up(w, longest));
	assert_string_equal(w->why, "not a host name");
	assert_true(look_up(w, ""));
	assert_int_equal(w->count, 0);
	look_up(w, "a..example");
	assert_int_equal(w->count, 0);
	assert_string_not_equal(w->why, "");
}

static void
wait_for_changes(struct world *w, unsigned count)
{
	timer_set(w->alarm, PATIENCE);
	while (w->changes < count)
		loop_run(w->loop);
	timer_stop(w->alarm);
}

static void
what_is_used_is_refreshed_by_itself(void **state)
{
	struct world *w = *state;

	set_limits(w, 0, 2 * SECOND, 0);
	look_up(w, "db.example");
	w->used = true;
	w->says.last = 20;
	wait_for_changes(w, 2);
	assert_int_equal(w->asked_a, 2);
	assert_true(look_up(w, "db.example"));
	assert_true(has(w, "192.0.2.20"));
}

static void
the_same_in_another_order_is_no_change(void **state)
{
	struct world *w = *state;

	set_limits(w, 0, 0, 0);
	look_up(w, "db.example");
	look_up(w, "db.example");
	w->says.mood = FAILS;
	look_up(w, "db.example");
	assert_true(w->asked_a >= 3);
	assert_int_equal(w->changes, 1);
}

static void
a_kind_of_addresses_that_is_gone_is_asked_for_twice(void **state)
{
	struct world *w = *state;

	set_limits(w, 0, 0, 0);
	look_up(w, "db.example");
	w->says.only_a = true;
	look_up(w, "db.example");
	assert_true(w->count == 3 && w->changes == 1 && has(w, "2001:db8::7"));
	look_up(w, "db.example");
	assert_true(w->count == 2 && w->changes == 2 && has(w, "192.0.2.7"));
}

static void
count_zone(void *owner, const struct resolver_zone *zone)
{
	struct world *w = owner;

	assert_string_equal(zone->zone, "example");
	assert_int_equal(zone->serial, w->says.serial);
	w->count += zone->names;
}

static void
a_new_serial_number_asks_for_the_zones_names(void **state)
{
	struct world *w = *state;

	w->zone_period = SECOND;
	set_limits(w, 0, 3600 * SECOND, 0);
	w->says.serial = 5;
	w->used = true;
	look_up(w, "db.example");
	w->wanted_soa = 2;
	timer_set(w->alarm, PATIENCE);
	while (w->asked_soa < w->wanted_soa)
		loop_run(w->loop);
	timer_stop(w->alarm);
	assert_int_equal(w->changes, 1);
	w->says.serial = 6;
	w->says.last = 30;
	wait_for_changes(w, 2);
	assert_true(look_up(w, "db.example"));
	assert_true(has(w, "192.0.2.30"));
	w->count = 0;
	resolver_each_zone(w->resolver, count_zone, w);
	assert_int_equal(w->count, 1);
}

static void
new_limits_ask_again(void **state)
{
	struct world *w = *state;

	w->says.mood = IS_SILENT;
	assert_non_null(resolve(w->resolver, "db.example", resolved, w));
	w->says.mood = ANSWERS;
	set_limits(w, 0, 60 * SECOND, 0);
	wait_for(w, 1);
	assert_true(has(w, "192.0.2.7"));
}

static void
memory_of_names_is_bounded(void **state)
{
	struct world *w = *state;
	char name[32];

	for (unsigned i = 0; i < 1001; i++) {
		snprintf(name, sizeof(name), "n%u.example", i);
		assert_false(look_up(w, name));
		assert_int_equal(w->count, 3);
	}
	assert_true(look_up(w, "n1000.example"));
	assert_true(look_up(w, "n1.example"));
	assert_false(look_up(w, "n0.example"));
}

static void
a_loop_may_end_while_it_asks(void **state)
{
	struct world *w = *state;

	w->says.mood = IS_SILENT;
	assert_non_null(resolve(w->resolver, "db.example", resolved, w));
	assert_int_equal(w->answers, 0);
	/* the sanitizers look at what end() leaves */
}

int
main(void)
{
#define IN_A_WORLD(rule) cmocka_unit_test_setup_teardown(rule, begin, end)
	static const struct CMUnitTest tests[] = {
		IN_A_WORLD(both_kinds_of_addresses_come),
		IN_A_WORLD(one_query_answers_all_who_wait),
		IN_A_WORLD(bounds_hold_against_the_ttl),
		IN_A_WORLD(names_that_are_not_are_remembered_too),
		IN_A_WORLD(a_failed_refresh_keeps_the_old_answer),
		IN_A_WORLD(this_machine_needs_no_name_server),
		IN_A_WORLD(what_is_no_name_is_refused_at_once),
		IN_A_WORLD(what_is_used_is_refreshed_by_itself),
		IN_A_WORLD(the_same_in_another_order_is_no_change),
		IN_A_WORLD(a_kind_of_addresses_that_is_gone_is_asked_for_twice),
		IN_A_WORLD(a_new_serial_number_asks_for_the_zones_names),
		IN_A_WORLD(new_limits_ask_again),
		IN_A_WORLD(memory_of_names_is_bounded),
		IN_A_WORLD(a_loop_may_end_while_it_asks),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
