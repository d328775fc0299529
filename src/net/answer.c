/*
 * answer.c - the addresses of a name as one answer gives them. Whose they are and how long
 * they are believed is resolve.c's business.
 */
#include "net/answer.h"

#include "base/mem.h"

/* Addresses of one name; the rest of an answer is ignored. */
#define ADDRS_MOST 64u

static bool
has(const struct answer *a, const struct addr *addr)
{
	for (unsigned i = 0; i < a->count; i++) {
		if (addr_same(&a->addrs[i], addr))
			return true;
	}
	return false;
}

static void
add(struct answer *a, const struct addr *addr)
{
	if (a->count < ADDRS_MOST && !has(a, addr))
		a->addrs[a->count++] = *addr;
}

bool
answer_read(struct answer *a, const struct ares_addrinfo *info)
{
	*a = (struct answer){ .addrs = mem_new(ADDRS_MOST * sizeof(*a->addrs)),
		.life = UINT64_MAX };
	if (a->addrs == NULL)
		return false;
	for (struct ares_addrinfo_node *n = info->nodes; n != NULL; n = n->ai_next) {
		usec_t life = n->ai_ttl > 0 ? (usec_t)n->ai_ttl * SECOND : 0;
		struct addr addr;

		addr_from_sockaddr(&addr, n->ai_addr, n->ai_addrlen);
		if (addr.kind == ADDR_NONE)
			continue;
		addr.port = 0;
		add(a, &addr);
		if (life < a->life)
			a->life = life;
	}
	if (a->count > 0)
		return true;
	answer_free(a);
	return false;
}

void
answer_free(struct answer *a)
{
	mem_free(a->addrs);
	*a = (struct answer){ 0 };
}

bool
answer_same(const struct answer *a, const struct answer *b)
{
	for (unsigned i = 0; i < a->count; i++) {
		if (!has(b, &a->addrs[i]))
			return false;
	}
	return a->count == b->count;
}

static bool
has_kind(const struct answer *a, enum addr_kind kind)
{
	for (unsigned i = 0; i < a->count; i++) {
		if (a->addrs[i].kind == kind)
			return true;
	}
	return false;
}

bool
answer_keep_kinds(struct answer *a, const struct answer *before)
{
	bool lacks4 = !has_kind(a, ADDR_IP4), lacks6 = !has_kind(a, ADDR_IP6);
	unsigned count = a->count;

	for (unsigned i = 0; i < before->count; i++) {
		const struct addr *addr = &before->addrs[i];

		if (addr->kind == ADDR_IP4 ? lacks4 : lacks6)
			add(a, addr);
	}
	return a->count > count;
}
