/** How a right was proven. */
export type Way = "github" | "oidc" | "token" | "public";

/** What is known of a request before its body: nothing else decides about rights. */
export interface RightsQuestion {
  owner: string;
  /** The repository's name, without `.git`. */
  name: string;
  /** The header of that name; null: the reader sent no credentials. */
  authorization: string | null;
  /** The reader's IP address. */
  address: string;
}

export interface Granted {
  kind: "yes";
  /** The managed repository that the name is proven to be; null: the reader may read it, Lockstep does not mirror it. */
  repositoryId: number | null;
  /** The reader's name in logs, never a secret. */
  reader: string;
  way: Way;
}

export interface Denied {
  kind: "no";
  status: 401 | 404 | 503;
  /** In seconds; null: not known. */
  retryAfter: number | null;
}

/** Says what a reader may do with a name, judged from the headers alone. */
export interface Rights {
  judge(question: RightsQuestion): Promise<Granted | Denied>;
}

/** Nobody may read anything: no READERS, no answer. */
export const NOBODY: Rights = {
  judge: async () => ({ kind: "no", status: 404, retryAfter: null }),
};
