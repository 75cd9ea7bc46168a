import type { JobStore } from '../../db/jobs/index.ts'
import type { JobWrite } from '../../db/journal/index.ts'
import type { JobId } from '../../lib/index.ts'
import type { Logger } from '../../lib/log/index.ts'
import type { Clock } from '../../lib/time/index.ts'

/** How far a child has to get, in percent, before its parent is told again. */
const SHARE_STEP_PERCENT = 5
const SHARE_TRIES = 3
const SHARE_AGAIN_MS = 1_000

interface ProgressSharerOptions {
  readonly jobId: JobId
  readonly jobs: Pick<JobStore, 'shareProgress'>
  readonly clock: Pick<Clock, 'after'>
  readonly logger: Pick<Logger, 'warn'>
  /** A parent shows more than before. */
  readonly onShared: (parentId: JobId) => void
}

/**
 * E11: a child's progress is that of the step that waits for it. The parent, which no worker holds meanwhile, shows it. Returns what is to be
 * called after each commit of the child.
 */
export function progressSharer({
  jobId,
  jobs,
  clock,
  logger,
  onShared,
}: ProgressSharerOptions): (write: Pick<JobWrite, 'progress' | 'end' | 'park'>) => void {
  let shared = 0
  let isOver = false
  const share = async (tries = SHARE_TRIES) => {
    try {
      const parentId = await jobs.shareProgress(jobId)
      if (parentId) onShared(parentId)
      // The parent may be about to lie down: it is held until then.
      else if (tries > 1 && !isOver) clock.after(SHARE_AGAIN_MS, () => void share(tries - 1))
    } catch (fault) {
      // It is shown with the next step, or when the child ends.
      logger.warn({ err: fault, jobId }, 'a child’s progress could not be shown on its parent')
    }
  }
  return ({ progress, end, park }) => {
    isOver ||= end !== null || park !== null
    if (isOver || progress - shared < SHARE_STEP_PERCENT) return
    shared = progress
    void share()
  }
}
