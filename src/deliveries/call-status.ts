/** Whether GitHub's call was answered with success. @param status of GitHub's log; 0: no answer */
export const isTaken = (status: number): boolean => status >= 200 && status < 300;

const REMEDIES: Record<number, string> = {
  401: "make WEBHOOK_SECRET and the secret in the App's webhook settings equal",
  404: "set WEBHOOK_SECRET, and the App's webhook URL to this server's WEBHOOK_PATH",
  429: "set TRUSTED_PROXIES to your proxy, or raise WEBHOOK_RATE",
  503: "see the server's log: it could not store deliveries, or was stopping",
};

/** Says what to do when GitHub's calls are not taken. @param status of GitHub's log; 0: no answer */
export const remedyOf = (status: number): string =>
  REMEDIES[status] ??
  "GitHub cannot reach the webhook URL: check DNS, TLS and firewall, or use DELIVERIES=pull";
