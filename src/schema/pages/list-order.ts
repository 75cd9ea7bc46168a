import { builder } from '../kit/index.ts'

/** Which way a list goes. */
export const OrderDirectionEnum = builder.enumType('OrderDirection', {
  description: 'Which way a list goes.',
  values: {
    ASC: { description: 'From the first: the oldest, or A.' },
    DESC: { description: 'From the last: the newest, or Z.' },
  } as const,
})
