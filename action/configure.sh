#!/bin/sh
# Has git in the later steps of a job read from the mirror. The settings are variables of the job (git-config(1),
# GIT_CONFIG_COUNT; git 2.31 or newer), so that nothing of them is left on a machine that runs other jobs.
set -eu

fail() {
  echo "::error::$1"
  exit 1
}

mirror=${MIRROR%/}
audience=${MIRROR_AUDIENCE:-$mirror}
server=${GITHUB_SERVER_URL:-https://github.com}
case $mirror in
  https://* | http://127.0.0.1:*) ;;
  *) fail "mirror must be an https address, such as https://mirror.example.com" ;;
esac
# Each is written into a line of a file, and the audience into a command of a shell.
case $mirror$audience$server in
  *[!A-Za-z0-9:/._~@%+-]*) fail "mirror and audience may have letters, digits and :/._~@%+- alone" ;;
esac

count=${GIT_CONFIG_COUNT:-0}
set_config() {
  printf 'GIT_CONFIG_KEY_%s=%s\nGIT_CONFIG_VALUE_%s=%s\n' "$count" "$1" "$count" "$2" >> "$GITHUB_ENV"
  count=$((count + 1))
}

set_config "url.$mirror/.insteadOf" "$server/"
# Lockstep takes no pushes. This one rule keeps the rule above from rewriting the addresses of pushes.
set_config "url.$server/.pushInsteadOf" "$server/"
# No other helper answers for the mirror, or keeps its tokens.
set_config "credential.$mirror.helper" ""
if [ -n "$MIRROR_TOKEN" ]; then
  echo "::add-mask::$MIRROR_TOKEN"
  file=$RUNNER_TEMP/lockstep-mirror-token
  (umask 077 && printf '%s' "$MIRROR_TOKEN" > "$file")
  set_config "credential.$mirror.helper" "!sh '$GITHUB_ACTION_PATH/token-of-file.sh' '$file'"
else
  [ -n "${ACTIONS_ID_TOKEN_REQUEST_URL:-}" ] ||
    fail "there are no OIDC tokens in this job: give it the permission id-token: write, or this action a token"
  set_config "credential.$mirror.helper" "!sh '$GITHUB_ACTION_PATH/token-of-actions.sh' '$audience'"
fi
echo "GIT_CONFIG_COUNT=$count" >> "$GITHUB_ENV"
