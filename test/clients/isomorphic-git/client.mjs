// One step of isomorphic-git against a server: client.mjs STEP URL DIR [ARGUMENT]. See ../programs.ts.
import fs from "node:fs";
import git from "isomorphic-git";
import http from "isomorphic-git/http/node";

const [step = "", url = "", dir = "", argument = ""] = process.argv.slice(2);
const { READER_USER: username = "", READER_PASSWORD: password = "" } = process.env;
const reader = { fs, http, dir, onAuth: () => ({ username, password }) };
/** The deepest that git itself asks for: https://git-scm.com/docs/gitprotocol-pack */
const EVERYTHING = 0x7fffffff;

const STEPS = {
  async list() {
    for (const { oid, ref } of await git.listServerRefs({ ...reader, url })) console.log(oid, ref);
  },
  clone: () => git.clone({ ...reader, url }),
  fetch: () => git.fetch({ ...reader, remote: "origin" }),
  shallow: () => git.clone({ ...reader, url, depth: 1, singleBranch: true }),
  deepen: () => git.fetch({ ...reader, ref: "main", singleBranch: true, depth: Number(argument) }),
  unshallow: () => git.fetch({ ...reader, ref: "main", singleBranch: true, depth: EVERYTHING }),
  single: () => git.clone({ ...reader, url, ref: argument, singleBranch: true, noTags: true }),
  async sha() {
    await git.init({ fs, dir });
    await git.addRemote({ fs, dir, remote: "origin", url });
    await git.fetch({ ...reader, remote: "origin", remoteRef: argument, singleBranch: true });
    await git.writeRef({ fs, dir, ref: "refs/heads/fetched", value: argument });
  },
};

await Reflect.get(STEPS, step)();
