import { closest, shorten } from './lib/text/index.ts'

/** At most this many unknown variables are named. */
export const UNKNOWN_VARIABLES_MAX_NAMES = 20
/** The length of a name in the warning, in UTF-16 code units. */
export const UNKNOWN_VARIABLES_MAX_LENGTH = 80

const PREFIX = 'LUME_'
const SECRET_PREFIX = 'LUME_SECRET_'
/** Kubernetes sets these in each container for a service whose name begins with `lume`; the short one has the address as its value. */
const OF_A_SERVICE =
  /_SERVICE_(?:HOST|PORT)(?:_[A-Z0-9_]+)?$|_PORT_\d+_(?:TCP|UDP|SCTP)(?:_(?:PROTO|PORT|ADDR))?$/
const SERVICE_ADDRESS = /^(?:tcp|udp|sctp):\/\//
/** Variables of clients and of the tests of this repository, which no server reads. */
const OF_OTHERS = /^LUME_(?:URL$|TEST_|CHAOS_)/

/**
 * Returns one line that names the variables which begin with `LUME_` and that no setting reads, each with the known name that it may stand
 * for; null if there is none. Quotes no value. `known` are the names of all settings, those without the prefix included.
 */
export function unknownVariablesWarning(
  environment: { readonly [name: string]: string | undefined },
  known: readonly string[],
): string | null {
  const names = Object.keys(environment).filter((name) => isUnknown(name, environment[name] ?? '', known))
  if (names.length === 0) return null
  const listed = names.slice(0, UNKNOWN_VARIABLES_MAX_NAMES).map((name) => {
    const suggestion = suggestionFor(name, known)
    const shown = shorten(name, UNKNOWN_VARIABLES_MAX_LENGTH)
    return suggestion === null ? shown : `${shown} (did you mean ${suggestion}?)`
  })
  const more = names.length - listed.length
  const rest = more > 0 ? ` and ${more} more` : ''
  return `no setting of Lume reads these environment variables: ${listed.join(', ')}${rest}`
}

function isUnknown(name: string, value: string, known: readonly string[]): boolean {
  if (!name.toUpperCase().startsWith(PREFIX) || known.includes(name)) return false
  if (OF_OTHERS.test(name) || OF_A_SERVICE.test(name)) return false
  if (name.endsWith('_PORT') && SERVICE_ADDRESS.test(value)) return false
  return !isSecret(name)
}

/** `LUME_SECRET_stripe` is the secret `stripe`, and `LUME_SECRET_stripe_HOSTS` belongs to it. */
function isSecret(name: string): boolean {
  return name.startsWith(SECRET_PREFIX) && name.length > SECRET_PREFIX.length
}

function suggestionFor(name: string, known: readonly string[]): string | null {
  const upper = name.toUpperCase()
  const bare = upper.slice(PREFIX.length)
  const exact = [upper, bare].find((candidate) => known.includes(candidate))
  if (exact !== undefined) return exact
  const [, secret] = /^LUME_SECRETS?_(.+)$/i.exec(name) ?? []
  if (secret !== undefined) return `${SECRET_PREFIX}${shorten(secret, UNKNOWN_VARIABLES_MAX_LENGTH)}`
  const longer = known.filter((candidate) => candidate.startsWith(`${upper}_`))
  if (longer.length === 1) return longer[0] ?? null
  const withoutPrefix = known.filter((candidate) => !candidate.startsWith(PREFIX))
  return closest(upper, known) ?? closest(bare, withoutPrefix)
}
