/** A set of git's security fixes, and the first patch release of each line that has them. */
interface Fixes {
  cves: string[];
  /** Maps a line, 2.<line>, to its patch release. */
  fixedIn: Record<number, number>;
}

/**
 * Security fixes from git's release notes that matter to a server which fetches from strangers. Lines before
 * the first one listed never got the fixes; lines after the last one are not judged.
 * https://github.com/git/git/tree/master/Documentation/RelNotes
 */
const BATCHES: Fixes[] = [
  { cves: ["CVE-2022-23521", "CVE-2022-41903"], fixedIn: { 38: 3, 39: 1 } },
  { cves: ["CVE-2023-22490", "CVE-2023-23946"], fixedIn: { 38: 4, 39: 2 } },
  { cves: ["CVE-2023-25652", "CVE-2023-29007"], fixedIn: { 38: 5, 39: 3, 40: 1 } },
  {
    cves: ["CVE-2024-32002", "CVE-2024-32004", "CVE-2024-32020", "CVE-2024-32021", "CVE-2024-32465"],
    fixedIn: { 39: 4, 40: 2, 41: 1, 42: 2, 43: 4, 44: 1, 45: 1 },
  },
  {
    cves: ["CVE-2024-50349", "CVE-2024-52006"],
    fixedIn: { 40: 4, 41: 3, 42: 4, 43: 6, 44: 3, 45: 3, 46: 3, 47: 2, 48: 1 },
  },
  {
    cves: ["CVE-2025-48384", "CVE-2025-48385"],
    fixedIn: { 43: 7, 44: 4, 45: 4, 46: 4, 47: 3, 48: 2, 49: 1, 50: 1 },
  },
  {
    cves: [
      "CVE-2026-105437",
      "CVE-2026-111760",
      "CVE-2026-113408",
      "CVE-2026-114466",
      "CVE-2026-114467",
      "CVE-2026-114469",
    ],
    // The patch releases of 2.52 to 2.55 are not known here, so those lines are not judged.
    fixedIn: { 50: 2, 51: 3, 56: 1 },
  },
];

export interface GitVersion {
  major: number;
  line: number;
  patch: number;
}

export function parseGitVersion(text: string): GitVersion | null {
  const [, major, line, patch = "0"] = /(\d+)\.(\d+)(?:\.(\d+))?/.exec(text) ?? [];
  return major && line ? { major: Number(major), line: Number(line), patch: Number(patch) } : null;
}

/**
 * Lists CVEs fixed after this version, by version number alone; a distribution may have backported the fixes.
 */
export function unfixed({ major, line, patch }: GitVersion): string[] {
  if (major > 2) return [];
  return BATCHES.filter(({ fixedIn }) => {
    const lines = Object.keys(fixedIn).map(Number);
    if (line > Math.max(...lines)) return false;
    return line < Math.min(...lines) || patch < fixedIn[line]!;
  }).flatMap(({ cves }) => cves);
}
