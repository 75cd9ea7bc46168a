import { Lexer, ValidationContext } from 'graphql'

/** How often GraphQL documents were read, by what reads them. */
export interface DocumentWork {
  /** Tokens that a parser took. */
  readonly tokens: number
  /** Questions that rules of validation asked. */
  readonly questions: number
}

/** Counts what this process does with GraphQL documents, at the two places that all parsing and all validation passes. */
export function countDocumentWork(): { take(): DocumentWork; stop(): void } {
  const { advance } = Lexer.prototype
  const { getParentType } = ValidationContext.prototype
  let tokens = 0
  let questions = 0
  Lexer.prototype.advance = function counted() {
    tokens++
    return advance.call(this)
  }
  ValidationContext.prototype.getParentType = function counted() {
    questions++
    return getParentType.call(this)
  }
  return {
    take() {
      const taken = { tokens, questions }
      tokens = 0
      questions = 0
      return taken
    },
    stop() {
      Lexer.prototype.advance = advance
      ValidationContext.prototype.getParentType = getParentType
    },
  }
}
