import { adminQuery } from './database.ts'

/** Runs once after the tests, also when they failed: leaves nothing behind, on a server of our own or on another's. */
export default async function tearDown(): Promise<void> {
  if (globalThis.lumeTestPostgres) await globalThis.lumeTestPostgres.stop()
  else await adminQuery(`drop database if exists ${process.env.LUME_TEST_TEMPLATE} with (force)`)
}
