/*
 * nullpg.h - what the files of nullpg share: one connection, the reply being made, counts.
 */
#ifndef BENCH_NULLPG_H
#define BENCH_NULLPG_H

#include <arpa/inet.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

enum {
	K_SELECT,
	K_BEGIN,
	K_COMMIT,
	K_ROLLBACK,
	K_SET,
	K_RESET,
	K_DISCARD,
	K_DEALLOC,
	K_EMPTY,
	K_ERROR,
	K_BIG,
	K_BIGCOPY
};

struct stmt {
	uint64_t hash;
	int kind;
};

struct conn {
	int fd;
	int started;
	int closing;
	char tx; /* I, T, E */
	int skip; /* error in extended protocol: skip to Sync */
	int want_out;
	char *ib;
	size_t il, ic; /* kept partial input */
	char *ob;
	size_t op, ol, oc; /* unsent output */
	long big_rows;
	int big_size;
	int big_copy;
	long big_sent;
	struct stmt *st;
	unsigned nst, cst;
	int portal_kind;
	char echo[128];
	int echolen;
	uint32_t pid, key;
};

/* The reply being made (nullpg_say.c). */
extern char *O;
extern size_t ol;

/* What happened so far. */
struct counts {
	uint64_t query, parse, bind, exec, conn, cancel, err, close;
};
extern struct counts counts;

void die(const char *m);

/* Parts of messages (nullpg_say.c): bytes, numbers, a message from mbegin() to mend(). */
void put(const void *p, size_t n);
void p8(int v);
void p16(int v);
void p32(uint32_t v);
size_t mbegin(char kind);
void mend(size_t at);
void pstr(const char *s);
/* Whole messages. */
void param(const char *name, const char *value);
void rfq(struct conn *c);
void complete(const char *tag);
void error(struct conn *c, const char *code, const char *msg);
void rowdesc(void);
void datarow(const char *value, int n);
/* More of the big result that C waits for, as much as fits. */
void big_fill(struct conn *c);

/* Run one statement; WITHDESC: with a RowDescription (nullpg_run.c). */
void run(struct conn *c, int kind, const char *q, size_t n, int withdesc,
    const char *echo, int echolen);
int classify(const char *q, size_t n);
struct stmt *sfind(struct conn *c, uint64_t hash);
void sput(struct conn *c, uint64_t hash, int kind);
void sdel(struct conn *c, uint64_t hash);
/* The hash of a statement's name; 0: unnamed. */
uint64_t name_hash(const char *name);

/* Hear LEN bytes; returns how many are consumed (nullpg_hear.c). */
size_t process(struct conn *c, const char *b, size_t len);

#endif
