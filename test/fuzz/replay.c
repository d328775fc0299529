/*
 * replay.c - run a fuzz driver over files, without libFuzzer.
 *
 * Given names it replays those files. Without, it replays the corpus of the
 * driver: fuzz_x reads $srcdir/test/corpus/x. Prints TAP; a driver that finds
 * something wrong aborts, and the last "#" line names the file that did it.
 */
#include <dirent.h>
#include <errno.h>
#include <libgen.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len);

/* All of the file at PATH, LEN bytes that the caller frees, or NULL and errno. */
static uint8_t *
file_bytes(const char *path, size_t *len)
{
	FILE *file = fopen(path, "rb");
	uint8_t *bytes = NULL, *bigger;
	size_t room = 0, used = 0;

	if (file == NULL)
		return NULL;
	while (!feof(file) && !ferror(file)) {
		room += 65536;
		bigger = realloc(bytes, room);
		if (bigger == NULL)
			break;
		bytes = bigger;
		used += fread(bytes + used, 1, room - used, file);
	}
	if (!feof(file)) {
		free(bytes);
		bytes = NULL;
	}
	fclose(file);
	*len = used;
	return bytes;
}

/* Give the file at PATH to the driver and say so as test NUMBER. */
static int
file_replay(const char *path, int number)
{
	size_t len;
	uint8_t *bytes, *exact;

	printf("# %s\n", path);
	fflush(stdout);
	bytes = file_bytes(path, &len);
	if (bytes == NULL) {
		printf("not ok %d - %s: %s\n", number, path, strerror(errno));
		return 1;
	}
	/* in a block of just its size a sanitizer sees every read beyond the end */
	exact = malloc(len > 0 ? len : 1);
	if (exact == NULL)
		abort();
	memcpy(exact, bytes, len);
	free(bytes);
	LLVMFuzzerTestOneInput(exact, len);
	free(exact);
	printf("ok %d - %s\n", number, path);
	return 0;
}

static int
is_input(const struct dirent *entry)
{
	return entry->d_name[0] != '.';
}

/* Replay the files of FOLDER in the order of their names. */
static int
folder_replay(const char *folder)
{
	struct dirent **entries;
	char path[4096 + sizeof(entries[0]->d_name)];
	int i, count, failed = 0;

	count = scandir(folder, &entries, is_input, alphasort);
	if (count <= 0) {
		printf("1..1\nnot ok 1 - expected inputs in %s, found none\n", folder);
		return 1;
	}
	printf("1..%d\n", count);
	for (i = 0; i < count; i++) {
		snprintf(path, sizeof(path), "%s/%s", folder, entries[i]->d_name);
		failed += file_replay(path, i + 1);
		free(entries[i]);
	}
	free(entries);
	return failed;
}

int
main(int argc, char **argv)
{
	const char *srcdir = getenv("srcdir");
	const char *name = basename(argv[0]);
	char folder[4096];
	int i, failed = 0;

	if (argc > 1) {
		printf("1..%d\n", argc - 1);
		for (i = 1; i < argc; i++)
			failed += file_replay(argv[i], i);
		return failed > 0;
	}
	if (strncmp(name, "fuzz_", 5) == 0)
		name += 5;
	snprintf(folder, sizeof(folder), "%s/test/corpus/%s",
	    srcdir != NULL ? srcdir : ".", name);
	return folder_replay(folder) > 0;
}
