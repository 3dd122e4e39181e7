#!/bin/sh
# Signs a program without a browser in (RFC 8628). Prints a QR code (with qrencode, where it is
# installed) and the user code, waits for the phone, and prints the tokens as JSON. Needs curl and jq.
set -eu

issuer=${ISSUER:-http://localhost:3000/oidc}
client_id=${CLIENT_ID:-cli}
scope=${SCOPE:-openid profile email offline_access}

fail() {
  echo "Not signed in: $1" >&2
  exit 1
}

endpoints=$(curl -fsS "$issuer/.well-known/openid-configuration") || fail "$issuer does not answer"
device=$(curl -sS "$(echo "$endpoints" | jq -r .device_authorization_endpoint)" \
  --data-urlencode "client_id=$client_id" --data-urlencode "scope=$scope")
error=$(echo "$device" | jq -r '.error // empty')
[ -z "$error" ] || fail "$error"

uri=$(echo "$device" | jq -r .verification_uri_complete)
if command -v qrencode > /dev/null; then qrencode -t ANSIUTF8 "$uri" >&2; else echo "$uri" >&2; fi
echo "$device" | jq -r '"Scan the code, or open \(.verification_uri) and type \(.user_code)"' >&2

interval=$(echo "$device" | jq -r '.interval // 5')
ends_at=$(($(date +%s) + $(echo "$device" | jq -r .expires_in)))
while [ "$(date +%s)" -lt "$ends_at" ]; do
  sleep "$interval"
  # The device code goes to curl by its input: other users of this machine see command lines.
  tokens=$(echo "$device" | jq -r '"device_code=" + (.device_code | @uri)' |
    curl -sS "$(echo "$endpoints" | jq -r .token_endpoint)" --data @- \
      --data-urlencode "client_id=$client_id" \
      --data-urlencode "grant_type=urn:ietf:params:oauth:grant-type:device_code")
  error=$(echo "$tokens" | jq -r '.error // empty')
  case $error in
    "")
      echo "$tokens"
      exit 0
      ;;
    authorization_pending) ;;
    slow_down) interval=$((interval + 5)) ;;
    *) fail "$error" ;;
  esac
done
fail expired_token
