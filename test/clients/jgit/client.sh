#!/bin/sh
# One step of JGit's command line against a server: client.sh STEP URL DIR [ARGUMENT]. See ../programs.ts.
set -eu
step=$1 url=${2:-} directory=${3:-} argument=${4:-}

host=${url#*://}
host=${host%%/*}
umask 077
[ -z "$url" ] || echo "machine ${host%:*} login $READER_USER password $READER_PASSWORD" > "$HOME/.netrc"

# Java's home is that of the user, whatever HOME says; without a screen nobody can be asked for a password.
export JAVA_TOOL_OPTIONS="-Duser.home=$HOME -Djava.awt.headless=true -XX:TieredStopAtLevel=1"
# Debian's script leaves out what the program loads before anything else.
jars=/usr/share/java
export JGIT_CLASSPATH="$jars/org.eclipse.jgit.lfs.jar:$jars/org.eclipse.jgit.http.apache.jar:$jars/httpclient.jar:$jars/httpcore.jar"

case $step in
  version) jgit version ;;
  list) jgit ls-remote "$url" ;;
  clone) jgit clone "$url" "$directory" ;;
  fetch) jgit --git-dir "$directory/.git" fetch origin ;;
  single) jgit init "$directory"
    jgit --git-dir "$directory/.git" fetch "$url" "refs/heads/$argument:refs/remotes/origin/$argument" ;;
  sha) jgit init "$directory"
    jgit --git-dir "$directory/.git" fetch "$url" "$argument:refs/heads/fetched" ;;
  *) echo "$step is unknown" >&2; exit 1 ;;
esac
