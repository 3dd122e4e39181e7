# Verifies name and password for qr-login: ACCOUNTS_VERIFY_URL=https://…/verify. Only the standard library.
import base64, hashlib, hmac, json, os, time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

KEY = base64.b64decode(os.environ["ACCOUNTS_VERIFY_SECRET"].removeprefix("whsec_"))
PEOPLE = {"mei": ("correct horse", {"id": "user-1", "name": "Mei Tan", "groups": ["staff"]})}

def find_person(username, password):
    """The person, or None. Your table or your sign-in endpoint instead; for LDAP: verify_ldap.py."""
    expected, person = PEOPLE.get(username, (None, None))
    return person if password == expected else None

def serve(find_person):
    class Verify(BaseHTTPRequestHandler):
        def do_POST(self):
            body = self.rfile.read(int(self.headers["content-length"]))
            sent_at = self.headers.get("webhook-timestamp", "")
            signed = f"{self.headers.get('webhook-id')}.{sent_at}.".encode() + body
            expected = "v1," + base64.b64encode(hmac.digest(KEY, signed, hashlib.sha256)).decode()
            is_signed = hmac.compare_digest(expected, self.headers.get("webhook-signature", ""))
            if not is_signed or abs(time.time() - int(sent_at)) > 300:
                return self.answer(400)
            # An exception closes the connection: for qr-login the endpoint is unavailable.
            person = find_person(**json.loads(body))
            self.answer(401 if person is None else 200, person)

        def answer(self, status, person=None):
            self.send_response(status)
            self.end_headers()
            self.wfile.write(json.dumps(person).encode())

    ThreadingHTTPServer(("", int(os.environ.get("PORT", 8080))), Verify).serve_forever()

if __name__ == "__main__":
    serve(find_person)
