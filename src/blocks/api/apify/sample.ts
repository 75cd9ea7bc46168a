import type { Json, JsonObject } from '../../../lib/json.ts'
import type { ApifyPreset } from './presets.ts'

const MAX_SAMPLE_ITEMS = 50
const TOPICS = ['running', 'coffee', 'design', 'travel', 'cooking', 'music', 'gardening', 'climbing']
const PLACES = ['Berlin', 'Lisbon', 'Austin', 'Toronto', 'Melbourne']
/** Fixed, so that the same call gives the same sample at any time. */
const NEWEST_POST_AT = Date.parse('2027-01-15T09:30:00.000Z')
const HOUR_MS = 3_600_000

export interface SampleWish {
  readonly preset?: ApifyPreset | undefined
  readonly targets: readonly string[]
  readonly resultsPerTarget: number
  readonly maxResults?: number
}

/** Items like those that the actor would have given for these targets. */
export function sampleItems(wish: SampleWish, random: () => number): readonly Json[] {
  const { preset, targets, resultsPerTarget, maxResults = MAX_SAMPLE_ITEMS } = wish
  const perTarget = preset === 'instagram.profiles' ? 1 : resultsPerTarget
  const names = targets.length > 0 ? targets : ['acme']
  return names
    .flatMap((target) => Array.from({ length: perTarget }, (_, i) => ({ target: nameOf(target), i })))
    .slice(0, Math.min(MAX_SAMPLE_ITEMS, maxResults))
    .map(({ target, i }) => sampleItem(preset, { target, i, random }))
}

function nameOf(target: string): string {
  const [, name = target] = /([^/]+)\/*$/.exec(target.split(/[?#]/)[0] ?? '') ?? []
  return name.replace(/^[@#]/, '')
}

interface Place {
  readonly target: string
  readonly i: number
  readonly random: () => number
}

function sampleItem(preset: ApifyPreset | undefined, place: Place): JsonObject {
  switch (preset) {
    case 'instagram.profiles':
      return profile(place)
    case 'instagram.comments':
      return comment(place)
    default:
      return post(place)
  }
}

function post({ target, i, random }: Place): JsonObject {
  const topic = pick(TOPICS, random)
  const shortCode = codeOf(random)
  const owner = /^\w[\w.]*$/.test(target) ? target : 'acme'
  return {
    inputUrl: `https://www.instagram.com/${target}/`,
    id: String(3_400_000_000 + i),
    type: pick(['Image', 'Video', 'Sidecar'], random),
    shortCode,
    caption: `A morning of ${topic} with the team. Write to hello@${owner.replaceAll('.', '')}.example #${topic}`,
    hashtags: [topic],
    mentions: [],
    url: `https://www.instagram.com/p/${shortCode}/`,
    commentsCount: whole(random, 60),
    likesCount: whole(random, 2_000),
    timestamp: new Date(NEWEST_POST_AT - i * 26 * HOUR_MS).toISOString(),
    ownerUsername: owner,
    ownerFullName: capitalised(owner),
    ownerId: String(1_000 + whole(random, 9_000)),
    isSponsored: false,
    locationName: pick(PLACES, random),
  }
}

function comment({ target, i, random }: Place): JsonObject {
  const author = `${pick(TOPICS, random)}.fan${whole(random, 90) + 10}`
  return {
    postUrl: `https://www.instagram.com/p/${target}/`,
    id: String(17_900_000 + i),
    text: pick(['Love this!', 'Where can I get it?', 'Not for me.', 'Great work, congratulations!'], random),
    ownerUsername: author,
    timestamp: new Date(NEWEST_POST_AT - i * HOUR_MS).toISOString(),
    likesCount: whole(random, 40),
    repliesCount: 0,
    replies: [],
  }
}

function profile({ target, random }: Place): JsonObject {
  const topic = pick(TOPICS, random)
  return {
    id: String(1_000 + whole(random, 9_000)),
    username: target,
    url: `https://www.instagram.com/${target}/`,
    fullName: capitalised(target),
    biography: `All about ${topic}. hello@${target.replaceAll('.', '')}.example`,
    externalUrl: `https://${target.replaceAll('.', '')}.example/`,
    followersCount: whole(random, 80_000),
    followsCount: whole(random, 900),
    postsCount: whole(random, 700),
    verified: random() < 0.2,
    private: false,
    isBusinessAccount: true,
    businessCategoryName: capitalised(topic),
  }
}

function pick<T>(choices: readonly [T, ...T[]] | readonly T[], random: () => number): T {
  return choices[whole(random, choices.length)] as T
}

function whole(random: () => number, below: number): number {
  return Math.floor(random() * below)
}

function capitalised(word: string): string {
  return word.charAt(0).toUpperCase() + word.slice(1)
}

const CODE_LETTERS = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789'

function codeOf(random: () => number): string {
  return Array.from({ length: 11 }, () => CODE_LETTERS.charAt(whole(random, CODE_LETTERS.length))).join('')
}
