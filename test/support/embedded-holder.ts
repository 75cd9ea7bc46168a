// Opens the embedded database of the folder that the first argument names, commits one number, writes another without
// committing it, says so, and stays until it is killed.
import pg from 'pg'
import { openEmbeddedPostgres } from '../../src/db/embedded/embedded-postgres.ts'

const { connection } = await openEmbeddedPostgres({ dataDir: process.argv[2] as string })
const client = await new pg.Pool(connection).connect()
await client.query('insert into numbers values (30)')
await client.query('begin')
await client.query('insert into numbers values (31)')
console.log('30 is committed, 31 is not')
