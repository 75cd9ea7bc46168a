import { compileExpression, ExpressionError, type Expression, type SourceRange } from '../../../cel/index.ts'
import type { Json } from '../../../lib/json/index.ts'
import type { Pieces } from '../../../lib/turns/index.ts'
import {
  countExpressions,
  DEFINITION_MAX_EXPRESSION_TEXT,
  DEFINITION_MAX_EXPRESSIONS,
  problem,
  templatePieces,
  type Diagnostic,
  type Template,
} from '../../definition/index.ts'
import { DefinitionSchemas } from './definition-schemas.ts'
import { DiagnosticList, DIAGNOSTICS_MAX } from './diagnostic-list.ts'
import { tooManyNodes } from './measure.ts'

const MAX_SUGGESTIONS = 50
/** How many characters are searched for the names of variables in parts that could not be read. */
const MAX_SEARCHED = 50_000_000

/** A place at which a secret is named, or a block that declares that it needs one. */
export interface SecretUse {
  readonly name: string
  readonly nodeId: string
  readonly pointer: string
  readonly range?: SourceRange
}

/** The check of one definition: what it may cost, and what it has found so far. */
export class Inspection {
  readonly secretUses: SecretUse[] = []
  readonly schemas = new DefinitionSchemas((diagnostic) => this.report(diagnostic))
  readonly #maxNodes: number
  readonly #errors = new DiagnosticList()
  readonly #warnings = new DiagnosticList()
  readonly #templates = new Map<string, Template>()
  readonly #bare = new Map<string, Expression>()
  readonly #usedVariables = new Set<string>()
  readonly #unread: Json[] = []
  #usesAnyVariable = false
  #nodes = 0
  #suggestions = 0
  #expressions = 0
  #expressionText = 0
  #isTooComplex = false

  constructor({ maxNodes }: { maxNodes: number }) {
    this.#maxNodes = maxNodes
  }

  report(diagnostic: Diagnostic): void {
    const list = diagnostic.severity === 'error' ? this.#errors : this.#warnings
    list.add(diagnostic)
  }

  /** How many expressions were found, those included that could not be compiled. */
  get expressions(): number {
    return this.#expressions
  }

  /** How many nodes were found, loop bodies included. */
  get nodes(): number {
    return this.#nodes
  }

  /** Errors, then warnings, each in the order in which they were found, at most 500 together. */
  get diagnostics(): readonly Diagnostic[] {
    return [...this.#errors.all, ...this.#warnings.all].slice(0, DIAGNOSTICS_MAX)
  }

  /** Counts nodes; false, with a report, when the definition has more than it may. */
  admitsNodes(count: number, at: string): boolean {
    const wasSaid = this.#nodes > this.#maxNodes
    this.#nodes += count
    if (this.#nodes <= this.#maxNodes) return true
    this.#usesAnyVariable = true
    if (!wasSaid) this.report(tooManyNodes(this.#nodes, this.#maxNodes, at))
    return false
  }

  /** False once a definition has had 50 suggestions: each is a search. */
  maySuggest(): boolean {
    return this.#suggestions++ < MAX_SUGGESTIONS
  }

  /** Compiles a text with templates in pieces; null, with a report, when it cannot be. */
  *compileText(text: string, at: string, nodeId?: string): Pieces<Template | null> {
    const count = countExpressions(text)
    const known = this.#templates
    return yield* this.#compile(text, { at, nodeId, count, known, compile: templatePieces })
  }

  /** Compiles a bare expression; null, with a report, when it cannot be. */
  *compileBare(source: string, at: string, nodeId?: string): Pieces<Expression | null> {
    const compile = function* (text: string): Pieces<Expression> {
      yield
      return compileExpression(text)
    }
    return yield* this.#compile(source, { at, nodeId, count: 1, known: this.#bare, compile })
  }

  /** Notes that an expression uses a variable; null: any of them, nobody can tell which. */
  useVariable(name: string | null): void {
    if (name === null) this.#usesAnyVariable = true
    else this.#usedVariables.add(name)
  }

  /** Notes a part of the definition that could not be looked into, so that it may use what nothing else uses. */
  leaveUnread(part: Json): void {
    this.#unread.push(part)
  }

  /** Those of the variables that nothing uses. */
  unusedVariables(names: readonly string[]): readonly string[] {
    if (this.#usesAnyVariable) return []
    const unread = this.#unread.length === 0 ? '' : JSON.stringify(this.#unread)
    // Which of many variables a long part uses is not worth the search: nothing is said of them.
    if (unread.length * names.length > MAX_SEARCHED) return []
    return names.filter(
      (name) => !this.#usedVariables.has(name) && !unread.includes(JSON.stringify(name).slice(1, -1)),
    )
  }

  /** Each text once: a definition says the same thing in many places. */
  *#compile<T>(text: string, { at, nodeId, count, known, compile }: Compilation<T>): Pieces<T | null> {
    if (!this.#admitsExpressions(count, text.length, at)) return this.#leaveUncompiled(text)
    const before = known.get(text)
    if (before !== undefined) return before
    try {
      const compiled = yield* compile(text)
      known.set(text, compiled)
      return compiled
    } catch (fault) {
      // Anything but an ExpressionError is a fault of ours.
      if (!(fault instanceof ExpressionError)) throw fault
      const { message, range, suggestion } = fault
      this.report(problem('EXPRESSION_INVALID', at, message, { nodeId, range, suggestion }))
      return this.#leaveUncompiled(text)
    }
  }

  #leaveUncompiled(text: string): null {
    this.#unread.push(text)
    return null
  }

  #admitsExpressions(count: number, length: number, at: string): boolean {
    this.#expressions += count
    this.#expressionText += length
    if (
      this.#expressions <= DEFINITION_MAX_EXPRESSIONS &&
      this.#expressionText <= DEFINITION_MAX_EXPRESSION_TEXT
    )
      return true
    if (!this.#isTooComplex) {
      const message = `The definition has more than ${DEFINITION_MAX_EXPRESSIONS} expressions, or more than ${DEFINITION_MAX_EXPRESSION_TEXT} characters in texts with expressions.`
      this.report(problem('DEFINITION_TOO_COMPLEX', at, message))
    }
    this.#isTooComplex = true
    return false
  }
}

interface Compilation<T> {
  readonly at: string
  readonly nodeId: string | undefined
  readonly count: number
  readonly known: Map<string, T>
  readonly compile: (text: string) => Pieces<T>
}
