import { cp, rm } from 'node:fs/promises'

// Copies to `dist` what the server reads beside its code: the compiler copies no .graphql files.

const FOLDER = 'http/graphiql/documents'

await rm(`dist/${FOLDER}`, { recursive: true, force: true })
await cp(`src/${FOLDER}`, `dist/${FOLDER}`, { recursive: true })
