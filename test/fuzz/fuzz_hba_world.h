/*
 * fuzz_hba_world.h - a world whose files are the parts of the input between bytes 1:
 * the first two are the caller's, then "a", "b.conf", "c.conf", "d".
 */
#ifndef FUZZ_FUZZ_HBA_WORLD_H
#define FUZZ_FUZZ_HBA_WORLD_H

#include "base/buf.h"
#include "conf/hba.h"
#include "fuzz/fuzz.h"

#define PARTS 6
#define FIRST_FILE 2

struct parts {
	struct span	 at[PARTS];
};

static inline struct parts
parts_of(struct span input)
{
	struct parts parts = { 0 };

	for (size_t i = 0; i < PARTS && span_cut(&input, "\1", &parts.at[i]);)
		i++;
	return parts;
}

static inline bool
parts_file(void *arg, const char *file, struct buf *out, bool *missing, struct err *err)
{
	static const char *const names[] = { "a", "b.conf", "c.conf", "d" };
	const struct parts *parts = arg;

	for (size_t i = 0; i < ARRAY_SIZE(names); i++) {
		if (strcmp(names[i], file) == 0 && parts->at[FIRST_FILE + i].at != NULL) {
			buf_put_span(out, parts->at[FIRST_FILE + i]);
			return true;
		}
	}
	*missing = true;
	return err_set(err, SQLSTATE_CONFIG, "no such file");
}

static inline bool
parts_folder(void *arg, const char *folder, struct buf *out, const char **why)
{
	static const char names[] = "a\0c.conf\0b.conf";

	(void)arg;
	(void)folder;
	(void)why;
	buf_put(out, names, sizeof(names));
	return true;
}

static inline void
parts_put_net(struct buf *out, const char *address, unsigned bits)
{
	struct hba_net net = { .bits = bits };

	must(addr_parse_ip(&net.addr, span_text(address), 0));
	buf_put(out, &net, sizeof(net));
}

/* Hosts are known if their names are of even length. */
static inline bool
parts_host(void *arg, const char *name, struct buf *out, const char **why)
{
	(void)arg;
	*why = "odd";
	if (strlen(name) % 2 != 0)
		return false;
	parts_put_net(out, "192.0.2.1", 32);
	parts_put_net(out, "2001:db8::1", 128);
	return true;
}

static inline bool
parts_own(void *arg, struct buf *out, const char **why)
{
	(void)arg;
	(void)why;
	parts_put_net(out, "10.0.0.1", 8);
	parts_put_net(out, "fe80::1", 64);
	return true;
}

/* A world of PARTS, borrowed. */
static inline struct hba_world
parts_world(struct parts *parts)
{
	return (struct hba_world){ .arg = parts, .file = parts_file,
		.folder = parts_folder, .host = parts_host, .own = parts_own };
}

#endif
