import { LumeError } from '../lib/errors.ts'
import { deepFreeze, isJsonObject, type Json } from '../lib/json.ts'
import { readsFrom, renderConfig } from './config-template.ts'
import { ExpressionError } from './expression.ts'
import type { GraphScope, StepSite } from './frame.ts'
import { issuesText, type Issue } from './issues-text.ts'
import type { PlanNode } from './plan.ts'
import { readConfig } from './read-config.ts'
import { MASK } from './scrub.ts'
import { finalFailure, type StepFailure } from './step.ts'
import { isSchemaLike } from './validate/input-schema.ts'

export type ResolvedConfig =
  | { readonly kind: 'ok'; readonly config: unknown }
  | { readonly kind: 'failed'; readonly failure: StepFailure }

/** What a step's templates and expressions come to. */
export class StepConfig {
  readonly #node: PlanNode
  readonly #site: StepSite
  readonly #onFilled: (config: Json) => void
  #config: Json | undefined
  #shown: Json = null

  /** `onFilled` is handed the config for the record, in which secrets stand as their mask. */
  constructor(node: PlanNode, site: StepSite, onFilled: (config: Json) => void) {
    this.#node = node
    this.#site = site
    this.#onFilled = onFilled
  }

  /** What the step's templates and expressions see. */
  get scope(): GraphScope {
    const { values, run } = this.#site
    const { scope } = values
    const { secretNames } = this.#node
    return secretNames.length === 0 ? scope : { ...scope, secrets: run.secrets.scope(secretNames) }
  }

  /** The config with its templates filled in; undefined until it has been resolved once. */
  get filled(): Json | undefined {
    return this.#config
  }

  /**
   * Filled in once per step: what a config is made of does not change. Frozen, since parts of it are the plan's, which all
   * executions share; parsed anew for every attempt, which owns what it gets.
   */
  async resolve(): Promise<ResolvedConfig> {
    await this.#site.run.breath.draw()
    try {
      await this.#site.run.secrets.open(this.#node.secretNames)
      if (this.#config === undefined) {
        this.#config = deepFreeze(renderConfig(this.#node.config, this.scope))
        this.#shown = this.#withoutSecrets(this.#config)
      }
    } catch (fault) {
      // Besides expressions, a secret that is there and cannot be read.
      if (!(fault instanceof ExpressionError || fault instanceof LumeError)) throw fault
      return failed(fault.code, fault.message)
    }
    this.#onFilled(this.#shown)
    const read = readConfig(this.#node.block, this.#config)
    const issues = read.ok ? await this.#schemaProblems(this.#config) : read.issues
    if (read.ok && issues.length === 0) return { kind: 'ok', config: read.config }
    const told = issuesText(issues, 'config')
    return failed('CONFIG_INVALID', `The config, filled in, does not fit the block: ${told}`)
  }

  /** What is wrong with the JSON Schemas that the filled config holds: templates may have made them. */
  async #schemaProblems(config: Json): Promise<readonly Issue[]> {
    const issues: Issue[] = []
    for (const field of this.#node.block.schemas) {
      const schema = isJsonObject(config) ? config[field] : undefined
      if (!isSchemaLike(schema)) continue
      const { answer } = await this.#site.run.schemas.compile(schema)
      if (answer.kind === 'refused') issues.push({ path: [field], message: `The schema ${answer.reason}.` })
    }
    return issues
  }

  /** The same config as it may be shown: whatever their values are, secrets are not in it (P7). */
  #withoutSecrets(config: Json): Json {
    const { config: template, secretNames } = this.#node
    if (secretNames.length === 0 || !readsFrom(template, 'secrets')) return config
    const known = Object.keys(this.#site.run.secrets.scope(secretNames))
    const secrets = Object.fromEntries(known.map((name) => [name, MASK]))
    return deepFreeze(renderConfig(template, { ...this.#site.values.scope, secrets }))
  }

  /** What the node's `retryIf` says of a failure; true when it has none. */
  wantsRetry(failure: StepFailure, attempt: number): boolean {
    const { retryIf } = this.#node.retry
    const expression = retryIf === undefined ? undefined : this.#node.expressions.get(retryIf)
    if (!expression) return true
    const { code, message, retryable, details } = failure
    try {
      const error = { code, message, retryable, details: details ?? {} }
      return expression.evaluate({ ...this.scope, error, attempt }) === true
    } catch (fault) {
      if (fault instanceof ExpressionError) return false
      throw fault
    }
  }
}

function failed(code: string, message: string): { kind: 'failed'; failure: StepFailure } {
  return { kind: 'failed', failure: finalFailure(code, message) }
}
