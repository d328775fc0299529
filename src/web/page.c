/*
 * page.c - / : the status page, which is page.html as it was compiled in. What it shows it asks
 * for by itself (status.c).
 *
 * Names of strangers are on that page. It puts them in as text; should it ever fail to, the browser
 * still runs nothing but the page's own script, and loads nothing (Content Security Policy, level 2).
 */
#include <stdio.h>
#include <string.h>

#include "auth/digest.h"
#include "base/rand.h"
#include "web/visit.h"

static const char html[] =
#include "web/page_html.h"
    ;

/* As base64, with its NUL. */
#define DIGEST_TEXT (4 * ((DIGEST_SHA256 + 2) / 3) + 1)

/* The digest of what is between the first OPEN and CLOSE, as the policy names it. False: it cannot be made. */
static bool
name_part(const char *open, const char *close, char out[DIGEST_TEXT])
{
	unsigned char digest[DIGEST_SHA256];
	const char *from = strstr(html, open), *to;

	if (from == NULL)
		return false;
	from += strlen(open);
	to = strstr(from, close);
	if (to == NULL || !digest_sha256(span_of(from, (size_t)(to - from)), digest))
		return false;
	base64_encode(digest, sizeof(digest), out);
	return true;
}

static bool
set_policy(struct visit *v)
{
	char style[DIGEST_TEXT], script[DIGEST_TEXT], policy[512];

	if (!name_part("<style>", "</style>", style) ||
	    !name_part("<script>", "</script>", script))
		return false;
	snprintf(policy, sizeof(policy),
	    "default-src 'none'; script-src 'sha256-%s'; style-src 'sha256-%s'; "
	    "connect-src 'self'; img-src data:; base-uri 'none'; form-action 'none'; "
	    "frame-ancestors 'none'",
	    script, style);
	visit_set_header(v, "Content-Security-Policy", policy);
	visit_set_header(v, "Referrer-Policy", "no-referrer");
	return true;
}

void
run_page(struct visit *v)
{
	struct buf body = { 0 };

	if (!set_policy(v)) {
		visit_say(v, 503, "cannot make a SHA-256 digest of the page");
		return;
	}
	buf_put(&body, html, sizeof(html) - 1);
	visit_answer(v, 200, "text/html; charset=utf-8", &body);
}
