/* cert.c, peer.c: which names stand for which users. */
#include <pwd.h>
#include <unistd.h>

#include "unit/auth/parts.h"

#include "auth/cert.h"
#include "auth/peer.h"
#include "conf/hba.h"
#include "conf/ident.h"

static void
names_stand_for_users(void **state)
{
	static const struct {
		const char	*name, *user;
		bool		 fits;
	} rows[] = {
		{ "bob", "bob", true },
		{ "bob", "Bob", false },
		{ "bob", "bobby", false },
		{ "bobby", "bob", false },
		{ "", "", false },
		{ "bob", "", false },
		{ "", "bob", false },
		{ "a.example.com", "a.example.com", true },
		{ "*.example.com", "a.example.com", true },
		{ "*.example.com", "A.example.com", true },
		{ "*.example.com", "a.Example.com", false },
		{ "*.example.com", "a.b.example.com", false },
		{ "*.example.com", "example.com", false },
		{ "*.example.com", ".example.com", false },
		{ "*.example.com", "*.example.com", true },
		{ "a.example.com", "*.example.com", false },
		{ "*.com", "a.com", false },
		{ "*.", "a.", false },
		{ "*", "a", false },
		{ "*", "*", false },
		{ "**.example.com", "a.example.com", false },
		{ "*.*.com", "a.*.com", false },
		{ "*a.example.com", "ba.example.com", false },
		{ "*..com", "a..com", false },
		{ "*.example.", "a.example.", false },
		{ "a.*.com", "a.b.com", false },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++)
		if (cert_name_fits(span_text(rows[i].name), span_text(rows[i].user)) !=
		    rows[i].fits)
			fail_msg("\"%s\" for \"%s\"", rows[i].name, rows[i].user);
	assert_false(cert_name_fits(SPAN_LITERAL("bob\0x"), SPAN_LITERAL("bob")));
}

static void
a_process_is_who_the_system_says(void **state)
{
	struct addr unix_socket = { .kind = ADDR_UNIX }, tcp = { .kind = ADDR_IP4 };
	const struct passwd *me = getpwuid(geteuid());
	struct buf text = {0};
	struct hba *hba;
	struct err e;

	(void)state;
	assert_non_null(me);
	unix_socket.u.unix_peer.uid = geteuid();
	tcp.u.ip4.s_addr = 0;
	assert_true(peer_allows(&unix_socket, NULL, NULL, span_text(me->pw_name)));
	assert_false(peer_allows(&unix_socket, NULL, NULL, SPAN_LITERAL("carol")));
	assert_false(peer_allows(&tcp, NULL, NULL, span_text(me->pw_name)));
	unix_socket.u.unix_peer.uid = 4000000000u;	/* nobody has that */
	assert_false(peer_allows(&unix_socket, NULL, NULL, span_text(me->pw_name)));

	unix_socket.u.unix_peer.uid = geteuid();
	buf_printf(&text, "friends %s carol\n", me->pw_name);
	hba = hba_read(SPAN_LITERAL("local all all peer map=friends\n"), "hba",
	    ident_read(buf_span(&text), "ident", &hba_real_world, &e), &hba_real_world, &e);
	assert_non_null(hba);
	assert_true(peer_allows(&unix_socket, hba, "friends", SPAN_LITERAL("carol")));
	assert_false(peer_allows(&unix_socket, hba, "friends", span_text(me->pw_name)));
	assert_false(peer_allows(&unix_socket, hba, "others", SPAN_LITERAL("carol")));
	hba_drop(hba);
	buf_fini(&text);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(names_stand_for_users),
		cmocka_unit_test(a_process_is_who_the_system_says),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
