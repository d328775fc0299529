/*
 * sources.c - which files a conf is made from: those that somebody changes who wants another
 * one. Whether they have changed is the asker's business.
 */
#include "conf/build.h"
#include "conf/conf.h"
#include "conf/hba.h"

struct listener {
	void		(*each)(void *arg, const char *file);
	void		*arg;
};

/* Tell all of NAMES, which have a zero byte behind each. */
static void
tell_all(const struct listener *to, struct span names)
{
	for (size_t i = 0; i < names.len; i += strlen(names.at + i) + 1)
		to->each(to->arg, names.at + i);
}

void
conf_sources(const struct conf *conf, void (*each)(void *arg, const char *file), void *arg)
{
	const struct listener to = { each, arg };
	const struct setting *row = NULL;

	tell_all(&to, conf->inside->script->files);
	if (conf->hba != NULL)
		tell_all(&to, conf->hba->files);
	while ((row = conf_setting_next(row)) != NULL) {
		const char *file;

		if (!row->source)
			continue;
		memcpy(&file, (const char *)conf + row->field, sizeof(file));
		if (file != NULL && file[0] != '\0')
			each(arg, file);
	}
}
