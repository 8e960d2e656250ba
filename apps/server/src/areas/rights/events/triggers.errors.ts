import { failure } from '../../../kernel/errors.ts'

export const triggerErrors = {
  /** receivers believe that these things have happened */
  ours: failure(400, null, 'eventKey must not begin with frontegg., as events of the server do'),
  notFound: failure(404, null, 'Event not found'),
}
