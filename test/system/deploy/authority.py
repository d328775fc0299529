"""authority.py - certificate authorities of a deployment."""

import shutil

from scratch import run

KEY = ("-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-days", "2")


class Authority:
	"""A certificate authority; its own certificate is in `file`."""

	def __init__(self, folder, name):
		folder.mkdir(exist_ok=True)
		self.folder, self.name = folder, name
		self.file, self.key = folder / (name + ".crt"), folder / (name + ".key")
		run("openssl", "req", "-x509", *KEY, "-keyout", self.key,
			"-out", self.file, "-subj", "/CN=" + name)

	def issue(self, subject, *names):
		"""Files of certificate and key for SUBJECT, valid for NAMES
		(DNS:..., IP:...)."""
		base = self.folder / ("%s-%s" % (self.name, subject))
		crt, key = base.with_suffix(".crt"), base.with_suffix(".key")
		extra = ["-addext", "basicConstraints=critical,CA:false"]
		if names:
			extra += ["-addext", "subjectAltName=" + ",".join(names)]
		run("openssl", "req", "-x509", *KEY, "-keyout", key, "-out", crt,
			"-subj", "/CN=" + subject, "-CA", self.file, "-CAkey", self.key, *extra)
		return crt, key


def copy_to(folder, mode, owner, **files):
	"""Put copies of files into FOLDER, each whole or not at all."""
	for name, path in files.items():
		fresh = folder / (name + ".new")
		shutil.copy(path, fresh)
		fresh.chmod(mode)
		shutil.chown(fresh, *owner)
		fresh.rename(folder / name)
