/*
 * reply.h - views and builders of the server's messages (protocol 3, 55.7, 55.8). Servers are strangers too: every
 * field may be missing.
 */
#ifndef WIRE_REPLY_H
#define WIRE_REPLY_H

#include "base/buf.h"
#include "base/err.h"
#include "base/span.h"

/* ErrorResponse and NoticeResponse: missing fields are empty spans with at == NULL. */
struct error_view {
	struct span	 severity, plain_severity;	/* S (may be translated), V */
	struct span	 sqlstate, text, detail, hint;	/* C, M, D, H */
	struct span	 routine;			/* R: of PostgreSQL's source */
};
/* False: not even the shape is right; what could be read is set. */
bool reply_error(struct span body, struct error_view *out);

/* ParameterStatus. */
bool reply_parameter(struct span body, struct span *name, struct span *value);

/* BackendKeyData: KEY is 4 to 256 bytes. */
bool reply_key(struct span body, uint32_t *pid, struct span *key);

/* CommandComplete's tag. */
bool reply_tag(struct span body, struct span *tag);

/* ReadyForQuery's status: 'I', 'T', 'E'; 0 if broken. */
char reply_ready(struct span body);

/* NegotiateProtocolVersion: newest version, number of refused options. */
bool reply_negotiate(struct span body, uint32_t *newest, uint32_t *options);

/* An ErrorResponse of SEVERITY ("ERROR", "FATAL") with S, V, C, M and, if not empty, D and H. */
void reply_write_error(struct buf *b, const char *severity, const struct err *e);
/* A NoticeResponse of SEVERITY "NOTICE"; DETAIL may be NULL. */
void reply_write_notice(struct buf *b, const char *sqlstate, const char *text, const char *detail);
/* BODY of an ErrorResponse again, whole message, with every occurrence of FROM in the text fields M, D and H replaced by TO. */
void reply_write_renamed(struct buf *b, struct span body, struct span from, struct span to);
void reply_write_auth(struct buf *b, uint32_t code, struct span data);
void reply_write_parameter(struct buf *b, struct span name, struct span value);
void reply_write_key(struct buf *b, uint32_t pid, struct span key);
void reply_write_ready(struct buf *b, char status);
void reply_write_complete(struct buf *b, const char *tag);
/* NegotiateProtocolVersion with the NEWEST version we speak and COUNT names (NUL-terminated, one after the other in NAMES). */
void reply_write_negotiate(struct buf *b, uint32_t newest, uint32_t count, struct span names);

/* Authentication request codes (protocol 3, AuthenticationXxx). */
enum auth_code { AUTH_OK = 0, AUTH_CLEARTEXT = 3, AUTH_MD5 = 5, AUTH_SASL = 10, AUTH_SASL_CONTINUE = 11, AUTH_SASL_FINAL = 12 };

/* RowDescription of text-format columns. OID and typlen as in pg_type. */
struct reply_column {
	const char	*name;
	uint32_t	 oid;
	int16_t		 size;
};
void reply_write_columns(struct buf *b, const struct reply_column *columns, unsigned count);
/* DataRow: begin, each value (at == NULL: SQL NULL), end. */
size_t reply_row_begin(struct buf *b, unsigned count);
void reply_row_value(struct buf *b, struct span value);
void reply_row_end(struct buf *b, size_t mark);

#endif
