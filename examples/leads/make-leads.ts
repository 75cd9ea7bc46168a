/**
 * Makes leads.json: a thousand made-up leads with the mess of a real export. It is seeded, so running it again gives
 * the same bytes: `npx tsx examples/leads/make-leads.ts`.
 */
import { writeFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import * as words from './lead-words.ts'
import { createRandom, type Random } from './random.ts'

const SEED = 20_260_401
const LEAD_COUNT = 1_000
/** How many rows repeat somebody who already stands further up. */
const REPEATED_SHARE = 0.12
const FIRST_DAY = Date.UTC(2026, 0, 5)
const DAY_MS = 86_400_000

export type Lead = Record<string, unknown>

/** The person behind a row: clean facts, before any source got hold of them. */
interface Person {
  readonly first: string
  readonly last: string
  readonly email: string
  readonly company: string
  readonly website: string
  readonly title: string
  readonly country: string
  readonly employees: number
  readonly score: number
}

/** Something that goes wrong with a row, and how often. */
interface Mess {
  readonly share: number
  readonly spoil: (lead: Lead, random: Random) => void
}

/** The file's text: one lead a line, so that a difference can be read. */
export function leadsText(): string {
  return `[\n${makeLeads().map(lineOf).join(',\n')}\n]\n`
}

export function makeLeads(): Lead[] {
  const random = createRandom(SEED)
  const people: Person[] = []
  return Array.from({ length: LEAD_COUNT }, (_, row) => {
    const known = people.length > 0 && random.chance(REPEATED_SHARE) ? random.pick(people) : undefined
    const person = known ?? makePerson(random)
    if (!known) people.push(person)
    const lead = random.pick(SOURCES)(known ? repeated(person, random) : person, random)
    for (const mess of MESSES) if (random.chance(mess.share)) mess.spoil(lead, random)
    return { id: `L-${String(row + 1).padStart(4, '0')}`, ...lead }
  })
}

function makePerson(random: Random): Person {
  const odd = random.chance(0.08) ? random.pick(words.oddNames) : undefined
  const first = odd?.first ?? random.pick(words.firstSyllables) + random.pick(words.lastSyllables)
  const last = odd?.last ?? random.pick(words.things)
  const company = `${random.pick(words.adjectives)} ${random.pick(words.trades)}`
  const website = `${company.toLowerCase().replace(' ', '-')}.example`
  const local = (odd?.latin ?? `${first}.${last}`).toLowerCase()
  return {
    first,
    last,
    email: `${local}@${random.chance(0.75) ? website : random.pick(words.freeMail)}`,
    company: random.chance(0.4) ? `${company} ${random.pick(words.legalForms)}` : company,
    website,
    title: random.pick(words.titles),
    country: random.pick(words.countries),
    employees: random.pick([1, 13, 130, 1_310]) * random.integer(1, 9),
    score: random.integer(0, 100),
  }
}

/** Somebody met again: the same address written another way, a second address, or simply the same once more. */
function repeated(person: Person, random: Random): Person {
  const way = random.fraction()
  if (way < 0.3) return { ...person, email: person.email.toUpperCase() }
  if (way < 0.55) return { ...person, email: `  ${capitalised(person.email)}\t` }
  if (way >= 0.75) return person
  const [local] = person.email.split('@')
  return { ...person, email: `${local}@${random.pick(words.freeMail)}` }
}

const SOURCES: readonly ((person: Person, random: Random) => Lead)[] = [
  function crm(person, random) {
    return {
      firstName: person.first,
      lastName: person.last,
      email: person.email,
      company: person.company,
      title: person.title,
      country: person.country,
      employees: person.employees,
      score: person.score,
      phone: `+1 ${random.integer(201, 989)} 555 01${random.integer(10, 99)}`,
      source: 'crm',
      createdAt: new Date(FIRST_DAY + random.integer(0, 80) * DAY_MS).toISOString(),
    }
  },
  function form(person, random) {
    return {
      name: `${person.first} ${person.last}`,
      email: person.email,
      company: person.company,
      title: person.title,
      country: person.country,
      employees: random.pick(words.sizeBands),
      score: String(person.score),
      message: sentences(random, random.integer(1, 2)),
      source: 'form',
      utm: { source: random.pick(words.channels), campaign: `spring-${random.integer(1, 9)}` },
    }
  },
  function directory(person, random) {
    return {
      name: `${person.last}, ${person.first}`,
      email: person.email,
      company: person.company,
      website: `https://${person.website}/`,
      title: person.title,
      employees: withThousands(person.employees),
      score: person.score + random.integer(0, 9) / 10,
      source: 'directory',
      tags: [random.pick(words.channels), random.pick(words.trades).toLowerCase()],
    }
  },
]

const MESSES: readonly Mess[] = [
  { share: 0.2, spoil: (lead, random) => delete lead[random.pick(words.optionalFields)] },
  { share: 0.12, spoil: (lead, random) => (lead[random.pick(words.optionalFields)] = null) },
  { share: 0.12, spoil: (lead, random) => (lead[random.pick(words.optionalFields)] = '') },
  { share: 0.08, spoil: (lead, random) => (lead['employees'] = random.pick(words.oddEmployees)) },
  { share: 0.1, spoil: (lead, random) => (lead['score'] = random.pick(words.oddScores)) },
  { share: 0.05, spoil: (lead) => (lead['title'] = `  ${textOf(lead['title']).toUpperCase()} `) },
  {
    share: 0.04,
    spoil: (lead, random) =>
      (lead['company'] = fullWidth(textOf(lead['company']) || random.pick(words.trades))),
  },
  {
    share: 0.04,
    spoil: (lead, random) => (lead['company'] = `${textOf(lead['company'])}${random.pick(words.invisible)}`),
  },
  { share: 0.03, spoil: (lead, random) => (lead['message'] = random.pick(words.oddTexts)) },
  { share: 0.015, spoil: (lead, random) => (lead['notes'] = sentences(random, random.integer(12, 30))) },
  { share: 0.06, spoil: (lead, random) => Object.assign(lead, random.pick(words.extraFields)) },
  {
    share: 0.02,
    spoil: (lead, random) => (lead['email'] = `${random.pick(words.invisible)}${textOf(lead['email'])}`),
  },
  { share: 0.02, spoil: (lead) => (lead['email'] = fullWidth(textOf(lead['email']))) },
  { share: 0.05, spoil: (lead, random) => (lead['email'] = random.pick(words.brokenEmails)) },
  { share: 0.03, spoil: (lead) => (lead['email'] = null) },
  { share: 0.03, spoil: (lead) => delete lead['email'] },
]

/** Characters that nobody sees are written as escapes, so that a reader of the file does. */
function lineOf(lead: Lead): string {
  return JSON.stringify(lead).replace(
    /[\u00a0\u00ad\u200b-\u200f\u2028-\u202e\u2060-\u2069\ufeff]/g,
    (character) => `\\u${character.charCodeAt(0).toString(16).padStart(4, '0')}`,
  )
}

function sentences(random: Random, count: number): string {
  return Array.from({ length: count }, () => random.pick(words.sentences)).join(' ')
}

function capitalised(text: string): string {
  return text.replace(/[a-z]+/g, (word) => word.charAt(0).toUpperCase() + word.slice(1))
}

/** 1200 → "1,200", without the locale data of whoever runs this. */
function withThousands(count: number): string {
  return String(count).replace(/\B(?=(\d{3})+$)/g, ',')
}

/** ASCII as the wide forms of East Asian keyboards. */
function fullWidth(text: string): string {
  return text.replace(/[!-~]/g, (character) => String.fromCharCode(character.charCodeAt(0) + 0xfee0))
}

function textOf(value: unknown): string {
  return typeof value === 'string' ? value : ''
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  writeFileSync(new URL('leads.json', import.meta.url), leadsText())
}
