/*
 * pattern.c - regular expressions of pg_ident.conf.
 *
 * PostgreSQL's are Tcl's advanced ones, libc's the extended ones of POSIX. What the two
 * read differently is refused, lest somebody gets in who should not; so is what takes
 * libc long: back-references, and large counts.
 */
#include "conf/pattern.h"

#include <string.h>

/*
 * Product of all counts like {8}, where a + behind a group is one of 2, as libc writes
 * the group twice. Of a single count it is PostgreSQL's limit.
 */
#define COUNT_MOST 255ul

/* Behind a backslash these mean themselves to both. */
#define ESCAPABLE ".[]{}()*+?|^$\\/@-_:=,!#%&~;\" "

/* What stands before, for those who repeat it. */
enum before { NOTHING, SINGLE, GROUP };

/* How far PATTERN was read. */
struct reading {
	const char	*at;
	const char	*why;
	unsigned long	 counts;	/* their product */
	unsigned	 open;		/* groups */
	enum before	 before;
};

static bool
fail(struct reading *r, const char *why)
{
	r->why = why;
	return false;
}

static bool
skip_escape(struct reading *r)
{
	char c = r->at[1];

	if (c == '\0')
		return fail(r, "a backslash needs something behind it");
	if (strchr(ESCAPABLE, c) == NULL)
		return fail(r, "a backslash with a letter, a digit or <, >, ', ` behind it "
			       "has no meaning that all agree on");
	r->at += 2;
	r->before = SINGLE;
	return true;
}

/* [...]: to its end; a ] that comes first is one of it. */
static bool
skip_bracket(struct reading *r)
{
	r->at += r->at[1] == '^' ? 2 : 1;
	if (*r->at == ']')
		r->at++;
	for (; *r->at != ']'; r->at++) {
		if (*r->at == '\0')
			return fail(r, "a [ needs its ]");
		if (*r->at == '\\')
			return fail(r, "a backslash between [ and ] has no meaning that all "
				       "agree on");
		if (*r->at != '[')
			continue;
		if (r->at[1] == '.' || r->at[1] == '=')
			return fail(r, "[. and [= are not for names");
		if (r->at[1] == ':' && (r->at = strchr(r->at + 2, ']')) == NULL)
			return fail(r, "a [: needs its :]");
	}
	r->at++;
	r->before = SINGLE;
	return true;
}

/* The number at the front, 0 if there is none. */
static unsigned long
take_number(struct reading *r)
{
	unsigned long n = 0;

	for (; *r->at >= '0' && *r->at <= '9'; r->at++)
		n = n <= COUNT_MOST ? n * 10 + (unsigned long)(*r->at - '0') : n;
	return n;
}

static bool
multiply(struct reading *r, unsigned long n)
{
	if (n > COUNT_MOST)
		return fail(r, "counts above 255 are too large");
	r->counts *= n > 0 ? n : 1;
	return r->counts <= COUNT_MOST ||
	    fail(r, "its counts make more than 255 together");
}

/* {2}, {2,} or {2,8}. */
static bool
skip_count(struct reading *r)
{
	unsigned long least, most;

	r->at++;
	if (*r->at < '0' || *r->at > '9')
		return fail(r, "a { needs a number behind it");
	least = most = take_number(r);
	if (*r->at == ',') {
		r->at++;
		most = take_number(r);
	}
	if (*r->at != '}')
		return fail(r, "a { needs its }");
	r->at++;
	return multiply(r, most > least ? most : least);
}

/* *, +, ? or {...}, once. */
static bool
skip_repeat(struct reading *r)
{
	enum before before = r->before;

	if (before == NOTHING)
		return fail(r, "*, +, ? and { need something before them, and one is enough");
	r->before = NOTHING;
	if (*r->at == '{')
		return skip_count(r);
	r->at++;
	return r->at[-1] != '+' || before != GROUP || multiply(r, 2);
}

static bool
skip_one(struct reading *r)
{
	switch (*r->at) {
	case '\\':
		return skip_escape(r);
	case '[':
		return skip_bracket(r);
	case '*':
	case '+':
	case '?':
	case '{':
		return skip_repeat(r);
	case '(':
		r->open++;
		r->before = NOTHING;
		break;
	case ')':
		if (r->open-- == 0)
			return fail(r, "a ) needs its (");
		r->before = GROUP;
		break;
	case '|':
	case '^':
	case '$':
		r->before = NOTHING;
		break;
	default:
		r->before = SINGLE;
		break;
	}
	r->at++;
	return true;
}

bool
pattern_compile(regex_t *out, const char *pattern, const char **why)
{
	struct reading r = { .at = pattern, .counts = 1 };

	if (pattern[0] == '\0' || strlen(pattern) > PATTERN_MOST) {
		*why = "it needs 1 to 256 bytes";
		return false;
	}
	while (*r.at != '\0') {
		if (!skip_one(&r)) {
			*why = r.why;
			return false;
		}
	}
	*why = "libc does not understand it";
	return regcomp(out, pattern, REG_EXTENDED) == 0;
}
