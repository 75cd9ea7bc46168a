import { z } from 'zod'

/** What both enrichments can be told. */
export const enrichOptions = {
  revealPersonalEmails: z
    .boolean()
    .default(false)
    .describe('Whether private e-mail addresses are wanted, too; withheld for people in GDPR regions.'),
  full: z
    .boolean()
    .default(false)
    .describe('Whether past employments and all details of the employer are kept: about ten times as large.'),
}
