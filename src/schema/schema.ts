import './access/index.ts'
import { countListItems } from './answer-lists.ts'
import './catalogue/index.ts'
import { builder } from './kit/index.ts'
import { stopAtErrors } from './field-errors.ts'
import { resolveInPieces } from './fields-in-pieces.ts'
import { describeListLimits } from './list-limits.ts'
import { readForEachMutation } from './mutations-in-turn.ts'
import { answerOwnerBusy } from './owner-busy.ts'
import './runs/index.ts'
import './schedules/index.ts'
import './starts/index.ts'
import './workflows/index.ts'

/** The whole GraphQL schema. */
export const schema = resolveInPieces(
  stopAtErrors(countListItems(answerOwnerBusy(describeListLimits(readForEachMutation(builder.toSchema()))))),
)
