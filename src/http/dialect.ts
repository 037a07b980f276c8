/** A remedy names a call of the API. Page and command line have words of their own for it. */
const CALLS: [RegExp, page: string, command: string][] = [
  [
    /POST \/api\/v1\/installations\/(\d+)\/confirm-removal/g,
    "confirm the removal",
    "POST /api/v1/installations/$1/confirm-removal",
  ],
  [/POST \/api\/v1\/repos\/([\w.-]+\/[\w.-]+)\/refresh/g, "try again", "lockstep refresh $1"],
  [
    /the holds field of GET \/api\/v1\/repos\/\{owner\}\/\{name\}/g,
    "the held refs on the repository's page",
    "the held refs in lockstep show OWNER/NAME",
  ],
  [
    /the kept field of GET \/api\/v1\/repos\/\{owner\}\/\{name\}/g,
    "the kept tips on the repository's page",
    "the kept tips in lockstep show OWNER/NAME",
  ],
  [
    /the consumer's lastError in GET \/api\/v1\/status/g,
    "the consumer's last failure under Server",
    "the consumer's lastError in lockstep status --json",
  ],
  [/the queue in GET \/api\/v1\/status/g, "the queue under Server", "lockstep queue"],
  [/: POST …\/resume/g, "", ": lockstep resume OWNER/NAME"],
  [/GET \/api\/v1\/installations/g, "the installations under Server", "lockstep installations"],
  [/GET \/api\/v1\/status/g, "Server", "lockstep status"],
];

const say = (text: string, of: (call: (typeof CALLS)[number]) => string): string =>
  CALLS.reduce((said, call) => said.replace(call[0], of(call)), text);

/** Says a remedy as somebody who looks at the page can follow it. */
export const onPage = (remedy: string): string => say(remedy, ([, page]) => page);

/** Says a remedy as somebody at a terminal can follow it. */
export const onCommandLine = (remedy: string): string => say(remedy, ([, , command]) => command);
