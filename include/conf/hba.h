/*
 * hba.h - who may log in, from where and how: the rules of pg_hba.conf, in the dialect
 * of PostgreSQL 16, and the maps that belong to them.
 *
 * The first rule that matches decides (hba_match); what its method means is the login's
 * business. Immutable once read, so any thread may ask.
 */
#ifndef CONF_HBA_H
#define CONF_HBA_H

#include "base/addr.h"
#include "base/buf.h"
#include "base/err.h"
#include "base/port.h"
#include "base/span.h"

struct ident;

enum hba_method {
	HBA_TRUST,
	HBA_REJECT,
	HBA_MD5,		/* also takes SCRAM verifiers, as in PostgreSQL */
	HBA_PASSWORD,		/* in clear */
	HBA_SCRAM_SHA_256,
	HBA_PEER,		/* unix sockets only */
	HBA_CERT,		/* never with HBA_LOCAL or HBA_HOSTNOSSL */
	HBA_LDAP,
	HBA_PAM,
};

/* Connections a rule is for: the first column. */
enum hba_kind { HBA_LOCAL, HBA_HOST, HBA_HOSTSSL, HBA_HOSTNOSSL };

/* What the client's certificate must be beside what the method asks for. */
enum hba_clientcert { HBA_CLIENTCERT_NONE, HBA_CLIENTCERT_CA, HBA_CLIENTCERT_FULL };

/* What the startup packet's "replication" says: not given, true, database. */
enum hba_replication {
	HBA_REPLICATION_NONE,
	HBA_REPLICATION_PHYSICAL,
	HBA_REPLICATION_LOGICAL,
};

/* One item of the database or user column. */
enum hba_word { HBA_NAME, HBA_ALL, HBA_SAMEUSER, HBA_REPLICATION };

struct hba_item {
	enum hba_word	 word;
	const char	*name;		/* HBA_NAME only */
};

struct hba_list {
	const struct hba_item *items;	/* at least one */
	size_t		 count;
};

/* One network of the address column: the first BITS of ADDR, an IP kind. */
struct hba_net {
	struct addr	 addr;
	unsigned	 bits;
};

/* One line. Texts belong to the hba. */
struct hba_rule {
	/* what to do */
	enum hba_method	 method;
	enum hba_clientcert clientcert;	/* HBA_HOSTSSL only */
	const char	*map;		/* map=, see ident_allows(); NULL: names must be equal */
	/*
	 * HBA_LDAP: its options as one would write them in auth_ldap_options, NAME=VALUE
	 * with blanks between; a value with blanks, commas, # or quotes is in double quotes,
	 * quotes in it are doubled. A secret may be among them. NULL: none.
	 */
	const char	*options;
	const char	*service;	/* HBA_PAM: pamservice=; NULL: not given */
	const char	*shown;		/* all options for people, secrets as stars; "": none */

	/* where it was written */
	const char	*file;
	unsigned	 line;		/* where the record begins */

	/* what it is for */
	enum hba_kind	 kind;
	struct hba_list	 databases, users;
	const char	*address;	/* to be shown: "all", "10.0.0.0/8", "samenet", a host's
					 * name; NULL: HBA_LOCAL */
	bool		 any_address;
	bool		 is_host;	/* address is a host's name, nets what it had at load */
	const struct hba_net *nets;	/* unless any_address */
	size_t		 n_nets;	/* 0: a name without addresses, nobody matches */
};

/* Counted; held by confs. */
struct hba {
	const struct hba_rule *rules;	/* in the order they are tried */
	size_t		 count;
	struct ident	*ident;		/* owned; NULL: no file of maps */
	const char	**warnings;	/* what should be known though it loaded */
	size_t		 n_warnings;
	struct span	 files;		/* names of files and folders read, a zero byte behind each */
	struct hba_inside *inside;	/* hba.c's own */
};

/* Who is at the door. */
struct hba_ask {
	struct span	 database, user; /* as the client asked */
	const struct addr *peer;	/* where from; borrowed */
	bool		 tls;		/* the connection is encrypted */
	enum hba_replication replication;
};

/* The first rule that is for ASK, or NULL: nobody is let in without one. */
const struct hba_rule *hba_match(const struct hba *hba, const struct hba_ask *ask);
/*
 * May SYSTEM_USER (of the operating system, or a name in a certificate) log in as
 * DATABASE_USER by MAP (a rule's)? MAP NULL: the names must be equal. Names with a zero
 * byte and empty names never may.
 */
bool ident_allows(const struct hba *hba, const char *map, struct span system_user,
    struct span database_user);

/*
 * What reading needs of the world, so that tests can have one of their own. Functions
 * that return false have filled ERR (file), or *WHY with a text that stays (the others).
 */
struct hba_world {
	void		*arg;
	/* append the text of FILE to OUT; *MISSING: there is no such file */
	bool		(*file)(void *arg, const char *file, struct buf *out, bool *missing,
	    struct err *err);
	/* append the names of all files in FOLDER to OUT, a zero byte behind each */
	bool		(*folder)(void *arg, const char *folder, struct buf *out,
	    const char **why);
	/* append a struct hba_net for each address of the host NAME */
	bool		(*host)(void *arg, const char *name, struct buf *out,
	    const char **why);
	/* append a struct hba_net for each own address, with the bits of its network */
	bool		(*own)(void *arg, struct buf *out, const char **why);
};

/* This machine's files, names and addresses. Asks the name service and waits for it. */
extern const struct hba_world hba_real_world;

/*
 * Read TEXT, the rules, whose name is FILE. IDENT, the maps that they may name, may be
 * NULL and passes over to the hba, also if it fails. NULL and ERR with "FILE:LINE: ..." at
 * the first bad line.
 */
struct hba *hba_read(struct span text, const char *file, struct ident *ident,
    const struct hba_world *world, struct err *err);
/* Read the file of rules and, unless NULL or "", that of maps. */
struct hba *hba_load(const char *hba_file, const char *ident_file, struct err *err);
struct hba *hba_hold(struct hba *hba);
/* NULL does nothing. */
void hba_drop(struct hba *hba);

/* Have A and B (either may be NULL) the same rules and maps, wherever they were written? */
bool hba_same(const struct hba *a, const struct hba *b);

/* "md5", "scram-sha-256", ...: METHOD as it is written. */
const char *hba_method_name(enum hba_method method);
/* "local", "hostssl", ... */
const char *hba_kind_name(enum hba_kind kind);
/* Append LIST as one would write it in its column. */
void hba_list_show(const struct hba_list *list, struct buf *out);
/* Append "10.0.0.0/8". */
void hba_net_show(const struct hba_net *net, struct buf *out);

#endif
