import type { Scope } from '../../../cel/index.ts'
import type { Json } from '../../../lib/json/index.ts'

export type GraphScope = Scope & { readonly nodes: { readonly [id: string]: Json } }
