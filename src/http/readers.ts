/** What one reader has read of one repository in the last 24 hours. */
export interface ReaderView {
  /** The name that the repository has now. */
  repository: string;
  /** Whether there is a page about it. */
  isManaged: boolean;
  /** null: those who were refused, and who may be anybody. */
  reader: string | null;
  /** How the right was proven. */
  way: string | null;
  /** The IP address of the last request. */
  address: string;
  lastAt: string;
  requests: number;
  /** Answers by where they came from. */
  sources: { mirror: number; fetched: number; github: number };
  /** Answers that others had asked for, too. */
  shared: number;
  /** Requests that were refused, or failed before their answer began. */
  failed: number;
  /** What was sent, in bytes. */
  bytes: number;
}

export interface ReaderPorts {
  /**
   * Lists who has read what, the last request first.
   * @param repositoryId null: of all repositories @returns null: mirrors are not served
   */
  readers(repositoryId: number | null, limit: number): { readers: ReaderView[]; total: number } | null;
}
