// The priorities of the work queue. Which hint has which is the loop's to say; what is begun next, ready-queue.ts's.

/** Highest first. `live`: somebody waits for it now; `change`: something was edited or happened; `resync`: to be sure. */
export const QUEUE_PRIORITIES = ["live", "change", "resync"] as const;
export type QueuePriority = (typeof QUEUE_PRIORITIES)[number];

/** As p-queue counts: the greater goes first. At least 0. */
export const rankOf = (priority: QueuePriority): number => QUEUE_PRIORITIES.length - 1 - QUEUE_PRIORITIES.indexOf(priority);

export const higher = (left: QueuePriority, right: QueuePriority): QueuePriority => (rankOf(left) >= rankOf(right) ? left : right);
