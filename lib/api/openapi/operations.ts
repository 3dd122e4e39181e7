import { ACCOUNT_OPERATIONS } from './account-operations'
import { APP_OPERATIONS } from './app-operations'
import { ATTEMPT_OPERATIONS } from './attempt-operations'
import { type Methods, NOT_MODIFIED } from './operation'

/** Sections 4, 5 and 7 of PROTOCOL.md. */
export const OPERATIONS: Readonly<Record<string, Methods>> = {
  ...ATTEMPT_OPERATIONS,
  ...ACCOUNT_OPERATIONS,
  ...APP_OPERATIONS,
  '/api/health/live': {
    get: {
      operationId: 'getLive',
      summary: 'Whether the process runs',
      requester: 'any',
      responses: { 200: { description: 'It runs.', json: 'Live' } },
    },
  },
  '/api/health/ready': {
    get: {
      operationId: 'getReady',
      summary: 'Whether requests can be served',
      requester: 'any',
      responses: {
        200: { description: 'They can.', json: 'Ready' },
        503: { description: 'They cannot, and what fails.', json: 'Unready', headers: ['Retry-After'] },
      },
    },
  },
  '/api/metrics': {
    get: {
      operationId: 'getMetrics',
      summary: 'Metrics for Prometheus; 404 without METRICS_TOKEN',
      requester: 'metrics',
      responses: { 200: { description: 'The text format of Prometheus.', text: 'text/plain' } },
    },
  },
  '/api/openapi.json': {
    get: {
      operationId: 'getOpenApi',
      summary: 'This document',
      requester: 'any',
      responses: { 200: { description: 'OpenAPI 3.1.1.', json: 'OpenApi', headers: ['ETag'] }, 304: NOT_MODIFIED },
      isConditional: true,
    },
  },
}
