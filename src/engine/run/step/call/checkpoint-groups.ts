import type { CheckpointRecord } from '../../../record/index.ts'
import type { StepSite } from '../../context/index.ts'

/** Maximum number of checkpoints that one entry of the journal records: a flush takes several entries, and must stay short. */
export const GROUP_MAX_CHECKPOINTS = 500

/** Maximum length of the values that one entry of the journal records, in characters, unless one value is longer. */
export const GROUP_MAX_LENGTH = 256 * 1024

interface Group {
  readonly checkpoints: CheckpointRecord[]
  length: number
  readonly committed: Promise<void>
  readonly commit: () => void
}

/**
 * Records the checkpoints of one attempt. Those that a block records without waiting for each of them share entries of the journal: an
 * entry for each would hold the thread for seconds where there are tens of thousands.
 */
export class CheckpointGroups {
  readonly #site: StepSite
  #open: Group | null = null

  constructor(site: StepSite) {
    this.#site = site
  }

  /** Resolves once the checkpoint is committed. */
  record(key: string, value: string): Promise<void> {
    if (this.#open && this.#open.length + value.length > GROUP_MAX_LENGTH) this.commit()
    const group = (this.#open ??= this.#begin())
    const { path, order } = this.#site
    group.checkpoints.push({ path, order, key, value })
    group.length += value.length
    if (group.checkpoints.length >= GROUP_MAX_CHECKPOINTS) this.commit()
    return group.committed
  }

  /** Hands what has gathered to the journal. */
  commit(): void {
    const group = this.#open
    this.#open = null
    group?.commit()
  }

  /** A group takes what is recorded before the block waits for anything. */
  #begin(): Group {
    const checkpoints: CheckpointRecord[] = []
    let commit = () => {}
    const committed = new Promise<void>((resolve, reject) => {
      commit = () => void this.#site.run.commit({ events: [], checkpoints }).then(resolve, reject)
    })
    const group = { checkpoints, length: 0, committed, commit }
    queueMicrotask(() => {
      if (this.#open === group) this.commit()
    })
    return group
  }
}
