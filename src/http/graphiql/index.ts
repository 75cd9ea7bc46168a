/** Renders the GraphiQL page and its worked examples. */
export { graphiqlPage } from './graphiql-page.ts'
