/** Finds and verifies email addresses with Hunter. */
export { findEmailBlock } from './find-email.ts'
export { createHunterClient } from './hunter-client.ts'
export { searchDomainBlock } from './search-domain.ts'
export { verifyEmailBlock } from './verify-email.ts'
