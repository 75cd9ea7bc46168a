import { BlockError } from '../../../engine/block/index.ts'
import type { JsonObject } from '../../../lib/json/index.ts'
import { shorten } from '../../../lib/text/index.ts'

export const APIFY_PRESETS = [
  'instagram.posts',
  'instagram.reels',
  'instagram.mentions',
  'instagram.stories',
  'instagram.profiles',
  'instagram.hashtags',
  'instagram.comments',
] as const
export type ApifyPreset = (typeof APIFY_PRESETS)[number]

export interface PresetWish {
  readonly preset: ApifyPreset
  /** Names or URLs of what is to be scraped. */
  readonly targets: readonly string[]
  readonly resultsPerTarget: number
  readonly newerThan: string | null
}

export interface PresetRun {
  readonly actor: string
  readonly input: JsonObject
}

const INSTAGRAM_ACTOR = 'apify~instagram-scraper'

interface InstagramPreset {
  readonly resultsType: string
  readonly urlOf: (target: string) => string
}

/** The actor takes one kind of result a run, and addresses in place of names. */
const INSTAGRAM: { readonly [Preset in ApifyPreset]: InstagramPreset } = {
  'instagram.posts': { resultsType: 'posts', urlOf: profileUrl },
  'instagram.reels': { resultsType: 'reels', urlOf: profileUrl },
  'instagram.mentions': { resultsType: 'mentions', urlOf: profileUrl },
  'instagram.stories': { resultsType: 'stories', urlOf: profileUrl },
  'instagram.profiles': { resultsType: 'details', urlOf: profileUrl },
  'instagram.hashtags': { resultsType: 'posts', urlOf: hashtagUrl },
  'instagram.comments': { resultsType: 'comments', urlOf: postUrl },
}

/** The actor and its input for a preset. Throws `APIFY_TARGET_INVALID` for what is neither a name nor a URL. */
export function presetRun({ preset, targets, resultsPerTarget, newerThan }: PresetWish): PresetRun {
  const { resultsType, urlOf } = INSTAGRAM[preset]
  return {
    actor: INSTAGRAM_ACTOR,
    input: {
      directUrls: [...new Set(targets.map(urlOf))],
      resultsType,
      // For each URL. Without it the actor takes all there is, and all is paid for.
      resultsLimit: resultsPerTarget,
      ...(newerThan !== null && { onlyPostsNewerThan: newerThan }),
    },
  }
}

const URL_PATTERN = /^https?:\/\//i

function profileUrl(target: string): string {
  if (URL_PATTERN.test(target)) return target
  const [, name] = /^@?([\w.]{1,30})$/.exec(target.trim()) ?? []
  if (name) return `https://www.instagram.com/${name}/`
  throw invalidTarget(target, 'the name of a profile or its URL')
}

function hashtagUrl(target: string): string {
  if (URL_PATTERN.test(target)) return target
  const [, tag] = /^#?([\p{L}\p{M}\p{N}_]{1,100})$/u.exec(target.trim()) ?? []
  if (tag) return `https://www.instagram.com/explore/tags/${encodeURIComponent(tag.toLowerCase())}/`
  throw invalidTarget(target, 'a hashtag or its URL')
}

function postUrl(target: string): string {
  if (URL_PATTERN.test(target)) return target
  const [, shortCode] = /^([\w-]{5,40})$/.exec(target.trim()) ?? []
  if (shortCode) return `https://www.instagram.com/p/${shortCode}/`
  throw invalidTarget(target, 'the URL or short code of a post')
}

function invalidTarget(target: string, wanted: string): BlockError {
  return new BlockError('APIFY_TARGET_INVALID', `"${shorten(target, 100)}" is not ${wanted}.`)
}
