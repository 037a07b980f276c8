export interface LfsObject {
  /** SHA-256 of its content. */
  oid: string;
  size: number;
  /** What messages call it. */
  label: string;
}

/** Where one object is for now. What it holds is nobody else's to see: it may carry a ticket. */
export interface LfsDownload extends LfsObject {
  href: string;
  header: Record<string, string>;
}
