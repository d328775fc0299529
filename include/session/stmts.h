/*
 * stmts.h - prepared statements: one interned text for all who prepared it, the names a
 * client knows, the statements a server has.
 *
 *	client "S_1" --.
 *	client "a7"  ---+--> stmt 12 {text, types}  <-- on server 3 as "pgweir_12"
 *	                                             <-- on server 5 as "pgweir_12"
 *
 * Texts are shared by all threads under one mutex, taken at Parse and when a name goes,
 * never at Bind. Names and shelves belong to one thread.
 */
#ifndef SESSION_STMTS_H
#define SESSION_STMTS_H

#include "base/list.h"
#include "base/map.h"
#include "base/span.h"

/* What statements of ours are called on servers, before their number. */
#define STMT_PREFIX "pgweir_"

struct stmt {
	struct map_node	 in_texts;
	uint64_t	 id;		/* unique in this process */
	uint64_t	 hash;		/* of the id, for shelves */
	unsigned	 refs;		/* under the texts' mutex */
	struct span	 tail;		/* of a Parse: query with NUL, parameter types; owned */
	uint8_t		 name_len;
	char		 name[32];	/* on every server */
};

/* The statement whose Parse ends with TAIL; the caller has one hold. NULL: no memory. */
struct stmt *stmt_intern(struct span tail);
struct stmt *stmt_hold(struct stmt *stmt);
/* NULL is fine. */
void stmt_drop(struct stmt *stmt);
static inline struct span
stmt_name(const struct stmt *stmt)
{
	return span_of(stmt->name, stmt->name_len);
}
/*
 * Definitions have changed, so what servers have prepared until now may have plans that
 * PostgreSQL refuses ("cached plan must not change result type"), also to those who have never seen the old definition.
 * Any thread.
 */
void stmt_outdate(void);
/* How many texts there are and how many bytes they take. */
void stmt_totals(size_t *count, size_t *bytes);

/* The names a client has given. {0} is empty. */
struct names {
	struct map	 map;
	struct name	*last;		/* found last: often the next one, too */
};

void names_fini(struct names *names);
/* The statement NAME stands for (borrowed), or NULL. */
struct stmt *names_find(struct names *names, struct span name);
/* Let NAME, which is free, stand for STMT (a hold is taken). False: no memory. */
bool names_add(struct names *names, struct span name, struct stmt *stmt) MUST_USE;
/* Forget NAME if it is there. */
void names_remove(struct names *names, struct span name);
/* Forget all. */
void names_clear(struct names *names);
/* A name that stands for the statement numbered ID; empty if none. */
struct span names_of_id(const struct names *names, uint64_t id);
static inline size_t
names_count(const struct names *names)
{
	return names->map.count;
}

/* The statements a server has, the least recently used first. */
struct shelf {
	struct map	 map;
	struct list	 lru;
	unsigned	 age;		/* of definitions, when it was empty last */
	bool		 altering;	/* its server has changed some, and not yet committed */
};

void shelf_init(struct shelf *shelf);
void shelf_fini(struct shelf *shelf);
/* Is STMT there? Then it is now the most recently used. */
bool shelf_use(struct shelf *shelf, const struct stmt *stmt);
/* Put STMT, which is not there, in (a hold is taken). False: no memory. */
bool shelf_add(struct shelf *shelf, struct stmt *stmt) MUST_USE;
void shelf_remove(struct shelf *shelf, const struct stmt *stmt);
void shelf_clear(struct shelf *shelf);
/* Has nothing been outdated since it was empty last? */
bool shelf_current(const struct shelf *shelf);
/* The least recently used one (borrowed), or NULL. */
struct stmt *shelf_oldest(const struct shelf *shelf);
static inline size_t
shelf_count(const struct shelf *shelf)
{
	return shelf->map.count;
}

/*
 * What was assumed when something was sent and must be undone if the server skips it: beside each
 * ASK_NOTED entry of a talk stands one note, in the same order.
 */
enum note_kind {
	NOTE_UNNAMED,		/* an unnamed Parse */
	NOTE_PARSE,		/* a client's named Parse: name and statement */
	NOTE_NAME,		/* the same, but the server had the statement already */
	NOTE_REPARSE,		/* our own Parse of STMT, which the server lacked */
	NOTE_CLOSE,		/* a client's Close: NAME stood for STMT */
	NOTE_EVICT,		/* our own Close of STMT */
};

struct note {
	enum note_kind	 kind;
	struct stmt	*stmt;		/* held; NULL for UNNAMED and a Close of nothing */
	char		*name;		/* owned; NULL where there is none */
};

/* A queue of notes. {0} is empty. */
struct notes {
	struct note	*ring;		/* owned */
	uint32_t	 size, first, count;
};

void notes_fini(struct notes *notes);
/* Add one; a hold on STMT and a copy of NAME are taken. False: no memory. */
bool notes_push(struct notes *notes, enum note_kind kind, struct stmt *stmt, struct span name) MUST_USE;
/* The INDEXth oldest. */
struct note *notes_at(const struct notes *notes, uint32_t index);
/* Drop the COUNT oldest. */
void notes_drop(struct notes *notes, uint32_t count);

#endif
