#!/usr/bin/env python3
"""Build the root tree of an image from its Dockerfile where there is no Docker.

    image.py CACHE DOCKERFILE CONTEXT [STAGE=FOLDER]...

Prints the folders that, laid over each other by overlayfs (the last on top), are the
tree, one a line, and then what a container of it begins with, as JSON. FROM debian:12-slim is a
tree by debootstrap; each RUN and COPY is one layer more, as Docker makes them, kept in CACHE
under a hash of all it is made of. STAGE=FOLDER takes FOLDER for what that stage would have
made. An instruction that is not known here is an error. Needs root.
"""

import fcntl
import fnmatch
import hashlib
import json
import os
import pathlib
import shlex
import shutil
import subprocess
import sys
import tempfile
import time

BASES = {"debian:12-slim": "bookworm"}
SOURCES = """\
deb http://deb.debian.org/debian bookworm main
deb http://deb.debian.org/debian bookworm-updates main
deb http://deb.debian.org/debian-security bookworm-security main
"""
META = ("ENTRYPOINT", "CMD", "USER", "STOPSIGNAL", "EXPOSE", "HEALTHCHECK", "LABEL", "ENV", "WORKDIR")

# In a mount namespace of its own: $1 the folders below, $2 that of the new layer, $3 scratch.
IN_LAYER = """
mkdir -p "$3/root" "$3/work"
mount -t overlay overlay -o "lowerdir=$1,upperdir=$2,workdir=$3/work" "$3/root"
root=$3/root
mount -t proc proc "$root/proc"
mount --rbind /dev "$root/dev"
mount -t tmpfs tmpfs "$root/tmp"
touch "$3/resolv.conf"
cat /etc/resolv.conf >"$3/resolv.conf" 2>/dev/null || :
[ -e "$root/etc/resolv.conf" ] || : >"$root/etc/resolv.conf"
mount --bind "$3/resolv.conf" "$root/etc/resolv.conf"
shift 3
exec env -i "$@"
"""


def instructions(path):
	"""(word, rest) of each instruction."""
	text, joined = path.read_text(), ""
	for line in text.splitlines():
		if line.lstrip().startswith("#"):
			continue
		if line.endswith("\\"):
			joined += line[:-1] + " "
			continue
		joined += line
		if joined.strip():
			word, _, rest = joined.strip().partition(" ")
			yield word.upper(), " ".join(rest.split()) if word.upper() != "RUN" else rest
		joined = ""
	if joined.strip():
		raise SystemExit("%s: expected a line behind the last backslash" % path)


def ignored(context):
	"""Does .dockerignore leave out a path?"""
	listed = context / ".dockerignore"
	lines = listed.read_text().splitlines() if listed.exists() else []
	patterns = [line.rstrip("/") for line in lines if line and not line.startswith("#")]

	def skip(path):
		parts = path.split("/")
		for pattern in patterns:
			if pattern.startswith("**/"):
				if any(fnmatch.fnmatch(part, pattern[3:]) for part in parts):
					return True
			elif any(fnmatch.fnmatch("/".join(parts[:n]), pattern)
					for n in range(1, len(parts) + 1)):
				return True
		return False

	return skip


def files_of(folder, skip):
	"""Paths below FOLDER, sorted; what SKIP leaves out is not gone into."""
	for base, folders, names in os.walk(folder):
		at = os.path.relpath(base, folder)
		prefix = "" if at == "." else at + "/"
		links = [name for name in folders if os.path.islink(os.path.join(base, name))]
		folders[:] = sorted(name for name in folders
			if name not in links and not skip(prefix + name))
		for name in sorted(names + links):
			if not skip(prefix + name):
				yield prefix + name


class Stage:
	"""An image on its way: layers, and what containers of it begin with."""

	def __init__(self, builder, base, key):
		self.builder, self.layers, self.key = builder, [base], key
		self.about = {"ENV": {}, "WORKDIR": "/", "USER": "0:0"}

	def layer(self, what, make):
		"""One more layer, made by MAKE(new folder) unless it is there."""
		self.key = hashlib.sha256(("%s\n%s" % (self.key, what)).encode()).hexdigest()[:24]
		folder = self.builder.cache / self.key
		if not folder.exists():
			fresh = pathlib.Path(tempfile.mkdtemp(dir=self.builder.cache, prefix="new."))
			try:
				upper = fresh / "upper"
				upper.mkdir(mode=0o755)
				make(upper)
				upper.rename(folder)
			finally:
				shutil.rmtree(fresh, ignore_errors=True)
		os.utime(folder)
		self.layers.append(folder)

	def run(self, command):
		def make(upper):
			scratch = tempfile.mkdtemp(dir=self.builder.cache, prefix="new.")
			words = ["unshare", "--mount", "sh", "-ec", IN_LAYER, "sh",
				":".join(map(str, reversed(self.layers))), str(upper), scratch,
				"PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin",
				*["%s=%s" % pair for pair in self.about["ENV"].items()],
				"chroot", scratch + "/root", "sh", "-c",
				"cd %s && %s" % (shlex.quote(self.about["WORKDIR"]), command)]
			try:
				subprocess.run(words, stdin=subprocess.DEVNULL, stdout=sys.stderr, check=True)
			finally:
				shutil.rmtree(scratch, ignore_errors=True)

		self.layer("RUN " + self.about["WORKDIR"] + " " + command, make)

	def copy(self, rest):
		words = shlex.split(rest)
		options = [word for word in words if word.startswith("--")]
		*sources, target = [word for word in words if not word.startswith("--")]
		mode, source, skip = None, self.builder.context, self.builder.skip
		for option in options:
			name, _, value = option[2:].partition("=")
			if name == "chmod":
				mode = int(value, 8)
			elif name == "from":
				source, skip = self.builder.part_of(value, sources), lambda path: False
			else:
				raise SystemExit("COPY: --%s is not known here" % name)
		into = os.path.normpath(os.path.join(self.about["WORKDIR"], target)).lstrip("/")
		pairs = []
		for word in sources:
			at = source / word.lstrip("/")
			if at.is_dir():
				pairs += [(at / path, os.path.join(into, path)) for path in files_of(at, skip)]
			elif at.exists():
				pairs.append((at, os.path.join(into, at.name) if target.endswith("/") else into))
			else:
				raise SystemExit("COPY: there is no %s" % at)
		digest = hashlib.sha256()
		for at, there in pairs:
			data = os.readlink(at).encode() if at.is_symlink() else at.read_bytes()
			digest.update(("%s %o %d\n" % (there, at.lstat().st_mode, len(data))).encode() + data)

		def make(upper):
			for at, there in pairs:
				to = upper / there
				self.folders(upper, os.path.dirname(there))
				shutil.copy2(at, to, follow_symlinks=False)
				os.chown(to, 0, 0, follow_symlinks=False)
				if mode is not None:
					to.chmod(mode)

		self.layer("COPY %s %s" % (rest, digest.hexdigest()), make)

	def folders(self, upper, there):
		"""Make folders as they are below, a link in place of one followed."""
		at = upper
		for part in pathlib.Path(there).parts:
			at = at / part
			if not at.exists():
				below = [layer / at.relative_to(upper) for layer in reversed(self.layers)]
				old = next((path for path in below if path.is_dir()), None)
				at.mkdir()
				at.chmod(old.stat().st_mode & 0o7777 if old else 0o755)
				if old:
					os.chown(at, old.stat().st_uid, old.stat().st_gid)

	def say(self, word, rest):
		if word == "ENV":
			for pair in shlex.split(rest):
				name, _, value = pair.partition("=")
				self.about["ENV"][name] = value
		elif word in ("ENTRYPOINT", "CMD"):
			self.about[word] = json.loads(rest)
		else:
			self.about[word] = rest


class Builder:
	def __init__(self, cache, dockerfile, context, given):
		self.cache, self.dockerfile, self.context = cache, dockerfile, context
		self.given, self.skip, self.stages = given, ignored(context), {}

	def base(self, name):
		"""The tree of FROM NAME by debootstrap."""
		if name not in BASES:
			raise SystemExit("FROM %s: expected %s" % (name, " or ".join(BASES)))
		folder = self.cache / ("base-" + BASES[name])
		if not folder.exists():
			fresh = self.cache / ("new.base-%d" % os.getpid())
			try:
				subprocess.run(["debootstrap", "--variant=minbase", BASES[name], str(fresh)],
					stdin=subprocess.DEVNULL, stdout=sys.stderr, check=True)
				(fresh / "etc/apt/sources.list").write_text(SOURCES)
				(fresh / "etc/resolv.conf").unlink(missing_ok=True)
				for part in ("var/cache/apt/archives", "var/lib/apt/lists"):
					shutil.rmtree(fresh / part)
					(fresh / part).mkdir()
				fresh.rename(folder)
			finally:
				shutil.rmtree(fresh, ignore_errors=True)
		return folder

	def part_of(self, name, paths):
		"""A folder with what stage NAME has at PATHS, for COPY --from."""
		if name in self.given:
			return self.given[name]
		if name not in self.stages:
			raise SystemExit("--from=%s: no stage above has that name" % name)
		stage = self.stages[name]
		flat = self.cache / hashlib.sha256(
			"\n".join([stage.key, *paths]).encode()).hexdigest()[:24]
		if not flat.exists():
			fresh = pathlib.Path(tempfile.mkdtemp(dir=self.cache, prefix="new."))
			for path in paths:
				for layer in stage.layers:
					at = layer / path.strip("/")
					if at.is_dir():
						to = fresh / path.strip("/")
						to.mkdir(parents=True, exist_ok=True)
						subprocess.run(["cp", "-a", str(at) + "/.", str(to)], check=True)
			fresh.rename(flat)
		return flat

	def build(self):
		stage = None
		for word, rest in instructions(self.dockerfile):
			if word == "FROM":
				words = rest.split()
				name = words[2] if len(words) == 3 and words[1].upper() == "AS" else None
				stage = None if name in self.given else \
					Stage(self, self.base(words[0]), words[0])
				if name:
					self.stages[name] = stage
				continue
			if stage is None:
				if word in META + ("RUN", "COPY"):
					continue
			elif word == "RUN":
				if stage.about["USER"] != "0:0":
					raise SystemExit("RUN behind USER is not known here")
				stage.run(rest)
				continue
			elif word == "COPY":
				stage.copy(rest)
				continue
			elif word in META:
				stage.say(word, rest)
				continue
			raise SystemExit("%s is not known here" % word)
		return stage


def prune(cache, used):
	"""Take away what nobody has used for a day."""
	old = time.time() - 24 * 3600
	for path in cache.iterdir():
		if path.name not in used and path.is_dir() and not path.name.startswith("base-") and \
				path.lstat().st_mtime < old:
			shutil.rmtree(path, ignore_errors=True)


def main():
	cache, dockerfile, context, *given = sys.argv[1:]
	cache = pathlib.Path(cache).resolve()
	cache.mkdir(parents=True, exist_ok=True)
	lock = open(cache / "lock", "w")
	fcntl.flock(lock, fcntl.LOCK_EX)
	stage = Builder(cache, pathlib.Path(dockerfile), pathlib.Path(context).resolve(),
		{name: pathlib.Path(folder) for name, _, folder in
			(word.partition("=") for word in given)}).build()
	prune(cache, {path.name for path in stage.layers})
	for layer in stage.layers:
		print(layer)
	print(json.dumps(stage.about))


main()
