#!/bin/sh
# One step of git itself against a server: client.sh STEP URL DIR [ARGUMENT]. See ../programs.ts.
# READER_GIT is the git to use, READER_PROTOCOL the version of its protocol.
set -eu
step=$1 url=$2 directory=$3 argument=${4:-}

host=${url#*://}
host=${host%%/*}
umask 077
echo "machine ${host%:*} login $READER_USER password $READER_PASSWORD" > "$HOME/.netrc"

reader() { "$READER_GIT" -c "protocol.version=$READER_PROTOCOL" "$@"; }

case $step in
  list) reader ls-remote "$url" ;;
  clone) reader clone "$url" "$directory" ;;
  fetch) reader -C "$directory" fetch ;;
  shallow) reader clone --depth=1 "$url" "$directory" ;;
  deepen) reader -C "$directory" fetch --depth="$argument" ;;
  unshallow) reader -C "$directory" fetch --unshallow ;;
  filter) reader clone --no-checkout --filter="$argument" "$url" "$directory" ;;
  files) reader -C "$directory" checkout HEAD ;;
  single) reader clone --single-branch --no-tags --branch="$argument" "$url" "$directory" ;;
  sha) reader init "$directory"
    reader -C "$directory" fetch "$url" "$argument:refs/heads/fetched" ;;
  *) echo "$step is unknown" >&2; exit 1 ;;
esac
