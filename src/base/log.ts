/**
 * Every log line has one of these constant `event` values. Messages may change; programs and tests match the
 * event. docs/logs.md has a line for each event.
 */
export const LOG_EVENTS = {
  alert_not_sent: "an alert was not accepted at ALERT_URL, or could not be stored; it is tried again",
  alert_sent: "an alert was accepted at ALERT_URL",
  api_not_served: "API_TOKEN is not set, so there is no page, no API and no metrics",
  changes_unannounced: "changes were never announced because their refresh did not finish",
  checkout_link_failed: "the link to a published tree could not follow a rename",
  comparison_not_requested: "comparisons after a restart of the machine could not be requested",
  contents_cleanup_failed: "contents of old trees could not be removed",
  deliveries_reading: "Lockstep is still reading GitHub's delivery log",
  deliveries_recovered: "missed deliveries were found in GitHub's log",
  deliveries_unreadable: "GitHub's delivery log could not be read",
  delivery_ignored:
    "a verified delivery requires no action; at debug if Lockstep handles no events of its name",
  delivery_log_gap:
    "missed deliveries are too old for GitHub to still have them; every repository is compared",
  delivery_log_page_unavailable:
    "a page of GitHub's delivery log could not be read; every repository is compared",
  delivery_not_stored: "a verified delivery could not be stored; GitHub was sent a 503 response",
  delivery_passed: "a verified delivery is with another node, which owns what it is about",
  delivery_payload_unavailable: "the payload of a missed delivery could not be read; every ref is compared",
  delivery_refused: "a webhook call was refused; `reason` says why",
  delivery_stored: "a verified delivery is on disk; `outcome` says whether it was accepted or already done",
  event_delivered: "a consumer accepted an event",
  event_delivery_failed: "a consumer did not accept an event; it is offered again",
  event_told_elsewhere: "another node of the cluster has delivered the event",
  events_dropped: "a consumer accepted no events for a week, so its backlog was dropped",
  git_starter_ended: "the process that starts git has ended; Lockstep starts git itself until it is back",
  github_client: "a message of the REST client",
  hold_ended: "a held ref follows GitHub again",
  hook_failed: "the announce hook failed or timed out; the event is offered again",
  hook_finished: "the announce hook exited with 0",
  installation_active: "an installation is active again",
  installation_gone: "the App was uninstalled",
  installation_suspended: "an installation was suspended",
  kept_tips_dropped: "a mirror had more kept tips than KEEP_HISTORY_TIPS; the oldest were dropped",
  kept_tips_unreadable: "a corrupt mirror's kept tips could not be read",
  lfs_kept: "objects of Git LFS were downloaded, to be kept with their mirror",
  lfs_not_kept: "objects of Git LFS could not be kept; `code` and `hint` say why; Lockstep tries again",
  lfs_pointer_unreadable:
    "files of a published tree look like pointers of Git LFS but cannot be read; `notes` names them",
  link_failed: "the by-name link could not be created",
  link_removed: "a dangling link was removed",
  links_check_failed: "the by-name links could not be checked",
  links_not_renamed: "the links of a renamed repository could not be changed; the next pass tries again",
  machine_restarted:
    "the machine was restarted since Lockstep last ran; every mirror is inspected and compared in full",
  maintenance_done: "a maintenance task finished",
  maintenance_failed: "a maintenance task failed; it is tried again later",
  maintenance_not_stored: "the result of a maintenance task could not be stored",
  maintenance_started: "a maintenance task began",
  maintenance_yielded: "a maintenance task was stopped to make way for a refresh",
  mirror_corrupt: "a check found a damaged mirror",
  mirror_missing: "a mirror was removed from outside; it is cloned again",
  mirror_taken_over: "the mirror came from a node that had it before",
  mirrors_from_other_time:
    "the database and the mirrors are from different points in time, for example after a restore",
  node_name_taken: "another node is running under this node's name",
  operated: "an operator asked for an action; `token` says by which token, `status` with which result",
  outage_began: "one of GitHub's servers does not answer; requests wait, and one at a time probes it",
  outage_ended: "the server answers again; what waited for it runs",
  outbox_unavailable: "the table of events could not be read or written",
  pass_not_begun:
    "a pass of the backstop could not begin, for example because the database cannot be written",
  pin_not_removed: "the ref that kept a formerly published commit could not be removed",
  pin_not_set: "the published commit could not be kept from pruning",
  placement_changed: "the nodes that own repositories have changed",
  problem_closed: "a problem that affected the whole server ended",
  problem_opened: "a problem that affects the whole server began; `code` says which",
  progress: "progress of a long clone or fetch",
  publish_failed: "trees could not be published, and are tried again; `code` and `hint` say why",
  publish_refused: "a commit was not published; the old tree stays",
  published: "a published tree now points to a new commit",
  published_ref_deleted: "the ref that a tree is published from was deleted",
  queue_not_written: "the end of a run could not be stored",
  reader_refused:
    "a reader of a mirror was refused; `repository` is missing where Lockstep mirrors none of that name",
  redis_unreachable: "Redis cannot be reached; the nodes continue without it",
  ref_held: "a ref is held because of HISTORY=block",
  ref_restored: "an operator restored a ref to a kept tip",
  refresh_deferred: "a refresh was put off, although nothing is wrong with the repository",
  refresh_failed: "a refresh failed; `code` and `hint` say why and what to do",
  refreshed: "a refresh finished",
  refs_refused: "refs were left out of a mirror, because git or the disk refuses to write them",
  removal_held: "too many repositories disappeared at once; their removal waits for an operator",
  removal_obstructed: "files that are no longer needed could not be removed",
  repository_gone: "a repository is no longer managed",
  repository_name_invalid:
    "GitHub reported a repository name that its own rules forbid; the repository is skipped",
  repository_retired: "the mirror of a repository that is gone was deleted",
  repository_returned: "a repository that was gone, suspended or held is managed again",
  request_answered: "an HTTP request was answered; a warning if the server failed, otherwise at debug",
  reserve_made: "the space that is kept for the database was taken again",
  reserve_not_made: "the space that is kept for the database could not be taken; Lockstep tries again",
  reserve_released: "the disk is full, and the space that was kept for the database was given back",
  retire_skipped: "a directory was not deleted because it contains foreign files",
  rows_not_pruned: "old rows of the database could not be deleted; Lockstep tries again within an hour",
  serve_failed: "a reader of a mirror got no complete answer",
  served:
    "a reader of a mirror was answered; `reader`, `way` and `source` say who, by which right and from where",
  served_fetch_failed:
    "what a reader of a mirror wants could not be fetched from GitHub into the mirror; GitHub answers the reader",
  space_not_cleared: "leftovers could not be cleared from a full disk; Lockstep tries again",
  start_cleanup_failed: "a start failed, and some of what it had opened could not be closed",
  stop_failed: "some tasks could not be stopped in time",
  stopped: "Lockstep has shut down",
  stopping: "a signal was received; Lockstep is shutting down",
  survivors_stopped: "git processes of an earlier Lockstep were still running and were stopped",
  take_over_failed: "a node that has a repository could not hand it over",
  tally_not_stored: "the marker that ties the mirrors to the database could not be stored",
  tally_not_written: "the file that records the date of the mirrors could not be written",
  telemetry_not_sent: "the receiver of OpenTelemetry has refused traces or metrics, or gives no answer",
  telemetry_off: "variables of OpenTelemetry are set that Lockstep cannot use; `reason` says which",
  telemetry_sent_again: "the receiver of OpenTelemetry takes traces or metrics again",
  tips_kept: "old tips of force-pushed or deleted refs were kept",
  tips_lost: "old tips could not be kept",
  tree_check_failed: "a published tree could not be compared with its commit",
  tree_differs: "a published tree was changed by someone else and is replaced",
  tree_rebuilt: "a tree could not be updated in place, or the pre-publish hook changed it",
  tree_repair_failed: "a published tree could not be repaired",
  trees_cleanup_failed: "trees that are no longer needed could not be removed",
  trees_start_failed: "the trees of a repository could not be checked at the start",
  trend_not_written: "the figures of a minute could not be written; they go with the next minute's",
  unpublished: "a published tree was removed because CHECKOUTS no longer names it or its ref was deleted",
  variable_unknown:
    "a variable is set that nothing reads, and whose name is nearly that of another one (`meant`)",
  webhook_url_not_set: "the App's webhook URL could not be set",
  webhook_url_set: "the App's webhook URL was set from PUBLIC_URL",
} as const;

export type LogEvent = keyof typeof LOG_EVENTS;

export interface LogDetails {
  event: LogEvent;
  [field: string]: unknown;
}

/** The methods that a part may call on the log; Probot's logger has them. */
export interface Log {
  debug(details: LogDetails, message: string): void;
  info(details: LogDetails, message: string): void;
  warn(details: LogDetails, message: string): void;
  error(details: LogDetails, message: string): void;
}
