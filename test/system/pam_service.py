"""pam_service.py - a PAM service of a test: a script decides, /etc/pam.d stays as it is.

The script lets in USERS with their passwords and writes down who asked from where. A program
gets the service by a folder of its own in place of /etc/pam.d, in a mount namespace of its own
(Service.prefix).
"""

import pathlib

SCRIPT = """#!/bin/sh
password=$(tr -d '\\000')
echo "$PAM_TYPE $PAM_SERVICE $PAM_USER from $PAM_RHOST" >>{log}
case "$PAM_TYPE:$PAM_USER:$password" in
{cases}
esac
exit 1
"""

STACK = """auth {control} pam_exec.so expose_authtok quiet {script}
auth required pam_deny.so
account sufficient pam_exec.so quiet {account}
account required pam_deny.so
"""


def available():
	return any(
		pathlib.Path(folder, "pam_exec.so").exists()
		for folder in ("/lib/x86_64-linux-gnu/security", "/usr/lib/x86_64-linux-gnu/security",
			"/lib/aarch64-linux-gnu/security", "/usr/lib64/security", "/lib/security")
	)


def quoted(text):
	return "'" + text.replace("'", "'\\''") + "'"


class Service:
	"""Service NAME in FOLDER. USERS: passwords by name; EXPIRED may not come in all the same."""

	def __init__(self, folder, name="pgbouncer", users=None, expired=()):
		self.folder, self.name = folder / "pam.d", name
		folder.mkdir(mode=0o755)
		self.folder.mkdir(mode=0o755)
		self.log = folder / "asked"
		self.log.touch()
		self.log.chmod(0o666)
		script, account = folder / "judge.sh", folder / "account.sh"
		cases = "\n".join(
			"auth:%s:%s) exit 0 ;;" % (quoted(user), quoted(password))
			for user, password in (users or {}).items()
		)
		script.write_text(SCRIPT.format(log=self.log, cases=cases))
		account.write_text(
			'#!/bin/sh\ncase "$PAM_USER" in\n%s\nesac\nexit 0\n'
			% "\n".join("%s) exit 1 ;;" % quoted(user) for user in expired)
		)
		for path in script, account:
			path.chmod(0o755)
		for service in name, "other":
			(self.folder / service).write_text(
				STACK.format(control="sufficient", script=script, account=account)
				if service == name
				else "auth required pam_deny.so\naccount required pam_deny.so\n"
			)

	@property
	def prefix(self):
		"""Words before a command, for root only, that show it our services as the system's."""
		return [
			"unshare",
			"--mount",
			"sh",
			"-c",
			'mount --bind "$0" /etc/pam.d && exec "$@"',
			str(self.folder),
		]

	def asked(self):
		return self.log.read_text().splitlines()
