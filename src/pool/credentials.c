/*
 * credentials.c - answers to auth_query, by (database, auth_user, query, user): remembered,
 * asked for once for all who wait, bounded, wiped. One mutex; nothing is asked or
 * told under it but letters.
 */
#include "pool/credentials.h"

#include <stdio.h>
#include <string.h>

#include "base/log.h"
#include "base/mem.h"
#include "pool/worker.h"

#define ENTRIES_MOST 10000u	/* strangers choose names: the longest unused goes */

/* One question, and the answer to it. */
struct entry {
	struct map_node	 in_map;
	struct node	 in_ages;	/* longest unused first */
	struct list	 waiting;	/* credentials_wait.in_list */
	struct conf	*conf;		/* held: what it was asked under */
	bool		 asking;	/* a lookup is under way: stays where it is */
	usec_t		 asked_at;	/* of that one */
	struct credential *found;	/* held; NULL: nothing is remembered */
	size_t		 name_at;	/* in key: the user's name, without its NUL */
	size_t		 len;
	char		 key[];		/* entry, auth_user, query, name, each with a NUL */
};

struct credentials {
	pthread_mutex_t	 mutex;
	struct map	 map;
	struct list	 ages;
	struct list	 told;		/* waits whose letter is under way */
	credentials_door door;
	void		*door_arg;
};

struct credentials_wait {
	struct letter	 letter;
	struct node	 in_list;	/* entry->waiting, later told */
	struct credentials *home;
	struct worker	*worker;	/* borrowed */
	struct credentials_wait *next;	/* who hears the same answer */
	bool		 posted;
	usec_t		 not_before;
	void		(*heard)(void *owner, struct credential *found, const struct err *e);
	void		*owner;		/* NULL: it has left; touched on its worker only */
	struct credential *found;	/* held */
	struct err	 err;
};

static void open_wait(struct letter *letter, void *receiver);

/* --- all of them --- */

struct credentials *
credentials_new(credentials_door door, void *arg)
{
	struct credentials *c = mem_new(sizeof(*c));

	if (c == NULL)
		return NULL;
	pthread_mutex_init(&c->mutex, NULL);
	list_init(&c->ages);
	list_init(&c->told);
	c->door = door;
	c->door_arg = arg;
	return c;
}

static void
wait_free(struct credentials_wait *wait)
{
	list_remove(&wait->in_list);
	credential_drop(wait->found);
	mem_free(wait);
}

static void
free_all(struct list *waits)
{
	LIST_EACH(n, waits)
		wait_free(CONTAINER_OF(n, struct credentials_wait, in_list));
}

static void
entry_free(struct credentials *c, struct entry *entry)
{
	map_remove(&c->map, &entry->in_map);
	list_remove(&entry->in_ages);
	free_all(&entry->waiting);
	credential_drop(entry->found);
	conf_drop(entry->conf);
	mem_free(entry);
}

void
credentials_free(struct credentials *c)
{
	if (c == NULL)
		return;
	LIST_EACH(n, &c->ages)
		entry_free(c, CONTAINER_OF(n, struct entry, in_ages));
	free_all(&c->told);
	map_fini(&c->map);
	pthread_mutex_destroy(&c->mutex);
	mem_free(c);
}

/* --- entries; under the mutex --- */

static void
put_key(const struct credentials_want *want, struct buf *key, size_t *name_at)
{
	buf_put_span(key, want->entry);
	buf_put_byte(key, '\0');
	buf_put_span(key, want->ask.user);
	buf_put_byte(key, '\0');
	buf_put_text(key, want->ask.query);
	buf_put_byte(key, '\0');
	*name_at = key->len;
	buf_put_span(key, want->ask.name);
	buf_put_byte(key, '\0');
}

struct entry_key {
	struct span	 text;
	const struct conf *conf;
};

static bool
same_entry(const struct map_node *node, const void *key)
{
	const struct entry *entry = CONTAINER_OF(node, struct entry, in_map);
	const struct entry_key *k = key;

	return entry->conf == k->conf && span_same(span_of(entry->key, entry->len), k->text);
}

/* One more must fit. Those asked for just now stay: lookups under way are few. */
static void
make_room(struct credentials *c)
{
	LIST_EACH(n, &c->ages) {
		struct entry *entry = CONTAINER_OF(n, struct entry, in_ages);

		if (c->map.count < ENTRIES_MOST)
			return;
		if (!entry->asking)
			entry_free(c, entry);
	}
}

static struct entry *
entry_make(struct credentials *c, const struct entry_key *k, size_t name_at)
{
	struct entry *entry = mem_new(sizeof(*entry) + k->text.len);

	if (entry == NULL)
		return NULL;
	make_room(c);
	if (!map_add(&c->map, &entry->in_map, span_hash(k->text))) {
		mem_free(entry);
		return NULL;
	}
	node_init(&entry->in_ages);
	list_init(&entry->waiting);
	entry->conf = conf_hold((struct conf *)k->conf);
	entry->name_at = name_at;
	entry->len = k->text.len;
	memcpy(entry->key, k->text.at, k->text.len);
	return entry;
}

static struct entry *
entry_of(struct credentials *c, const struct credentials_want *want)
{
	struct buf key = { 0 };
	struct entry_key k;
	struct map_node *node;
	struct entry *entry = NULL;
	size_t name_at;

	put_key(want, &key, &name_at);
	if (!key.failed) {
		k = (struct entry_key){ buf_span(&key), want->ask.conf };
		node = map_find(&c->map, span_hash(k.text), same_entry, &k);
		entry = node != NULL ? CONTAINER_OF(node, struct entry, in_map) :
		    entry_make(c, &k, name_at);
	}
	buf_fini(&key);
	if (entry == NULL)
		return NULL;
	list_remove(&entry->in_ages);
	list_add_last(&c->ages, &entry->in_ages);
	return entry;
}

/* --- asking --- */

static struct credentials_wait *
wait_new(struct credentials *c, const struct credentials_want *want)
{
	struct credentials_wait *wait = mem_new(sizeof(*wait));

	if (wait == NULL)
		return NULL;
	wait->letter.open = open_wait;
	node_init(&wait->in_list);
	wait->home = c;
	wait->worker = want->worker;
	wait->not_before = want->not_before;
	wait->heard = want->heard;
	wait->owner = want->owner;
	return wait;
}

static void
open_answer(struct letter *letter, void *receiver)
{
	struct worker *w = receiver;
	struct lookup_answer *answer = lookup_answer_of(letter);

	credentials_hear(w->pooler->credentials, answer);
	lookup_answer_free(answer);
}

static void
log_failure(const struct entry *entry, const struct err *e)
{
	char who[200], where[200], text[600];

	log_line(LOG_LEVEL_ERROR, NULL, "auth_query for user \"%s\" in database \"%s\" failed: %s",
	    log_escape(span_text(entry->key + entry->name_at), who, sizeof(who)),
	    log_escape(span_text(entry->key), where, sizeof(where)),
	    log_escape(span_text(e->text), text, sizeof(text)));
}

/* Look ENTRY up. If that cannot be, whoever waits for it hears so, by letter as always. */
static void
put_question(struct credentials *c, struct entry *entry, const struct credentials_want *want)
{
	struct lookup_ask ask = want->ask;
	struct err e = { 0 };

	ask.home = want->worker->mailbox;
	ask.open = open_answer;
	ask.id = (uintptr_t)entry;	/* it stays where it is while it is asked for */
	if (!c->door(c->door_arg, &ask, &e))
		credentials_hear(c, &(struct lookup_answer){ .id = ask.id,
		    .outcome = LOOKUP_FAILED, .err = e });
}

enum credentials_seen
credentials_find(struct credentials *c, const struct credentials_want *want,
    struct credential **found, struct credentials_wait **wait)
{
	struct credentials_wait *mine = wait_new(c, want);
	struct entry *entry;
	bool ask;

	*found = NULL;
	*wait = NULL;
	if (mine == NULL)
		return CREDENTIALS_FAILED;
	pthread_mutex_lock(&c->mutex);
	entry = entry_of(c, want);
	if (entry != NULL && entry->found != NULL && entry->found->asked_at >= want->not_before)
		*found = credential_hold(entry->found);
	if (entry == NULL || *found != NULL) {
		pthread_mutex_unlock(&c->mutex);
		wait_free(mine);
		return *found != NULL ? CREDENTIALS_READY : CREDENTIALS_FAILED;
	}
	list_add_last(&entry->waiting, &mine->in_list);
	ask = !entry->asking;
	if (ask) {
		entry->asking = true;
		entry->asked_at = loop_now(want->worker->loop);
	}
	pthread_mutex_unlock(&c->mutex);
	*wait = mine;
	if (ask)
		put_question(c, entry, want);
	return CREDENTIALS_WAIT;
}

void
credentials_leave(struct credentials *c, struct credentials_wait *wait)
{
	bool posted;

	if (wait == NULL)
		return;
	pthread_mutex_lock(&c->mutex);
	posted = wait->posted;
	if (posted)
		wait->owner = NULL;
	else
		wait_free(wait);
	pthread_mutex_unlock(&c->mutex);
}

/* --- hearing --- */

static void
open_wait(struct letter *letter, void *receiver)
{
	struct credentials_wait *wait = CONTAINER_OF(letter, struct credentials_wait, letter);
	struct credentials *c = wait->home;
	struct credential *found = wait->found;

	(void)receiver;
	pthread_mutex_lock(&c->mutex);
	list_remove(&wait->in_list);
	pthread_mutex_unlock(&c->mutex);
	wait->found = NULL;
	if (wait->owner != NULL)
		wait->heard(wait->owner, found, &wait->err);
	else
		credential_drop(found);
	wait_free(wait);
}

/*
 * What ANSWER says about ENTRY's user; NULL: nothing that could be used. A name that differs
 * in a byte is somebody else's.
 */
static struct credential *
read_answer(const struct entry *entry, const struct lookup_answer *answer)
{
	static const struct err other_name = {
		.text = "it answered with another user's name than it was asked for"
	};
	static const struct err no_use = {
		.text = "out of memory, or the secret is longer than any password"
	};
	struct span name = span_of(entry->key + entry->name_at, entry->len - entry->name_at - 1);
	struct credential *found = NULL;

	switch (answer->outcome) {
	case LOOKUP_FAILED:
		log_failure(entry, &answer->err);
		return NULL;
	case LOOKUP_NOBODY:
		found = credential_new(false, span_of(NULL, 0));
		break;
	case LOOKUP_FOUND:
		if (!span_same(answer->name, name)) {
			log_failure(entry, &other_name);
			found = credential_new(false, span_of(NULL, 0));
		} else {
			found = credential_new(true,
			    answer->has_secret ? answer->secret : span_of(NULL, 0));
		}
		break;
	}
	if (found == NULL)
		log_failure(entry, &no_use);
	else
		found->asked_at = entry->asked_at;
	return found;
}

/* All who wait for ENTRY, with FOUND for those it is new enough for. Under the mutex. */
static struct credentials_wait *
take_waits(struct credentials *c, struct entry *entry, struct credential *found)
{
	struct credentials_wait *first = NULL;

	LIST_EACH(n, &entry->waiting) {
		struct credentials_wait *wait = CONTAINER_OF(n, struct credentials_wait, in_list);

		list_remove(&wait->in_list);
		list_add_last(&c->told, &wait->in_list);
		wait->posted = true;
		wait->next = first;
		first = wait;
		if (found == NULL)
			err_set(&wait->err, SQLSTATE_CONFIG, "auth_query failed");
		else if (found->asked_at >= wait->not_before)
			wait->found = credential_hold(found);
	}
	return first;
}

void
credentials_hear(struct credentials *c, const struct lookup_answer *answer)
{
	struct entry *entry = (struct entry *)(uintptr_t)answer->id;
	struct credential *found = read_answer(entry, answer);
	struct credentials_wait *wait, *next;

	pthread_mutex_lock(&c->mutex);
	entry->asking = false;
	wait = take_waits(c, entry, found);
	credential_drop(entry->found);
	entry->found = found;
	if (found == NULL)
		entry_free(c, entry);
	pthread_mutex_unlock(&c->mutex);
	for (; wait != NULL; wait = next) {
		next = wait->next;	/* it may be gone as soon as it is posted */
		mailbox_post(wait->worker->mailbox, &wait->letter);
	}
}

/* --- forgetting --- */

/* Forget ENTRY, or see to it that it is forgotten when its answer has come. */
static void
forget(struct credentials *c, struct entry *entry)
{
	if (!entry->asking) {
		entry_free(c, entry);
		return;
	}
	credential_drop(entry->found);
	entry->found = NULL;
}

void
credentials_renew(struct credentials *c)
{
	pthread_mutex_lock(&c->mutex);
	LIST_EACH(n, &c->ages)
		forget(c, CONTAINER_OF(n, struct entry, in_ages));
	pthread_mutex_unlock(&c->mutex);
}

void
credentials_tick(struct credentials *c, usec_t oldest)
{
	pthread_mutex_lock(&c->mutex);
	LIST_EACH(n, &c->ages) {
		struct entry *entry = CONTAINER_OF(n, struct entry, in_ages);

		if (entry->found != NULL && entry->found->asked_at < oldest)
			forget(c, entry);
	}
	pthread_mutex_unlock(&c->mutex);
}

size_t
credentials_count(struct credentials *c)
{
	size_t count;

	pthread_mutex_lock(&c->mutex);
	count = c->map.count;
	pthread_mutex_unlock(&c->mutex);
	return count;
}
