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

/** What GitHub says of one object of a batch. */
export interface LfsLocation {
  /** In bytes; null: GitHub does not say. */
  size: number | null;
  /** Whether GitHub says that the location wants no credentials besides its headers. */
  isAuthenticated: boolean;
  /** Secret: URL and headers may carry a credential. null: there is none that may be fetched. */
  download: {
    href: string;
    header?: Record<string, string> | undefined;
    /** In seconds. */
    expires_in?: number | undefined;
    /** As RFC 3339 writes it. */
    expires_at?: string | undefined;
  } | null;
  error: { code: number; message: string } | null;
}
