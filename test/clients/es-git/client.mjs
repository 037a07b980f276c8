// One step of es-git, which is libgit2, against a server: client.mjs STEP URL DIR [ARGUMENT]. See ../programs.ts.
import { cloneRepository, initRepository, openRepository } from "es-git";

const [step = "", url = "", dir = "", argument = ""] = process.argv.slice(2);
const { READER_USER: username = "", READER_PASSWORD: password = "" } = process.env;
/** @type {import("es-git").Credential} */
const credential = { type: "Plain", username, password };
/** GIT_FETCH_DEPTH_UNSHALLOW of libgit2 */
const EVERYTHING = 0x7fffffff;

/** @param {object} fetch */
const clone = (fetch) => cloneRepository(url, dir, { fetch: { credential, ...fetch } });

/** @param {import("es-git").Repository} repository @param {string[]} refspecs */
async function fetchInto(repository, refspecs, options = {}) {
  await repository.getRemote("origin").fetch(refspecs, { fetch: { credential, ...options } });
}

/** @param {string} refspec */
async function fetchOnly(refspec) {
  const repository = await initRepository(dir);
  repository.createRemote("origin", url);
  await fetchInto(repository, [refspec], { downloadTags: "None" });
}

const STEPS = {
  clone: () => clone({}),
  fetch: async () => fetchInto(await openRepository(dir), []),
  shallow: () => clone({ depth: 1 }),
  deepen: async () => fetchInto(await openRepository(dir), [], { depth: Number(argument) }),
  unshallow: async () => fetchInto(await openRepository(dir), [], { depth: EVERYTHING }),
  single: () => fetchOnly(`+refs/heads/${argument}:refs/remotes/origin/${argument}`),
  sha: () => fetchOnly(`${argument}:refs/heads/fetched`),
};

await Reflect.get(STEPS, step)();
