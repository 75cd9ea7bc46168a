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
    "\n  mutation BenchChain($definition: JSON!) {\n    executeWorkflow(input: { definition: $definition }) {\n      ... on ExecuteWorkflowPayload {\n        job {\n          id\n        }\n      }\n    }\n  }\n": typeof types.BenchChainDocument,
    "\n  mutation CreateWorkflow($input: CreateWorkflowInput!) {\n    createWorkflow(input: $input) {\n      __typename\n      ... on CreateWorkflowPayload {\n        workflow {\n          id\n          name\n          description\n          tags\n          revision\n          definition\n          createdAt\n          updatedAt\n          diagnostics {\n            code\n          }\n          graph {\n            nodes {\n              id\n              type\n              name\n              config\n              position {\n                x\n                y\n              }\n              document\n            }\n            edges {\n              source\n              target\n              sourceHandle\n              document\n            }\n          }\n        }\n        diagnostics {\n          code\n          severity\n          pointer\n          nodeId\n        }\n      }\n      ... on Error {\n        code\n        message\n        path\n      }\n    }\n  }\n": typeof types.CreateWorkflowDocument,
    "\n  mutation UpdateWorkflow($input: UpdateWorkflowInput!) {\n    updateWorkflow(input: $input) {\n      __typename\n      ... on UpdateWorkflowPayload {\n        workflow {\n          id\n          name\n          description\n          tags\n          revision\n          definition\n          updatedAt\n        }\n        diagnostics {\n          code\n        }\n      }\n      ... on RevisionConflict {\n        revision\n      }\n      ... on Error {\n        code\n        message\n        path\n      }\n    }\n  }\n": typeof types.UpdateWorkflowDocument,
    "\n  mutation DeleteWorkflow($input: DeleteWorkflowInput!) {\n    deleteWorkflow(input: $input) {\n      __typename\n      ... on DeleteWorkflowPayload {\n        deletedId\n      }\n      ... on RevisionConflict {\n        revision\n      }\n      ... on Error {\n        code\n        message\n        path\n      }\n    }\n  }\n": typeof types.DeleteWorkflowDocument,
    "\n  query ReadWorkflow($id: ID!) {\n    workflow(id: $id) {\n      id\n      name\n      revision\n      definition\n    }\n  }\n": typeof types.ReadWorkflowDocument,
    "\n  query ListWorkflows($first: Int, $after: String, $last: Int, $before: String) {\n    workflows(first: $first, after: $after, last: $last, before: $before) {\n      totalCount\n      pageInfo {\n        hasNextPage\n        hasPreviousPage\n        startCursor\n        endCursor\n      }\n      edges {\n        cursor\n        node {\n          id\n          name\n        }\n      }\n    }\n  }\n": typeof types.ListWorkflowsDocument,
    "\n  query CountWorkflows {\n    workflows {\n      totalCount\n    }\n  }\n": typeof types.CountWorkflowsDocument,
};
const documents: Documents = {
    "\n  mutation BenchChain($definition: JSON!) {\n    executeWorkflow(input: { definition: $definition }) {\n      ... on ExecuteWorkflowPayload {\n        job {\n          id\n        }\n      }\n    }\n  }\n": types.BenchChainDocument,
    "\n  mutation CreateWorkflow($input: CreateWorkflowInput!) {\n    createWorkflow(input: $input) {\n      __typename\n      ... on CreateWorkflowPayload {\n        workflow {\n          id\n          name\n          description\n          tags\n          revision\n          definition\n          createdAt\n          updatedAt\n          diagnostics {\n            code\n          }\n          graph {\n            nodes {\n              id\n              type\n              name\n              config\n              position {\n                x\n                y\n              }\n              document\n            }\n            edges {\n              source\n              target\n              sourceHandle\n              document\n            }\n          }\n        }\n        diagnostics {\n          code\n          severity\n          pointer\n          nodeId\n        }\n      }\n      ... on Error {\n        code\n        message\n        path\n      }\n    }\n  }\n": types.CreateWorkflowDocument,
    "\n  mutation UpdateWorkflow($input: UpdateWorkflowInput!) {\n    updateWorkflow(input: $input) {\n      __typename\n      ... on UpdateWorkflowPayload {\n        workflow {\n          id\n          name\n          description\n          tags\n          revision\n          definition\n          updatedAt\n        }\n        diagnostics {\n          code\n        }\n      }\n      ... on RevisionConflict {\n        revision\n      }\n      ... on Error {\n        code\n        message\n        path\n      }\n    }\n  }\n": types.UpdateWorkflowDocument,
    "\n  mutation DeleteWorkflow($input: DeleteWorkflowInput!) {\n    deleteWorkflow(input: $input) {\n      __typename\n      ... on DeleteWorkflowPayload {\n        deletedId\n      }\n      ... on RevisionConflict {\n        revision\n      }\n      ... on Error {\n        code\n        message\n        path\n      }\n    }\n  }\n": types.DeleteWorkflowDocument,
    "\n  query ReadWorkflow($id: ID!) {\n    workflow(id: $id) {\n      id\n      name\n      revision\n      definition\n    }\n  }\n": types.ReadWorkflowDocument,
    "\n  query ListWorkflows($first: Int, $after: String, $last: Int, $before: String) {\n    workflows(first: $first, after: $after, last: $last, before: $before) {\n      totalCount\n      pageInfo {\n        hasNextPage\n        hasPreviousPage\n        startCursor\n        endCursor\n      }\n      edges {\n        cursor\n        node {\n          id\n          name\n        }\n      }\n    }\n  }\n": types.ListWorkflowsDocument,
    "\n  query CountWorkflows {\n    workflows {\n      totalCount\n    }\n  }\n": types.CountWorkflowsDocument,
};

/**
 * The graphql function is used to parse GraphQL queries into a document that can be used by GraphQL clients.
 */
export function graphql(source: "\n  mutation BenchChain($definition: JSON!) {\n    executeWorkflow(input: { definition: $definition }) {\n      ... on ExecuteWorkflowPayload {\n        job {\n          id\n        }\n      }\n    }\n  }\n"): typeof import('./graphql.ts').BenchChainDocument;
/**
 * The graphql function is used to parse GraphQL queries into a document that can be used by GraphQL clients.
 */
export function graphql(source: "\n  mutation CreateWorkflow($input: CreateWorkflowInput!) {\n    createWorkflow(input: $input) {\n      __typename\n      ... on CreateWorkflowPayload {\n        workflow {\n          id\n          name\n          description\n          tags\n          revision\n          definition\n          createdAt\n          updatedAt\n          diagnostics {\n            code\n          }\n          graph {\n            nodes {\n              id\n              type\n              name\n              config\n              position {\n                x\n                y\n              }\n              document\n            }\n            edges {\n              source\n              target\n              sourceHandle\n              document\n            }\n          }\n        }\n        diagnostics {\n          code\n          severity\n          pointer\n          nodeId\n        }\n      }\n      ... on Error {\n        code\n        message\n        path\n      }\n    }\n  }\n"): typeof import('./graphql.ts').CreateWorkflowDocument;
/**
 * The graphql function is used to parse GraphQL queries into a document that can be used by GraphQL clients.
 */
export function graphql(source: "\n  mutation UpdateWorkflow($input: UpdateWorkflowInput!) {\n    updateWorkflow(input: $input) {\n      __typename\n      ... on UpdateWorkflowPayload {\n        workflow {\n          id\n          name\n          description\n          tags\n          revision\n          definition\n          updatedAt\n        }\n        diagnostics {\n          code\n        }\n      }\n      ... on RevisionConflict {\n        revision\n      }\n      ... on Error {\n        code\n        message\n        path\n      }\n    }\n  }\n"): typeof import('./graphql.ts').UpdateWorkflowDocument;
/**
 * The graphql function is used to parse GraphQL queries into a document that can be used by GraphQL clients.
 */
export function graphql(source: "\n  mutation DeleteWorkflow($input: DeleteWorkflowInput!) {\n    deleteWorkflow(input: $input) {\n      __typename\n      ... on DeleteWorkflowPayload {\n        deletedId\n      }\n      ... on RevisionConflict {\n        revision\n      }\n      ... on Error {\n        code\n        message\n        path\n      }\n    }\n  }\n"): typeof import('./graphql.ts').DeleteWorkflowDocument;
/**
 * The graphql function is used to parse GraphQL queries into a document that can be used by GraphQL clients.
 */
export function graphql(source: "\n  query ReadWorkflow($id: ID!) {\n    workflow(id: $id) {\n      id\n      name\n      revision\n      definition\n    }\n  }\n"): typeof import('./graphql.ts').ReadWorkflowDocument;
/**
 * The graphql function is used to parse GraphQL queries into a document that can be used by GraphQL clients.
 */
export function graphql(source: "\n  query ListWorkflows($first: Int, $after: String, $last: Int, $before: String) {\n    workflows(first: $first, after: $after, last: $last, before: $before) {\n      totalCount\n      pageInfo {\n        hasNextPage\n        hasPreviousPage\n        startCursor\n        endCursor\n      }\n      edges {\n        cursor\n        node {\n          id\n          name\n        }\n      }\n    }\n  }\n"): typeof import('./graphql.ts').ListWorkflowsDocument;
/**
 * The graphql function is used to parse GraphQL queries into a document that can be used by GraphQL clients.
 */
export function graphql(source: "\n  query CountWorkflows {\n    workflows {\n      totalCount\n    }\n  }\n"): typeof import('./graphql.ts').CountWorkflowsDocument;


export function graphql(source: string) {
  return (documents as any)[source] ?? {};
}
