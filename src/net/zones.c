/*
 * zones.c - when a zone's serial number changes all its names are asked for again, however
 * long their answers might still live.
 */
#include <inttypes.h>
#include <string.h>

#include "base/log.h"
#include "base/mem.h"
#include "net/resolve_private.h"

static void on_serial(void *arg, int status, int timeouts, unsigned char *answer,
    int answer_len);

struct zone *
zone_enter(struct resolver *r, const char *text)
{
	const char *dot = strchr(text, '.');
	const char *name = dot != NULL ? dot + 1 : "";
	struct zone *zone;

	if (name[0] == '\0')
		return NULL;
	LIST_EACH(node, &r->zones) {
		zone = CONTAINER_OF(node, struct zone, in_resolver);
		if (strcmp(zone->text, name) == 0) {
			zone->names++;
			return zone;
		}
	}
	zone = mem_new(sizeof(*zone) + strlen(name) + 1);
	if (zone == NULL)
		return NULL;
	zone->resolver = r;
	zone->names = 1;
	memcpy(zone->text, name, strlen(name) + 1);
	list_add_last(&r->zones, &zone->in_resolver);
	return zone;
}

void
zone_leave(struct zone *zone)
{
	if (zone == NULL || --zone->names > 0)
		return;
	list_remove(&zone->in_resolver);
	/* else its answer frees it */
	if (!zone->asking)
		mem_free(zone);
}

static bool
is_used(const struct zone *zone)
{
	LIST_EACH(node, &zone->resolver->by_use) {
		const struct name *name = CONTAINER_OF(node, struct name, in_use);

		if (name->zone == zone && name_is_used(name))
			return true;
	}
	return false;
}

void
zones_upkeep(struct resolver *r, usec_t now)
{
	LIST_EACH(node, &r->zones) {
		struct zone *zone = CONTAINER_OF(node, struct zone, in_resolver);
		struct channel *channel;

		if (zone->asking || now < zone->due)
			continue;
		zone->due = now + r->limits.zone_period;
		channel = is_used(zone) ? resolver_channel(r) : NULL;
		if (channel == NULL)
			continue;
		zone->asking = true;
		channel_ask_soa(channel, zone->text, on_serial, zone);
	}
}

/* Its names may be others now. */
static void
ask_names(struct zone *zone)
{
	LIST_EACH(node, &zone->resolver->by_use) {
		struct name *name = CONTAINER_OF(node, struct name, in_use);

		if (name->zone != zone)
			continue;
		name->fresh_until = name->refresh_at = 0;
		if (name_is_used(name))
			name_ask(name);
	}
}

static void
take_serial(struct zone *zone, uint32_t serial)
{
	bool changed = zone->known && zone->serial != serial;

	if (changed)
		log_line(LOG_LEVEL_LOG, NULL,
		    "DNS zone %s has changed: serial %" PRIu32 " -> %" PRIu32, zone->text,
		    zone->serial, serial);
	zone->known = true;
	zone->serial = serial;
	if (changed)
		ask_names(zone);
}

static void
on_serial(void *arg, int status, int timeouts, unsigned char *answer, int answer_len)
{
	struct zone *zone = arg;
	struct ares_soa_reply *soa = NULL;

	(void)timeouts;
	zone->asking = false;
	if (zone->names == 0) {
		mem_free(zone);
		return;
	}
	if (zone->resolver->ending || status != ARES_SUCCESS)
		return;
	if (ares_parse_soa_reply(answer, answer_len, &soa) == ARES_SUCCESS)
		take_serial(zone, soa->serial);
	if (soa != NULL)
		ares_free_data(soa);
}

void
resolver_each_zone(struct resolver *r,
    void (*fn)(void *owner, const struct resolver_zone *zone), void *owner)
{
	LIST_EACH(node, &r->zones) {
		const struct zone *zone = CONTAINER_OF(node, struct zone, in_resolver);

		fn(owner, &(struct resolver_zone){ .zone = zone->text,
		    .serial = zone->known ? zone->serial : 0, .names = zone->names,
		    .asking = zone->asking });
	}
}
