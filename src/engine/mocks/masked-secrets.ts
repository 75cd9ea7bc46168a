import type { SecretSource } from '../run/index.ts'
import { MASK } from '../scrub/index.ts'

/** Secrets of a run that touches nothing: every name is there, so that templates resolve, and no value is. */
export const maskedSecrets: SecretSource = {
  open: (names) => Promise.resolve(new Map(names.map((name) => [name, MASK]))),
}
