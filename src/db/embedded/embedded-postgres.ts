import type pg from 'pg'
import { codeOf, messageOf } from '../../lib/index.ts'
import { folderError, requireUsableFolder } from './folder-errors.ts'
import { lockFolder } from './folder-lock.ts'
import { PostgresThread } from './postgres-thread.ts'

export interface EmbeddedPostgres {
  /** For `new pg.Pool`: there is one connection, for which queries and transactions queue up. */
  readonly connection: Pick<
    pg.PoolConfig,
    'stream' | 'max' | 'idleTimeoutMillis' | 'allowExitOnIdle' | 'ssl' | 'user' | 'password' | 'database'
  >
  /** Ends the connection, closes the database and gives the folder back. End the pool first. */
  close(): Promise<void>
}

export interface OpenEmbeddedPostgresOptions {
  readonly dataDir: string
  /** Called before the database is created, which takes several seconds and happens once for a folder. */
  readonly onCreating?: () => void
  /** Called before ten seconds of waiting for a sign of the folder's last owner, who may live in another container. */
  readonly onWaiting?: () => void
}

/**
 * Opens the Postgres that lives in `<dataDir>/postgres`, and creates it where there is none: PGlite in a thread of its
 * own, with fsync. If it breaks down later, its connection fails with EMBEDDED_DATABASE_STOPPED and the next one starts it again.
 *
 * Throws a LumeError that names the remedy: DATA_DIR_IN_USE if another process has the folder, DATA_DIR_NOT_A_FOLDER,
 * DATA_DIR_NOT_WRITABLE, DATA_DIR_FULL, DATA_DIR_UNUSABLE if the operating system refuses it, EMBEDDED_DATABASE_VERSION,
 * EMBEDDED_DATABASE_DAMAGED, or EMBEDDED_DATABASE_STOPPED if Postgres does not start for another reason.
 */
export async function openEmbeddedPostgres(options: OpenEmbeddedPostgresOptions): Promise<EmbeddedPostgres> {
  const { dataDir } = options
  const thread = new PostgresThread(dataDir)
  const lock = await lockFolder(dataDir, {
    onWaiting: options.onWaiting,
    onLost: (failure) => thread.abandon(`the lock of the data folder ${dataDir} is lost: ${lossOf(failure)}`),
  }).catch((failure: unknown) => {
    throw folderError(dataDir, failure)
  })
  try {
    if (requireUsableFolder(dataDir) === 'absent') options.onCreating?.()
    await thread.start()
  } catch (failure) {
    await lock.release()
    throw failure
  }
  const connection = {
    stream: () => thread.createStream(),
    max: 1,
    idleTimeoutMillis: 0,
    allowExitOnIdle: true,
    // Not given, pg would take these from the environment.
    ssl: false,
    user: 'lume',
    password: '',
    database: 'lume',
  }
  const close = async () => {
    await thread.stop()
    await lock.release()
  }
  return { connection, close }
}

function lossOf(failure: unknown): string {
  return codeOf(failure) === 'ENOENT'
    ? 'another process took the folder, or it was deleted'
    : messageOf(failure)
}
