/*
 * hba_private.h - what the files of src/conf know of rules and maps beyond conf/hba.h:
 * how their files are taken apart, and who reads which column.
 */
#ifndef CONF_HBA_PRIVATE_H
#define CONF_HBA_PRIVATE_H

#include <stdatomic.h>

#include "conf/hba.h"
#include "conf/store.h"

/* Files that may include each other, the first not counted (as PostgreSQL). */
#define HBA_DEPTH_MOST 10
/* Files that one may lead to, and words in all of them. */
#define HBA_FILES_MOST 1000u
#define HBA_WORDS_MOST 1000000u

/* One word: what is between blanks and commas. */
struct hba_token {
	const char	*text;
	bool		 quoted;	/* all of it: no keyword */
	bool		 mixed;		/* a part of it */
};

/* One column: words between commas, at least one. */
struct hba_field {
	const struct hba_token *tokens;
	size_t		 count;
};

/* One line, continued ones joined. */
struct hba_record {
	const struct hba_field *fields;	/* at least one */
	size_t		 count;
	const char	*file;
	unsigned	 line;		/* where it begins */
};

/* A file that is being read; texts go into STORE and stay, records are borrowed. */
struct hba_reader {
	const struct hba_world *world;
	struct store	*store;
	struct err	*err;
	bool		(*record)(struct hba_reader *reader, const struct hba_record *record);
	void		*arg;
	unsigned	 files, words;	/* so far */
};

/* Give all records of TEXT, the file FILE, and of what it includes to the reader. */
bool hba_records(struct hba_reader *reader, struct span text, const char *file);
/* Fill the error with RECORD's place and the text; always false. */
bool hba_refuse(struct hba_reader *reader, const struct hba_record *record,
    const char *format, ...) PRINTF_LIKE(3, 4);
bool hba_no_memory(struct hba_reader *reader);
/* The items of VECTOR, an array of SIZE bytes each, copied to the store; NULL: no
 * memory. */
void *hba_keep(struct hba_reader *reader, const struct buf *vector);

/* The rules that are being made. */
struct hba_work {
	struct hba	*hba;
	struct buf	 rules;		/* struct hba_rule */
	struct buf	 warnings;	/* const char * */
};

/* What a line says; names of hosts are still to be looked up. */
struct hba_draft {
	struct hba_rule	 rule;
	bool		 gssenc;	/* for what never happens: to be left out */
};

/* Read RECORD's columns. */
bool hba_rule_read(struct hba_reader *reader, const struct hba_record *record,
    struct hba_draft *draft);
/* Read the method in field AT of RECORD, and the options behind it. */
bool hba_method_read(struct hba_reader *reader, const struct hba_record *record,
    size_t at, struct hba_rule *rule);
/* Read the address in field *AT of RECORD, perhaps with its mask in the next; *AT moves
 * behind. */
bool hba_address_read(struct hba_reader *reader, const struct hba_record *record,
    size_t *at, struct hba_rule *rule);

struct hba_inside {
	atomic_uint	 holders;
	struct store	 store;		/* of all that rules point to */
};

#endif
