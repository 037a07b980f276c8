export interface LfsObject {
  /** The SHA-256 of the object's content. */
  oid: string;
  size: number;
  /** The object's name in messages. */
  label: string;
}

/**
 * The present location of one object. The location is secret, since its URL or headers may carry a
 * credential.
 */
export interface LfsDownload extends LfsObject {
  href: string;
  header: Record<string, string>;
}
