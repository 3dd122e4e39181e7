# Verifies name and password for qr-login: ACCOUNTS_VERIFY_URL=https://…/verify. Only the standard library.
import base64, hashlib, hmac, json, os, time
from http.server import BaseHTTPRequestHandler, HTTPServer

KEY = base64.b64decode(os.environ["ACCOUNTS_VERIFY_SECRET"].removeprefix("whsec_"))
# Your directory instead: a table, LDAP, an existing sign-in endpoint.
PEOPLE = {"mei": ("correct horse", {"id": "user-1", "name": "Mei Tan", "groups": ["staff"]})}

class Verify(BaseHTTPRequestHandler):
    def do_POST(self):
        body = self.rfile.read(int(self.headers["content-length"]))
        sent_at = self.headers["webhook-timestamp"]
        signed = f"{self.headers['webhook-id']}.{sent_at}.".encode() + body
        expected = "v1," + base64.b64encode(hmac.digest(KEY, signed, hashlib.sha256)).decode()
        if not hmac.compare_digest(expected, self.headers["webhook-signature"]) or abs(time.time() - int(sent_at)) > 300:
            return self.answer(400)
        given = json.loads(body)
        password, person = PEOPLE.get(given["username"], (None, None))
        self.answer(200, person) if given["password"] == password else self.answer(401)

    def answer(self, status, person=None):
        self.send_response(status)
        self.end_headers()
        self.wfile.write(json.dumps(person).encode())

HTTPServer(("", int(os.environ.get("PORT", 8080))), Verify).serve_forever()
