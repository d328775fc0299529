/*
 * hba_world.h - a small world for tests of rules and maps: a few files, two hosts, two
 * interfaces.
 */
#ifndef UNIT_CONF_HBA_WORLD_H
#define UNIT_CONF_HBA_WORLD_H

#include "base/buf.h"
#include "conf/hba.h"

struct hba_file {
	const char	*name, *text;
};

static const struct hba_file hba_files[] = {
	{ "dir/names", "alice, bob # two\n\n\"all\"\ncarol\n" },
	{ "dir/more", "dave @names\n" },
	{ "dir/key", "all" },
	{ "dir/empty", "# nobody\n" },
	{ "dir/broken", "x\n\"y\n" },
	{ "dir/loop", "@loop" },
	{ "dir/rest.conf", "local rest all trust\n" },
	{ "dir/bad.conf", "\nlocal rest all truth\n" },
	{ "dir/loop.conf", "include loop.conf" },
	{ "dir/sub/a.conf", "local a @../names trust" },
	{ "dir/sub/b.conf", "local b @deep trust\n" },
	{ "dir/sub/deep", "erin" },
	{ "/abs/names", "frank" },
};

static bool
world_file(void *arg, const char *file, struct buf *out, bool *missing, struct err *err)
{
	(void)arg;
	for (size_t i = 0; i < ARRAY_SIZE(hba_files); i++) {
		if (strcmp(hba_files[i].name, file) == 0) {
			buf_put_text(out, hba_files[i].text);
			return true;
		}
	}
	if (strcmp(file, "dir/sub/../names") == 0) {
		buf_put_text(out, hba_files[0].text);
		return true;
	}
	*missing = strcmp(file, "dir/secret") != 0;
	return err_set(err, SQLSTATE_CONFIG, "cannot read \"%s\"", file);
}

static bool
world_folder(void *arg, const char *folder, struct buf *out, const char **why)
{
	static const char names[] = "b.conf\0deep\0.conf\0.c.conf\0..\0a.conf";

	(void)arg;
	*why = "no such folder";
	if (strcmp(folder, "dir/sub") != 0)
		return false;
	buf_put(out, names, sizeof(names));
	return true;
}

static void
put_net(struct buf *out, const char *address, unsigned bits)
{
	struct hba_net net = { .bits = bits };

	(void)addr_parse_ip(&net.addr, span_text(address), 0);
	buf_put(out, &net, sizeof(net));
}

static bool
world_host(void *arg, const char *name, struct buf *out, const char **why)
{
	(void)arg;
	*why = "name not known";
	if (strcmp(name, "db.example.com") == 0) {
		put_net(out, "192.0.2.7", 32);
		put_net(out, "2001:db8::7", 128);
		return true;
	}
	if (strcmp(name, "bare") == 0)
		return true;
	if (strcmp(name, "all") != 0 && strcmp(name, "samenet") != 0)
		return false;
	put_net(out, "192.0.2.9", 32);
	return true;
}

static bool
world_own(void *arg, struct buf *out, const char **why)
{
	bool *fails = arg;

	*why = "no sockets left";
	if (fails != NULL && *fails)
		return false;
	put_net(out, "10.1.2.3", 16);
	put_net(out, "fe80::1", 64);
	put_net(out, "10.9.9.9", 0);
	return true;
}

static const struct hba_world test_world = { .file = world_file,
	.folder = world_folder,
	.host = world_host,
	.own = world_own };

#endif
