/** Executes GraphQL requests with limits, masked errors and, where configured, persisted documents only. */
export { SubscriptionFailedError } from './event-results.ts'
export { createGraphql, GRAPHQL_PATH, type Caller, type Graphql } from './graphql.ts'
export { isSubscription, type Results } from './operations.ts'
export { findDocument, readPersistedDocuments, type PersistedDocuments } from './persisted-documents.ts'
