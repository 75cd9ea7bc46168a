import {
  APPROVAL,
  APPROVED,
  BOUGHT,
  FAN,
  JOINED,
  ORDER,
  ORDERED,
  parentOf,
  PURCHASE,
  WITH_CHILD,
} from '../ledger-definitions.ts'

/** A definition that clients run. */
export interface Shape {
  readonly definition: object
  /** Its output, whatever happens to the processes that run it. */
  readonly output: unknown
  /** Whether it waits for the signal `approval`. */
  readonly isApproved?: boolean
}

/** Calls in a chain, in a loop and side by side, paid calls, a delay, a signal, and a child of the workflow `childId`. */
export const shapesWith = (childId: string): readonly Shape[] => [
  { definition: ORDER, output: ORDERED },
  { definition: APPROVAL, output: APPROVED, isApproved: true },
  { definition: FAN, output: JOINED },
  { definition: PURCHASE, output: BOUGHT },
  { definition: parentOf(childId), output: WITH_CHILD },
]
