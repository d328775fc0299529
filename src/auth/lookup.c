/*
 * lookup.c - auth_query as errands for helper threads. Connections are used by one errand
 * at a time and kept for the next of the same target by lookup_shelf.c; what libpq is
 * told is lookup_line.c's business.
 */
#include "auth/lookup.h"

#include <pthread.h>
#include <stdatomic.h>
#include <string.h>

#include "auth/clerk.h"
#include "auth/lookup_line.h"
#include "auth/lookup_shelf.h"
#include "auth/secret.h"
#include "base/mem.h"

struct lookup {
	struct clerks	*clerks;	/* borrowed */
	atomic_uint	 holds;		/* the owner's and one an errand */
	struct lookup_shelf shelf;
};

struct errand {
	struct clerk_job job;
	struct lookup_answer answer;
	struct lookup	*lookup;	/* held: a thread may have been left to itself */
	struct conf	*conf;		/* held */
	const struct conf_database *db;	/* in conf */
	char		*dbname, *user, *query, *name;	/* owned */
	char		*secret;	/* owned; NULL: none that can be sent */
	enum secret_kind secret_kind;
	char		*target;	/* owned */
	size_t		 target_len;
	uint64_t	 means;
	struct line_row	 row;
};

static void work(struct clerk_job *job);

struct lookup *
lookup_new(struct clerks *clerks, struct err *e)
{
	struct lookup *l = mem_new(sizeof(*l));

	if (l == NULL) {
		err_set(e, SQLSTATE_NO_MEMORY, "out of memory");
		return NULL;
	}
	line_clear_environment();
	l->clerks = clerks;
	atomic_init(&l->holds, 1);
	lookup_shelf_init(&l->shelf);
	clerks_at_rest(clerks, CLERK_LOOKUP, lookup_shelf_tidy, &l->shelf);
	return l;
}

void
lookup_free(struct lookup *l)
{
	if (l == NULL || atomic_fetch_sub(&l->holds, 1) != 1)
		return;
	lookup_shelf_fini(&l->shelf);
	mem_free(l);
}

void
lookup_tune(struct lookup *l, usec_t idle, usec_t life)
{
	pthread_mutex_lock(&l->shelf.mutex);
	l->shelf.idle_most = idle;
	l->shelf.life_most = life;
	pthread_mutex_unlock(&l->shelf.mutex);
}

void
lookup_renew(struct lookup *l)
{
	lookup_shelf_renew(&l->shelf);
}

void
lookup_count(struct lookup *l, struct lookup_numbers *out)
{
	pthread_mutex_lock(&l->shelf.mutex);
	out->open = l->shelf.open;
	out->opened = l->shelf.opened;
	pthread_mutex_unlock(&l->shelf.mutex);
}

/* --- asking --- */

static void
errand_free(struct errand *errand)
{
	if (errand->secret != NULL)
		mem_wipe(errand->secret, strlen(errand->secret));
	line_row_fini(&errand->row);
	mem_free(errand->secret);
	mem_free(errand->dbname);
	mem_free(errand->user);
	mem_free(errand->query);
	mem_free(errand->name);
	mem_free(errand->target);
	conf_drop(errand->conf);
	lookup_free(errand->lookup);
	mem_free(errand);
}

static void
drop_job(struct clerk_job *job)
{
	errand_free(CONTAINER_OF(job, struct errand, job));
}

static bool
copy(struct span s, char **out)
{
	*out = mem_copy_text(s.len > 0 ? s.at : "", s.len);
	return *out != NULL;
}

/* Whom the errand's line leads to, as bytes: equal ones may share lines. */
static bool
put_target(struct errand *errand)
{
	const struct conf_database *db = errand->db;
	struct buf b = { 0 };

	for (size_t i = 0; i < db->n_hosts; i++) {
		buf_put_text(&b, db->hosts[i].text);
		buf_printf(&b, ":%u,", (unsigned)db->hosts[i].port);
	}
	buf_put_byte(&b, '\0');
	buf_put(&b, errand->dbname, strlen(errand->dbname) + 1);
	buf_put(&b, errand->user, strlen(errand->user) + 1);
	if (b.failed) {
		buf_fini(&b);
		return false;
	}
	errand->target = b.at;
	errand->target_len = b.len;
	return true;
}

static uint64_t
add_text(uint64_t hash, const char *text)
{
	return hash * 31 + span_hash(span_text(text));
}

/* How one gets there: with another secret or other TLS settings a line is made anew. */
static uint64_t
hash_means(const struct errand *errand)
{
	const struct conf *conf = errand->conf;
	uint64_t hash = (uint64_t)conf->server_tls_sslmode;

	hash = add_text(hash, errand->secret);
	hash = add_text(hash, conf->server_tls_ca_file);
	hash = add_text(hash, conf->server_tls_cert_file);
	hash = add_text(hash, conf->server_tls_key_file);
	return add_text(hash, conf->server_tls_protocols);
}

/* Everything of ASK that outlives the call. */
static bool
errand_fill(struct errand *errand, const struct lookup_ask *ask)
{
	errand->conf = conf_hold(ask->conf);
	errand->db = ask->db;
	errand->secret_kind = secret_kind(ask->secret);
	if (!copy(ask->dbname, &errand->dbname) || !copy(ask->user, &errand->user) ||
	    !copy(span_text(ask->query), &errand->query) ||
	    !copy(ask->name, &errand->name))
		return false;
	/* libpq can answer with a password only */
	if (errand->secret_kind == SECRET_PLAIN && !copy(ask->secret, &errand->secret))
		return false;
	if (!put_target(errand))
		return false;
	errand->means = hash_means(errand);
	return true;
}

static bool
has_nul(struct span s)
{
	return s.len > 0 && memchr(s.at, '\0', s.len) != NULL;
}

static bool
check_ask(const struct lookup_ask *ask, struct err *e)
{
	if (ask->name.len == 0 || ask->name.len > LOOKUP_NAME_MOST)
		return err_set(e, SQLSTATE_BAD_LOGIN,
		    "expected a user name of 1 to %u bytes, got %zu", LOOKUP_NAME_MOST,
		    ask->name.len);
	if (has_nul(ask->name))
		return err_set(e, SQLSTATE_BAD_LOGIN, "expected a user name without NUL");
	if (ask->user.len == 0 || ask->dbname.len == 0)
		return err_set(e, SQLSTATE_CONFIG,
		    "auth_query: expected auth_user and a database");
	if (has_nul(ask->user) || has_nul(ask->dbname) || has_nul(ask->secret))
		return err_set(e, SQLSTATE_CONFIG,
		    "auth_query: expected names and a secret without NUL");
	if (ask->query == NULL || ask->query[0] == '\0')
		return err_set(e, SQLSTATE_CONFIG,
		    "auth_query: expected a query, got none");
	return true;
}

bool
lookup_ask(struct lookup *l, const struct lookup_ask *ask, struct err *e)
{
	struct errand *errand;

	if (!check_ask(ask, e))
		return false;
	errand = mem_new(sizeof(*errand));
	if (errand == NULL)
		return err_set(e, SQLSTATE_NO_MEMORY, "out of memory");
	if (!errand_fill(errand, ask)) {
		errand_free(errand);
		return err_set(e, SQLSTATE_NO_MEMORY, "out of memory");
	}
	atomic_fetch_add(&l->holds, 1);
	errand->lookup = l;
	errand->answer.id = ask->id;
	errand->job = (struct clerk_job){
		.letter.open = ask->open,
		.home = ask->home,
		.kind = CLERK_LOOKUP,
		.group = span_hash(span_of(errand->target, errand->target_len)) | 1u,
		.timeout = ask->timeout,
		.work = work,
		.drop = drop_job,
	};
	if (!clerk_ask(l->clerks, &errand->job, e)) {
		errand_free(errand);
		return false;
	}
	return true;
}

struct lookup_answer *
lookup_answer_of(struct letter *letter)
{
	struct clerk_job *job = CONTAINER_OF(letter, struct clerk_job, letter);

	return &CONTAINER_OF(job, struct errand, job)->answer;
}

void
lookup_answer_free(struct lookup_answer *a)
{
	if (a != NULL)
		errand_free(CONTAINER_OF(a, struct errand, answer));
}

/* --- on a helper thread --- */

static const char *
kind_name(enum secret_kind kind)
{
	switch (kind) {
	case SECRET_NONE:
		return "none";
	case SECRET_PLAIN:
		return "one that is empty";
	case SECRET_MD5:
		return "an MD5 hash";
	case SECRET_SCRAM:
		return "a SCRAM verifier";
	}
	return "?";
}

/* Ask on K, which is given away. */
static enum line_outcome
ask_on(struct errand *errand, struct kept *k, struct err *e)
{
	struct lookup *l = errand->lookup;
	enum line_outcome outcome = line_ask(k->line, l->clerks, errand->query,
	    errand->name, errand->job.deadline, &errand->row, e);

	if ((outcome == LINE_ROW || outcome == LINE_NOTHING) && line_usable(k->line))
		lookup_shelf_put(&l->shelf, k);
	else
		lookup_shelf_discard(&l->shelf, k);
	return outcome;
}

/* The server may have closed a kept line unseen: then once more on a new one. */
static enum line_outcome
ask_any(struct errand *errand, struct err *e)
{
	struct line_to to = {
		.conf = errand->conf,
		.db = errand->db,
		.dbname = errand->dbname,
		.user = errand->user,
		.secret = errand->secret,
		.secret_kind = kind_name(errand->secret_kind),
		.clerks = errand->lookup->clerks,
	};
	struct span target = span_of(errand->target, errand->target_len);
	enum line_outcome outcome = LINE_LOST;
	struct kept *k;

	if (clerk_now() >= errand->job.deadline) {
		err_set(e, SQLSTATE_CONNECT, "timed out while waiting for other lookups");
		return LINE_FAILED;
	}
	k = lookup_shelf_find(&errand->lookup->shelf, target, errand->means);
	if (k != NULL)
		outcome = ask_on(errand, k, e);
	if (outcome != LINE_LOST)
		return outcome;
	k = lookup_shelf_open(&errand->lookup->shelf, target, errand->means, &to,
	    errand->job.deadline, e);
	return k != NULL ? ask_on(errand, k, e) : LINE_FAILED;
}

/* Tell who asked whom, and what came of it. */
static void
explain(struct errand *errand, const struct err *why)
{
	err_set(&errand->answer.err, why->sqlstate, "auth_query of %s in database %s: %s",
	    errand->user, errand->dbname, why->text);
}

static void
work(struct clerk_job *job)
{
	struct errand *errand = CONTAINER_OF(job, struct errand, job);
	struct lookup_answer *a = &errand->answer;
	struct err why = { .text = "" };

	a->outcome = LOOKUP_FAILED;
	switch (ask_any(errand, &why)) {
	case LINE_ROW:
		a->outcome = LOOKUP_FOUND;
		a->name = span_of(errand->row.name, errand->row.name_len);
		a->has_secret = errand->row.secret != NULL;
		a->secret = span_of(errand->row.secret, errand->row.secret_len);
		job->result = CLERK_YES;
		break;
	case LINE_NOTHING:
		a->outcome = LOOKUP_NOBODY;
		job->result = CLERK_NO;
		break;
	case LINE_FAILED:
	case LINE_LOST:
		explain(errand, &why);
		break;
	}
}
