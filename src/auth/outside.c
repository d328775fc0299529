/*
 * outside.c - passwords judged by PAM or LDAP: errands for helper threads. What may be
 * asked at all is decided here; how, in pam.c and ldap.c.
 */
#include "auth/outside.h"

#include <string.h>

#include "auth/clerk.h"
#include "auth/outside_judge.h"
#include "base/mem.h"

#define SERVICE "pgbouncer"	/* of PAM, as PgBouncer calls itself there */
#define NAME_MOST 127u		/* bytes of a user's name, as in auth_file */

struct errand {
	struct clerk_job job;
	struct outside_answer answer;	/* its password lies in ours */
	enum outside_kind kind;
	char		*service, *folder, *user;	/* owned */
	char		*password;	/* owned; wiped */
	size_t		 password_len;
	char		 peer[64];	/* as addr_host() writes it */
	bool		 has_peer;
	struct ldap_options ldap;
};

static void
errand_free(struct errand *errand)
{
	if (errand->password != NULL)
		mem_wipe(errand->password, errand->password_len);
	mem_free(errand->password);
	mem_free(errand->service);
	mem_free(errand->folder);
	mem_free(errand->user);
	ldap_options_fini(&errand->ldap);
	mem_free(errand);
}

static void
drop_job(struct clerk_job *job)
{
	errand_free(CONTAINER_OF(job, struct errand, job));
}

/* --- on a helper thread --- */

static enum outside_outcome
ask_pam(struct errand *errand, struct err *e)
{
	struct pam_case c = {
		.service = errand->service,
		.user = errand->user,
		.password = errand->password,
		.folder = errand->folder,
		.peer = errand->has_peer ? errand->peer : NULL,
	};

	return pam_judge(&c, e);
}

static enum outside_outcome
ask_ldap(struct errand *errand, struct err *e)
{
	struct ldap_case c = {
		.options = &errand->ldap,
		.user = errand->user,
		.password = errand->password,
		.deadline = errand->job.deadline,
	};

	return ldap_judge(&c, e);
}

static void
work(struct clerk_job *job)
{
	struct errand *errand = CONTAINER_OF(job, struct errand, job);
	struct outside_answer *a = &errand->answer;

	a->outcome = OUTSIDE_FAILED;
	if (clerk_now() >= job->deadline) {
		err_set(&a->err, SQLSTATE_BAD_LOGIN,
		    "timed out while waiting for other logins");
		return;
	}
	switch (errand->kind) {
	case OUTSIDE_PAM:
		a->outcome = ask_pam(errand, &a->err);
		break;
	case OUTSIDE_LDAP:
		a->outcome = ask_ldap(errand, &a->err);
		break;
	}
	if (a->outcome != OUTSIDE_FAILED)
		job->result = a->outcome == OUTSIDE_YES ? CLERK_YES : CLERK_NO;
}

/* --- asking --- */

static bool
has_any(struct span s, const char *bytes)
{
	for (size_t i = 0; i < s.len; i++) {
		if (s.at[i] == '\0' || strchr(bytes, s.at[i]) != NULL)
			return true;
	}
	return false;
}

/*
 * Names are put into a filter or a DN as they are, so what means something there is
 * refused (RFC 4515, section 3; RFC 4514, section 2.4). A prefix or suffix without "=" makes
 * no DN but, say, DOMAIN\user or user@domain.
 */
static bool
check_name(const struct ldap_options *o, struct span user, struct err *e)
{
	bool dn = (o->prefix != NULL && strchr(o->prefix, '=') != NULL) ||
	    (o->suffix != NULL && strchr(o->suffix, '=') != NULL);
	const char *bad = dn ? ",+\"\\<>;=#" : "";

	if (ldap_options_search(o))
		bad = "*()\\/";
	if (has_any(user, bad))
		return err_set(e, SQLSTATE_BAD_LOGIN,
		    "LDAP: expected a user name without "
		    "any of %s",
		    bad);
	return true;
}

static bool
check_ask(const struct outside_ask *ask, struct err *e)
{
	if (ask->user.len == 0 || ask->user.len > NAME_MOST)
		return err_set(e, SQLSTATE_BAD_LOGIN,
		    "expected a user name of 1 to %u bytes, got %zu", NAME_MOST,
		    ask->user.len);
	if (has_any(ask->user, ""))
		return err_set(e, SQLSTATE_BAD_LOGIN, "expected a user name without NUL");
	/* to an LDAP server that is somebody who does not want to be known, and welcome */
	if (ask->password.len == 0)
		return err_set(e, SQLSTATE_BAD_PASSWORD, "expected a password, got none");
	if (has_any(ask->password, ""))
		return err_set(e, SQLSTATE_BAD_PASSWORD,
		    "expected a password without NUL");
	if (ask->kind == OUTSIDE_PAM && !WITH_PAM)
		return err_set(e, SQLSTATE_CONFIG, "built without PAM");
	if (ask->kind == OUTSIDE_LDAP && !WITH_LDAP)
		return err_set(e, SQLSTATE_CONFIG, "built without LDAP");
	return true;
}

static bool
read_options(struct errand *errand, const struct outside_ask *ask, struct err *e)
{
	char why[160];

	if (!ldap_options_parse(&errand->ldap, span_text(ask->options), why, sizeof(why)))
		return err_set(e, SQLSTATE_CONFIG, "LDAP options: %s",
		    why[0] != '\0' ? why : "out of memory");
	return check_name(&errand->ldap, ask->user, e);
}

static bool
copy(struct span s, char **out)
{
	*out = mem_copy_text(s.at, s.len);
	return *out != NULL;
}

/* Everything of ASK that outlives the call. */
static bool
errand_fill(struct errand *errand, const struct outside_ask *ask, struct err *e)
{
	bool named = ask->service != NULL && ask->service[0] != '\0';

	errand->kind = ask->kind;
	errand->answer.id = ask->id;
	errand->password_len = ask->password.len;
	errand->has_peer = ask->peer != NULL && ask->peer->kind != ADDR_UNIX;
	if (errand->has_peer)
		addr_host(ask->peer, errand->peer);
	if (!copy(ask->password, &errand->password) || !copy(ask->user, &errand->user) ||
	    !copy(span_text(named ? ask->service : SERVICE), &errand->service) ||
	    (ask->pam_folder != NULL &&
		!copy(span_text(ask->pam_folder), &errand->folder)))
		return err_set(e, SQLSTATE_NO_MEMORY, "out of memory");
	errand->answer.password = span_of(errand->password, errand->password_len);
	return ask->kind != OUTSIDE_LDAP || read_options(errand, ask, e);
}

bool
outside_ask(struct clerks *c, const struct outside_ask *ask, struct err *e)
{
	struct errand *errand;

	if (!check_ask(ask, e))
		return false;
	errand = mem_new(sizeof(*errand));
	if (errand == NULL)
		return err_set(e, SQLSTATE_NO_MEMORY, "out of memory");
	errand->job = (struct clerk_job){
		.letter.open = ask->open,
		.home = ask->home,
		.kind = ask->kind == OUTSIDE_PAM ? CLERK_PAM : CLERK_LDAP,
		.timeout = ask->timeout,
		.work = work,
		.drop = drop_job,
	};
	if (errand_fill(errand, ask, e) && clerk_ask(c, &errand->job, e))
		return true;
	errand_free(errand);
	return false;
}

struct outside_answer *
outside_answer_of(struct letter *letter)
{
	struct clerk_job *job = CONTAINER_OF(letter, struct clerk_job, letter);

	return &CONTAINER_OF(job, struct errand, job)->answer;
}

void
outside_answer_free(struct outside_answer *a)
{
	if (a != NULL)
		errand_free(CONTAINER_OF(a, struct errand, answer));
}
