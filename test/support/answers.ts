import type { BlockAnswers } from '../../src/engine/block/block.ts'
import { AnswerBudget } from '../../src/engine/memory/answer-budget.ts'

/** Memory for the answers of one attempt that is alone, as much as a process has with a heap of 4 GiB. */
export const answersAlone = (): BlockAnswers => ({
  ...new AnswerBudget(1024 ** 3).of('owner-1'),
  claimMemory: () => Promise.resolve(),
})
