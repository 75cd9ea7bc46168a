import { CONVERSION_FUNCTIONS } from './conversion-functions.ts'
import type { PlainFunction } from './function.ts'
import { LIST_FUNCTIONS } from './list-functions.ts'
import { MAP_FUNCTIONS } from './map-functions.ts'
import { NUMBER_FUNCTIONS } from './number-functions.ts'
import { REGEX_FUNCTIONS } from './regex-functions.ts'
import { TEXT_FUNCTIONS } from './text-functions.ts'
import { TIME_FUNCTIONS } from './time-functions.ts'

/** Every function of the language that is not a special form. */
export const FUNCTIONS: readonly PlainFunction[] = [
  ...TEXT_FUNCTIONS,
  ...REGEX_FUNCTIONS,
  ...NUMBER_FUNCTIONS,
  ...LIST_FUNCTIONS,
  ...MAP_FUNCTIONS,
  ...CONVERSION_FUNCTIONS,
  ...TIME_FUNCTIONS,
]
