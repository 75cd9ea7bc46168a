import { MASK } from '../scrub/scrub.ts'
import type { SecretSource } from '../run/context/secrets.ts'

/** Secrets of a run that touches nothing: every name is there, so that templates resolve, and no value is. */
export const maskedSecrets: SecretSource = {
  open: (names) => Promise.resolve(new Map(names.map((name) => [name, MASK]))),
}
