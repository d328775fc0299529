/*
 * nameserver.h - what a small name server says to a question (RFC 1035 4), for tests.
 */
#ifndef UNIT_NET_NAMESERVER_H
#define UNIT_NET_NAMESERVER_H

#include "unit/unit.h"

#define TYPE_A 1
#define TYPE_SOA 6
#define TYPE_AAAA 28
#define HEADER 12

/* What it does with a question. */
enum mood { ANSWERS, KNOWS_NOTHING, FAILS, IS_SILENT };

struct sayings {
	enum mood	 mood;
	uint8_t		 last;		/* byte of the addresses it gives */
	uint32_t	 ttl;
	uint8_t		 serial;	/* of all zones */
	bool		 only_a;	/* it gives no other addresses */
};

/* Answer the question of LEN bytes at AT, in place; the answer's length. */
static inline size_t
answer(const struct sayings *says, uint8_t *at, size_t len, unsigned *type)
{
	size_t end = HEADER;

	while (end < len && at[end] != 0)
		end += at[end] + 1u;
	end += 5;
	assert_true(end <= len);
	*type = at[end - 3];
	at[2] = 0x81;	/* an answer, recursion desired */
	at[3] = (uint8_t)(0x80 |
	    (says->mood == FAILS		        ? 2 :
		    says->mood == KNOWS_NOTHING ? 3 :
					       0));
	at[7] = at[9] = at[11] = 0;
	if (says->mood == ANSWERS && *type == TYPE_A) {
		uint8_t record[] = { 0xc0, HEADER, 0, TYPE_A, 0, 1, 0, 0, 0,
			(uint8_t)says->ttl, 0, 4, 192, 0, 2, says->last };

		at[7] = 2;
		memcpy(at + end, record, sizeof(record));
		record[15]++;
		memcpy(at + end + sizeof(record), record, sizeof(record));
		end += 2 * sizeof(record);
	} else if (says->mood == ANSWERS && *type == TYPE_AAAA && !says->only_a) {
		uint8_t record[] = { 0xc0, HEADER, 0, TYPE_AAAA, 0, 1, 0, 0, 0,
			(uint8_t)says->ttl, 0, 16, 0x20, 1, 0xd, 0xb8, 0, 0, 0, 0, 0, 0, 0,
			0, 0, 0, 0, says->last };

		at[7] = 1;
		memcpy(at + end, record, sizeof(record));
		end += sizeof(record);
	} else if (says->mood == ANSWERS && *type == TYPE_SOA) {
		uint8_t record[34] = { 0xc0, HEADER, 0, TYPE_SOA, 0, 1, 0, 0, 0, 60, 0, 22,
			[17] = says->serial, [33] = 9 };

		at[7] = 1;
		memcpy(at + end, record, sizeof(record));
		end += sizeof(record);
	}
	return end;
}

#endif
