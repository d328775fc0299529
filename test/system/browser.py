"""browser.py - a headless Chromium with one page, told what to do by its DevTools protocol over
two pipes: no port, no library, no driver.

https://chromedevtools.github.io/devtools-protocol/ says what the words mean. Each message is
JSON with a NUL behind it.
"""

import fcntl
import json
import os
import select
import shutil
import subprocess
import time

from scratch import as_user, end, give_to

PROGRAM = shutil.which("chromium")
OPTIONS = (
	"--headless=new", "--remote-debugging-pipe", "--no-sandbox", "--disable-gpu",
	"--disable-dev-shm-usage", "--disable-background-networking", "--disable-extensions",
	"--no-first-run", "--no-default-browser-check", "--password-store=basic",
)
# Chromium reads commands from descriptor 3 and writes to 4.
WIRED = 'exec 3<&"$1" 4>&"$2"; shift 2; exec "$@"'


class Browser:
	"""One page in a profile of its own below FOLDER."""

	def __init__(self, folder):
		home = folder / "browser"
		home.mkdir()
		give_to("nobody", home)
		self.log, self.unread, self.last, self.session = home / "log", b"", 0, None
		self.told = []  # events nobody has looked at yet
		(ours, self.tell), (self.hear, theirs) = os.pipe(), os.pipe()
		ends = [fcntl.fcntl(fd, fcntl.F_DUPFD, 10) for fd in (ours, theirs)]
		with open(self.log, "wb") as log:
			self.process = subprocess.Popen(
				[*as_user("nobody", "KILL"), "bash", "-c", WIRED, "bash",
				 *map(str, ends), PROGRAM, *OPTIONS,
				 "--user-data-dir=%s" % home, "about:blank"],
				pass_fds=ends, stdin=subprocess.DEVNULL, stdout=log, stderr=log,
				cwd=home, env={**os.environ, "HOME": str(home)},
			)
		for fd in (ours, theirs, *ends):
			os.close(fd)
		page = self.call("Target.createTarget", url="about:blank")["targetId"]
		self.session = self.call(
			"Target.attachToTarget", targetId=page, flatten=True)["sessionId"]
		for part in ("Page", "Runtime", "Log"):
			self.call(part + ".enable")

	def close(self):
		end(self.process)
		os.close(self.hear)
		os.close(self.tell)

	def hear_one(self, seconds):
		"""The next message; None if there is none in SECONDS."""
		until = time.monotonic() + seconds
		while b"\0" not in self.unread:
			left = max(0, until - time.monotonic())
			if not select.select([self.hear], [], [], left)[0]:
				return None
			new = os.read(self.hear, 1 << 16)
			assert new, "the browser has ended:\n" + self.log.read_text()
			self.unread += new
		one, self.unread = self.unread.split(b"\0", 1)
		return json.loads(one)

	def call(self, method, **params):
		self.last += 1
		order = {"id": self.last, "method": method, "params": params}
		if self.session:
			order["sessionId"] = self.session
		os.write(self.tell, json.dumps(order).encode() + b"\0")
		while True:
			said = self.hear_one(30)
			assert said, "no answer to %s in 30 s" % method
			if said.get("id") == self.last:
				assert "error" not in said, "%s: %s" % (method, said["error"])
				return said["result"]
			self.told.append(said)

	def go(self, url):
		self.call("Page.navigate", url=url)

	def size(self, width, height):
		self.call("Emulation.setDeviceMetricsOverride", width=width, height=height,
			deviceScaleFactor=1, mobile=width < 500)

	def run(self, script):
		"""The value of an expression in the page."""
		said = self.call("Runtime.evaluate", expression=script, returnByValue=True)
		assert "exceptionDetails" not in said, "%s: %s" % (script, said["exceptionDetails"])
		return said["result"].get("value")

	def shows(self, selector):
		"""The text of what SELECTOR finds, as it is seen."""
		return self.run("document.querySelector(%s)?.innerText ?? ''" % json.dumps(selector))

	def problems(self):
		"""What has gone to the console since the last call, and errors of scripts."""
		self.run("0")
		told, self.told = self.told, []
		return [event["params"] for event in told if event.get("method") in (
			"Log.entryAdded", "Runtime.consoleAPICalled", "Runtime.exceptionThrown")]
