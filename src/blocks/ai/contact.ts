import { z } from 'zod'
import type { Block } from '../../engine/block/index.ts'
import { isJsonObject, type Json, type JsonObject } from '../../lib/json/index.ts'
import type { OpenRouterClient } from '../providers/openrouter/index.ts'
import type { ItemResult } from './item-result.ts'
import { itemsBlock, itemsSettings } from './items-block.ts'

const configSchema = z.strictObject(itemsSettings)

const contactSchema = z.object({
  name: z.string().nullable().describe('The person’s full name; null: not told.'),
  role: z.string().nullable().describe('What they do; null: not told.'),
  organization: z.string().nullable().describe('Where they do it; null: not told.'),
  location: z.string().nullable().describe('Where they are; null: not told.'),
  emails: z.array(z.string()).describe('E-mail addresses as they stand there.'),
  phones: z.array(z.string()).describe('Phone numbers as they stand there.'),
  urls: z.array(z.string()).describe('Web addresses of theirs.'),
  handles: z
    .array(z.object({ platform: z.string(), handle: z.string() }))
    .describe('Names on social platforms, without the @.'),
  confidence: z
    .number()
    .min(0)
    .max(1)
    .describe('How sure it is that all of this belongs together, from 0 to 1.'),
})
const answerSchema = z.object({
  contacts: z
    .array(contactSchema)
    .describe('One for each person or organization; empty where there is none.'),
})

const FIRST_NAMES = ['Mary', 'Jonas', 'Aiko', 'Lena', 'Samuel', 'Nadia']
const LAST_NAMES = ['Miller', 'Keller', 'Tanaka', 'Novak', 'Okafor', 'Rossi']
const ROLES = ['Founder', 'Head of Marketing', 'Running coach', 'Photographer']

/** `ai.contact`: the people in texts, and how to reach them. */
export function contactBlock(ports: { client: OpenRouterClient }): Block {
  return itemsBlock(
    {
      type: 'ai.contact',
      name: 'Contacts',
      description:
        'Finds people and organizations in texts by a language model, with every way to reach them.',
      icon: 'contact',
      config: configSchema,
      answer: answerSchema,
      task: () =>
        [
          'Find the people and organizations that each item tells how to reach, and who they are.',
          'Take only what stands in the item; never guess or complete an address or a number.',
          'Undo disguises such as "mary [at] example [dot] com".',
        ].join('\n'),
      sampleAnswer: (_, { random }) => ({ contacts: [sampleContact(random)] }),
      sampleConfig: configSchema.parse({ items: ['Mary Miller, founder of Acme. mary.miller@example.com'] }),
      gathered: {
        contacts: {
          schema: z
            .array(contactSchema.extend({ itemIndex: z.int().describe('The item that it was found in.') }))
            .describe('The contacts of all items in one list.'),
          from: allContacts,
        },
      },
    },
    ports,
  )
}

function allContacts(results: readonly ItemResult[]): Json {
  return results.flatMap((result) => {
    const contacts = result.status === 'COMPLETED' ? result.output['contacts'] : []
    return (Array.isArray(contacts) ? (contacts as readonly Json[]) : [])
      .filter(isJsonObject)
      .map((contact): JsonObject => ({ ...contact, itemIndex: result.index }))
  })
}

function sampleContact(random: () => number): z.output<typeof contactSchema> {
  const pick = (list: readonly string[]) => list[Math.floor(random() * list.length)] as string
  const first = pick(FIRST_NAMES)
  const last = pick(LAST_NAMES)
  const handle = `${first}.${last}`.toLowerCase()
  return {
    name: `${first} ${last}`,
    role: pick(ROLES),
    organization: 'Acme',
    location: null,
    emails: [`${handle}@example.com`],
    phones: [],
    urls: ['https://example.com/'],
    handles: [{ platform: 'instagram', handle }],
    confidence: 0.9,
  }
}
