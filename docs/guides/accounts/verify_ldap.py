# Verifies name and password in an LDAP directory: ACCOUNTS_VERIFY_URL=https://…/verify. Beside verify_url.py.
import os, ssl
from ldap3 import Connection, Server, Tls
from ldap3.core.exceptions import LDAPInvalidCredentialsResult
from ldap3.utils.conv import escape_filter_chars as escape
from verify_url import serve

URL, BASE, SERVICE_DN, SERVICE_PASSWORD = (os.environ[f"LDAP_{name}"] for name in ("URL", "BASE", "DN", "PASSWORD"))
# Without `validate` ldap3 accepts every certificate. LDAP_CA: a file, for an authority of your own.
TLS = Tls(validate=ssl.CERT_REQUIRED, ca_certs_file=os.environ.get("LDAP_CA"))

def bind(dn, password):
    server = Server(URL, tls=TLS, connect_timeout=1)
    return Connection(server, dn, password, auto_bind=True, auto_referrals=False, receive_timeout=1,
                      raise_exceptions=True)

def find_person(username, password):
    # A bind with a name and an empty password is anonymous: it can succeed with any name.
    if password == "":
        return None
    with bind(SERVICE_DN, SERVICE_PASSWORD) as directory:
        directory.search(BASE, f"(&(objectClass=person)(uid={escape(username)}))",
                         attributes=["entryUUID", "uid", "cn", "mail"])
        if len(directory.entries) != 1:
            return None
        dn, found = directory.entries[0].entry_dn, directory.entries[0].entry_attributes_as_dict
        directory.search(BASE, f"(&(objectClass=groupOfNames)(member={escape(dn)}))", attributes=["cn"])
        groups = [group.cn.values[0] for group in directory.entries]
    try:
        # As bytes: for some strings ldap3 raises another error.
        bind(dn, password.encode()).unbind()
    except LDAPInvalidCredentialsResult:
        return None
    person = {"id": found["entryUUID"][0], "name": found["cn"][0], "username": found["uid"][0], "groups": groups}
    return person | ({"email": found["mail"][0]} if found["mail"] else {})

serve(find_person)
