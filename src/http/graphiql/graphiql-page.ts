import type { GraphiQLOptions } from 'graphql-yoga'
import { graphiqlTabs, type GraphiqlTab } from './graphiql-tabs.ts'

// GraphiQL (5, as @graphql-yoga/render-graphiql packs it) is mended in two places where it has no option. If a later
// version looks different there, nothing is replaced and the page still works; a test tells.

/** The types that it expects of a variable whose scalar it does not know; JSON is also objects and lists. */
const SCALAR_TYPES = String.raw`[\"string\", \"number\", \"boolean\", \"integer\"]`
const JSON_TYPES = String.raw`[\"string\", \"number\", \"boolean\", \"integer\", \"object\", \"array\"]`

/** What stands for this server in the examples; the page puts its own origin there. */
const ORIGIN = 'http://this-server.invalid'
/** Where the page starts GraphiQL with its options. */
const CALL = 'YogaGraphiQL.renderYogaGraphiQL('
const CALL_HERE = '((root, options) => YogaGraphiQL.renderYogaGraphiQL(root, atThisOrigin(options)))('

const ROOT = '<div id="root"></div>'

const LOGO =
  '<svg width="32" height="32" viewBox="0 0 32 32" fill="none" stroke-linecap="round" stroke-width="2.5">' +
  '<circle cx="16" cy="16" r="6" fill="#f5a524"/><path stroke="#f5a524" d="M16 2.5v4M16 25.5v4M2.5 16h4M25.5 16h4' +
  'M6.5 6.5l2.8 2.8M22.7 22.7l2.8 2.8M25.5 6.5l-2.8 2.8M9.3 22.7l-2.8 2.8"/></svg>'

/**
 * What GraphiQL is told, examples included. It sends its headers, and so a credential, with server-sent events but not
 * over a WebSocket.
 */
function graphiqlOptions(
  tabs: readonly GraphiqlTab[],
  { needsCredential }: { needsCredential: boolean },
): GraphiQLOptions {
  return {
    title: 'Lume',
    logo: LOGO,
    favicon: `data:image/svg+xml,${encodeURIComponent(LOGO.replace('<svg', '<svg xmlns="http://www.w3.org/2000/svg"'))}`,
    subscriptionsProtocol: needsCredential ? 'SSE' : 'WS',
    defaultTabs: tabs.map(({ query, variables }) => ({ query, variables: variables ?? null })),
  }
}

/** The page with everything in it: it loads nothing else, from here or elsewhere, and is the same at every address. */
export async function graphiqlPage(rules: { readonly needsCredential: boolean }): Promise<string> {
  const options = graphiqlOptions(await graphiqlTabs(ORIGIN), rules)
  // Nine megabytes of page: loaded when a client first asks for it.
  const { renderGraphiQL } = await import('@graphql-yoga/render-graphiql')
  const page = renderGraphiQL(options)
    .replaceAll(SCALAR_TYPES, () => JSON_TYPES)
    .replace(ROOT, (root) => `${root}<script>${firstVisit(options.defaultTabs?.[0])}</script>`)
  const call = page.lastIndexOf(CALL)
  return call < 0 ? page : page.slice(0, call) + CALL_HERE + page.slice(call + CALL.length)
}

/**
 * GraphiQL shows the first of its default tabs without its variables, and adds an empty tab at the next visit, unless it
 * finds the query in its storage as after an edit: so it is put there. The examples name this server by where the page
 * came from.
 */
function firstVisit(tab: { query: string | null; variables?: string | null } | undefined): string {
  const { query = '', variables = '' } = tab ?? {}
  return `
    const atThisOrigin = (options) =>
      JSON.parse(JSON.stringify(options).replaceAll(${JSON.stringify(ORIGIN)}, location.origin))
    if (!localStorage.getItem('graphiql:tabState') && !new URLSearchParams(location.search).has('query')) {
      localStorage.setItem('graphiql:query', ${JSON.stringify(query)})
      localStorage.setItem('graphiql:variables', ${JSON.stringify(variables)})
    }
  `
}
