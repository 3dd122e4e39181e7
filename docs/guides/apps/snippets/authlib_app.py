# An app with Authlib and Python's own server. The redirect URI is {the app}/callback.
#   apt-get install python3-authlib python3-requests
import json
import os
import secrets
from http.cookies import SimpleCookie
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import urlsplit

import requests
from authlib.integrations.requests_client import OAuth2Session
from authlib.jose import JsonWebKey, jwt
from authlib.oidc.core import CodeIDToken

ISSUER, APP_URL = os.environ["QR_LOGIN_ISSUER"], os.environ["APP_URL"]
PROVIDER = requests.get(ISSUER + "/.well-known/openid-configuration", timeout=10).json()
SESSIONS = {}  # Your session store instead: by the value of the cookie.


def new_client():
    return OAuth2Session(
        os.environ["QR_LOGIN_CLIENT_ID"],
        os.environ["QR_LOGIN_CLIENT_SECRET"],
        token_endpoint_auth_method="client_secret_basic",
        scope="openid profile email groups",
        redirect_uri=APP_URL + "/callback",
        code_challenge_method="S256",
    )


def read_claims(client_id, token, nonce):
    keys = JsonWebKey.import_key_set(requests.get(PROVIDER["jwks_uri"], timeout=10).json())
    options = {"iss": {"value": ISSUER}, "aud": {"value": client_id}}
    params = {"nonce": nonce, "client_id": client_id}
    claims = jwt.decode(token["id_token"], keys, CodeIDToken, options, params)
    claims.validate(leeway=60)
    return claims


class App(BaseHTTPRequestHandler):
    def log_request(self, *_):
        pass  # The address of the callback has the code.

    def do_GET(self):
        path = urlsplit(self.path).path
        cookies = SimpleCookie(self.headers.get("Cookie", ""))
        sid = cookies["session"].value if "session" in cookies else ""
        if path == "/sign-in":
            return self.sign_in()
        if path == "/callback":
            return self.callback(SESSIONS.pop(sid, {}))
        person = SESSIONS.get(sid, {}).get("person")
        if person is None:
            return self.answer(401, "text/html", '<a href="/sign-in">Sign in</a>')
        return self.answer(200, "application/json", json.dumps(person))

    def sign_in(self):
        verifier, nonce = secrets.token_urlsafe(32), secrets.token_urlsafe(32)
        url, state = new_client().create_authorization_url(
            PROVIDER["authorization_endpoint"], nonce=nonce, code_verifier=verifier
        )
        self.redirect(url, {"verifier": verifier, "nonce": nonce, "state": state})

    def callback(self, session):
        if "state" not in session:
            return self.redirect("/sign-in", {})
        with new_client() as client:
            # Compares the state, and raises an error of the provider.
            client.state = session["state"]
            token = client.fetch_token(
                PROVIDER["token_endpoint"],
                authorization_response=APP_URL + self.path,
                state=session["state"],
                code_verifier=session["verifier"],
            )
            claims = read_claims(client.client_id, token, session["nonce"])
        # A new session id, so that a session from before the sign-in is of no use.
        names = ("sub", "name", "email", "groups")
        return self.redirect("/", {"person": {name: claims.get(name) for name in names}})

    def redirect(self, url, session):
        sid = secrets.token_urlsafe(32)
        SESSIONS[sid] = session
        secure = "; Secure" if APP_URL.startswith("https:") else ""
        cookie = "session=" + sid + "; HttpOnly; SameSite=Lax; Path=/" + secure
        self.answer(303, "text/plain", "", {"Location": url, "Set-Cookie": cookie})

    def answer(self, status, media_type, text, headers=None):
        body = text.encode()
        self.send_response(status)
        for name, value in {"Content-Type": media_type, "Content-Length": len(body), **(headers or {})}.items():
            self.send_header(name, str(value))
        self.end_headers()
        self.wfile.write(body)


ThreadingHTTPServer(("127.0.0.1", int(os.environ["PORT"])), App).serve_forever()
