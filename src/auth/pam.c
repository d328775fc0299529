/*
 * pam.c - one question to PAM: does this password belong to this user, and may the user
 * come in? The stack of the service decides; sessions are not opened and credentials
 * not set, as nobody works here as that user.
 */
#include "auth/outside_judge.h"

#include <security/pam_appl.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"

/* Answers are freed by PAM, with free(). */
static void
forget(struct pam_response *answers, int n)
{
	for (int i = 0; i < n; i++) {
		if (answers[i].resp != NULL)
			mem_wipe(answers[i].resp, strlen(answers[i].resp));
		free(answers[i].resp);
	}
	free(answers);
}

/* Every prompt that hides what is typed gets the password, others nothing. */
static int
converse(int n, const struct pam_message **messages, struct pam_response **out, void *arg)
{
	const char *password = arg;
	struct pam_response *answers;

	if (n <= 0 || n > PAM_MAX_NUM_MSG)
		return PAM_CONV_ERR;
	answers = calloc((size_t)n, sizeof(*answers));
	if (answers == NULL)
		return PAM_BUF_ERR;
	for (int i = 0; i < n; i++) {
		switch (messages[i]->msg_style) {
		case PAM_PROMPT_ECHO_OFF:
			answers[i].resp = strdup(password);
			if (answers[i].resp == NULL) {
				forget(answers, i);
				return PAM_BUF_ERR;
			}
			break;
		case PAM_ERROR_MSG:
		case PAM_TEXT_INFO:
			break;
		default:
			forget(answers, i);
			return PAM_CONV_ERR;
		}
	}
	*out = answers;
	return PAM_SUCCESS;
}

/* After a failure PAM would sleep for seconds, and the helper thread with it. */
static void
no_delay(int status, unsigned usec, void *arg)
{
	(void)status;
	(void)usec;
	(void)arg;
}

/* What STATUS of STEP means. */
static enum outside_outcome
verdict(pam_handle_t *pam, int status, const char *step, struct err *e)
{
	switch (status) {
	case PAM_SUCCESS:
		return OUTSIDE_YES;
	case PAM_AUTH_ERR:
	case PAM_USER_UNKNOWN:
	case PAM_MAXTRIES:
	case PAM_PERM_DENIED:
	case PAM_ACCT_EXPIRED:
	case PAM_NEW_AUTHTOK_REQD:
	case PAM_CRED_INSUFFICIENT:
		err_set(e, SQLSTATE_BAD_PASSWORD, "PAM refused (%s): %s", step,
		    pam_strerror(pam, status));
		return OUTSIDE_NO;
	default:
		err_set(e, SQLSTATE_BAD_LOGIN, "PAM failed (%s): %s", step,
		    pam_strerror(pam, status));
		return OUTSIDE_FAILED;
	}
}

static int
set_items(pam_handle_t *pam, const struct pam_case *c)
{
	int status = pam_set_item(pam, PAM_FAIL_DELAY, (const void *)no_delay);

	if (status == PAM_SUCCESS && c->peer != NULL)
		status = pam_set_item(pam, PAM_RHOST, c->peer);
	return status;
}

static enum outside_outcome
judge(pam_handle_t *pam, const struct pam_case *c, int *status, struct err *e)
{
	enum outside_outcome outcome;

	*status = set_items(pam, c);
	outcome = verdict(pam, *status, "items", e);
	if (outcome != OUTSIDE_YES)
		return outcome;
	*status = pam_authenticate(pam, PAM_SILENT | PAM_DISALLOW_NULL_AUTHTOK);
	outcome = verdict(pam, *status, "authentication", e);
	if (outcome != OUTSIDE_YES)
		return outcome;
	*status = pam_acct_mgmt(pam, PAM_SILENT);
	return verdict(pam, *status, "account", e);
}

enum outside_outcome
pam_judge(const struct pam_case *c, struct err *e)
{
	struct pam_conv conversation = { converse, (void *)(uintptr_t)c->password };
	pam_handle_t *pam = NULL;
	enum outside_outcome outcome;
	int status;

#ifdef HAVE_PAM_START_CONFDIR
	status = pam_start_confdir(c->service, c->user, &conversation, c->folder, &pam);
#else
	status = pam_start(c->service, c->user, &conversation, &pam);
#endif
	if (status != PAM_SUCCESS) {
		err_set(e, SQLSTATE_BAD_LOGIN, "PAM service %s: %s", c->service,
		    pam_strerror(pam, status));
		return OUTSIDE_FAILED;
	}
	outcome = judge(pam, c, &status, e);
	pam_end(pam, status);
	return outcome;
}
