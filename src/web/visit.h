/*
 * visit.h - one request and its answer. It stays until it is answered, whether or not the
 * visitor waits.
 */
#ifndef WEB_VISIT_H
#define WEB_VISIT_H

#include "admin/view.h"
#include "base/buf.h"
#include "web/route.h"

struct evhttp_request;
struct web;

struct visit {
	struct web	*web;		/* borrowed */
	struct evhttp_request *request;	/* borrowed */
	const struct route *route;
	unsigned	 note;		/* the handler's own, until it answers */
};

/* WEB's requests come here. */
void visits_begin(struct web *web);

/* Is NAME among the parameters of the query, as in ?NAME or ?NAME=...? */
bool visit_asks(const struct visit *v, const char *name);
/* The value of header NAME, or "". */
const char *visit_header(const struct visit *v, const char *name);
/* Has the visitor a bearer token, or does nobody need one? */
bool visit_shows_token(const struct visit *v);
/* The answer will have header NAME. */
void visit_set_header(struct visit *v, const char *name, const char *value);
/*
 * Answer with STATUS, BODY (whose memory passes over: it is empty then) and its TYPE. The
 * visit is gone afterwards.
 */
void visit_answer(struct visit *v, int status, const char *type, struct buf *body);
/* The same in one line of plain text. */
void visit_say(struct visit *v, int status, const char *text);

#define TYPE_TEXT "text/plain; charset=utf-8"

/* --- rows (survey.c) --- */

#define SURVEY_MOST 16u

/*
 * Ask all workers, once, for the rows of COUNT VIEWS; DONE is called on the web's thread with
 * a sheet for each, in their order, which last as long as that call. It is for DONE to answer.
 * Without memory, or when too many ask at once, the visit is answered with 503 and DONE is not called.
 */
void visit_survey(struct visit *v, const struct view *const *views, unsigned count,
    void (*done)(struct visit *v, const struct sheet *sheets));

#endif
