"""One step of pygit2 against a server: client.py STEP URL DIR [ARGUMENT]. See ../programs.ts."""

import os
import sys
import tempfile

import pygit2


def callbacks():
    user = pygit2.UserPass(os.environ["READER_USER"], os.environ["READER_PASSWORD"])
    return pygit2.RemoteCallbacks(credentials=user)


def list_refs(url):
    with tempfile.TemporaryDirectory() as directory:
        remote = pygit2.init_repository(directory, bare=True).remotes.create("origin", url)
        for ref in remote.ls_remotes(callbacks=callbacks()):
            print(ref["oid"], ref["name"])


def only(branch):
    refspec = f"+refs/heads/{branch}:refs/remotes/origin/{branch}"
    return lambda repository, name, url: repository.remotes.create(name, url, refspec)


def main(step, url, directory, argument=""):
    if step == "list":
        list_refs(url)
    elif step == "clone":
        pygit2.clone_repository(url, directory, callbacks=callbacks())
    elif step == "fetch":
        pygit2.Repository(directory).remotes["origin"].fetch(callbacks=callbacks())
    elif step == "single":
        pygit2.clone_repository(
            url, directory, checkout_branch=argument, remote=only(argument), callbacks=callbacks()
        )
    elif step == "sha":
        repository = pygit2.init_repository(directory)
        repository.remotes.create("origin", url).fetch([argument], callbacks=callbacks())
        repository.references.create("refs/heads/fetched", argument)
    else:
        raise SystemExit(f"{step} is unknown")


main(*sys.argv[1:])
