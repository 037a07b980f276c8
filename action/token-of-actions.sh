#!/bin/sh
# A credential helper of git (gitcredentials(7)) that asks GitHub Actions for a new OIDC token each time, because one is
# valid for five minutes: token-of-actions.sh AUDIENCE get
# https://docs.github.com/en/actions/reference/security/oidc#methods-for-requesting-the-oidc-token
set -eu
[ "$2" = get ] || exit 0

# The header comes from standard input: every user of the machine can read the arguments of a program.
answer=$(printf 'header = "Authorization: bearer %s"\n' "$ACTIONS_ID_TOKEN_REQUEST_TOKEN" |
  curl --config - --silent --show-error --fail --retry 3 --max-time 20 \
    --get --data-urlencode "audience=$1" "$ACTIONS_ID_TOKEN_REQUEST_URL") || exit 1
token=$(printf '%s' "$answer" | sed -n 's/.*"value" *: *"\([A-Za-z0-9._-]*\)".*/\1/p')
[ -n "$token" ] || { echo "GitHub Actions gave no OIDC token" >&2; exit 1; }
printf 'username=oidc\npassword=%s\n' "$token"
