import { done, type Methods } from './operation'

/** Section 7 of PROTOCOL.md, as far as it is JSON of our own. The provider describes itself. */
export const APP_OPERATIONS: Readonly<Record<string, Methods>> = {
  '/api/apps': {
    get: {
      operationId: 'listApps',
      summary: 'The apps that the person has agreed to',
      requester: 'phone',
      responses: { 200: { description: 'Newest first.', json: 'Apps' } },
    },
  },
  '/api/apps/{id}': {
    delete: {
      operationId: 'removeApp',
      summary: 'Withdraw the consent and end the tokens of an app. The id is the client id',
      requester: 'phone',
      responses: { 204: done('Removed.') },
    },
  },
  '/api/interactions/{id}/decline': {
    post: {
      operationId: 'declineInteraction',
      summary: 'Go back to the app without a sign-in; the app gets `access_denied`',
      requester: 'browser',
      responses: { 200: { description: 'Where the browser goes.', json: 'Next' } },
      codes: ['interaction_unknown'],
    },
  },
}
