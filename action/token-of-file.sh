#!/bin/sh
# A credential helper of git (gitcredentials(7)) that answers with the token in a file: token-of-file.sh FILE get
set -eu
[ "$2" = get ] || exit 0
printf 'username=x-access-token\npassword=%s\n' "$(cat "$1")"
