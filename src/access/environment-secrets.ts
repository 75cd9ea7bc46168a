import { SECRET_MAX_LENGTH, SECRET_MIN_LENGTH, SECRET_NAME } from './secrets.ts'

/** The names of secrets by the variables that today's users have set. */
const BY_VARIABLE: Readonly<Record<string, string>> = {
  OPENROUTER_API_KEY: 'openrouter',
  APOLLO_API_KEY: 'apollo',
  HUNTER_API_KEY: 'hunter',
  MIXEDBREAD_API_KEY: 'mixedbread',
  APIFY_API_KEY: 'apify',
  META_ACCESS_TOKEN: 'meta',
  NEXT_PUBLIC_SUPABASE_URL: 'supabaseUrl',
  NEXT_PUBLIC_SUPABASE_ANON_KEY: 'supabaseAnonKey',
}

/** The names of these variables. */
export const SECRET_VARIABLES: readonly string[] = Object.keys(BY_VARIABLE)

/** `LUME_SECRET_stripe` gives the secret `stripe`, and wins over a variable of the table. */
const PREFIX = 'LUME_SECRET_'
/** Settings that begin like secrets. */
const SETTINGS = ['LUME_SECRET_KEY']

export interface EnvironmentReading {
  readonly values: { readonly [name: string]: string }
  /** What cannot be used, each naming its variable and quoting no value. */
  readonly problems: readonly string[]
}

/** The secrets that an environment gives, without the white space that files and shells leave around values. */
export function readEnvironmentSecrets(environment: {
  readonly [name: string]: string | undefined
}): EnvironmentReading {
  const values: Record<string, string> = {}
  const problems: string[] = []
  const take = (variable: string, name: string) => {
    const value = environment[variable]?.trim() ?? ''
    if (value === '') return
    const problem = problemOf(name, value)
    if (problem) problems.push(`${variable}: ${problem}`)
    else values[name] = value
  }
  for (const [variable, name] of Object.entries(BY_VARIABLE)) take(variable, name)
  for (const variable of Object.keys(environment)) {
    if (variable.startsWith(PREFIX) && !SETTINGS.includes(variable))
      take(variable, variable.slice(PREFIX.length))
  }
  return { values, problems }
}

function problemOf(name: string, value: string): string | null {
  if (!SECRET_NAME.test(name))
    return `what follows ${PREFIX} is no name: a letter, then letters, digits and underscores`
  if (value.length < SECRET_MIN_LENGTH) {
    return `a secret has ${SECRET_MIN_LENGTH} characters or more: shorter ones cannot be kept out of what is recorded`
  }
  return value.length > SECRET_MAX_LENGTH ? `a secret has at most ${SECRET_MAX_LENGTH} characters` : null
}
