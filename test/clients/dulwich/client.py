"""One step of dulwich against a server: client.py STEP URL DIR [ARGUMENT]. See ../programs.ts."""

import os
import sys

from dulwich import porcelain
from dulwich.client import get_transport_and_path
from dulwich.repo import Repo

CREDENTIALS = {"username": os.environ["READER_USER"], "password": os.environ["READER_PASSWORD"]}
EVERYTHING = 0x7FFFFFFF


def fetch_only(directory, url, id_of, ref):
    """Fetches one object into a new repository, and points a ref at it."""
    repository = Repo.init(directory, mkdir=not os.path.exists(directory))
    client, path = get_transport_and_path(url, **CREDENTIALS)
    fetched = []

    def determine_wants(refs, depth=None):
        fetched.append(id_of(refs))
        return fetched

    client.fetch(path, repository, determine_wants=determine_wants)
    repository.refs[ref] = fetched[0]


def main(step, url, directory, argument=""):
    if step == "list":
        for name, value in porcelain.ls_remote(url, **CREDENTIALS).items():
            print(value.decode(), name.decode())
    elif step == "clone":
        porcelain.clone(url, directory, **CREDENTIALS)
    elif step == "fetch":
        porcelain.fetch(directory, "origin", **CREDENTIALS)
    elif step == "shallow":
        porcelain.clone(url, directory, depth=1, **CREDENTIALS)
    elif step == "deepen":
        porcelain.fetch(directory, "origin", depth=int(argument), **CREDENTIALS)
    elif step == "unshallow":
        porcelain.fetch(directory, "origin", depth=EVERYTHING, **CREDENTIALS)
    elif step == "single":
        branch = b"refs/heads/" + argument.encode()
        fetch_only(directory, url, lambda refs: refs[branch], b"refs/remotes/origin/" + argument.encode())
    elif step == "sha":
        fetch_only(directory, url, lambda refs: argument.encode(), b"refs/heads/fetched")
    else:
        raise SystemExit(f"{step} is unknown")


main(*sys.argv[1:])
