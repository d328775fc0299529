"""database.py - the PostgreSQL of a deployment, on a machine of its own, port 5432."""

import psycopg
import pytest

import servers
from deploy.machine import Machine


def programs(version=None):
	"""(version, folder of programs): VERSION's if this machine has it, else any."""
	found = servers.server_programs()
	if not found:
		pytest.skip("no PostgreSQL server programs on this machine")
	version = version if version in found else min(found)
	return version, found[version]


class Database(servers.PostgreSQL):
	"""A server with TLS and the pg_hba.conf lines HBA after the ones for the tests'
	own superuser. CERTIFICATE is (certificate, key, authority of clients)."""

	def __init__(self, network, folder, certificate, hba, version=None, ident=(),
			max_connections=100, **settings):
		self.machine = network.join(Machine())
		self.hba, self.ident, self.more = hba, ident, settings
		super().__init__(*programs(version), folder, certificate, max_connections)

	def configure(self, certs, max_connections):
		self.port = 5432
		settings = {
			"listen_addresses": "*",
			"port": self.port,
			"unix_socket_directories": "",
			"max_connections": max_connections,
			"fsync": "off",
			"shared_buffers": "16MB",
			"autovacuum": "off",
			"log_min_messages": "log",
			**self.more,
		}
		if certs:
			settings.update(ssl="on", ssl_cert_file="server.crt",
				ssl_key_file="server.key", ssl_ca_file="client-ca.crt")
			for name, file in zip(("server.crt", "server.key", "client-ca.crt"), certs):
				target = self.data / name
				target.write_bytes(file.read_bytes())
				target.chmod(0o600)
				servers.give_to("postgres", target)
		with open(self.data / "postgresql.conf", "a") as conf:
			conf.writelines("%s = '%s'\n" % pair for pair in settings.items())
		lines = ["host all postgres 127.0.0.1/32 trust", *self.hba]
		(self.data / "pg_hba.conf").write_text("\n".join(lines) + "\n")
		(self.data / "pg_ident.conf").write_text("\n".join([*self.ident, ""]))

	def start(self):
		with self.machine.inside():
			return super().start()

	def sql(self, text, database="postgres"):
		with self.machine.inside():
			return super().sql(text, database)

	def connect(self, database="postgres"):
		"""A connection of the superuser, past the pooler."""
		with self.machine.inside():
			return psycopg.connect(host="127.0.0.1", port=self.port, user="postgres",
				dbname=database, autocommit=True)

	def role(self, name, password=None, encryption="scram-sha-256", options="login"):
		"""Make a role; unless OPTIONS say otherwise it may log in."""
		self.sql('set password_encryption = \'%s\'; create role "%s" %s %s' % (
			encryption, name, options,
			"password '%s'" % password.replace("'", "''") if password else ""))

	def database(self, name, owner):
		self.sql('create database "%s" owner "%s"' % (name, owner))

	def verifier(self, name):
		return self.sql("select rolpassword from pg_authid where rolname = '%s'" % name)[0][0]
