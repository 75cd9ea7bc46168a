/* eslint-disable */
/** Internal type. DO NOT USE DIRECTLY. */
type Exact<T extends { [key: string]: unknown }> = { [K in keyof T]: T[K] };
/** Internal type. DO NOT USE DIRECTLY. */
export type Incremental<T> = T | { [P in keyof T]?: P extends ' $fragmentName' | '__typename' ? T[P] : never };
import type { DocumentTypeDecoration } from '@graphql-typed-document-node/core';
/** A new workflow. */
export type CreateWorkflowInput = {
  /** The draft; may be unfinished or wrong. */
  definition?: unknown;
  /** For people. */
  description?: string | null | undefined;
  /** For people; default: the definition’s `name`, else "Untitled workflow". */
  name?: string | null | undefined;
  /** Free words to find it by. */
  tags?: Array<string> | null | undefined;
};

/** Which workflow to delete. */
export type DeleteWorkflowInput = {
  /** Refuse when it has another revision by now. */
  expectedRevision?: number | null | undefined;
  /** The workflow’s global id. */
  id: string | number;
};

/** Everything that can be wrong with a definition. The codes are stable. */
export type DiagnosticCode =
  /** No block of this type is registered. */
  | 'BLOCK_UNKNOWN'
  /** A config does not fit its block’s schema. */
  | 'CONFIG_INVALID'
  /** The graph has no nodes. */
  | 'DEFINITION_EMPTY'
  /** The document does not have the shape of a definition. */
  | 'DEFINITION_MALFORMED'
  /** The definition has too many nodes or bytes. */
  | 'DEFINITION_TOO_LARGE'
  /** An edge names a node that does not exist. */
  | 'EDGE_DANGLING'
  /** Two edges join the same nodes by the same handle. */
  | 'EDGE_DUPLICATE'
  /** An expression or template cannot be compiled. */
  | 'EXPRESSION_INVALID'
  /** Nodes follow each other in a circle. */
  | 'GRAPH_CYCLE'
  /** An edge leaves by a handle that the block does not have. */
  | 'HANDLE_UNKNOWN'
  /** The input schema is not a valid JSON Schema. */
  | 'INPUT_SCHEMA_INVALID'
  /** An expression uses a name that is not in scope. */
  | 'NAME_UNKNOWN'
  /** Two nodes have the same id. */
  | 'NODE_ID_DUPLICATE'
  /** An expression names a node whose result is not known yet when it is evaluated. */
  | 'NODE_NOT_UPSTREAM'
  /** An expression names a node that does not exist. */
  | 'NODE_UNKNOWN'
  /** A pure block’s config names a secret. */
  | 'SECRET_IN_PURE_BLOCK';

/** How bad a diagnostic is. */
export type Severity =
  /** The definition cannot run. */
  | 'ERROR'
  /** It can run, but something is probably not meant so. */
  | 'WARNING';

/** Changes of a workflow; what is left out stays. */
export type UpdateWorkflowInput = {
  /** The whole draft; replaces the one it had. */
  definition?: unknown;
  /** For people. */
  description?: string | null | undefined;
  /** Refuse when it has another revision by now. */
  expectedRevision?: number | null | undefined;
  /** The workflow’s global id. */
  id: string | number;
  /** For people. */
  name?: string | null | undefined;
  /** All tags; replaces those it had. */
  tags?: Array<string> | null | undefined;
};

export type BenchChainMutationVariables = Exact<{
  definition: unknown;
}>;


export type BenchChainMutation = { executeWorkflow:
    | { job: { id: string } }
    | Record<PropertyKey, never>
   };

export type CreateWorkflowMutationVariables = Exact<{
  input: CreateWorkflowInput;
}>;


export type CreateWorkflowMutation = { createWorkflow:
    | { __typename: 'CreateWorkflowPayload', workflow: { id: string, name: string, description: string, tags: Array<string>, revision: number, definition: unknown, createdAt: string, updatedAt: string, diagnostics: Array<{ code: DiagnosticCode }>, graph: { nodes: Array<{ id: string, type: string, name: string | null, config: unknown, document: unknown, position: { x: number, y: number } | null }>, edges: Array<{ source: string, target: string, sourceHandle: string, document: unknown }> } }, diagnostics: Array<{ code: DiagnosticCode, severity: Severity, pointer: string, nodeId: string | null }> }
    | { __typename: 'InvalidArgument', code: string, message: string, path: Array<string> }
   };

export type UpdateWorkflowMutationVariables = Exact<{
  input: UpdateWorkflowInput;
}>;


export type UpdateWorkflowMutation = { updateWorkflow:
    | { __typename: 'InvalidArgument', code: string, message: string, path: Array<string> }
    | { __typename: 'NotFound', code: string, message: string, path: Array<string> }
    | { __typename: 'RevisionConflict', revision: number, code: string, message: string, path: Array<string> }
    | { __typename: 'UpdateWorkflowPayload', workflow: { id: string, name: string, description: string, tags: Array<string>, revision: number, definition: unknown, updatedAt: string }, diagnostics: Array<{ code: DiagnosticCode }> }
   };

export type DeleteWorkflowMutationVariables = Exact<{
  input: DeleteWorkflowInput;
}>;


export type DeleteWorkflowMutation = { deleteWorkflow:
    | { __typename: 'DeleteWorkflowPayload', deletedId: string }
    | { __typename: 'NotFound', code: string, message: string, path: Array<string> }
    | { __typename: 'RevisionConflict', revision: number, code: string, message: string, path: Array<string> }
   };

export type ReadWorkflowQueryVariables = Exact<{
  id: string | number;
}>;


export type ReadWorkflowQuery = { workflow: { id: string, name: string, revision: number, definition: unknown } | null };

export type ListWorkflowsQueryVariables = Exact<{
  first?: number | null | undefined;
  after?: string | null | undefined;
  last?: number | null | undefined;
  before?: string | null | undefined;
}>;


export type ListWorkflowsQuery = { workflows: { totalCount: number, pageInfo: { hasNextPage: boolean, hasPreviousPage: boolean, startCursor: string | null, endCursor: string | null }, edges: Array<{ cursor: string, node: { id: string, name: string } }> } };

export type CountWorkflowsQueryVariables = Exact<{ [key: string]: never; }>;


export type CountWorkflowsQuery = { workflows: { totalCount: number } };

export class TypedDocumentString<TResult, TVariables>
  extends String
  implements DocumentTypeDecoration<TResult, TVariables>
{
  __apiType?: NonNullable<DocumentTypeDecoration<TResult, TVariables>['__apiType']>;
  private value: string;
  public __meta__?: Record<string, any> | undefined;

  constructor(value: string, __meta__?: Record<string, any> | undefined) {
    super(value);
    this.value = value;
    this.__meta__ = __meta__;
  }

  override toString(): string & DocumentTypeDecoration<TResult, TVariables> {
    return this.value;
  }
}

export const BenchChainDocument = new TypedDocumentString(`
    mutation BenchChain($definition: JSON!) {
  executeWorkflow(input: {definition: $definition}) {
    ... on ExecuteWorkflowPayload {
      job {
        id
      }
    }
  }
}
    `) as unknown as TypedDocumentString<BenchChainMutation, BenchChainMutationVariables>;
export const CreateWorkflowDocument = new TypedDocumentString(`
    mutation CreateWorkflow($input: CreateWorkflowInput!) {
  createWorkflow(input: $input) {
    __typename
    ... on CreateWorkflowPayload {
      workflow {
        id
        name
        description
        tags
        revision
        definition
        createdAt
        updatedAt
        diagnostics {
          code
        }
        graph {
          nodes {
            id
            type
            name
            config
            position {
              x
              y
            }
            document
          }
          edges {
            source
            target
            sourceHandle
            document
          }
        }
      }
      diagnostics {
        code
        severity
        pointer
        nodeId
      }
    }
    ... on Error {
      code
      message
      path
    }
  }
}
    `) as unknown as TypedDocumentString<CreateWorkflowMutation, CreateWorkflowMutationVariables>;
export const UpdateWorkflowDocument = new TypedDocumentString(`
    mutation UpdateWorkflow($input: UpdateWorkflowInput!) {
  updateWorkflow(input: $input) {
    __typename
    ... on UpdateWorkflowPayload {
      workflow {
        id
        name
        description
        tags
        revision
        definition
        updatedAt
      }
      diagnostics {
        code
      }
    }
    ... on RevisionConflict {
      revision
    }
    ... on Error {
      code
      message
      path
    }
  }
}
    `) as unknown as TypedDocumentString<UpdateWorkflowMutation, UpdateWorkflowMutationVariables>;
export const DeleteWorkflowDocument = new TypedDocumentString(`
    mutation DeleteWorkflow($input: DeleteWorkflowInput!) {
  deleteWorkflow(input: $input) {
    __typename
    ... on DeleteWorkflowPayload {
      deletedId
    }
    ... on RevisionConflict {
      revision
    }
    ... on Error {
      code
      message
      path
    }
  }
}
    `) as unknown as TypedDocumentString<DeleteWorkflowMutation, DeleteWorkflowMutationVariables>;
export const ReadWorkflowDocument = new TypedDocumentString(`
    query ReadWorkflow($id: ID!) {
  workflow(id: $id) {
    id
    name
    revision
    definition
  }
}
    `) as unknown as TypedDocumentString<ReadWorkflowQuery, ReadWorkflowQueryVariables>;
export const ListWorkflowsDocument = new TypedDocumentString(`
    query ListWorkflows($first: Int, $after: String, $last: Int, $before: String) {
  workflows(first: $first, after: $after, last: $last, before: $before) {
    totalCount
    pageInfo {
      hasNextPage
      hasPreviousPage
      startCursor
      endCursor
    }
    edges {
      cursor
      node {
        id
        name
      }
    }
  }
}
    `) as unknown as TypedDocumentString<ListWorkflowsQuery, ListWorkflowsQueryVariables>;
export const CountWorkflowsDocument = new TypedDocumentString(`
    query CountWorkflows {
  workflows {
    totalCount
  }
}
    `) as unknown as TypedDocumentString<CountWorkflowsQuery, CountWorkflowsQueryVariables>;