import type { Account, Act, Population } from "./population.js";

const installed = ({ accounts }: Population): Account[] => accounts.filter((it) => it.installation !== null);
const active = (population: Population): Account[] =>
  installed(population).filter((it) => it.installation?.suspendedAt === null);

const noteAll = (population: Population, { login }: Account, what: string): void => {
  for (const life of population.alive) if (life.repo.owner === login) population.note(life, what);
};

/**
 * Changes of accounts and of the App's installations. One installation stays active, so that some events are
 * sent.
 */
export const ownerActs: Act[] = [
  {
    weight: 1.5,
    async act(population) {
      const account = active(population).length > 1 ? population.random.pick(active(population)) : undefined;
      const installation = account?.installation;
      if (!account || !installation) return null;
      population.standin.suspendInstallation(installation);
      noteAll(population, account, "its installation is suspended");
      return population.report("installation", "suspend", { installation }, installation);
    },
  },
  {
    weight: 4,
    async act(population) {
      const account = installed(population).find((it) => it.installation?.suspendedAt !== null);
      const installation = account?.installation;
      if (!account || !installation) return null;
      population.standin.suspendInstallation(installation, false);
      noteAll(population, account, "its installation is active again");
      return population.report("installation", "unsuspend", { installation }, installation);
    },
  },
  {
    weight: 2,
    async act(population) {
      const account = population.random.pick(installed(population));
      const login = population.freeLogin();
      const installation = account?.installation;
      if (!account || !installation || !login) return null;
      const from = account.login;
      noteAll(population, account, `its owner is renamed to ${login}`);
      population.standin.renameOwner(installation, login);
      account.login = login;
      return population.report("installation_target", "renamed", { installation, from }, installation);
    },
  },
  {
    weight: 0.7,
    async act(population) {
      const account = active(population).length > 1 ? population.random.pick(active(population)) : undefined;
      const installation = account?.installation;
      if (!account || !installation) return null;
      const calls = population.report("installation", "deleted", { installation }, installation);
      population.standin.removeInstallation(installation);
      account.installation = null;
      noteAll(population, account, "the App is uninstalled there");
      return calls;
    },
  },
  {
    weight: 3,
    async act(population) {
      const account = population.accounts.find((it) => it.installation === null && it.login !== "stranger");
      if (!account) return null;
      const installation = population.standin.createInstallation(account.login, { selection: "selected" });
      account.installation = installation;
      noteAll(population, account, "the App is installed there");
      const repositories = population.alive.filter(({ repo }) => repo.owner === account.login);
      for (const { repo } of repositories) population.standin.addRepository(repo, installation);
      return population.report("installation", "created", { installation }, installation);
    },
  },
];
