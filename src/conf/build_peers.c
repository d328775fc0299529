/*
 * build_peers.c - the secrets that replicas share: peer_secret, then the lines of
 * peer_secret_file. What is proved with them is pool/proof.c's business.
 */
#include "conf/build.h"

#include <string.h>

#include "conf/file.h"

static bool
is_given(const char *text)
{
	return text != NULL && text[0] != '\0';
}

static bool
same_text(const char *a, const char *b)
{
	return is_given(a) ? is_given(b) && strcmp(a, b) == 0 : !is_given(b);
}

static bool
add(struct build *build, struct span secret)
{
	struct conf *conf = build->conf;
	const char *kept = store_text(build->store, secret);

	if (kept == NULL)
		return build_no_memory(build);
	conf->peer_secrets[conf->n_peer_secrets++] = kept;
	return true;
}

/* A line of the file: blank ones and comments (#) are not secrets. */
static bool
add_line(struct build *build, struct span line, unsigned number)
{
	struct conf *conf = build->conf;
	const char *file = conf->peer_secret_file;

	line = span_trim(line);
	if (line.len == 0 || line.at[0] == '#')
		return true;
	if (line.len < PEER_SECRET_LEAST || memchr(line.at, '\0', line.len) != NULL)
		return build_refuse(build, NULL, "%s:%u: expected a secret of at least %u bytes, "
		    "without zero bytes", file, number, PEER_SECRET_LEAST);
	if (conf->n_peer_secrets == PEER_SECRETS_MOST)
		return build_refuse(build, NULL, "%s:%u: expected at most %u secrets, peer_secret "
		    "included", file, number, PEER_SECRETS_MOST);
	return add(build, line);
}

static bool
add_file(struct build *build)
{
	struct buf bytes = { 0 };
	struct span rest, line;
	size_t before = build->conf->n_peer_secrets;
	unsigned number = 0;
	bool good = file_read(build->conf->peer_secret_file, &bytes, build->err);

	rest = buf_span(&bytes);
	while (good && span_cut(&rest, "\n", &line))
		good = add_line(build, line, ++number);
	file_forget(&bytes);
	if (good && build->conf->n_peer_secrets == before)
		return build_refuse(build, NULL, "%s: expected a secret of at least %u bytes a line, "
		    "got none", build->conf->peer_secret_file, PEER_SECRET_LEAST);
	return good;
}

bool
build_peer_secrets(struct build *build)
{
	const struct conf *before = build->plan->console ? build->plan->before : NULL;
	struct conf *conf = build->conf;

	if (!is_given(conf->peer_secret) && !is_given(conf->peer_secret_file))
		return true;
	conf->peer_secrets = store_new(build->store, PEER_SECRETS_MOST * sizeof(char *));
	if (conf->peer_secrets == NULL)
		return build_no_memory(build);
	if (before != NULL && same_text(before->peer_secret, conf->peer_secret) &&
	    same_text(before->peer_secret_file, conf->peer_secret_file)) {
		for (size_t i = 0; i < before->n_peer_secrets; i++)
			if (!add(build, span_text(before->peer_secrets[i])))
				return false;
		return true;
	}
	if (is_given(conf->peer_secret) && !add(build, span_text(conf->peer_secret)))
		return false;
	return !is_given(conf->peer_secret_file) || add_file(build);
}
