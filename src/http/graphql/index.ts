/** Executes GraphQL requests with limits, masked errors and, where configured, persisted documents only. */
export { createGraphql, GRAPHQL_PATH, type Caller, type Graphql } from './graphql.ts'
export { findDocument, readPersistedDocuments, type PersistedDocuments } from './persisted-documents.ts'
