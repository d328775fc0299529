/*
 * process.c - what the system sees of us: user, pidfile, terminal, descriptors.
 */
#include "process.h"

#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <pwd.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/log.h"
#include "base/text.h"

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
		most = (uint64_t)conf_pool_size(conf, db, NULL) +
		    conf_reserve_pool_size(conf, db, NULL);
		if (db->user == NULL)
			most *= users;
		if (conf_max_db_connections(conf, db) != 0 &&
		    conf_max_db_connections(conf, db) < most)
			most = conf_max_db_connections(conf, db);
		sum += most;
	}
	return sum;
}

void
process_raise_files(const struct conf *conf)
{
	struct rlimit limit;
	uint64_t need = conf->max_client_conn + most_servers(conf) + 64;

	if (getrlimit(RLIMIT_NOFILE, &limit) != 0)
		return;
	if (limit.rlim_cur < limit.rlim_max) {
		struct rlimit more = { limit.rlim_max, limit.rlim_max };

		if (setrlimit(RLIMIT_NOFILE, &more) == 0)
			limit = more;
	}
	log_line(LOG_LEVEL_LOG, NULL,
	    "file descriptor limit: %llu (hard: %llu); max_client_conn: %u, max expected fd "
	    "use: %llu",
	    (unsigned long long)limit.rlim_cur, (unsigned long long)limit.rlim_max,
	    conf->max_client_conn, (unsigned long long)need);
	if (need > limit.rlim_cur)
		log_line(LOG_LEVEL_WARNING, NULL,
		    "file descriptors may run out: raise the limit (LimitNOFILE=, ulimit -n) to %llu",
		    (unsigned long long)need);
}
