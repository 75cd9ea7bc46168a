/**
 * The keys by which Meta matches people, in the order in which they are sent; each with the name under which contacts
 * usually carry it. Hashed are all but the device id, one's own id and the value.
 */
export const AUDIENCE_KEYS = {
  EMAIL: { field: 'email', isHashed: true },
  PHONE: { field: 'phone', isHashed: true },
  FN: { field: 'firstName', isHashed: true },
  LN: { field: 'lastName', isHashed: true },
  FI: { field: 'firstInitial', isHashed: true },
  GEN: { field: 'gender', isHashed: true },
  DOBY: { field: 'birthYear', isHashed: true },
  DOBM: { field: 'birthMonth', isHashed: true },
  DOBD: { field: 'birthDay', isHashed: true },
  CT: { field: 'city', isHashed: true },
  ST: { field: 'state', isHashed: true },
  ZIP: { field: 'zip', isHashed: true },
  COUNTRY: { field: 'country', isHashed: true },
  MADID: { field: 'deviceId', isHashed: false },
  EXTERN_ID: { field: 'externalId', isHashed: false },
  LOOKALIKE_VALUE: { field: 'value', isHashed: false },
} as const

export type AudienceKey = keyof typeof AUDIENCE_KEYS

export const AUDIENCE_KEY_NAMES = Object.keys(AUDIENCE_KEYS) as readonly AudienceKey[]
