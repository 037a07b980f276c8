import { setTimeout as sleep } from "node:timers/promises";
import type { Random } from "../../random.js";
import type { StatusFault } from "../../standin/index.js";
import type { Kind, Undo } from "../kind.js";
import { changes } from "../traffic.js";
import type { World } from "../world.js";

const STATUSES = [401, 403, 404, 429, 451, 500, 502, 503, 504];
/** What a proxy before GitHub answers, with any status. */
const HTML =
  "<!DOCTYPE html>\n<html><head><title>Unicorn!</title></head><body>This page is taking too long</body></html>\n";
const MANY = 1_000_000;
const SOME = 3;

export const UPSTREAM_KINDS: Kind[] = [
  { name: "upstream-stalls", inflict: stall },
  { name: "upstream-resets", inflict: reset },
  { name: "upstream-truncates", inflict: truncate },
  { name: "upstream-stale", inflict: serveStale },
  { name: "upstream-refuses-tokens", inflict: refuseTokens },
  { name: "upstream-status", inflict: gitStatus },
  { name: "upstream-html", inflict: gitHtml },
  { name: "api-status", inflict: apiStatus },
  { name: "api-html", inflict: apiHtml },
  { name: "api-limit", inflict: limit },
  { name: "api-stalls", inflict: stallApi },
  { name: "api-breaks", inflict: breakApi },
];

/** The fault lasts long enough for a few tries. */
const lasts = (random: Random): Promise<void> => sleep(200 + random.below(2_500));

async function stall(world: World, random: Random): Promise<Undo> {
  const { faults } = world.standin;
  faults.hangGit = true;
  await changes(world, random, 2);
  await lasts(random);
  return async () => {
    faults.hangGit = false;
  };
}

/** Every connection is reset, and none is accepted for a while. */
async function reset(world: World, random: Random): Promise<Undo> {
  await changes(world, random, 2);
  await sleep(random.below(200));
  await world.standin.down();
  await lasts(random);
  return () => world.standin.up();
}

async function truncate(world: World, random: Random): Promise<Undo> {
  const { faults } = world.standin;
  faults.truncate = 1 + random.below(600);
  faults.truncateTimes = SOME;
  await changes(world, random, 2);
  await lasts(random);
  return async () => {
    faults.truncate = 0;
  };
}

/** A replica serves the old tips for some seconds after the delivery. */
async function serveStale(world: World, random: Random): Promise<Undo> {
  const repo = random.pick(world.repos)!;
  await world.standin.serveStale(repo, 500 + random.below(4_000));
  await changes(world, random, 3);
  await lasts(random);
  return async () => world.standin.stopStale(repo);
}

async function refuseTokens(world: World, random: Random): Promise<Undo> {
  if (random.chance(0.5)) world.standin.world.expireTokens();
  world.standin.faults.refuseTokens = random.below(4);
  await changes(world, random, 2);
  await lasts(random);
  return async () => {
    world.standin.faults.refuseTokens = 0;
  };
}

function statusFault(random: Random): StatusFault {
  const status = random.pick(STATUSES)!;
  const asksToWait = status === 429 || (status === 503 && random.chance(0.5));
  const times = random.chance(0.5) ? 1 + random.below(SOME) : MANY;
  const headers = asksToWait ? { "retry-after": String(1 + random.below(3)) } : undefined;
  return headers === undefined ? { status, times } : { status, times, headers };
}

function gitStatus(world: World, random: Random): Promise<Undo> {
  return gitFault(world, random, statusFault(random));
}

function gitHtml(world: World, random: Random): Promise<Undo> {
  return gitFault(world, random, { status: random.pick([200, 403, 502, 503])!, times: MANY, html: HTML });
}

async function gitFault(world: World, random: Random, fault: StatusFault): Promise<Undo> {
  world.note(`git answers ${JSON.stringify(fault)}`);
  world.standin.faults.gitStatus = fault;
  await changes(world, random, 2);
  await lasts(random);
  return async () => {
    world.standin.faults.gitStatus = undefined;
  };
}

async function apiFault(world: World, random: Random, fault: StatusFault): Promise<Undo> {
  world.note(`REST answers ${fault.status} ${fault.times} times`);
  world.standin.faults.restStatus = fault;
  await changes(world, random, 2);
  // A new token, and a look at the name, have Lockstep call.
  if (random.chance(0.5)) world.standin.world.expireTokens();
  await lasts(random);
  return async () => {
    world.standin.faults.restStatus = undefined;
  };
}

function apiStatus(world: World, random: Random): Promise<Undo> {
  return apiFault(world, random, statusFault(random));
}

function apiHtml(world: World, random: Random): Promise<Undo> {
  return apiFault(world, random, { status: random.pick([200, 403, 502, 503])!, times: MANY, html: HTML });
}

async function limit(world: World, random: Random): Promise<Undo> {
  world.standin.faults.secondaryLimit(1 + random.below(3), SOME);
  await changes(world, random, 2);
  await lasts(random);
  return async () => world.standin.faults.secondaryLimit(1, 0);
}

async function stallApi(world: World, random: Random): Promise<Undo> {
  const { faults } = world.standin;
  faults.hangRest = true;
  await changes(world, random, 2);
  if (random.chance(0.5)) world.standin.world.expireTokens();
  await lasts(random);
  return async () => {
    faults.hangRest = false;
  };
}

/** Connections are reset before an answer, or in the middle of its JSON. */
async function breakApi(world: World, random: Random): Promise<Undo> {
  const { faults } = world.standin;
  faults.brokenRest = { times: MANY, afterBytes: random.chance(0.5) ? 0 : 1 + random.below(100) };
  world.note(`REST breaks off after ${faults.brokenRest.afterBytes} bytes`);
  await changes(world, random, 2);
  if (random.chance(0.5)) world.standin.world.expireTokens();
  await lasts(random);
  return async () => {
    faults.brokenRest.times = 0;
  };
}
