/** Searches and enriches people and organizations with Apollo. */
export { createApolloClient, type ApolloClient } from './apollo-client.ts'
export { enrichPeople, enrichPeopleBlock } from './enrich-people.ts'
export { enrichPersonBlock } from './enrich-person.ts'
export { samplePerson, sampleSearchedPerson } from './sample.ts'
export { searchOrganizationsBlock } from './search-organizations.ts'
export { peopleFilters, searchPeople, searchPeopleBlock } from './search-people.ts'
