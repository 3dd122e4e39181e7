# Says who is signed in at your site: ACCOUNTS_SESSION_URL=https://www.example.com/qr-login/person.
# The cookie of the site needs Domain=example.com, so that browsers send it to login.example.com too.
import json, os
from http.cookies import SimpleCookie
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

# Your sessions instead.
SESSIONS = {"a-session-id": {"id": "user-1", "name": "Mei Tan", "email": "mei@example.com"}}

class Session(BaseHTTPRequestHandler):
    def do_GET(self):
        cookie = SimpleCookie(self.headers.get("cookie", "")).get("sid")
        person = None if cookie is None else SESSIONS.get(cookie.value)
        self.send_response(401 if person is None else 200)
        self.end_headers()
        self.wfile.write(json.dumps(person).encode())

ThreadingHTTPServer(("", int(os.environ.get("PORT", 8081))), Session).serve_forever()
