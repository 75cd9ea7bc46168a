import { readFileSync } from 'node:fs'

/** How many milliseconds of the clock count as one of processor time where the system does not show the latter. */
const CLOCK_PER_PROCESSOR = 4

/** Measures the processor time of a thread from an instant on. */
export interface ProcessorTime {
  /** In milliseconds. */
  spentMs(): number
}

/**
 * The processor time that a thread of this process spends from now on. Linux counts it for each thread; elsewhere a quarter
 * of the time that passes is taken for it, so that a busy machine does not end work before its time.
 */
export function measureProcessorTime(task: string | null): ProcessorTime {
  const before = task === null ? null : processorMs(task)
  const startedAt = performance.now()
  return {
    spentMs() {
      const now = task === null ? null : processorMs(task)
      if (before !== null && now !== null) return now - before
      return (performance.now() - startedAt) / CLOCK_PER_PROCESSOR
    },
  }
}

/** All processor time of a task so far, in milliseconds; null where it cannot be read. */
function processorMs(task: string): number | null {
  try {
    const [nanoseconds = ''] = readFileSync(`/proc/${task}/schedstat`, 'utf8').split(' ')
    const ms = Number(nanoseconds) / 1e6
    // A system that does not count says 0, which no thread has spent that could ask.
    return ms > 0 ? ms : null
  } catch {
    return null
  }
}
