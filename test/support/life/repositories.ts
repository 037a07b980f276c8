import { changed } from "../../../tools/standin/index.js";
import type { Act, Call, Life, Population } from "./population.js";

const FEWEST = 6;
const MOST = 10;

const isSelected = ({ repo }: Life): boolean => repo.installation !== null;

export const repositoryActs: Act[] = [
  {
    weight: 5,
    async act(population) {
      const life = population.any()!;
      const { repo } = life;
      const former = repo.name;
      const name = population.freeName(repo.owner);
      if (name === undefined) return null;
      population.standin.renameRepository(repo, name);
      population.note(life, `renamed to ${name}`);
      const details = { repo, changes: changed.name(former) };
      return population.report("repository", "renamed", details, repo.installation);
    },
  },
  { weight: 4, act: async (population) => transfer(population) },
  {
    weight: 3,
    async act(population) {
      const life = population.any(isSelected);
      if (!life) return null;
      const installation = life.repo.installation!;
      population.standin.removeRepository(life.repo);
      population.note(life, "taken from the App");
      const details = { installation, repositories: [life.repo] };
      return population.report("installation_repositories", "removed", details, installation);
    },
  },
  {
    weight: 6,
    async act(population) {
      const life = population.any((it) => !isSelected(it) && population.accountOf(it).installation !== null);
      if (!life) return null;
      const installation = population.accountOf(life).installation!;
      population.standin.addRepository(life.repo, installation);
      population.note(life, "given to the App");
      const details = { installation, repositories: [life.repo] };
      return population.report("installation_repositories", "added", details, installation);
    },
  },
  {
    weight: 2,
    async act(population) {
      const life = population.alive.length > FEWEST ? population.any() : undefined;
      if (!life) return null;
      const { repo } = life;
      const calls = population.report("repository", "deleted", { repo }, repo.installation);
      await population.standin.deleteRepository(repo);
      life.deleted = true;
      population.note(life, "deleted");
      return calls;
    },
  },
  {
    weight: 3,
    async act(population) {
      const account = population.random.pick(population.accounts)!;
      const life = population.alive.length < MOST ? await population.found(account) : null;
      return life && population.report("repository", "created", { repo: life.repo }, life.repo.installation);
    },
  },
  {
    weight: 5,
    async act(population) {
      const life = population.any();
      const branches = [...(life?.refs.keys() ?? [])].filter((ref) => ref.startsWith("refs/heads/"));
      const branch = population.random.pick(branches)?.slice("refs/heads/".length);
      if (!life || !branch || branch === life.repo.defaultBranch) return null;
      const changes = changed.defaultBranch(life.repo.defaultBranch);
      await population.standin.setDefaultBranch(life.repo, branch);
      population.note(life, `default branch ${branch}`);
      return population.report("repository", "edited", { repo: life.repo, changes }, life.repo.installation);
    },
  },
  {
    weight: 2,
    async act(population) {
      const { repo } = population.any()!;
      population.standin.archiveRepository(repo, !repo.archived);
      const action = repo.archived ? "archived" : "unarchived";
      return population.report("repository", action, { repo }, repo.installation);
    },
  },
  {
    weight: 2,
    async act(population) {
      const { repo } = population.any()!;
      population.standin.setPrivate(repo, !repo.private);
      const action = repo.private ? "privatized" : "publicized";
      return population.report("repository", action, { repo }, repo.installation);
    },
  },
];

/** Transfers to another account, whose installation may not include every repository. */
function transfer(population: Population): Call[] | null {
  const life = population.any()!;
  const { repo } = life;
  const { standin, random } = population;
  const account = random.pick(population.accounts.filter(({ login }) => login !== repo.owner))!;
  if (standin.world.find(account.login, repo.name)) return null;
  const former = { login: repo.owner, installation: repo.installation };
  const to = random.chance(0.7) ? account.installation : null;
  standin.transferRepository(repo, to, account.login);
  population.note(life, `transferred to ${account.login}, ${to ? "with" : "without"} the App`);
  const changes = changed.owner(former.login, former.installation?.accountId ?? 1);
  const left = former.installation && { installation: former.installation, repositories: [repo] };
  const came = to && { installation: to, repositories: [repo] };
  return [
    ...(left ? population.report("installation_repositories", "removed", left, former.installation) : []),
    ...(came ? population.report("installation_repositories", "added", came, to) : []),
    ...population.report("repository", "transferred", { repo, changes }, to),
  ];
}
