#!/bin/sh
# Signs the person who runs it in with their phone, and prints who it is: the JSON API with curl.
set -eu
login={{LOGIN_ORIGIN}}
jar=$(mktemp)
trap 'rm -f "$jar"' EXIT
api() { curl --silent --fail --cookie "$jar" --cookie-jar "$jar" --header "Origin: $login" "$@"; }
post() { api --header 'Content-Type: application/json' --data "$2" "$login/api/qr$1"; }
field() { printf %s "$attempt" | sed -n "s/.*\"$1\":\"\{0,1\}\([^\",}]*\).*/\1/p"; }

attempt=$(post '' '{}')
id=$(field id)
while [ "$(field status)" != confirmed ]; do
  case "$(field status) $(field required) $(field passed)" in
    pending*) echo "Open on your phone: $(field url)" ;;
    'scanned true false')
      printf 'The number on your phone: '
      read -r number
      attempt=$(post "/$id/match" "{\"number\":\"$number\"}" || api "$login/api/qr/$id")
      continue
      ;;
    scanned*) echo 'Now tap Sign in on your phone.' ;;
    *) echo 'Not signed in.' >&2 && exit 1 ;;
  esac
  next=$(api "$login/api/qr/$id?after=$(field version)&waitMs=20000")
  attempt=${next:-$attempt}
done
post "/$id/redeem" "{\"ticket\":\"$(field ticket)\"}"
echo
# Until then it is one of the person's computers.
api --request DELETE "$login/api/session"
