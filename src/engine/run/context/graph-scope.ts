import type { Json } from '../../../lib/json/json.ts'
import type { Scope } from '../../../cel/expression.ts'

export type GraphScope = Scope & { readonly nodes: { readonly [id: string]: Json } }
