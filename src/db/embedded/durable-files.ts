import { closeSync, fsyncSync, openSync } from 'node:fs'
import { readdir } from 'node:fs/promises'
import { join } from 'node:path'
import type { PGlite } from '@electric-sql/pglite'
import { NodeFS } from '@electric-sql/pglite/nodefs'

type EmscriptenOptions = Parameters<NodeFS['init']>[1]

/** Puts what was written to an open file on the disk. */
export type SyncFile = (handle: number) => void

interface NodeFileSystem {
  readonly stream_ops: { fsync?: (file: { readonly nfd: number }) => number }
}

/**
 * PGlite's files in a folder, with an fsync that reaches the disk. PGlite's own lacks the call: Emscripten then answers
 * "done" without doing anything, whatever `show fsync` says, and a power cut loses committed work. Its fdatasync is
 * empty in any case, so Postgres must run with `wal_sync_method=fsync`.
 */
export class DurableNodeFS extends NodeFS {
  readonly #sync: SyncFile

  constructor(folder: string, sync: SyncFile = fsyncSync) {
    super(folder)
    this.#sync = sync
  }

  override async init(pglite: PGlite, options: EmscriptenOptions): ReturnType<NodeFS['init']> {
    const { emscriptenOpts } = await super.init(pglite, options)
    const preRun = [
      ...(emscriptenOpts.preRun ?? []),
      ({ NODEFS }: { NODEFS: unknown }) => this.#install(NODEFS),
    ]
    return { emscriptenOpts: { ...emscriptenOpts, preRun } }
  }

  #install(fileSystem: unknown): void {
    const { stream_ops: operations } = fileSystem as NodeFileSystem
    operations.fsync = (file) => {
      this.#sync(file.nfd)
      return 0
    }
  }
}

/** Puts a folder and everything in it on the disk. */
export async function syncFolder(folder: string): Promise<void> {
  const entries = await readdir(folder, { recursive: true })
  for (const entry of entries) syncPath(join(folder, entry))
  syncPath(folder)
}

/** Puts one file, or the list of names of one folder, on the disk. */
export function syncPath(path: string): void {
  const handle = openSync(path, 'r')
  try {
    fsyncSync(handle)
  } finally {
    closeSync(handle)
  }
}
