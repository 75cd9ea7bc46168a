import { seededRandom } from '../../lib/index.ts'
import type { Clock } from '../../lib/time/index.ts'
import type { BlockContext, BlockWait } from '../block/index.ts'
import type { PlanNode } from '../definition/index.ts'
import { findMock, mockFailure, sampleOutput, type Mock, type Mocks } from '../mocks/index.ts'
import { recordedError, type Command, type Inbox } from '../record/index.ts'
import type { ChildEnd, ChildExecutions } from '../run/index.ts'

export interface AnswersOptions {
  readonly mocks: Mocks
  readonly clock: Clock
  readonly inbox: Inbox
  /** Receives the payload of each signal that is sent, as JSON text, by the signal's number. */
  readonly payloads: Map<number, string>
  readonly onMock: (key: string) => void
}

type NewCommand = Command extends infer Each ? (Each extends Command ? Omit<Each, 'number'> : never) : never

/**
 * Those outside for whom steps wait: they send the signals and end the called workflows, as mocks say, else at once with
 * the waiting block's sample. Nothing is started.
 */
export class Answers {
  readonly #options: AnswersOptions
  readonly #ends = new Map<string, ChildEnd>()
  #started = 0

  constructor(options: AnswersOptions) {
    this.#options = options
  }

  readonly children: ChildExecutions = {
    start: () => Promise.resolve(`simulated-${++this.#started}`),
    endOf: (childId) => Promise.resolve(this.#ends.get(childId) ?? null),
    cancel: () => Promise.resolve(),
    cancelAll: () => Promise.resolve(),
  }

  /** Sees to it that a wait which is about to begin is answered. Throws what the attempt is to fail with instead. */
  answer(node: PlanNode, context: BlockContext, wait: BlockWait): void {
    if ('until' in wait) return
    const { path, attempt } = context
    const found = findMock(this.#options.mocks, { path, attempt })
    if (found) this.#options.onMock(found.key)
    const mock = found?.mock ?? {}
    if ('child' in wait) this.#endChild(wait.child, { mock, node, context })
    else this.#send(wait.signal.name, { mock, node, context })
  }

  #send(name: string, wait: AnsweredWait): void {
    // Nobody answers where the time is to run out.
    if (wait.mock.timeout) return
    const failure = mockFailure(wait.mock)
    if (failure) throw failure
    const payload = payloadOf(wait)
    const { path } = wait.context
    this.#later(wait.mock, () => {
      const text = JSON.stringify(payload)
      this.#options.payloads.set(this.#options.inbox.last + 1, text)
      this.#deliver({ kind: 'SIGNAL', name, path, bytes: Buffer.byteLength(text) })
    })
  }

  #endChild(executionId: string, wait: AnsweredWait): void {
    const failure = mockFailure(wait.mock)
    const end: ChildEnd = failure
      ? { status: 'FAILED', error: recordedError(failure) }
      : { status: 'COMPLETED', output: payloadOf(wait) }
    this.#later(wait.mock, () => {
      this.#ends.set(executionId, end)
      this.#deliver({ kind: 'CHILD_ENDED', executionId })
    })
  }

  #later({ durationMs = 0 }: Mock, act: () => void): void {
    if (durationMs > 0) this.#options.clock.after(durationMs, act)
    else act()
  }

  #deliver(command: NewCommand): void {
    const { inbox } = this.#options
    inbox.deliver([{ ...command, number: inbox.last + 1 }])
  }
}

interface AnsweredWait {
  readonly mock: Mock
  readonly node: PlanNode
  readonly context: BlockContext
}

function payloadOf({ mock, node, context: { config, input, path } }: AnsweredWait) {
  if (mock.output !== undefined) return mock.output
  return sampleOutput(node.block, { config, input, random: seededRandom(path) })
}
