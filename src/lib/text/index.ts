/** Shortens text, writes Markdown, and suggests the closest known word. */
export { codeSpan, tableRow } from './markdown.ts'
export { shorten } from './shorten.ts'
export { closest } from './suggest.ts'
