import { z } from 'zod'
import { inputProblems, type InputProblem } from '../engine/json-schema/index.ts'
import { isJsonObject, type Json, type JsonObject } from '../lib/json/index.ts'

const json: z.ZodType<Json> = z.json()

/** A definition with gaps, and what may be put into them. */
export const templateSchema = z.strictObject({
  id: z.string().regex(/^[a-z0-9]+(-[a-z0-9]+)*$/, 'is lower-case words joined by hyphens'),
  name: z.string().min(1),
  description: z.string().min(1),
  category: z.string().min(1),
  /** JSON Schema 2020-12 of an object; a property's `default` is used when the parameter is not given. */
  parameters: z.record(z.string(), json),
  definition: z.record(z.string(), json),
})
export type Template = z.output<typeof templateSchema>

export type Instance =
  | { readonly kind: 'made'; readonly definition: JsonObject }
  /** The parameters do not fit; the pointers go into them. */
  | { readonly kind: 'misfit'; readonly problems: readonly InputProblem[] }

/** Names a parameter that a template uses and does not declare: a fault of the template. */
export class TemplateFaultError extends Error {
  override readonly name = 'TemplateFaultError'
}

/**
 * Puts parameters into a template's definition. `{ "$param": "name" }` becomes the parameter's value, whatever its type;
 * `${param.name}` inside a string becomes its text. A value is put in as it is: what looks like an expression in it is one.
 * Throws `TemplateFaultError` when the template names a parameter that it does not declare.
 */
export function instantiate(template: Template, given: JsonObject): Instance {
  const parameters = { ...defaultsOf(template), ...given }
  const problems = inputProblems(template.parameters, parameters)
  if (problems.length > 0) return { kind: 'misfit', problems }
  const declared = propertiesOf(template)
  const valueOf = (name: string): Json | undefined => {
    if (!Object.hasOwn(declared, name))
      throw new TemplateFaultError(
        `template ${template.id} uses the parameter "${name}" and does not declare it`,
      )
    return Object.hasOwn(parameters, name) ? parameters[name] : undefined
  }
  return { kind: 'made', definition: fill(template.definition, valueOf) as JsonObject }
}

type ValueOf = (name: string) => Json | undefined

const IN_TEXT = /\$\{param\.([A-Za-z_][A-Za-z0-9_]*)\}/g

/** An optional parameter that was not given leaves nothing behind: its member or item is left out, its text is empty. */
function fill(value: Json, valueOf: ValueOf): Json | undefined {
  if (typeof value === 'string') return value.replaceAll(IN_TEXT, (_, name: string) => textOf(valueOf(name)))
  if (Array.isArray(value)) {
    return (value as readonly Json[]).map((one) => fill(one, valueOf)).filter((one) => one !== undefined)
  }
  if (!isJsonObject(value)) return value
  const name = parameterOf(value)
  if (name !== null) return valueOf(name)
  const members = Object.entries(value).map(([key, member]) => [key, fill(member, valueOf)] as const)
  return Object.fromEntries(members.filter((member): member is [string, Json] => member[1] !== undefined))
}

function parameterOf(value: JsonObject): string | null {
  const { $param, ...rest } = value
  return typeof $param === 'string' && Object.keys(rest).length === 0 ? $param : null
}

function textOf(value: Json | undefined): string {
  if (value === undefined || value === null) return ''
  return typeof value === 'object' ? JSON.stringify(value) : String(value)
}

function defaultsOf(template: Template): JsonObject {
  const properties = Object.entries(propertiesOf(template))
  return Object.fromEntries(
    properties.flatMap(([name, schema]) =>
      isJsonObject(schema) && schema.default !== undefined ? [[name, schema.default]] : [],
    ),
  )
}

function propertiesOf({ parameters }: Template): JsonObject {
  return isJsonObject(parameters.properties) ? parameters.properties : {}
}
