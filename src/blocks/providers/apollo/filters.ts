import { z } from 'zod'
import { anyJson, type Json, type JsonObject } from '../../../lib/json/index.ts'

/** What both searches can be narrowed by. */
export const sharedFilters = {
  organizationDomains: z
    .array(z.string())
    .max(1_000)
    .default([])
    .describe('Domains of employers, such as "acme.com".'),
  organizationLocations: z.array(z.string()).default([]).describe('Where employers have their headquarters.'),
  organizationIds: z.array(z.string()).default([]).describe('Apollo’s ids of employers.'),
  employeeRanges: z
    .array(z.string().regex(/^\d+,\d+$/, 'is not a range such as "11,50"'))
    .default([])
    .describe('How many people employers have: ranges such as "11,50".'),
  revenueMin: z.int().min(0).optional().describe('The least revenue of employers, without currency.'),
  revenueMax: z.int().min(0).optional().describe('The most revenue of employers, without currency.'),
  filters: z
    .record(z.string(), anyJson())
    .default({})
    .describe('Further filters under Apollo’s own names, such as `q_organization_job_titles`.'),
}
type SharedFilters = z.output<z.ZodObject<typeof sharedFilters>>

const SHARED_NAMES = {
  organizationDomains: 'q_organization_domains_list',
  organizationLocations: 'organization_locations',
  organizationIds: 'organization_ids',
  employeeRanges: 'organization_num_employees_ranges',
} as const

/** Filters in Apollo's words; what is empty is left out, since Apollo takes an empty list for "none of them". */
export function apolloFilters(
  wanted: SharedFilters & { readonly [name: string]: unknown },
  names: { readonly [name: string]: string },
): JsonObject {
  const { revenueMin, revenueMax, filters } = wanted
  const revenue = {
    ...(revenueMin !== undefined && { min: revenueMin }),
    ...(revenueMax !== undefined && { max: revenueMax }),
  }
  const named = Object.entries({ ...SHARED_NAMES, ...names }).flatMap(([field, name]) => {
    const value = wanted[field]
    return value === undefined || (Array.isArray(value) && value.length === 0)
      ? []
      : [[name, value as Json] as const]
  })
  return {
    ...Object.fromEntries(named),
    ...(Object.keys(revenue).length > 0 && { revenue_range: revenue }),
    ...filters,
  }
}
