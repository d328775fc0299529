/*
 * main.c - the command line, and the order in which things begin. Serving is the
 * keeper's business.
 */
#include <getopt.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "admin/describe.h"
#include "admin/version.h"
#include "base/log.h"
#include "keeper.h"
#include "net/loop.h"
#include "net/resolve.h"
#include "net/tls.h"
#include "notify.h"
#include "process.h"
#include "reload.h"
#include "web/manual.h"
#include "web/web.h"

struct options {
	const char	*name;		/* we were called by */
	const char	*source;	/* a file, or a URL */
	const char	*describe;	/* which table */
	bool		 check, daemon, quiet;
	struct conf_override override;
};

static const char usage_text[] =
	"  FILE.ini            a configuration file of PgBouncer's format\n"
	"  postgres://...      no file: all databases of that server, on 127.0.0.1:6432\n"
	"\n"
	"  -d, --daemon        go to the background (needs pidfile)\n"
	"  -q, --quiet         nothing to stderr\n"
	"  -v, --verbose       log more; may be repeated\n"
	"  -u, --user=NAME     become this user; wins over the file's user=\n"
	"      --check         read the file, say what is wrong with it, and end\n"
	"      --describe=WHAT print a table for people: settings, commands, views, ...\n"
	"  -V, --version       print versions\n"
	"  -h, --help          print this\n";

static int
hint(const struct options *o, const char *what)
{
	fprintf(stderr, "%s: %s\nTry \"%s --help\".\n", o->name, what, o->name);
	return 1;
}

static int
print_usage(const struct options *o)
{
	printf("Usage: %s [OPTION]... FILE.ini | postgres://...\n\n%s", o->name,
	    usage_text);
	return 0;
}

static int
print_version(void)
{
	printf("%s\n%s\nadns: %s\ntls: %s\n%s", VERSION_TEXT, loop_version(),
	    resolve_version(), tls_version(), notify_version_line);
	return 0;
}

static int
print_table(const struct options *o)
{
	struct buf page = { 0 };
	bool known = describe(o->describe, &page);

	if (!known && strcmp(o->describe, "metrics") == 0) {
		manual_metrics(&page);
		known = true;
	}
	if (known) {
		fwrite(page.at, 1, page.len, stdout);
	} else {
		fprintf(stderr, "%s: expected --describe=WHAT, where WHAT is one of ",
		    o->name);
		describe_names(&page);
		fprintf(stderr, "%s metrics\n", buf_text(&page));
	}
	buf_fini(&page);
	return known ? 0 : 1;
}

static bool
is_url(const char *source)
{
	return strncmp(source, "postgres://", 11) == 0 ||
	    strncmp(source, "postgresql://", 13) == 0;
}

static struct conf *
load(const struct options *o, struct err *e)
{
	if (is_url(o->source))
		return conf_from_url(o->source, &o->override, e);
	return conf_load(o->source, &o->override, e);
}

/* --check: 0 if it could be used, 1 if not; what is odd or wrong is printed. */
static int
check(const struct options *o)
{
	struct setup *setup = NULL;
	struct err e;
	struct conf *conf = load(o, &e);

	if (conf != NULL) {
		for (size_t i = 0; i < conf->n_warnings; i++)
			printf("warning: %s\n", conf->warnings[i]);
		setup = web_check(conf, &e) ? setup_new(conf, &e) : NULL;
	}
	if (setup == NULL)
		printf("error: %s\n%s%s%s", e.text, e.hint[0] != '\0' ? "hint: " : "",
		    e.hint, e.hint[0] != '\0' ? "\n" : "");
	else
		printf("%s: %zu databases, %zu users: ok\n",
		    conf->conffile != NULL ? conf->conffile : "postgres URL",
		    conf->n_databases + (conf->template_database != NULL), conf->n_users);
	setup_drop(setup);
	conf_drop(conf);
	return setup != NULL ? 0 : 1;
}

static int
fail(struct setup *setup, const struct err *e)
{
	log_line(LOG_LEVEL_FATAL, NULL, "%s", e->text);
	if (e->hint[0] != '\0')
		log_line(LOG_LEVEL_FATAL, NULL, "hint: %s", e->hint);
	setup_drop(setup);
	return 1;
}

/* Everything that can be refused before we are in the background. */
static bool
prepare(const struct options *o, const struct conf *conf, struct err *e)
{
	const char *pidfile = conf->pidfile != NULL ? conf->pidfile : "";

	if (conf->user != NULL && conf->user[0] != '\0' && !process_become(conf->user, e))
		return false;
	if (geteuid() == 0) {
		err_set(e, SQLSTATE_CONFIG, "will not run as root");
		err_hint(e, "set user= in the file or give -u NAME");
		return false;
	}
	if (!reload_log(conf, e))
		return false;
	if (o->daemon && pidfile[0] == '\0')
		return err_set(e, SQLSTATE_CONFIG, "-d needs the setting pidfile");
	return pidfile[0] == '\0' || process_check_pidfile(pidfile, e);
}

static int
serve(const struct options *o)
{
	struct keeper_wish wish = { .override = o->override };
	struct conf *conf;
	struct err e = { .text = "" };

	conf = load(o, &e);
	if (conf == NULL)
		return fail(NULL, &e);
	wish.setup = setup_new(conf, &e);
	conf_drop(conf);
	if (wish.setup == NULL) {
		log_line(LOG_LEVEL_FATAL, NULL, "TLS setup failed: %s", e.text);
		return 1;
	}
	conf = wish.setup->conf;
	if (!prepare(o, conf, &e))
		return fail(wish.setup, &e);
	reload_warn(conf);
	notify_check();
	wish.inherited = notify_sockets();
	if (o->daemon) {
		log_to_stderr(false);
		if (!process_detach(&e))
			return fail(wish.setup, &e);
	}
	process_raise_files();
	return keeper_run(&wish);
}

int
main(int argc, char **argv)
{
	enum { OPTION_CHECK = 256, OPTION_DESCRIBE };
	static const struct option longs[] = {
		{ "daemon", no_argument, NULL, 'd' },
		{ "quiet", no_argument, NULL, 'q' },
		{ "verbose", no_argument, NULL, 'v' },
		{ "user", required_argument, NULL, 'u' },
		{ "reboot", no_argument, NULL, 'R' },
		{ "version", no_argument, NULL, 'V' },
		{ "help", no_argument, NULL, 'h' },
		{ "check", no_argument, NULL, OPTION_CHECK },
		{ "describe", required_argument, NULL, OPTION_DESCRIBE },
		{ NULL, 0, NULL, 0 },
	};
	const char *slash = strrchr(argv[0], '/');
	struct options o = { .name = slash != NULL ? slash + 1 : argv[0],
		.override.environment = (const char *const *)environ };
	int c;

	while ((c = getopt_long(argc, argv, "dqvu:RVh", longs, NULL)) != -1) {
		switch (c) {
		case 'd':
			o.daemon = true;
			break;
		case 'q':
			o.quiet = true;
			break;
		case 'v':
			o.override.verbose++;
			break;
		case 'u':
			o.override.user = optarg;
			break;
		case 'R':
			return hint(&o,
			    "-R is not supported; run two processes side by side with "
			    "so_reuseport=1 and [peers]");
		case 'V':
			return print_version();
		case 'h':
			return print_usage(&o);
		case OPTION_CHECK:
			o.check = true;
			break;
		case OPTION_DESCRIBE:
			o.describe = optarg;
			break;
		default:
			fprintf(stderr, "Try \"%s --help\".\n", o.name);
			return 1;
		}
	}
	if (o.describe != NULL)
		return print_table(&o);
	if (optind + 1 != argc)
		return hint(&o,
		    optind == argc ? "expected a configuration file or a URL" :
				     "expected one configuration file or URL");
	o.source = argv[optind];
	log_to_stderr(!o.quiet);
	log_for_journal(process_speaks_to_journal());
	return o.check ? check(&o) : serve(&o);
}
