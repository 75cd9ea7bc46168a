import { Closers } from '../../../src/lib/async/closers.ts'
import { systemClock } from '../../../src/lib/time/clock.ts'
import type { Json, JsonObject } from '../../../src/lib/json/json.ts'
import { APIFY_TOKEN, startApifyServer, type ApifyServer } from './apify-server.ts'
import { APOLLO_BASE_PATH, APOLLO_KEY, startApolloServer, type ApolloServer } from './apollo-server.ts'
import { HUNTER_BASE_PATH, HUNTER_KEY, startHunterServer, type HunterServer } from './hunter-server.ts'
import { startMetaServer, type MetaServer } from './meta-server.ts'
import { answersPerItem, startOpenRouterServer, type OpenRouterServer } from './openrouter-server.ts'

const OPENROUTER_KEY = 'sk-or-v1-test'
const META_TOKEN = 'meta-test-token'
const META_BASE_PATH = '/v26.0'
export const ACTOR_COST_USD = 1.15
const FIRST_NAMES = ['Dana', 'Luca', 'Amira', 'Noah', 'Ines', 'Kofi', 'Mei', 'Oskar', 'Priya', 'Tove']
const MIDDLE_NAMES = ['Ada', 'Bo', 'Cleo', 'Dag', 'Eve', 'Finn', 'Gro', 'Hal', 'Ida', 'Jon']
const LAST_NAMES = ['Rosen', 'Haddad', 'Novak', 'Silva', 'Mensah', 'Lin', 'Berg', 'Rao', 'Vega', 'Okafor']

/** A person, and who knows what of them. */
export interface LeadPerson {
  readonly name: string
  readonly domain: string
  readonly email: string
  readonly isKnownToApollo: boolean
  /** Whether Hunter finds an address that exists. */
  readonly isReachable: boolean
  /** How strong a model finds their interest, from 0 to 1. */
  readonly interest: number
}

/** All providers that lead enrichment calls, on people whose posts a scraper finds. */
export interface LeadWorld {
  readonly people: readonly LeadPerson[]
  readonly audienceId: string
  readonly apify: ApifyServer
  readonly openrouter: OpenRouterServer
  readonly apollo: ApolloServer
  readonly hunter: HunterServer
  readonly meta: MetaServer
  /** What leads a server here: keys and base URLs. */
  readonly environment: Readonly<Record<string, string>>
  close(): Promise<void>
}

/** Starts the stand-ins with that many people. Each is named by one post; one in ten Apollo does not know. */
export async function startLeadWorld(count: number): Promise<LeadWorld> {
  const closers = new Closers()
  const people = Array.from({ length: count }, (_, number) => personOf(number))
  const [apify, openrouter, apollo, hunter, meta] = await Promise.all([
    startApifyServer(),
    startOpenRouterServer(OPENROUTER_KEY),
    startApolloServer(systemClock),
    startHunterServer(),
    startMetaServer(META_TOKEN),
  ])
  for (const server of [apify, openrouter, apollo, hunter, meta]) closers.add(() => server.close())
  apify.scriptNextRun({ items: people.map(postOf), costUsd: ACTOR_COST_USD })
  openrouter.otherwise((request) => answersPerItem((item) => answerOf(item, request, people))(request))
  apollo.putPeople(people.filter(({ isKnownToApollo }) => isKnownToApollo).map(apolloPersonOf))
  apollo.limitMinute(count * 10)
  for (const person of people.filter(({ isReachable }) => isReachable)) {
    hunter.putDomain(person.domain, [hunterEmailOf(person)])
  }
  return {
    people,
    audienceId: meta.addAudience('1234567890', 'Trail runners'),
    apify,
    openrouter,
    apollo,
    hunter,
    meta,
    environment: {
      APIFY_API_KEY: APIFY_TOKEN,
      OPENROUTER_API_KEY: OPENROUTER_KEY,
      APOLLO_API_KEY: APOLLO_KEY,
      HUNTER_API_KEY: HUNTER_KEY,
      META_ACCESS_TOKEN: META_TOKEN,
      APIFY_BASE_URL: apify.origin,
      OPENROUTER_BASE_URL: openrouter.baseUrl,
      APOLLO_BASE_URL: apollo.origin + APOLLO_BASE_PATH,
      HUNTER_BASE_URL: hunter.origin + HUNTER_BASE_PATH,
      META_BASE_URL: meta.origin + META_BASE_PATH,
    },
    close: () => closers.close(),
  }
}

function personOf(number: number): LeadPerson {
  const pick = (names: readonly string[], place: number) => names[Math.floor(number / place) % 10] as string
  const name = `${pick(FIRST_NAMES, 1)} ${pick(MIDDLE_NAMES, 100)}${pick(LAST_NAMES, 10).toLowerCase()}`
  const domain = `company${number}.example`
  return {
    name,
    domain,
    email: `${name.toLowerCase().replace(' ', '.')}@${domain}`,
    isKnownToApollo: number % 10 !== 0,
    isReachable: number % 20 !== 0,
    interest: number % 4 === 3 ? 0.4 : 0.9,
  }
}

function postOf({ name, domain }: LeadPerson, number: number): JsonObject {
  return {
    inputUrl: `https://www.instagram.com/page${Math.floor(number / 25)}/`,
    url: `https://www.instagram.com/p/post${number}/`,
    type: 'Image',
    caption: `Out on the trail with ${name} of https://${domain}/`,
    ownerUsername: `page${Math.floor(number / 25)}`,
    likesCount: 12,
  }
}

/** What the model says of a post, or of a lead of whom the post is told. */
function answerOf(item: Json, request: JsonObject, people: readonly LeadPerson[]): JsonObject {
  const text = JSON.stringify(item)
  const domain = /company\d+\.example/.exec(text)?.[0]
  const person = people.find((one) => one.domain === domain)
  if (!person) throw new Error(`nobody is named in ${text}`)
  if (!JSON.stringify(request['response_format']).includes('ai_contact'))
    return { interests: [{ label: 'trail running', score: person.interest, evidence: 'Out on the trail' }] }
  const contact = {
    name: person.name,
    role: null,
    organization: `Company of ${person.domain}`,
    location: null,
    emails: [],
    phones: [],
    urls: [`https://${person.domain}/`],
    handles: [],
    confidence: 0.9,
  }
  return { contacts: [contact] }
}

function apolloPersonOf({ name, domain, email }: LeadPerson): JsonObject {
  const [first_name = '', last_name = ''] = name.split(' ')
  return {
    id: `apollo-${domain}`,
    first_name,
    last_name,
    name,
    domain,
    email,
    email_status: 'verified',
    title: 'Founder',
    city: 'Lisbon',
    country: 'Portugal',
    organization: { name: domain, primary_domain: domain },
  }
}

function hunterEmailOf({ name, email }: LeadPerson): JsonObject {
  const [first_name = '', last_name = ''] = name.split(' ')
  return { value: email, first_name, last_name, confidence: 92, type: 'personal' }
}
