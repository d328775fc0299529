/*
 * process.c - what the system sees of us: user, pidfile, terminal, journal, descriptors.
 */
#include "process.h"

#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <pwd.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/log.h"
#include "base/text.h"
#include "web/web.h"

bool
process_become(const char *user, struct err *e)
{
	const struct passwd *entry;

	errno = 0;
	entry = getpwnam(user);
	if (entry == NULL)
		return err_set(e, SQLSTATE_CONFIG, "cannot become user \"%s\": %s", user,
		    errno != 0 ? strerror(errno) : "there is no such user");
	if (entry->pw_uid == geteuid() && entry->pw_uid == getuid())
		return true;
	if (initgroups(user, entry->pw_gid) != 0 || setgid(entry->pw_gid) != 0 ||
	    setuid(entry->pw_uid) != 0)
		return err_set(e, SQLSTATE_CONFIG, "cannot become user \"%s\": %s", user,
		    strerror(errno));
	return true;
}

/* --- pidfile --- */

bool
process_check_pidfile(const char *path, struct err *e)
{
	char text[32];
	int64_t pid;
	ssize_t len;
	int fd = open(path, O_RDONLY | O_CLOEXEC);

	if (fd < 0 && errno == ENOENT)
		return true;
	if (fd < 0)
		return err_set(e, SQLSTATE_CONFIG, "cannot read pidfile %s: %s", path,
		    strerror(errno));
	len = read(fd, text, sizeof(text));
	close(fd);
	if (len <= 0 || !text_int(span_trim(span_of(text, (size_t)len)), &pid) ||
	    pid <= 1 || pid > INT32_MAX)
		return err_set(e, SQLSTATE_CONFIG, "expected a process id in pidfile %s",
		    path);
	if (kill((pid_t)pid, 0) == 0 || errno != ESRCH)
		return err_set(e, SQLSTATE_CONFIG,
		    "pidfile %s names process %ld, which is running", path, (long)pid);
	log_line(LOG_LEVEL_LOG, NULL, "removing stale pidfile %s", path);
	if (unlink(path) != 0 && errno != ENOENT)
		return err_set(e, SQLSTATE_CONFIG, "cannot remove pidfile %s: %s", path,
		    strerror(errno));
	return true;
}

bool
process_write_pidfile(const char *path, struct err *e)
{
	int fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0644);

	if (fd < 0 || dprintf(fd, "%ld\n", (long)getpid()) < 0) {
		err_set(e, SQLSTATE_CONFIG, "cannot write pidfile %s: %s", path,
		    strerror(errno));
		if (fd >= 0) {
			close(fd);
			unlink(path);
		}
		return false;
	}
	close(fd);
	return true;
}

void
process_remove_pidfile(const char *path)
{
	if (unlink(path) != 0)
		log_line(LOG_LEVEL_WARNING, NULL, "cannot remove pidfile %s: %s", path,
		    strerror(errno));
}

/* --- terminal --- */

/* The parent ends here: true in the child. */
static bool
go_on_in_child(struct err *e)
{
	pid_t pid = fork();

	if (pid < 0)
		return err_set(e, SQLSTATE_NO_MEMORY, "cannot fork: %s", strerror(errno));
	if (pid > 0)
		_exit(0);
	return true;
}

bool
process_detach(struct err *e)
{
	int fd;

	if (!go_on_in_child(e))
		return false;
	setsid();
	/* not a session leader: no terminal can come back */
	if (!go_on_in_child(e))
		return false;
	fd = open("/dev/null", O_RDWR);
	if (fd < 0)
		return err_set(e, SQLSTATE_CONFIG, "cannot open /dev/null: %s",
		    strerror(errno));
	for (int std = 0; std <= 2; std++)
		dup2(fd, std);
	if (fd > 2)
		close(fd);
	return true;
}

/* systemd names the stream by device and inode, as a shell may have redirected us since. */
bool
process_speaks_to_journal(void)
{
	const char *stream = getenv("JOURNAL_STREAM");
	unsigned long long device, inode;
	struct stat st;

	return stream != NULL && sscanf(stream, "%llu:%llu", &device, &inode) == 2 &&
	    fstat(STDERR_FILENO, &st) == 0 && st.st_dev == (dev_t)device &&
	    st.st_ino == (ino_t)inode;
}

/* --- descriptors --- */

/* Servers CONF may open. An entry without a user of its own has a pool for each user; *
 * stands for one database. */
static uint64_t
most_servers(const struct conf *conf)
{
	uint64_t sum = 0, users = conf->n_users > 0 ? conf->n_users : 1;

	for (size_t i = 0; i <= conf->n_databases; i++) {
		const struct conf_database *db = i < conf->n_databases ?
		    &conf->databases[i] :
		    conf->template_database;
		uint64_t most;

		if (db == NULL)
			continue;
		most = (uint64_t)conf_pool_size(conf, db, NULL);
		/* no limit: nobody needs more servers than there are clients */
		most = most == 0 ? conf->max_client_conn :
				   most + conf_reserve_pool_size(conf, db, NULL);
		if (db->user == NULL)
			most *= users;
		if (conf_max_db_connections(conf, db) != 0 &&
		    conf_max_db_connections(conf, db) < most)
			most = conf_max_db_connections(conf, db);
		sum += most;
	}
	return sum;
}

/* What is neither a client nor a server: files, listeners, loops, lookups of names. */
static uint64_t
own_files(const struct conf *conf, unsigned workers)
{
	return 48 + 8 * (uint64_t)workers +
	    (conf->metrics_listen[0] != '\0' ? WEB_FILES_MOST : 0);
}

static uint64_t
files_limit(uint64_t *hard)
{
	struct rlimit limit;

	if (getrlimit(RLIMIT_NOFILE, &limit) != 0)
		limit.rlim_cur = limit.rlim_max = 1024;
	*hard = limit.rlim_max;
	return limit.rlim_cur;
}

void
process_raise_files(void)
{
	struct rlimit limit;

	if (getrlimit(RLIMIT_NOFILE, &limit) != 0 || limit.rlim_cur >= limit.rlim_max)
		return;
	limit.rlim_cur = limit.rlim_max;
	if (setrlimit(RLIMIT_NOFILE, &limit) != 0)
		log_line(LOG_LEVEL_WARNING, NULL, "cannot raise the limit of file descriptors: %s",
		    strerror(errno));
}

void
process_log_files(const struct conf *conf, unsigned workers)
{
	uint64_t hard, limit = files_limit(&hard);
	uint64_t need = conf->max_client_conn + most_servers(conf) + own_files(conf, workers);

	log_line(LOG_LEVEL_LOG, NULL,
	    "file descriptor limit: %llu (hard: %llu); max_client_conn: %u, max expected fd "
	    "use: %llu",
	    (unsigned long long)limit, (unsigned long long)hard, conf->max_client_conn,
	    (unsigned long long)need);
	if (need > limit)
		log_line(LOG_LEVEL_WARNING, NULL,
		    "file descriptors may run out, then there is room for %u clients: raise the "
		    "limit (LimitNOFILE=, ulimit -n) to %llu",
		    process_client_room(conf, workers), (unsigned long long)need);
}

unsigned
process_client_room(const struct conf *conf, unsigned workers)
{
	uint64_t hard, limit = files_limit(&hard), left, servers = most_servers(conf);
	uint64_t own = own_files(conf, workers) + PROCESS_SPARE_CLIENTS;

	left = limit > own ? limit - own : 0;
	if (servers > left / 3)
		servers = left / 3;
	left -= servers;
	return left < UINT32_MAX ? (unsigned)left : UINT32_MAX;
}
