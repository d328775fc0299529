/*
 * obstacle.c - why a pool gets no more servers, for people: which of its accounts has no room, and who has it.
 */
#include <stdio.h>

#include "base/log.h"
#include "pool/budget.h"

static const char *const hints[ACCOUNT_KINDS] = {
	"pool_size (default_pool_size, reserve_pool_size) limits it",
	"max_db_connections limits it",
	"max_user_connections limits it",
	"max_server_connections limits it, and with auto the server's max_connections",
	"the role's CONNECTION LIMIT on the server limits it",
	"the database's CONNECTION LIMIT on the server limits it",
};

/* Who has most of O, which keeps POOL waiting. Under pooler->mutex, which keeps the holder's pool alive. */
static void
name_holder(struct obstacle *o, const struct pool *pool)
{
	const struct pool *holder;
	char database[64], user[64];

	if (o->view.holder == NULL)
		return;
	holder = CONTAINER_OF(o->view.holder, struct pool, ledger);
	o->own = holder == pool;
	snprintf(o->holder, sizeof(o->holder), "%s/%s",
	    log_escape(span_text(holder->database), database, sizeof(database)),
	    log_escape(span_text(holder->user), user, sizeof(user)));
}

bool
budget_obstacle(struct pooler *p, struct pool *pool, struct obstacle *out)
{
	bool found = false;

	pthread_mutex_lock(&p->mutex);
	for (unsigned kind = 0; kind < ACCOUNT_KINDS && !found; kind++) {
		const struct budget *b = pool->budgets[kind];
		struct account_view view;

		if (b == NULL)
			continue;
		ledger_look_account(&p->book, &b->account, &view);
		found = view.limit > 0 && view.used >= view.limit;
		if (!found)
			continue;
		*out = (struct obstacle){ .kind = kind, .budget = b, .view = view, .hint = hints[kind] };
		budget_name(b, out->name, sizeof(out->name));
		name_holder(out, pool);
	}
	pthread_mutex_unlock(&p->mutex);
	return found;
}

void
budget_explain(struct pooler *p, struct pool *pool, usec_t now, char *out, size_t cap,
    const char **hint)
{
	struct obstacle o;
	usec_t oldest;
	int len;

	*hint = NULL;
	out[0] = '\0';
	if (!budget_obstacle(p, pool, &o))
		return;
	*hint = o.hint;
	oldest = o.view.oldest > 0 && now > o.view.oldest ? now - o.view.oldest : 0;
	len = snprintf(out, cap, "%s %s uses %u of %u server connections, %u of its clients wait, "
	    "the longest for %.1f s", budget_kind_text(o.kind), o.name, o.view.used, o.view.limit,
	    o.view.waiting, (double)oldest / SECOND);
	if (o.holder[0] != '\0' && !o.own && len > 0 && (size_t)len < cap)
		snprintf(out + len, cap - (size_t)len, "; %s has most of them, %u", o.holder, o.view.most);
}
