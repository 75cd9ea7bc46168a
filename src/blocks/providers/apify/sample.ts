import type { Json, JsonObject } from '../../../lib/json/index.ts'
import { capitalised, lettersOf, pick, slugOf, wholeBelow } from '../shared/index.ts'
import type { ApifyPreset } from './presets.ts'

const MAX_SAMPLE_ITEMS = 50
const CODE_LETTERS = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789'
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
  const shortCode = lettersOf(CODE_LETTERS, 11, random)
  const owner = /^\w[\w.]*$/.test(target) ? target : 'acme'
  return {
    inputUrl: `https://www.instagram.com/${target}/`,
    id: String(3_400_000_000 + i),
    type: pick(['Image', 'Video', 'Sidecar'], random),
    shortCode,
    caption: `A morning of ${topic} with the team. Write to hello@${slugOf(owner)}.example #${topic}`,
    hashtags: [topic],
    mentions: [],
    url: `https://www.instagram.com/p/${shortCode}/`,
    commentsCount: wholeBelow(60, random),
    likesCount: wholeBelow(2_000, random),
    timestamp: new Date(NEWEST_POST_AT - i * 26 * HOUR_MS).toISOString(),
    ownerUsername: owner,
    ownerFullName: capitalised(owner),
    ownerId: String(1_000 + wholeBelow(9_000, random)),
    isSponsored: false,
    locationName: pick(PLACES, random),
  }
}

function comment({ target, i, random }: Place): JsonObject {
  const author = `${pick(TOPICS, random)}.fan${wholeBelow(90, random) + 10}`
  return {
    postUrl: `https://www.instagram.com/p/${target}/`,
    id: String(17_900_000 + i),
    text: pick(['Love this!', 'Where can I get it?', 'Not for me.', 'Great work, congratulations!'], random),
    ownerUsername: author,
    timestamp: new Date(NEWEST_POST_AT - i * HOUR_MS).toISOString(),
    likesCount: wholeBelow(40, random),
    repliesCount: 0,
    replies: [],
  }
}

function profile({ target, random }: Place): JsonObject {
  const topic = pick(TOPICS, random)
  return {
    id: String(1_000 + wholeBelow(9_000, random)),
    username: target,
    url: `https://www.instagram.com/${target}/`,
    fullName: capitalised(target),
    biography: `All about ${topic}. hello@${slugOf(target)}.example`,
    externalUrl: `https://${slugOf(target)}.example/`,
    followersCount: wholeBelow(80_000, random),
    followsCount: wholeBelow(900, random),
    postsCount: wholeBelow(700, random),
    verified: random() < 0.2,
    private: false,
    isBusinessAccount: true,
    businessCategoryName: capitalised(topic),
  }
}
