import { describe, expect, it } from '@jest/globals'
import { fc } from '../../../support/fast-check.ts'
import { getCountries, getExampleNumber } from 'libphonenumber-js'
import examples from 'libphonenumber-js/examples.mobile.json'
import { AUDIENCE_KEY_NAMES, type AudienceKey } from '../../../../src/blocks/providers/meta/audience-keys.ts'
import { hashValue } from '../../../../src/blocks/providers/meta/hash-value.ts'
import { normalise } from '../../../../src/blocks/providers/meta/normalise.ts'
import type { Json } from '../../../../src/lib/json/json.ts'

const textOf = (key: AudienceKey, value: Json, country: string | null = null) => {
  const normalised = normalise(key, value, country)
  return normalised.kind === 'value' ? normalised.text : normalised
}

describe('normalising', () => {
  it.each<[AudienceKey, Json, string | null, string]>([
    ['EMAIL', '  Mary@Example.COM ', null, 'mary@example.com'],
    ['PHONE', '+1 (555) 987-6543', null, '15559876543'],
    ['PHONE', '15559876543', null, '15559876543'],
    ['PHONE', 15559876543, null, '15559876543'],
    ['PHONE', '0049 30 1234567', 'us', '49301234567'],
    ['PHONE', '030 1234567', 'de', '49301234567'],
    ['PHONE', '07911 123456', 'gb', '447911123456'],
    ['PHONE', '447911123456', 'gb', '447911123456'],
    ['PHONE', '447911123456', 'us', '447911123456'],
    ['PHONE', '(555) 987-6543', 'us', '15559876543'],
    ['FN', ' Mary-Jane ', null, 'maryjane'],
    ['FN', 'Mary  Jane', null, 'mary jane'],
    ['LN', "O'Neill, Jr.", null, 'oneill jr'],
    ['LN', 'Größe', null, 'größe'],
    ['FN', '정', null, '정'],
    ['FI', 'Mary', null, 'm'],
    ['GEN', 'Female', null, 'f'],
    ['DOBY', 1987, null, '1987'],
    ['DOBM', 3, null, '03'],
    ['DOBD', '31', null, '31'],
    ['CT', 'New York', null, 'newyork'],
    ['CT', 'St. Gallen', null, 'stgallen'],
    ['ST', 'California', 'us', 'ca'],
    ['ST', 'CA', 'us', 'ca'],
    ['ST', 'North Carolina', 'us', 'nc'],
    ['ST', 'Nordrhein-Westfalen', 'de', 'nordrheinwestfalen'],
    ['ZIP', '94035-1234', 'us', '94035'],
    ['ZIP', 2134, 'us', '02134'],
    ['ZIP', 'SW1A 1AA', 'gb', 'sw1a1'],
    ['ZIP', 'M1 1AE', 'gb', 'm11'],
    ['ZIP', '1012 AB', 'nl', '1012ab'],
    ['COUNTRY', 'US', null, 'us'],
    ['COUNTRY', 'U.S.', null, 'us'],
    ['COUNTRY', 'United States', null, 'us'],
    ['COUNTRY', 'Germany', null, 'de'],
    ['COUNTRY', 'UK', null, 'gb'],
    [
      'MADID',
      'AB1234CD-E123-12FG-J123-000000000000'.replace(/[GJ]/g, 'A'),
      null,
      'ab1234cd-e123-12fa-a123-000000000000',
    ],
    ['EXTERN_ID', ' CRM-42 ', null, 'CRM-42'],
    ['LOOKALIKE_VALUE', '12.50', null, '12.5'],
  ])('%s %j (%s) gives %s', (key, value, country, expected) => {
    expect(textOf(key, value, country)).toBe(expected)
  })

  it.each<[AudienceKey, Json]>([
    ['EMAIL', 'mary'],
    ['EMAIL', 'a b@c.de'],
    ['PHONE', 'call me'],
    ['PHONE', '12'],
    ['FN', '---'],
    ['GEN', 'x'],
    ['DOBY', '87'],
    ['DOBY', 'MCMLXXIV'],
    ['DOBM', '13'],
    ['DOBM', 0],
    ['DOBD', '32'],
    ['COUNTRY', 'Atlantis'],
    ['MADID', 'phone of Mary'],
    ['LOOKALIKE_VALUE', 'much'],
    ['EMAIL', true],
    ['EMAIL', ['mary@example.com']],
    ['EXTERN_ID', '\ud800'],
  ])('%s %j is invalid', (key, value) => {
    expect(normalise(key, value, null)).toEqual({ kind: 'invalid', reason: expect.any(String) })
  })

  it.each([null, undefined, '', '  '])('takes %j for unknown, whatever the key', (value) => {
    for (const key of AUDIENCE_KEY_NAMES) expect(normalise(key, value, null)).toEqual({ kind: 'empty' })
  })

  it('leaves what is normalised as it is', () => {
    const anyText = fc.oneof(
      fc.string({ unit: 'binary' }),
      fc.string({ unit: 'grapheme' }),
      fc.emailAddress(),
      fc.stringMatching(/^[+0-9 ()-]{4,16}$/),
      fc.stringMatching(/^[A-Za-z]{1,2}\d[A-Za-z\d]? ?\d[A-Za-z]{2}$/),
      fc.stringMatching(/^\d{1,9}(-\d{4})?$/),
    )
    const key = fc.constantFrom(...AUDIENCE_KEY_NAMES)
    fc.assert(
      fc.property(key, anyText, fc.constantFrom(null, 'us', 'gb', 'de'), (key, text, country) => {
        // Digits alone do not tell to which country they belong: without one given, they begin with its code.
        const within = key === 'PHONE' ? null : country
        const once = normalise(key, text, within)
        if (once.kind === 'value') expect(normalise(key, once.text, within)).toEqual(once)
      }),
      { numRuns: 2_000 },
    )
  })

  it('reads a phone number of a country in its national, international and normalised forms alike', () => {
    fc.assert(
      fc.property(fc.constantFrom(...getCountries()), (country) => {
        const number = getExampleNumber(country, examples)
        if (!number) throw new Error(`there is no example for ${country}`)
        const digits = number.number.slice(1)
        for (const form of [number.formatNational(), number.formatInternational(), number.number, digits]) {
          expect([form, textOf('PHONE', form, country.toLowerCase())]).toEqual([form, digits])
        }
      }),
      { numRuns: 300 },
    )
  })
})

describe('hashing', () => {
  it.each<[AudienceKey, Json, string]>([
    ['EMAIL', 'Mary@example.com', 'f1904cf1a9d73a55fa5de0ac823c4403ded71afd4c3248d00bdcd0866552bb79'],
    ['PHONE', '+1 (555) 987-6543', '1ef970831d7963307784fa8688e8fce101a15685d62aa765fed23f3a2c576a4e'],
    ['EMAIL', 'test@example.com', '973dfe463ec85785f5f95af5ba3906eedb2d931c24e69824a89ea65dba4e813b'],
    ['FN', 'Mary', '6915771be1c5aa0c886870b6951b03d7eafc121fea0e80a5ea83beb7c449f4ec'],
    ['ST', 'CA', '6959097001d10501ac7d54c0bdb8db61420f658f2922cc26e46d536119a31126'],
    ['COUNTRY', 'US', '79adb2a2fce5c6ba215fe5f27f532d4e7edbac4b6a5e09e1ef3a08084a904621'],
    ['CT', 'New York', '350c754ba4d38897693aa077ef43072a859d23f613443133fecbbd90a3512ca5'],
    ['ZIP', '94035', '1794327a4d443904421f5ca1f3d72d0a62ba2f0770d80755ec2220fc0efb052e'],
    ['ZIP', 'sw1a1', '949af780a19e6f6d4b99d7044743348dbbb7ab2245fe146863573b23d02c5890'],
  ])('%s %j gives the known vector', (key, value, expected) => {
    expect(hashValue(key, value, null)).toEqual({ kind: 'value', text: expected })
  })

  it('does not hash what is hashed, but for its case', () => {
    const hash = 'F1904CF1A9D73A55FA5DE0AC823C4403DED71AFD4C3248D00BDCD0866552BB79'
    expect(hashValue('EMAIL', hash, null)).toEqual({ kind: 'value', text: hash.toLowerCase() })
  })

  it('does not hash device ids, own ids and values', () => {
    expect(hashValue('EXTERN_ID', 'crm-42', null)).toEqual({ kind: 'value', text: 'crm-42' })
    expect(hashValue('LOOKALIKE_VALUE', 7, null)).toEqual({ kind: 'value', text: '7' })
  })

  it('never hashes the empty text', () => {
    expect(hashValue('EMAIL', ' ', null)).toEqual({ kind: 'empty' })
  })

  it('gives the same hash for all ways of writing an address', () => {
    const spaced = fc.tuple(fc.emailAddress(), fc.constantFrom('', ' ', '\t'), fc.boolean())
    fc.assert(
      fc.property(spaced, ([email, space, isUpper]) => {
        const written = `${space}${isUpper ? email.toUpperCase() : email}${space}`
        expect(hashValue('EMAIL', written, null)).toEqual(hashValue('EMAIL', email, null))
      }),
      { numRuns: 100 },
    )
  })
})
