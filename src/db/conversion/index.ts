/** Converts the records that earlier builds keep in tables into logs, before any job is claimed. */
export { convertToLog } from './convert-to-log.ts'
