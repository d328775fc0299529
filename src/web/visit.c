/*
 * visit.c - one request: whose it is to answer, and the answer. HTTP itself is evhttp's
 * business (RFC 9112). Every connection carries one request, so that how long it lasts has a
 * bound.
 */
#include "web/visit.h"

#include <event2/buffer.h>
#include <event2/bufferevent.h>
#include <event2/bufferevent_ssl.h>
#include <event2/http.h>
#include <event2/keyvalq_struct.h>
#include <stdio.h>

#include "base/mem.h"
#include "web/web_private.h"

#define HEADERS_MOST 8192	/* bytes of a request */
#define SILENCE_MOST 10		/* seconds until a silent connection ends */

static void on_request(struct evhttp_request *request, void *web);

void
visits_begin(struct web *web)
{
	evhttp_set_allowed_methods(web->http, EVHTTP_REQ_GET | EVHTTP_REQ_HEAD);
	evhttp_set_max_headers_size(web->http, HEADERS_MOST);
	evhttp_set_max_body_size(web->http, 0);
	evhttp_set_timeout(web->http, SILENCE_MOST);
	evhttp_set_gencb(web->http, on_request, web);
}

static struct span
path_of(struct evhttp_request *request)
{
	const struct evhttp_uri *uri = evhttp_request_get_evhttp_uri(request);

	return span_text(uri != NULL ? evhttp_uri_get_path(uri) : NULL);
}

static void
say_not_found(struct visit *v)
{
	struct buf body = { 0 };

	buf_put_text(&body, "expected one of\n");
	routes_list(&body);
	visit_answer(v, HTTP_NOTFOUND, TYPE_TEXT, &body);
}

static void
say_unauthorized(struct visit *v)
{
	visit_set_header(v, "WWW-Authenticate", "Bearer realm=\"pgweir\"");
	visit_say(v, 401, "expected a token of metrics_bearer_token_file");
}

bool
visit_shows_token(const struct visit *v)
{
	return warden_lets_in(&v->web->warden, span_text(visit_header(v, "Authorization")));
}

/* With TLS, is it by TLS? Without memory guest.c has no better connection than evhttp's own. */
static bool
is_private(const struct web *web, struct evhttp_request *request)
{
	struct evhttp_connection *connection = evhttp_request_get_connection(request);

	return web->warden.tls == NULL || (connection != NULL &&
	    bufferevent_openssl_get_ssl(evhttp_connection_get_bufferevent(connection)) != NULL);
}

static void
on_request(struct evhttp_request *request, void *arg)
{
	struct visit *v = is_private(arg, request) ? mem_new(sizeof(*v)) : NULL;

	if (v == NULL) {
		evhttp_send_error(request, HTTP_SERVUNAVAIL, NULL);
		return;
	}
	v->web = arg;
	v->request = request;
	v->route = route_find(path_of(request));
	if (v->route == NULL)
		say_not_found(v);
	else if (!v->route->open && !visit_shows_token(v))
		say_unauthorized(v);
	else
		v->route->run(v);
}

bool
visit_asks(const struct visit *v, const char *name)
{
	const struct evhttp_uri *uri = evhttp_request_get_evhttp_uri(v->request);
	struct span rest = span_text(uri != NULL ? evhttp_uri_get_query(uri) : NULL), one;

	while (span_cut(&rest, "&", &one)) {
		struct span key;

		if (span_cut(&one, "=", &key) && span_is(key, name))
			return true;
	}
	return false;
}

const char *
visit_header(const struct visit *v, const char *name)
{
	const char *value = evhttp_find_header(evhttp_request_get_input_headers(v->request),
	    name);

	return value != NULL ? value : "";
}

void
visit_set_header(struct visit *v, const char *name, const char *value)
{
	evhttp_add_header(evhttp_request_get_output_headers(v->request), name, value);
}

/* --- answers --- */

/* All of it is sent, or nobody takes it any more. */
static void
forget_body(const void *at, size_t len, void *arg)
{
	struct web *web = arg;

	web->unsent -= len;
	mem_free((void *)(uintptr_t)at);
}

/* BODY's bytes go out as they are; false: no memory, and they are BODY's still. */
static bool
hand_over(struct web *web, struct evbuffer *out, struct buf *body)
{
	if (body->len == 0)
		return true;
	if (evbuffer_add_reference(out, body->at, body->len, forget_body, web) != 0)
		return false;
	web->unsent += body->len;
	*body = (struct buf){ 0 };
	return true;
}

static void
set_headers(struct visit *v, const char *type, size_t len)
{
	char text[24];

	snprintf(text, sizeof(text), "%zu", len);
	visit_set_header(v, "Content-Type", type);
	visit_set_header(v, "Content-Length", text);
	visit_set_header(v, "Cache-Control", "no-store");
	visit_set_header(v, "X-Content-Type-Options", "nosniff");
	visit_set_header(v, "Connection", "close");
}

/* What people read behind the number (RFC 9110, 15). */
static const char *
reason(int status)
{
	switch (status) {
	case HTTP_OK:
		return "OK";
	case 401:
		return "Unauthorized";
	case HTTP_NOTFOUND:
		return "Not Found";
	default:
		return "Service Unavailable";
	}
}

void
visit_answer(struct visit *v, int status, const char *type, struct buf *body)
{
	bool head = evhttp_request_get_command(v->request) == EVHTTP_REQ_HEAD;
	struct evbuffer *out = evbuffer_new();

	if (out == NULL || body->failed) {
		evhttp_send_error(v->request, HTTP_SERVUNAVAIL, NULL);
	} else {
		set_headers(v, type, body->len);
		if (!head && !hand_over(v->web, out, body))
			evhttp_send_error(v->request, HTTP_SERVUNAVAIL, NULL);
		else
			evhttp_send_reply(v->request, status, reason(status), out);
	}
	if (out != NULL)
		evbuffer_free(out);
	buf_fini(body);
	mem_free(v);
}

void
visit_say(struct visit *v, int status, const char *text)
{
	struct buf body = { 0 };

	buf_printf(&body, "%s\n", text);
	visit_answer(v, status, TYPE_TEXT, &body);
}
