"""ldap_server.py - a scratch slapd with a few people in it.

	uid=bob,ou=people,dc=example,dc=net	password bobs secret, mail bob@example.net
	uid=amy,ou=people,...			password amys
	uid=twin,ou=people,... and uid=twin,ou=more,...	password twins
	cn=finder,dc=example,dc=net		password found, the one who may search
"""

import pathlib
import shutil

from scratch import can_connect, end, free_port, give_to, run, spawn, wait_for

SLAPD = pathlib.Path("/usr/sbin/slapd")
SCHEMA = pathlib.Path("/etc/ldap/schema")
MODULES = pathlib.Path("/usr/lib/ldap")
BASE = "dc=example,dc=net"
FINDER = "cn=finder," + BASE
PEOPLE = [
	("uid=bob,ou=people", "bob", "bobs secret"),
	("uid=amy,ou=people", "amy", "amys"),
	("uid=twin,ou=people", "twin", "twins"),
	("uid=twin,ou=more", "twin", "twins"),
]

CONF = """
include {schema}/core.schema
include {schema}/cosine.schema
include {schema}/inetorgperson.schema
modulepath {modules}
moduleload back_ldif
pidfile {folder}/pid
TLSCertificateFile {certs}/server.crt
TLSCertificateKeyFile {folder}/server.key
TLSCACertificateFile {certs}/ca.crt
database ldif
suffix "{base}"
directory {folder}/data
rootdn "cn=root,{base}"
rootpw root
access to attrs=userPassword by anonymous auth by * none
access to * by dn.exact="{finder}" read by anonymous {anonymous} by * none
"""

LDIF = """dn: {base}
objectClass: dcObject
objectClass: organization
o: example
dc: example

dn: ou=people,{base}
objectClass: organizationalUnit
ou: people

dn: ou=more,{base}
objectClass: organizationalUnit
ou: more

dn: {finder}
objectClass: applicationProcess
objectClass: simpleSecurityObject
cn: finder
userPassword: found

"""

PERSON = """dn: {dn},{base}
objectClass: inetOrgPerson
uid: {uid}
cn: {uid}
sn: {uid}
mail: {uid}@example.net
userPassword: {password}

"""


def available():
	return SLAPD.exists() and SCHEMA.exists()


class LdapServer:
	"""slapd on a port of its own, with TLS by CERTS (scratch.certificates), in FOLDER."""

	def __init__(self, folder, certs, anonymous_search=True):
		self.folder, self.process = folder, None
		self.port, self.tls_port = free_port(), free_port()
		folder.mkdir(mode=0o755)
		(folder / "data").mkdir()
		shutil.copy(certs / "server.key", folder / "server.key")
		self.conf, self.log = folder / "slapd.conf", folder / "slapd.log"
		self.conf.write_text(
			CONF.format(
				schema=SCHEMA,
				modules=MODULES,
				folder=folder,
				certs=certs,
				base=BASE,
				finder=FINDER,
				anonymous="read" if anonymous_search else "none",
			)
		)
		people = "".join(
			PERSON.format(dn=dn, base=BASE, uid=uid, password=password)
			for dn, uid, password in PEOPLE
		)
		ldif = folder / "people.ldif"
		ldif.write_text(LDIF.format(base=BASE, finder=FINDER) + people)
		run("/usr/sbin/slapadd", "-f", self.conf, "-l", ldif)
		for path in [folder, folder / "server.key", *folder.glob("data/**/*"), folder / "data"]:
			give_to("nobody", path)

	def start(self):
		uris = "ldap://127.0.0.1:%d ldaps://127.0.0.1:%d" % (self.port, self.tls_port)
		self.process = spawn(
			"nobody", [SLAPD, "-f", self.conf, "-h", uris, "-d", "0"], self.log
		)
		wait_for("slapd to accept, see %s" % self.log, self.accepts)
		return self

	def accepts(self):
		assert self.process.poll() is None, self.log.read_text()
		return can_connect(self.port) and can_connect(self.tls_port)

	def stop(self):
		if self.process:
			end(self.process)
