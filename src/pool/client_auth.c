/*
 * client_auth.c - a client proves who it is: where its secret comes from, and who else has
 * to be asked. The methods themselves are auth/login.h's, which applies is client_method.c's.
 *
 *	begin ---> who is it? -----> login's steps ---> yes: client_enter()
 *	           auth_file,        |         |
 *	           auth_query        |         +------> no: refused
 *	             ^               +-> PAM, LDAP ---> yes or no
 *	             +------------------- no, and the secret was remembered: once more
 *
 * While others are asked the client is in state ASKING: it holds nothing but its socket,
 * client_login_timeout goes on, and it may leave.
 */
#include <string.h>

#include "auth/login.h"
#include "auth/outside.h"
#include "base/log.h"
#include "base/mem.h"
#include "conf/hba.h"
#include "pool/client.h"
#include "pool/credentials.h"
#include "wire/reply.h"

#define OUTSIDE_MOST (60 * SECOND)	/* PAM and LDAP, where client_login_timeout is off */

struct attempt {
	struct setup	*setup;		/* held: what it began under */
	struct login_rules rules;
	const struct hba_rule *rule;	/* borrowed from setup; NULL: not by a rule */
	struct login	*login;		/* owned; NULL before its first step */
	struct credential *credential;	/* held; NULL: the user of auth_file, if any */
	struct credentials_wait *wait;	/* owned, while auth_query is asked */
	usec_t		 began;
	bool		 again;		/* the secret is asked for once more */
	bool		 outside;	/* PAM or LDAP is asked */
	struct err	 refusal;	/* what it hears unless that changes things */
};

static void find_user(struct client *c);
static void begin_login(struct client *c, struct span secret, bool known);
static void go_on(struct client *c, enum login_verdict verdict, struct buf *reply, struct err *e);
static bool look_again(struct client *c, const struct err *refusal);
static void refuse(struct client *c, struct buf *reply, const struct err *refusal);
static void ask_outside(struct client *c);

static struct conf *
conf_of(const struct client *c)
{
	return c->attempt->setup->conf;
}

void
client_authenticate(struct client *c)
{
	struct attempt *a = mem_new(sizeof(*a));

	if (a == NULL) {
		client_close(c, CLOSE_out_of_memory);
		return;
	}
	c->attempt = a;
	a->setup = setup_hold(c->worker->setup);
	a->began = loop_now(c->worker->loop);
	a->rules.scram_iterations = conf_of(c)->scram_iterations;
	a->rules.keyring = c->worker->pooler->keyring;
	a->rule = client_method(c, conf_of(c), &a->rules);
	client_become(c, &CLIENT_AUTH);
	find_user(c);
}

void
client_auth_end(struct client *c)
{
	struct attempt *a = c->attempt;

	if (a == NULL)
		return;
	c->attempt = NULL;
	credentials_leave(c->worker->pooler->credentials, a->wait);
	login_free(a->login);
	credential_drop(a->credential);
	setup_drop(a->setup);
	mem_free(a);
}

/* --- who is it --- */

/* Nothing of what is wrong here concerns a stranger: the log has said it. */
static void
refuse_config(struct client *c)
{
	client_dismiss(c, CLOSE_config_error);
}

static void heard(void *owner, struct credential *found, const struct err *e);

/*
 * Begin with what auth_query says or is remembered to have said at NOT_BEFORE or later.
 * False: C has to wait, or was refused.
 */
static bool
look_up(struct client *c, usec_t not_before)
{
	struct attempt *a = c->attempt;
	struct credentials_want want = {
		.worker = c->worker, .not_before = not_before, .heard = heard, .owner = c,
	};

	credential_drop(a->credential);
	a->credential = NULL;
	switch (credentials_aim(c, conf_of(c), &want)) {
	case AIM_NOWHERE:
		return true;
	case AIM_REFUSED:
		return false;
	case AIM_SET:
		break;
	}
	switch (credentials_find(c->worker->pooler->credentials, &want, &a->credential, &a->wait)) {
	case CREDENTIALS_READY:
		return true;
	case CREDENTIALS_WAIT:
		client_become(c, &CLIENT_ASKING);
		return false;
	case CREDENTIALS_FAILED:
		break;
	}
	refuse_config(c);
	return false;
}

/* Is there an auth_query to be asked, if not for this client then for others? */
static bool
has_lookups(const struct client *c)
{
	const struct conf *conf = conf_of(c);
	const struct conf_database *db = conf_database(conf, span_text(c->database));
	const char *user = db != NULL && db->auth_user != NULL ? db->auth_user : conf->auth_user;

	return user != NULL && user[0] != '\0';
}

/*
 * Begin with what auth_query knows (CREDENTIAL, or NULL: it was not asked). Whoever has no
 * secret goes the way of those whom servers keep today, with SCRAM verifiers: an MD5 question,
 * or a password that is refused sooner, would tell them apart.
 */
static void
begin_with(struct client *c, const struct credential *credential)
{
	struct login_rules *rules = &c->attempt->rules;

	if ((credential == NULL || credential->len == 0) && has_lookups(c)) {
		rules->slow_no = true;
		if (rules->method == LOGIN_MD5)
			rules->method = LOGIN_SCRAM;
	}
	if (credential != NULL)
		begin_login(c, credential_secret(credential), credential->known);
	else
		begin_login(c, span_of("", 0), false);
}

static void
find_user(struct client *c)
{
	const struct conf_user *user = conf_user(conf_of(c), span_text(c->user));
	usec_t keep = conf_of(c)->auth_query_cache_time, began = c->attempt->began;

	if (!login_needs_user(&c->attempt->rules))
		begin_with(c, NULL);
	else if (user != NULL && user->secret != NULL)
		begin_login(c, span_text(user->secret), true);
	else if (look_up(c, began > keep ? began - keep : 0))
		begin_with(c, c->attempt->credential);
}

/* auth_query has failed. */
static void
refuse_unfound(struct client *c)
{
	struct buf nothing = { 0 };

	if (c->attempt->again)
		refuse(c, &nothing, &c->attempt->refusal);
	else
		refuse_config(c);
}

/* auth_query has answered. */
static void
heard(void *owner, struct credential *found, const struct err *e)
{
	struct client *c = owner;
	struct attempt *a = c->attempt;

	a->wait = NULL;
	a->credential = found;
	client_become(c, &CLIENT_AUTH);
	if (found == NULL && e->text[0] != '\0')
		refuse_unfound(c);
	else if (a->again)
		look_again(c, NULL);
	else if (found == NULL)
		find_user(c);
	else
		begin_with(c, found);
	if (!c->dead)
		link_kick(c->link);
}

/* --- the login's steps --- */

static void
begin_login(struct client *c, struct span secret, bool known)
{
	struct attempt *a = c->attempt;
	unsigned char binding[LINK_BINDING_MOST];
	struct buf reply = { 0 };
	struct err e = { 0 };

	/* only SCRAM binds, and MD5 may become that */
	if (a->rules.method == LOGIN_SCRAM || a->rules.method == LOGIN_MD5)
		a->rules.binding = link_binding(c->link, binding);
	go_on(c, login_begin(&a->login, &a->rules, span_text(c->user), secret, known, &reply, &e),
	    &reply, &e);
	buf_fini(&reply);
}

static void
forget_reply(struct buf *reply)
{
	if (reply->at != NULL)
		mem_wipe(reply->at, reply->cap);
	buf_fini(reply);
}

size_t
client_auth_bytes(struct client *c, const char *at, size_t len)
{
	struct frame_head head;
	struct buf reply = { 0 };
	struct err e = { 0 };
	enum login_verdict verdict;

	switch (frame_look(at, len, &head)) {
	case FRAME_SHORT:
		return 0;
	case FRAME_BAD:
		client_refuse_text(c, CLOSE_protocol_violation, "bad packet header: the length cannot be");
		return len;
	case FRAME_HEADER:
		break;
	}
	if (head.kind == 'X') {
		client_close(c, CLOSE_client_close_request);
		return len;
	}
	if (head.kind != 'p' || head.size - FRAME_HEAD > LOGIN_BODY_MOST) {
		client_refuse_text(c, CLOSE_protocol_violation, head.kind != 'p' ?
		    "expected a password message, got something else" : "password too long");
		return len;
	}
	if (len < head.size) {
		link_expect(c->link, head.size);
		return 0;
	}
	verdict = login_step(c->attempt->login, head.kind,
	    span_of(at + FRAME_HEAD, head.size - FRAME_HEAD), &reply, &e);
	go_on(c, verdict, &reply, &e);
	forget_reply(&reply);
	return c->dead ? len : head.size;
}

static void
log_attempt(struct client *c)
{
	struct log_who who;
	char tls[64], database[160], user[160];

	if (!conf_of(c)->log_connections)
		return;
	link_tls_text(c->link, tls);
	log_line(LOG_LEVEL_LOG, client_who(c, &who),
	    "login attempt: db=%s user=%s tls=%s replication=%s",
	    log_escape(span_text(c->database), database, sizeof(database)),
	    log_escape(span_text(c->user), user, sizeof(user)), tls[0] ? tls : "no",
	    c->replication == NULL ? "no" : strcmp(c->replication, "true") == 0 ? "yes" : "database");
}

/* What strangers must not hear helps the operator. */
static void
log_lack(struct client *c)
{
	const struct attempt *a = c->attempt;
	const char *lack = NULL;
	struct log_who who;

	if (!conf_of(c)->log_pooler_errors)
		return;
	if (login_needs_user(&a->rules))
		lack = credentials_lack(c, conf_of(c), a->credential);
	if (a->rule != NULL)
		log_line(LOG_LEVEL_LOG, client_who(c, &who), "login refused by rule %s:%u (%s)%s%s",
		    a->rule->file, a->rule->line, hba_method_name(a->rule->method),
		    lack != NULL ? ": " : "", lack != NULL ? lack : "");
	else if (lack != NULL)
		log_line(LOG_LEVEL_LOG, client_who(c, &who), "login cannot succeed: %s", lack);
}

static void
refuse(struct client *c, struct buf *reply, const struct err *refusal)
{
	struct err e = *refusal;	/* it may lie in what ends here */

	if (reply->len > 0)
		link_send(c->link, reply->at, reply->len);
	log_attempt(c);
	log_lack(c);
	client_refuse(c, CLOSE_login_failed, &e);
}

/* What logins of its servers need to know of it. */
static struct credential *
take_credential(struct client *c)
{
	struct attempt *a = c->attempt;
	struct credential *mine = a->credential;

	a->credential = NULL;
	if (a->rules.method != LOGIN_PAM && a->rules.method != LOGIN_LDAP)
		return mine;
	mine = credential_new(true, login_password(a->login));
	if (mine != NULL) {
		mine->told = true;
		mine->asked_at = a->began;
	}
	return mine;
}

/* The last word of the login goes with the greeting, if that can follow at once. */
static void
let_in(struct client *c, struct buf *last_word)
{
	struct credential *credential;

	log_attempt(c);
	credential = take_credential(c);
	client_auth_end(c);
	c->last_word = last_word;
	client_enter(c, credential);
	if (!c->dead)
		client_say_last_word(c);
	c->last_word = NULL;
	credential_drop(credential);
}

static void
go_on(struct client *c, enum login_verdict verdict, struct buf *reply, struct err *e)
{
	if (reply->failed) {
		client_close(c, CLOSE_out_of_memory);
		return;
	}
	switch (verdict) {
	case LOGIN_MORE:
		link_send(c->link, reply->at, reply->len);
		return;
	case LOGIN_ASK:
		ask_outside(c);
		return;
	case LOGIN_NO:
		if (!look_again(c, e))
			refuse(c, reply, e);
		return;
	case LOGIN_YES:
		let_in(c, reply);
		return;
	}
}

/* --- a secret that has changed --- */

/*
 * C would hear REFUSAL (NULL: the one kept). If it was measured by an older answer of auth_query, ask once more:
 * passwords change, users come and go. False: no such hope. (The same for users that there
 * are not: it takes as long.)
 */
static bool
look_again(struct client *c, const struct err *refusal)
{
	struct attempt *a = c->attempt;
	const struct credential *old = a->credential;
	struct buf reply = { 0 };
	struct err e = { 0 };
	enum login_verdict verdict;

	if (!a->again) {
		if (old == NULL || old->asked_at >= a->began || a->login == NULL ||
		    !login_may_again(a->login))
			return false;
		a->again = true;
		a->refusal = *refusal;
	}
	if (old == NULL || old->asked_at < a->began)
		if (!look_up(c, a->began))
			return true;
	old = a->credential;
	verdict = old != NULL ? login_again(a->login, credential_secret(old), old->known, &reply,
	    &e) : LOGIN_NO;
	if (verdict == LOGIN_YES)
		let_in(c, &reply);
	else
		refuse(c, &reply, &a->refusal);
	forget_reply(&reply);
	return true;
}

/* --- PAM, LDAP --- */

static struct client *
find_newcomer(struct worker *w, uint64_t id)
{
	LIST_EACH(n, &w->newcomers) {
		struct client *c = CONTAINER_OF(n, struct client, in_newcomers);

		if (c->id == id)
			return c->attempt != NULL && c->attempt->outside ? c : NULL;
	}
	return NULL;
}

static void
log_outside(struct client *c, const struct err *e)
{
	struct log_who who;
	char text[600];

	log_line(LOG_LEVEL_WARNING, client_who(c, &who), "%s",
	    log_escape(span_text(e->text), text, sizeof(text)));
}

static void
told(struct client *c, bool right)
{
	struct buf nothing = { 0 };
	struct err e = { 0 };

	c->attempt->outside = false;
	client_become(c, &CLIENT_AUTH);
	go_on(c, login_told(c->attempt->login, right, &e), &nothing, &e);
	if (!c->dead)
		link_kick(c->link);
}

static void
open_judgement(struct letter *letter, void *receiver)
{
	struct outside_answer *answer = outside_answer_of(letter);
	struct client *c = find_newcomer(receiver, answer->id);

	if (c != NULL && answer->outcome != OUTSIDE_YES)
		log_outside(c, &answer->err);
	if (c != NULL)
		told(c, answer->outcome == OUTSIDE_YES);
	outside_answer_free(answer);
}

static void
ask_outside(struct client *c)
{
	struct attempt *a = c->attempt;
	const struct conf *conf = conf_of(c);
	const struct outside_ask ask = {
		.kind = a->rules.method == LOGIN_PAM ? OUTSIDE_PAM : OUTSIDE_LDAP,
		.service = a->rule != NULL ? a->rule->service : NULL,
		.options = a->rule != NULL && a->rule->options != NULL ? a->rule->options :
		    conf->auth_ldap_options,
		.user = span_text(c->user), .password = login_password(a->login),
		.peer = c->peer.kind != ADDR_UNIX ? &c->peer : NULL,
		.timeout = conf->client_login_timeout > 0 ? conf->client_login_timeout :
		    OUTSIDE_MOST,
		.home = c->worker->mailbox, .open = open_judgement, .id = c->id,
	};
	struct err e = { 0 };

	a->outside = true;
	client_become(c, &CLIENT_ASKING);
	if (outside_ask(c->worker->pooler->clerks, &ask, &e))
		return;
	log_outside(c, &e);
	told(c, false);
}
