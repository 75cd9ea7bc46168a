/** Decides whether a request may enter: its origin, its credential, and the rate of its sender. */
export { credentialOfHeaders, credentialOfParams } from './credentials.ts'
export { createGate, type Gate } from './gate.ts'
export { createOrigins, type Origins } from './origins.ts'
