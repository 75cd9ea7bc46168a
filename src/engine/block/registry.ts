import { LumeError } from '../../lib/index.ts'
import { closest } from '../../lib/text/index.ts'
import type { Block } from './block.ts'

const BLOCK_TYPE = /^[a-z][A-Za-z0-9]*(\.[a-z][A-Za-z0-9]*)+$/

const BLOCK_VERSION_MAX_LENGTH = 64

/** The blocks that definitions may name. Filled once while a Lume is put together. */
export class BlockRegistry {
  readonly #blocks = new Map<string, Block>()

  /** Adds a block; throws `BLOCK_TYPE_INVALID`, `BLOCK_VERSION_INVALID` or `BLOCK_TYPE_TAKEN`. */
  register(block: Block): void {
    if (!BLOCK_TYPE.test(block.type)) {
      throw new LumeError(
        'BLOCK_TYPE_INVALID',
        `block type "${block.type}" is not words joined by dots, such as "custom.greet"`,
      )
    }
    if (block.version.length < 1 || block.version.length > BLOCK_VERSION_MAX_LENGTH) {
      throw new LumeError(
        'BLOCK_VERSION_INVALID',
        `the version of block "${block.type}" has ${block.version.length} characters; give it 1 to ${BLOCK_VERSION_MAX_LENGTH}, such as "2.1.0"`,
      )
    }
    if (this.#blocks.has(block.type)) {
      throw new LumeError(
        'BLOCK_TYPE_TAKEN',
        `a block of type "${block.type}" is registered already; choose another type`,
      )
    }
    this.#blocks.set(block.type, block)
  }

  /** The types of all blocks, in no order. */
  get types(): readonly string[] {
    return [...this.#blocks.keys()]
  }

  get(type: string): Block | undefined {
    return this.#blocks.get(type)
  }

  /** All blocks, by type. */
  list(): readonly Block[] {
    return [...this.#blocks.values()].toSorted((a, b) => (a.type < b.type ? -1 : 1))
  }

  /** The type that a misspelt one most likely meant. */
  closest(type: string): string | null {
    return closest(type, this.#blocks.keys())
  }
}
