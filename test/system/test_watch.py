"""reload_on_change: files that are changed in any of the ways that people and clusters have,
and nobody tells the pooler."""

import os
import shutil
import types

import pytest

from scratch import free_port, give_to, wait_for
from servers import PEER, Pooler

pytestmark = pytest.mark.skipif(PEER, reason="what is asked here is pgweir's own")

SECONDS = 30  # it looks every two, and a sanitizer's build shares its machine


@pytest.fixture
def pooler(folder, certs):
	"""A pooler before no server at all: only its console is asked."""
	nobody = types.SimpleNamespace(port=free_port())
	pooler = Pooler(nobody, folder / ("watch-" + os.urandom(4).hex()), certs,
		reload_on_change=1, default_pool_size=5, query_wait_notify=0,
		admin_users="admin,later")
	yield pooler
	pooler.stop()


def logged(pooler, part):
	return pooler.log.read_text(errors="replace").count(part)


def setting(pooler, name):
	return {row["key"]: row["value"] for row in pooler.console("show config")}[name]


def becomes(pooler, name, value):
	wait_for("%s = %s" % (name, value), lambda: setting(pooler, name) == value, SECONDS)


def test_a_folder_that_is_swapped_is_read(pooler):
	"""As Kubernetes does: links through ..data, which from one moment to the next leads
	elsewhere; and the file includes another one, which was empty."""
	live = pooler.folder / "live"
	live.mkdir()
	pooler.settings["auth_file"] = live / "users.txt"
	names = ["pgweir.ini", "users.txt", "more.ini"]

	def version(name, users, more):
		(live / name).mkdir()
		pooler.write_files()
		(live / name / "pgweir.ini").write_text(
			pooler.ini.read_text() + "%%include %s/more.ini\n" % live)
		(live / name / "users.txt").write_text(users)
		(live / name / "more.ini").write_text(more)

	def lead_to(name):
		(live / "..new").symlink_to(name)
		(live / "..new").rename(live / "..data")

	version("..1", '"admin" "a"\n', "")
	lead_to("..1")
	for name in names:
		(live / name).symlink_to("..data/" + name)
	written, pooler.ini = pooler.ini, live / "pgweir.ini"
	pooler.start()
	assert setting(pooler, "default_pool_size") == "5"
	pooler.ini = written
	version("..2", '"admin" "a"\n"later" "b"\n', "default_pool_size = 9\n")
	lead_to("..2")
	shutil.rmtree(live / "..1")
	becomes(pooler, "default_pool_size", "9")
	assert "later" in {row["name"] for row in pooler.console("show users")}
	assert logged(pooler, "files have changed, reloading") == 1
	# an included file alone, written to in its place
	(live / "..2/more.ini").write_text("default_pool_size = 11\n")
	becomes(pooler, "default_pool_size", "11")
	assert logged(pooler, "files have changed, reloading") == 2
	assert not logged(pooler, "unchanged: all settings")


def test_a_fault_is_said_once_and_what_was_in_force_stays(pooler):
	pooler.start()
	good = pooler.ini.read_text()
	pooler.ini.write_text(good + "default_pool_size = many\n")
	wait_for("a refusal", lambda: logged(pooler, "reload failed"), SECONDS)
	assert setting(pooler, "default_pool_size") == "5"
	# a good file that needs another one, which comes later, as Secrets do
	later = pooler.folder / "later.crt"
	pooler.ini.write_text(good + "default_pool_size = 6\nclient_tls_ca_file = %s\n" % later)
	wait_for("a refusal", lambda: logged(pooler, "reload failed") == 2, SECONDS)
	assert setting(pooler, "default_pool_size") == "5"
	shutil.copy(pooler.settings["client_tls_cert_file"], later)
	give_to("nobody", later)
	becomes(pooler, "default_pool_size", "6")
	assert logged(pooler, "reload failed") == 2
	assert logged(pooler, "files have changed, reloading") == 3
	# told by somebody else, it has nothing to add
	pooler.ini.write_text(good)
	pooler.reload()
	becomes(pooler, "default_pool_size", "5")
	pooler.console("set reload_on_change = 0")
	assert logged(pooler, "files have changed, reloading") == 3
