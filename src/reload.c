/*
 * reload.c - putting what the operator wishes now in force. What the files mean is
 * conf's business, what a change does to clients and servers the workers'.
 */
#include "reload.h"

#include <errno.h>
#include <string.h>
#include <sys/stat.h>

#include "base/log.h"
#include "base/mem.h"
#include "web/web.h"

bool
reload_log(const struct conf *conf, struct err *e)
{
	const char *file = conf->logfile;

	if (file != NULL && file[0] == '\0')
		file = NULL;
	if (!log_open_file(file))
		return err_set(e, SQLSTATE_CONFIG, "cannot open logfile %s: %s", file,
		    strerror(errno));
	log_set_level(
	    (enum log_level)(LOG_LEVEL_LOG + (conf->verbose < 2 ? conf->verbose : 2)));
	log_set_format(conf->log_format);
	log_to_syslog(conf->syslog ? conf->syslog_ident : NULL, conf->syslog_facility);
	return true;
}

/*
 * Who may read a private key besides its owner? PostgreSQL refuses such a key; but every
 * Secret of Kubernetes is 0644 unless somebody thinks of it, so here it is said and used.
 */
static void
warn_exposed(const char *setting, const char *file)
{
	struct stat st;

	if (file == NULL || file[0] == '\0' || stat(file, &st) != 0 || !S_ISREG(st.st_mode))
		return;
	if ((st.st_mode & (st.st_uid == 0 ? S_IWGRP | S_IXGRP | S_IRWXO : S_IRWXG | S_IRWXO)) == 0)
		return;
	log_line(LOG_LEVEL_WARNING, NULL, "%s %s has mode %04o: expected 0600, or 0640 if root "
	    "owns it, as others can read the key", setting, file,
	    (unsigned)st.st_mode & 07777);
}

void
reload_warn(const struct conf *conf)
{
	for (size_t i = 0; i < conf->n_warnings; i++)
		log_line(LOG_LEVEL_WARNING, NULL, "%s", conf->warnings[i]);
	if (conf->client_tls_sslmode != SSLMODE_DISABLE)
		warn_exposed("client_tls_key_file", conf->client_tls_key_file);
	if (conf->server_tls_sslmode != SSLMODE_DISABLE)
		warn_exposed("server_tls_key_file", conf->server_tls_key_file);
	if (conf->metrics_listen[0] != '\0')
		warn_exposed("metrics_tls_key_file", conf->metrics_tls_key_file);
	warn_exposed("peer_secret_file", conf->peer_secret_file);
}

static void
log_lines(struct span text)
{
	struct span line;
	char out[512];

	while (span_cut(&text, "\n", &line)) {
		if (line.len > 0)
			log_line(LOG_LEVEL_LOG, NULL, "%s",
			    log_escape(line, out, sizeof(out)));
	}
}

/* Put SETUP, whose hold passes over, in force. NOTES gets what changes. */
static void
use(struct pooler *p, struct setup *setup, struct buf *notes)
{
	conf_changes(p->setup->conf, setup->conf, notes);
	pooler_install(p, setup);
}

/* The setup for CONF and the log as it wishes; all of it, or NULL and nothing has changed. */
static struct setup *
prepare(struct conf *conf, struct err *e)
{
	struct setup *setup = setup_new(conf, e);
	struct err log;

	if (setup == NULL) {
		log_line(LOG_LEVEL_ERROR, NULL, "TLS setup failed: %s", e->text);
		return NULL;
	}
	if (web_check(conf, &log) && reload_log(conf, &log))
		return setup;
	*e = log;
	setup_drop(setup);
	return NULL;
}

/* What the files say now, or NULL. */
static struct conf *
read_anew(struct pooler *p, const struct conf_override *override, struct err *e)
{
	struct conf_override o = *override;

	o.before = p->setup->conf;
	return conf_load(o.before->conffile, &o, e);
}

bool
reload_would_do(struct pooler *p, const struct conf_override *override, struct err *e)
{
	struct conf *conf = p->setup->conf->conffile != NULL ? read_anew(p, override, e) : NULL;
	struct setup *setup = conf != NULL ? setup_new(conf, e) : NULL;
	bool would = setup != NULL;

	conf_drop(conf);
	setup_drop(setup);
	return would;
}

bool
reload_files(struct pooler *p, const struct conf_override *override, struct buf *notes,
    struct err *e)
{
	struct setup *setup;
	struct conf *conf;

	if (p->setup->conf->conffile == NULL) {
		log_reopen();
		buf_put_text(notes, "started without a file: nothing to read");
		return true;
	}
	conf = read_anew(p, override, e);
	setup = conf != NULL ? prepare(conf, e) : NULL;
	if (setup == NULL) {
		log_line(LOG_LEVEL_ERROR, NULL, "reload failed, nothing has changed: %s",
		    e->text);
		conf_drop(conf);
		return false;
	}
	reload_warn(conf);
	conf_drop(conf);
	use(p, setup, notes);
	if (notes->len == 0)
		buf_put_text(notes, "unchanged: all settings and entries");
	log_lines(buf_span(notes));
	log_line(LOG_LEVEL_LOG, NULL, "configuration reloaded");
	return true;
}

/* As in PgBouncer, a SET that leaves TLS unusable stands; TLS stays as it was until the
 * rest is set, too. */
static struct setup *
setup_with_tls_of(const struct setup *before, struct conf *conf)
{
	struct setup *s = mem_new(sizeof(*s));

	if (s == NULL)
		return NULL;
	atomic_store(&s->refs, 1);
	s->conf = conf_hold(conf);
	s->client_tls = before->client_tls != NULL ? tls_hold(before->client_tls) : NULL;
	s->server_tls = before->server_tls != NULL ? tls_hold(before->server_tls) : NULL;
	return s;
}

static void
add_note(struct buf *notes, const char *text)
{
	buf_printf(notes, "%s%s", notes->len > 0 ? "\n" : "", text);
}

bool
reload_one(struct pooler *p, struct span key, struct span value, struct buf *notes,
    struct err *e)
{
	struct conf *conf = conf_set(p->setup->conf, key, value, e);
	struct buf changes = { 0 };
	struct setup *setup;

	if (conf == NULL)
		return false;
	for (size_t i = 0; i < conf->n_warnings; i++)
		add_note(notes, conf->warnings[i]);
	setup = setup_new(conf, e);
	if (setup == NULL) {
		log_line(LOG_LEVEL_ERROR, NULL, "TLS setup failed: %s", e->text);
		add_note(notes, "TLS setup failed, it stays as it was:");
		add_note(notes, e->text);
		setup = setup_with_tls_of(p->setup, conf);
	}
	if (setup != NULL && !reload_log(conf, e)) {
		setup_drop(setup);
		setup = NULL;
	} else if (setup == NULL) {
		err_set(e, SQLSTATE_NO_MEMORY, "out of memory");
	}
	conf_drop(conf);
	if (setup == NULL)
		return false;
	use(p, setup, &changes);
	log_lines(buf_span(&changes));
	buf_fini(&changes);
	return true;
}
