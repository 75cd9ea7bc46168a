/**
 * The SQL condition that a parent expects no news of the ends of its children, because it has ended or is being canceled (see
 * `TELL_PARENTS`). Both are final, so the parent is read without a lock. False where `parentId` is null. It is a scalar subquery,
 * which the planner evaluates by a look-up for each job; of an EXISTS it might make one read of all jobs.
 */
export const expectsNoNews = (parentId: string) =>
  `COALESCE((SELECT p.finished_at IS NOT NULL OR p.cancel_requested_at IS NOT NULL FROM jobs p WHERE p.id = ${parentId}), false)`
