/* eslint-disable */
import * as types from './graphql.ts';



/**
 * Map of all GraphQL operations in the project.
 *
 * This map has several performance disadvantages:
 * 1. It is not tree-shakeable, so it will include all operations in the project.
 * 2. It is not minifiable, so the string of a GraphQL query will be multiple times inside the bundle.
 * 3. It does not support dead code elimination, so it will add unused operations.
 *
 * Therefore it is highly recommended to use the babel or swc plugin for production.
 * Learn more about it here: https://the-guild.dev/graphql/codegen/plugins/presets/preset-client#reducing-bundle-size
 */
type Documents = {
    "\n  mutation Execute($input: ExecuteWorkflowInput!) {\n    executeWorkflow(input: $input) {\n      __typename\n      ... on ExecuteWorkflowPayload {\n        job {\n          id\n        }\n        execution {\n          id\n        }\n      }\n      ... on ValidationFailed {\n        diagnostics {\n          code\n          message\n        }\n      }\n      ... on Error {\n        code\n        message\n      }\n    }\n  }\n": typeof types.ExecuteDocument,
    "\n  subscription Follow($jobId: ID!, $after: Int!) {\n    jobEvents(jobId: $jobId, after: $after) {\n      cursor\n      events {\n        seq\n        kind\n        progress\n        ... on StepEvent {\n          path\n        }\n        ... on LoopItemCompletedEvent {\n          path\n        }\n        ... on LoopItemFailedEvent {\n          path\n        }\n      }\n    }\n  }\n": typeof types.FollowDocument,
    "\n  query Ending($executionId: ID!) {\n    execution(id: $executionId) {\n      status\n      output\n      error {\n        code\n        message\n        path\n      }\n    }\n  }\n": typeof types.EndingDocument,
};
const documents: Documents = {
    "\n  mutation Execute($input: ExecuteWorkflowInput!) {\n    executeWorkflow(input: $input) {\n      __typename\n      ... on ExecuteWorkflowPayload {\n        job {\n          id\n        }\n        execution {\n          id\n        }\n      }\n      ... on ValidationFailed {\n        diagnostics {\n          code\n          message\n        }\n      }\n      ... on Error {\n        code\n        message\n      }\n    }\n  }\n": types.ExecuteDocument,
    "\n  subscription Follow($jobId: ID!, $after: Int!) {\n    jobEvents(jobId: $jobId, after: $after) {\n      cursor\n      events {\n        seq\n        kind\n        progress\n        ... on StepEvent {\n          path\n        }\n        ... on LoopItemCompletedEvent {\n          path\n        }\n        ... on LoopItemFailedEvent {\n          path\n        }\n      }\n    }\n  }\n": types.FollowDocument,
    "\n  query Ending($executionId: ID!) {\n    execution(id: $executionId) {\n      status\n      output\n      error {\n        code\n        message\n        path\n      }\n    }\n  }\n": types.EndingDocument,
};

/**
 * The graphql function is used to parse GraphQL queries into a document that can be used by GraphQL clients.
 */
export function graphql(source: "\n  mutation Execute($input: ExecuteWorkflowInput!) {\n    executeWorkflow(input: $input) {\n      __typename\n      ... on ExecuteWorkflowPayload {\n        job {\n          id\n        }\n        execution {\n          id\n        }\n      }\n      ... on ValidationFailed {\n        diagnostics {\n          code\n          message\n        }\n      }\n      ... on Error {\n        code\n        message\n      }\n    }\n  }\n"): typeof import('./graphql.ts').ExecuteDocument;
/**
 * The graphql function is used to parse GraphQL queries into a document that can be used by GraphQL clients.
 */
export function graphql(source: "\n  subscription Follow($jobId: ID!, $after: Int!) {\n    jobEvents(jobId: $jobId, after: $after) {\n      cursor\n      events {\n        seq\n        kind\n        progress\n        ... on StepEvent {\n          path\n        }\n        ... on LoopItemCompletedEvent {\n          path\n        }\n        ... on LoopItemFailedEvent {\n          path\n        }\n      }\n    }\n  }\n"): typeof import('./graphql.ts').FollowDocument;
/**
 * The graphql function is used to parse GraphQL queries into a document that can be used by GraphQL clients.
 */
export function graphql(source: "\n  query Ending($executionId: ID!) {\n    execution(id: $executionId) {\n      status\n      output\n      error {\n        code\n        message\n        path\n      }\n    }\n  }\n"): typeof import('./graphql.ts').EndingDocument;


export function graphql(source: string) {
  return (documents as any)[source] ?? {};
}
